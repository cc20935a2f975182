"""The part of a session that listens: store and engine speak, the state follows.

`SessionCore.pump()` is the one place where news comes in; what a user does is in `session`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from app import settings as settings_file
from app.chat import attachments
from app.chat.answer import Answer
from app.chat.durable import DurableWrites
from app.chat.listing import in_order
from app.chat.message import Attachment, ChatSummary, Message
from app.chat.options import ChatOptions, from_json, options_key, shown
from app.chat.request import Wishes, generation, pictures_of, provenance, turn_of
from app.chat.session_counting import Done, SessionCounting
from app.chat.session_state import Change
from app.chat.store import INTERRUPTED_NOTE, Store, StoredChat
from app.chat.store_worker import StoreWorker
from app.chat.weighed import files_of, weighed
from app.engine import states
from app.engine.protocol import EngineDied, Event, Failed, Loaded, ModelInfo, Started
from app.errors import Problem, WorldError
from app.models.weights import Weights, WeightsDesk

OPEN_CHAT = "open_chat"
"""The name under which the store keeps which chat was open."""

_UNWEIGHED = 100
"""Answers that may wait for the hash of their model's weights: it takes seconds."""


@dataclass(frozen=True, slots=True)
class _Opening:
    """What is read when the window opens: the list, and the chat that was open last."""

    chats: tuple[ChatSummary, ...]
    chat: StoredChat | None
    options: ChatOptions
    draft: str
    attached: tuple[Attachment, ...]


def _read_opening(store: Store) -> _Opening:
    chats = store.list_chats()
    last = store.get_state(OPEN_CHAT)
    known = any(chat.id == last for chat in chats)
    chat, options = read_chat(store, last) if last and known else (None, ChatOptions())
    return _Opening(chats, chat, options, store.new_draft(), store.new_attached())


def _forget_the_gone(store: Store) -> None:
    """Drop what the engine keeps of chats that were deleted for good, whoever did that."""
    there = {chat.id for chat in (*store.list_chats(), *store.list_deleted())}
    states.keep_chats(states.default_folder(), there)


def read_chat(store: Store, chat_id: str) -> tuple[StoredChat, ChatOptions]:
    """Return a chat as it was left, and its options. Raises WorldError where there is none."""
    return store.load(chat_id), from_json(store.get_state(options_key(chat_id)))


