"""The part of a session about a chat's options and how much of the context its next prompt takes.

The engine counts the very prompt that would be sent, what is being typed included, after a pause
in typing and whenever nothing is being answered. A server counts only afterwards: there the last
answer's figures are shown.
"""

import time
from dataclasses import replace

from app.chat.message import Message, Text
from app.chat.options import ChatOptions, options_key, shown, sound, to_json
from app.chat.request import Wishes, turn_of
from app.chat.session_counting import Asking, Counts
from app.chat.session_library import SessionLibrary
from app.chat.session_state import Change, Filling
from app.errors import Problem, WorldError
from app.prompts.segments import Turn

DRAFT_DELAY_S = 0.5
"""A draft is written half a second after the last key, so that typing costs no disk writes."""

TYPING_S = 0.3
"""What is typed is counted so long after the last key."""


class SessionMeter(SessionLibrary):
    """Options and meter of the chat that is shown."""

    _count_due: float | None = None
    _metering = False

    # ------------------------------------------------------------ the options of a chat

    def set_options(self, options: ChatOptions) -> None:
        """Ask with other options from the next answer of this chat on; what is unsound is not."""
        before, options = self.state.options, sound(options)
        if options == before:
            return
        self._change("options", options=options)
        if options.left_out != before.left_out:
            self._change("conversation")
        self._save_chat_options()
        self._recount()

    def show_all_again(self) -> None:
        """Let the model see again what was left out to make room."""
        self.set_options(replace(self.state.options, left_out=()))

    def _change(self, *changes: Change, **values: object) -> None:
        super()._change(*changes, **values)
        if "attached" in changes or "options" in changes:
            self._count_due = time.monotonic()

    def _save_chat_options(self) -> None:
        chat_id, said = self.state.chat_id, to_json(self.state.options)
        if chat_id is not None:
            key = options_key(chat_id)
            self._durable.put(lambda store: store.set_state(key, said or None))

    # ------------------------------------------------------------ the meter

    def _here(self) -> tuple[str | None, str | None]:
        """Return what is shown: the chat and the last message of its branch."""
        return self.state.chat_id, self.state.conversation.leaf

    def set_draft(self, text: str) -> None:
        """Keep what is typed and not sent. Who begins to type will want the model: load it now."""
        if text == self.state.draft:
            return
        self.state = replace(self.state, draft=text)
        now = time.monotonic()
        self._draft_due, self._count_due = now + DRAFT_DELAY_S, now + TYPING_S
        if text.strip():
            self._want_model()

    def _recount(self) -> None:
        """Show what the last answer told of the context's use, and have it counted."""
        super()._recount()
        self._count_due = time.monotonic()

    def _tick(self, now: float) -> None:
        """Count what is to be counted, as long as nothing is being answered."""
        super()._tick(now)
        if self._count_due is None or now < self._count_due or self._metering:
            return
        self._count_due = None
        if self._answer is not None or not self._counts_here:
            return  # its end, or the load's, counts anew
        state, branch = self.state, self.state.conversation.branch()
        wishes = self._wishes_of(state.options, branch, state.system_prompt, state.thinking_budget)
        draft = self._draft_message()
        whole = branch if draft is None else (*branch, draft)
        askings = (
            Asking(whole, wishes),
            Asking(branch, wishes),
            Asking(whole, replace(wishes, keep_thinking=False)),
            Asking((), replace(wishes, left_out=0)),
        )
        try:
            self._count(askings, self._metered)
        except WorldError:
            return  # told when an answer is asked for
        self._metering = True

    def next_prompt(self) -> tuple[str, list[Turn], Wishes]:
        """Return what would be sent next: the model's path, the turns, and what is wished for.

        Where nothing was said yet, it is a greeting. Raises WorldError where no model is chosen.
        """
        state, branch = self.state, self.state.conversation.branch()
        if not state.model.path:
            title = "No model is chosen."
            raise WorldError(Problem("no-model", title, "Try the demo, or open a GGUF file."))
        draft = self._draft_message()
        whole = branch if draft is None else (*branch, draft)
        info = state.model.info
        hidden = state.options.hidden(branch)
        if info is not None:
            budget = state.thinking_budget
            wishes = self._wishes_of(state.options, branch, state.system_prompt, budget)
        else:
            wishes = Wishes(system=state.system_prompt, thinking_budget=state.thinking_budget)
        sees = info is not None and info.sees
        turns = [turn_of(message, sees=sees) for message in shown(whole, hidden)]
        return state.model.path, turns or [Turn("user", ("Hello",))], wishes

    def _draft_message(self) -> Message | None:
        said = (Text(self.state.draft),) if self.state.draft.strip() else ()
        parts = (*self.state.attached, *said)
        return Message("", self.state.conversation.leaf, "user", parts, 0.0) if parts else None

    def _metered(self, counts: Counts) -> None:
        self._metering = False
        if self._count_due is not None or self._answer is not None or not counts:
            return
        whole, before, silent, system = counts
        if whole is None:
            return
        filling = Filling(
            system=system or 0,
            thoughts=whole - silent if silent is not None else 0,
            draft=whole - before if before is not None else 0,
        )
        self._change("context", context_used=whole, filling=filling)
