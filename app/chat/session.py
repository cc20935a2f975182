"""The use cases of one window: what a user can do to chats and to the model, without any widget.

Not thread-safe: every call comes from one thread (the window's). Nothing here waits: the store
works on its own thread, the engine in its own process, and `pump()`, called by a timer while there
is work, moves what they have said into `state` and returns what changed.
"""

import time
from dataclasses import replace

from app.chat import titles
from app.chat.answer import Answer
from app.chat.listing import in_order
from app.chat.load_plan import LoadPlan
from app.chat.message import (
    ChatSummary,
    Message,
    Part,
    Role,
    Status,
    Text,
    Thinking,
    new_id,
)
from app.chat.model_slot import ModelState
from app.chat.options import options_key, to_json
from app.chat.session_core import OPEN_CHAT
from app.chat.session_titles import SessionTitles
from app.engine.protocol import Cancel, CloseThinking
from app.errors import Problem

EDITED_NOTE = "Edited by hand."


class Session(SessionTitles):
    """What a user can do. Actions change the state at once and are saved behind it."""

    def delete_chat(self, chat_id: str) -> None:
        """Delete a chat, after stopping the answer in it; `undo_delete` brings it back."""
        if self.state.running_chat == chat_id:
            self.stop()
        super().delete_chat(chat_id)

    def _want_model(self) -> None:
        model = self.state.model
        if model.phase == "none" and model.path:
            self.load_model(model.path)

    def set_collapsed(self, message_id: str, *, collapsed: bool) -> None:
        """Keep whether a message's thinking is folded."""
        self.state = replace(self.state, collapsed={**self.state.collapsed, message_id: collapsed})
        self._durable.put(lambda store: store.set_collapsed(message_id, collapsed=collapsed))

    # ------------------------------------------------------------ model and options

    def load_model(self, path: str, plan: LoadPlan | None = None) -> None:
        """Load a model, in place of the one that is there; a running answer is stopped first.

        plan: how, kept for the next time; None: as it was chosen last, else the best for this
        machine and the memory that is free now, worked out in the background.
        """
        if self._answer is not None and self._answer.request is not None:
            self.stop()
        self._load(path, plan)

    def unload_model(self) -> None:
        """Give the model's memory back. The next message loads it again."""
        self.stop()
        self._unload()

    def set_thinking_budget(self, tokens: int | None) -> None:
        """Limit the thinking of this chat's next answers. None is no limit."""
        self._change("options", thinking_budget=tokens)
        self._save_options()

    def set_system_prompt(self, text: str) -> None:
        """Add to the model's own system prompt in this chat."""
        self._change("options", system_prompt=text)
        self._save_options()

    def _save_options(self) -> None:
        state = self.state
        chat_id = state.chat_id
        if chat_id is None:
            return
        self._durable.put(
            lambda store: store.set_options(
                chat_id,
                system_prompt=state.system_prompt,
                thinking_budget=state.thinking_budget,
                model=state.model.path,
            )
        )

    # ------------------------------------------------------------ turns

    def send(self, text: str, *, without_images: bool = False, alone: bool = False) -> bool:
        """Send a message and begin its answer; False where that cannot be (it is said why) or not
        yet: near the end of the context it is counted first, and sent by itself if it fits.

        What is attached goes with it. without_images: images are not shown to the model, which
        one that cannot see needs the user's word for. alone: the text is not the draft's, which
        stays as it is with all that is attached to it.
        """
        wanted = () if alone else self.state.attached
        if not (text.strip() or wanted) or not self._may_begin():
            return False
        attached = () if alone else self._outgoing(without_images=without_images)
        if attached is None:
            return False
        said = (Text(text),) if text.strip() else ()
        user = self._message(self.state.conversation.leaf, "user", (*attached, *said))

        def begin() -> None:
            # Who went on typing while it was counted keeps that.
            more = self.state.draft.removeprefix(text) if not alone else ""
            self._begin(user, sent=not alone)
            if more and more != self.state.draft:
                self.set_draft(more)

        branch = (*self.state.conversation.branch(), user)
        return self._when_it_fits(branch, begin, text=text)

    def retry(self, message_id: str) -> bool:
        """Answer again, beside the answer that is there."""
        if not self._may_begin():
            return False
        message = self.state.conversation.messages[message_id]
        parent = message.parent_id if message.role == "assistant" else message.id
        branch = self._branch_to(parent) if parent is not None else ()
        return self._when_it_fits(branch, lambda: self._begin(parent_id=parent))

    def edit(self, message_id: str, text: str) -> bool:
        """Put another text beside a message: a question is answered anew, an answer just kept.

        What was attached to a question stays attached.
        """
        message = self.state.conversation.messages[message_id]
        if not text.strip():
            return False
        if message.role == "user":
            if not self._may_begin():
                return False
            parts = (*self._shown_again(message.attachments), Text(text))
            user = self._message(message.parent_id, "user", parts)
            before = self._branch_to(message.parent_id) if message.parent_id is not None else ()
            return self._when_it_fits((*before, user), lambda: self._begin(user), text=text)
        kept = tuple(part for part in message.parts if isinstance(part, Thinking))
        by = message.provenance
        edited = replace(
            self._message(message.parent_id, "assistant", (*kept, Text(text))),
            note=EDITED_NOTE,
            provenance=None if by is None else replace(by, edited=True),
        )
        self._add(edited)
        return True

    def edit_thought(self, message_id: str, text: str) -> bool:
        """Put another thought beside an answer's, and have the model go on from there.

        The answer that was there stays as it is, on a branch of its own.
        """
        message = self.state.conversation.messages[message_id]
        by = message.provenance
        if not self._may_begin():
            return False
        edited = replace(
            self._message(message.parent_id, "assistant"),
            parts=(Thinking(text, closed=False),) if text.strip() else (),
            note=EDITED_NOTE,
            provenance=None if by is None else replace(by, edited=True),
        )
        before = self._branch_to(message.parent_id) if message.parent_id is not None else ()

        def begin() -> None:
            self._add(edited)
            branch = self._branch_to(edited.id)
            self._start(edited, branch if edited.parts else branch[:-1])

        goes_on = bool(edited.parts)
        branch = (*before, edited) if goes_on else before
        return self._when_it_fits(branch, begin, unfinished=goes_on, text=text)

    def continue_answer(
        self, message_id: str, *, answer_now: bool = False, unasked: bool = False
    ) -> bool:
        """Go on with an answer that stopped; answer_now closes its thought first.

        unasked: only say what stands in the way of it.
        """
        if not self._may_begin():
            return False
        message = self.state.conversation.messages[message_id]
        parts = tuple(
            replace(part, closed=True) if answer_now and isinstance(part, Thinking) else part
            for part in message.parts
            if not (isinstance(part, Text) and not part.text)
        )
        resumed = replace(message, parts=parts, status="running", note="")
        branch = (*self._branch_to(message_id)[:-1], *((resumed,) if parts else ()))

        def begin() -> None:
            conversation = self.state.conversation.with_message(resumed)
            self._change("conversation", conversation=conversation)
            self._start(resumed, branch)

        return self._when_it_fits(branch, begin, unfinished=bool(parts), unasked=unasked)

    def stop(self) -> None:
        """Stop the running answer; what came is kept."""
        answer = self._answer
        if answer is None:
            return
        if answer.request is not None:
            self._engine.send(Cancel(answer.request))
        else:
            answer.cancel()
            self._show_turn(answer)

    def answer_now(self) -> None:
        """Close the running thought, so that the model answers."""
        if self._answer is not None and self._answer.request is not None:
            self._engine.send(CloseThinking(self._answer.request))

    def switch_branch(self, message_id: str, step: int) -> None:
        """Show the branch `step` places from a message's own; past the ends nothing happens."""
        conversation = self.state.conversation
        siblings = conversation.siblings(message_id)
        at = siblings.index(message_id) + step
        chat_id = self.state.chat_id
        if not 0 <= at < len(siblings) or chat_id is None:
            return
        leaf = conversation.tip(siblings[at])
        self._change("conversation", conversation=conversation.with_leaf(leaf))
        self._durable.put(lambda store: store.set_leaf(chat_id, leaf))
        self._recount()

    def _may_begin(self) -> bool:
        """Whether an answer can be begun; says why not."""
        if self._answer is not None:
            self._report(
                Problem(
                    key="still-running",
                    title="An answer is still being written.",
                    advice="Stop it first, or wait for its end.",
                )
            )
            return False
        if not self.state.model.path:
            self._report(
                Problem(
                    key="no-model",
                    title="No model is loaded.",
                    advice="Try the demo, or open a GGUF file.",
                )
            )
            return False
        return True

    def _message(self, parent_id: str | None, role: Role, parts: tuple[Part, ...] = ()) -> Message:
        status: Status = "running" if not parts else "done"
        return Message(new_id(), parent_id, role, parts, time.time(), status)

    def _begin(
        self, user: Message | None = None, *, parent_id: str | None = None, sent: bool = False
    ) -> None:
        """Add a question, if there is one, and an empty answer to it; start writing."""
        reply = self._message(user.id if user else parent_id, "assistant")
        self._add(*((user, reply) if user else (reply,)), sent=sent)
        self._start(reply, self._branch_to(reply.id)[:-1])

    def _start(self, reply: Message, branch: tuple[Message, ...]) -> None:
        chat_id = self.state.chat_id
        if chat_id is None:
            raise RuntimeError("an answer outside a chat")
        answer = Answer.start(chat_id, reply, branch, time.monotonic())
        answer.system_prompt = self.state.system_prompt
        answer.thinking_budget = self.state.thinking_budget
        answer.options = self.state.options
        self._answer = answer
        self._change("turn", running=reply.id, running_chat=chat_id)
        model: ModelState = self.state.model
        if model.info is not None:
            self._generate(answer)
        elif model.phase != "loading":
            self.load_model(model.path)
        self._show_turn(answer)

    def _add(self, *messages: Message, sent: bool = False) -> None:
        """Add messages to the open chat, which begins with them if it has not begun.

        sent: the first was its draft, which is empty from now on.
        """
        conversation = self.state.conversation
        for message in messages:
            conversation = conversation.with_message(message)
        chat_id = self.state.chat_id
        if chat_id is not None:
            known, draft = chat_id, "" if sent else None
            self._durable.put(lambda store: store.add_messages(known, messages, draft=draft))
        else:
            chat_id = self._begin_chat(messages, takes_draft=sent)
        self._change("conversation", chat_id=chat_id, conversation=conversation)
        if sent:
            self._draft_due = None
            self._change("chat", "attached", draft="", attached=())
        self._touch(chat_id)

    def _begin_chat(self, messages: tuple[Message, ...], *, takes_draft: bool) -> str:
        chat_id, state = new_id(), self.state
        first = messages[0]
        names = (part.name for part in first.attachments)
        title = titles.title_of(first.text or next(names, ""))
        self._wanted_chat = chat_id
        self._durable.put(
            lambda store: store.create_chat(
                chat_id,
                title=title,
                messages=messages,
                system_prompt=state.system_prompt,
                thinking_budget=state.thinking_budget,
                model=state.model.path,
                takes_draft=takes_draft,
            )
        )
        said = to_json(state.options)
        if said:
            self._durable.put(lambda store: store.set_state(options_key(chat_id), said))
        self._durable.put(lambda store: store.set_state(OPEN_CHAT, chat_id))
        begun = ChatSummary(chat_id, title, time.time())
        self._change("chats", chats=in_order((begun, *state.chats)))
        return chat_id

    def _branch_to(self, message_id: str) -> tuple[Message, ...]:
        return self.state.conversation.with_leaf(message_id).branch()