class SessionCore(SessionCounting):
    """State, news and the running answer of one window. Not thread-safe."""

    def __init__(
        self,
        database: Path,
        *,
        settings: settings_file.Settings,
        wakeup: Callable[[], None] | None = None,
    ) -> None:
        """Begin to open the chats; the engine is not started before it is needed.

        wakeup: called on other threads when pump() has something to do; it must only pass it on.
        """
        super().__init__(settings, wakeup)
        self.kept = attachments.Kept(database.with_name(attachments.FOLDER))
        self._answer: Answer | None = None
        self._counts: dict[int, Done] = {}
        self._closed = False
        self._outstanding = 1
        self._wanted_chat: str | None = None
        self._draft_due: float | None = None
        self._deleted: list[ChatSummary] = []
        self._weights: dict[str, Weights] = {}
        self._weights_desk = WeightsDesk(wakeup)
        self._unweighed: list[Message] = []
        self._store = StoreWorker(database, on_problem=self._report, wakeup=wakeup)
        self._durable = DurableWrites(self._store, on_problem=self._report)
        self._durable.put(_read_opening, self._opened)
        self._durable.put(_forget_the_gone)

    # ------------------------------------------------------------ news

    def pump(self) -> frozenset[Change]:
        """Take in what store and engine have said; return what changed since the last call."""
        now = time.monotonic()
        for at, event in self._engine.poll():
            if not self._take_count(event):
                self._take(event, at)
        answer = self._answer
        if answer is not None and answer.checkpoint_due(now) and self._durable.empty:
            message = answer.current()
            answer.saved_at = now
            self._store.call(
                lambda store: store.checkpoint(message), failed=self._report, key="checkpoint"
            )
        if self._draft_due is not None and now >= self._draft_due:
            self._write_draft()
        self._durable.tick(now)
        self._tick(now)
        self._outstanding = self._store.poll() + self._planner.poll()
        changes = frozenset(self._changes)
        self._changes.clear()
        return changes

    def busy(self) -> bool:
        """Whether pump() must be called again soon, without waiting for a wake-up."""
        return bool(
            self._changes
            or self._problems
            or self._answer is not None
            or self.state.model.phase == "loading"
            or self._outstanding
            or self._counts
            or self._draft_due is not None
            or not self._durable.empty
        )

    def _tick(self, now: float) -> None:
        """Do what is to be done from time to time. now: seconds, monotonic."""
        self._weigh()

    def problems(self) -> Sequence[Problem]:
        """Take the problems to be shown since the last call."""
        problems, self._problems = self._problems, []
        return problems

    @property
    def engine_pid(self) -> int | None:
        """The engine child's process id, None where none runs."""
        return self._engine.pid

    def close(self) -> None:
        """Stop, save what there is, end the engine. Waits for the disk. Twice is once."""
        if self._closed:
            return
        self._closed = True
        if self._answer is not None:
            message = replace(self._answer.current(), status="interrupted", note=INTERRUPTED_NOTE)
            self._durable.put(lambda store: store.finish(message))
        if self._draft_due is not None:
            self._write_draft()
        self._engine.close()
        self._planner.close()
        self._weights_desk.close()
        self._durable.flush()
        self._store.close()

    # ------------------------------------------------------------ the engine's events

    def _take(self, event: Event, at: float) -> None:
        """Take in one event: a load's goes to the model, an answer's to the answer."""
        answer = self._answer
        ours = answer is not None and answer.request is not None and event.request == answer.request
        if self._is_about_model(event):
            self._take_model(event)
            if isinstance(event, Loaded):
                self._recount()
                self._remember_model(event.info.path)
                self._have_hashed(event.info)
            if answer is not None and not ours:
                # The answer waits for this load, or the engine it would have come from is gone.
                if isinstance(event, Loaded):
                    self._generate(answer)
                else:
                    answer.take(event, at)
            elif (
                answer is None
                and isinstance(event, Failed | EngineDied)
                and event.problem.key != "load-cancelled"
            ):
                self._report(event.problem)
        if answer is None or self._answer is not answer:
            return
        if ours:
            if isinstance(event, Started) and answer.command and self.state.model.info:
                info = self.state.model.info
                answer.provenance = provenance(
                    info,
                    answer.command,
                    answer.prompt_format,
                    event.prompt_hash,
                    self._wishes(answer),
                    weights=self._weights.get(info.path),
                    before=answer.message.provenance if answer.continues else None,
                )
            answer.take(event, at)
        self._show_turn(answer)

    def _show_turn(self, answer: Answer) -> None:
        """Put the running answer into the state, and end it where it is over."""
        self._change("turn", turn=answer.turn)
        if not answer.turn.over:
            if self.state.chat_id == answer.chat_id:
                self._change("context", context_used=answer.context_tokens(), filling=None)
            return
        message = self._weighed(answer.current())
        self._answer = None
        self._learn_speed(answer.turn)
        self._durable.put(lambda store: store.finish(message))
        if message.provenance is not None and files_of(message.provenance):
            self._unweighed = [*self._unweighed, message][-_UNWEIGHED:]
        if self.state.chat_id == answer.chat_id:
            self._change("conversation", conversation=self.state.conversation.with_message(message))
        self._change("turn", running=None, running_chat=None)
        self._touch(answer.chat_id)
        self._recount()
        self._ended(answer)

    def _ended(self, answer: Answer) -> None:
        """Hear of an answer that is over."""

    def _generate(self, answer: Answer) -> None:
        """Ask the engine for an answer, now that the model's facts are known."""
        info = self.state.model.info
        if info is None:
            raise RuntimeError("no model is known")
        answer.context = info.context
        wishes = self._wishes(answer)
        seen = shown(answer.branch, wishes.left_out)
        turns = [turn_of(message, sees=info.sees) for message in seen]
        pictures = pictures_of(seen, self.kept)
        if pictures and not info.sees:
            self._report(unseen(info.name))
        try:
            answer.command, answer.prompt_format = generation(
                self._engine.next_request(),
                info,
                turns,
                wishes,
                unfinished=answer.continues,
                pictures=pictures if info.sees else (),
            )
        except WorldError as error:
            answer.fail(error.problem)
            return
        answer.command = replace(answer.command, chat=answer.chat_id)
        answer.request = answer.command.request
        self._engine.send(answer.command)

    def _wishes(self, answer: Answer) -> Wishes:
        return self._wishes_of(
            answer.options, answer.branch, answer.system_prompt, answer.thinking_budget
        )

    def _have_hashed(self, info: ModelInfo) -> None:
        """Have the loaded files hashed, where they are files."""
        if info.server is None and info.backend != "scripted":
            for path in filter(None, (info.path, info.projector)):
                self._weights_desk.ask(path)

    def _weighed(self, message: Message) -> Message:
        """Return a message that says by which weights it was made, as far as that is known."""
        by = message.provenance
        told = by and weighed(by, self._weights)
        return message if told is by else replace(message, provenance=told)

    def _weigh(self) -> None:
        """Take in what the weights turned out to be, for the answers that did not know it."""
        for path, weights in self._weights_desk.poll():
            self._weights[path] = weights
            waiting, self._unweighed = self._unweighed, []
            for message in waiting:
                known = self._weighed(message)
                if known.provenance is not None and files_of(known.provenance):
                    self._unweighed.append(known)
                if known is message:
                    continue
                self._durable.put(partial(Store.tell, message=known))
                if message.id in self.state.conversation.messages:
                    conversation = self.state.conversation.with_message(known)
                    self._change("conversation", conversation=conversation)

    # ------------------------------------------------------------ the chats' news

    def _opened(self, opening: _Opening) -> None:
        """Show what was there when the window closed, unless the user was quicker."""
        ours = {chat.id for chat in self.state.chats}
        chats = (*self.state.chats, *(chat for chat in opening.chats if chat.id not in ours))
        self._change("chats", opened=True, chats=in_order(chats))
        if self.state.chat_id is None and not self.state.draft:
            if opening.chat is not None:
                self._show_chat(opening.chat, opening.options)
            else:
                self._change("chat", "attached", draft=opening.draft, attached=opening.attached)

    def _show_chat(self, chat: StoredChat, options: ChatOptions) -> None:
        """Show a chat as it was left; the answer that is being written in it, as it is now."""
        conversation = chat.conversation
        answer = self._answer
        if answer is not None and answer.chat_id == chat.summary.id:
            conversation = conversation.with_message(answer.current())
        self._wanted_chat = chat.summary.id
        self._change(
            "chat",
            "conversation",
            "turn",
            "options",
            "attached",
            chat_id=chat.summary.id,
            conversation=conversation,
            collapsed=dict(chat.collapsed),
            draft=chat.draft,
            attached=chat.attached,
            system_prompt=chat.system_prompt,
            thinking_budget=chat.thinking_budget,
            options=options,
        )
        self._recount()

    def _recount(self) -> None:
        """Work out how full the context is, from the last answer of the branch shown."""
        info = self.state.model.info
        used = 0
        for message in reversed(self.state.conversation.branch()):
            if message.usage is not None:
                usage = message.usage
                used = usage.prompt_tokens + usage.thinking_tokens + usage.answer_tokens
                break
        total = info.context if info else 0
        self._change("context", context_used=used, context_total=total, filling=None)

    def _touch(self, chat_id: str) -> None:
        """Move a chat to the top of the list: something was written in it."""
        now = time.time()
        chats = (
            replace(chat, updated_at=now) if chat.id == chat_id else chat
            for chat in self.state.chats
        )
        self._change("chats", chats=in_order(chats))

    def _remember_model(self, path: str) -> None:
        """Use this model again at the next start."""
        if self.settings.last_model != path:
            self.settings = replace(self.settings, last_model=path)
            saved = self.settings
            # On the store's thread: it is the one that may wait for the disk.
            self._store.call(lambda _: settings_file.save(saved), failed=self._report)

    def _write_draft(self) -> None:
        """Keep what is typed, behind the writes that wait: the chat itself may be among them."""
        self._draft_due = None
        chat_id, text = self.state.chat_id, self.state.draft
        self._durable.put(lambda store: store.set_draft(chat_id, text))


def unseen(model: str) -> Problem:
    """Return what is said when a model goes on with a chat whose images it cannot see."""
    return Problem(
        "images-unseen",
        f"{model} cannot see the images in this chat: it is told only their names.",
        "Choose a model that sees, or say in words what they show.",
    )
