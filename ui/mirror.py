"""The session's state as the window shows it: one way only, from the state to the widgets."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.chat.model_slot import ModelState
from app.chat.session_state import filled
from app.prompts.detect import default_system
from ui import jobs
from ui.main_window import MainWindow

if TYPE_CHECKING:
    from app.chat.session import Session
    from app.chat.session_state import Change, SessionState


class Mirror:
    """Remembers only what it has shown, so that what is laid out already stays as it is.

    look: looks at the machine for the first screen, once that is shown.
    """

    def __init__(self, window: MainWindow, session: "Session", look: Callable[[], None]) -> None:
        self._look = look
        self._window = window
        self._session = session
        self._view = window.chat_view
        self._running: str | None = None
        self._saw_machine = False

    def show(self, changes: "frozenset[Change]") -> None:
        """Show what is new in the session's state."""
        state = self._session.state
        if changes & {"chats", "chat", "turn"}:
            self._window.sidebar.show_chats(state.chats, state.chat_id, state.running_chat)
        if changes & {"chat", "conversation"}:
            self._show_conversation(chat_changed="chat" in changes)
        if changes & {"turn", "chat"}:
            self._show_turn()
        if changes & {"model", "context", "chat"}:
            self._window.header.chip.show_model(state.model)
            self._window.header.meter.show_usage(
                state.context_used, state.context_total, self._filled(state)
            )
        if changes & {"options", "chat", "model"}:
            self._show_options()
        self._choose_page()

    def _show_conversation(self, *, chat_changed: bool) -> None:
        state = self._session.state
        ended = self._running if self._running != state.running else None
        message = state.conversation.messages.get(ended) if ended else None
        branch = state.conversation.branch()
        left_out = {message.id for message in branch[: state.options.hidden(branch)]}
        self._view.leave_out(frozenset(left_out))
        if not chat_changed and message is not None and branch and branch[-1].id == ended:
            # Only the answer that was being written is new: what is laid out stays as it is.
            self._view.finish_turn(message)
            return
        self._view.show_conversation(branch, self._place_among_siblings, state.collapsed)
        if chat_changed:
            self._window.composer.set_draft(state.draft)

    def _place_among_siblings(self, message_id: str) -> tuple[int, int]:
        siblings = self._session.state.conversation.siblings(message_id)
        return siblings.index(message_id), len(siblings)

    def _show_turn(self) -> None:
        state = self._session.state
        turn = state.turn
        running = state.running if turn is not None and not turn.over else None
        here = state.running_chat == state.chat_id
        if running is not None and turn is not None and here:
            self._view.show_turn(running, turn, budget=state.thinking_budget)
        self._window.composer.set_running(running is not None, turn.tokens_per_s if turn else 0.0)
        self._window.actions_["stop"].setEnabled(running is not None)
        self._running = running

    def _show_options(self) -> None:
        state = self._session.state
        self._window.composer.set_budget(state.thinking_budget)
        label = prompt_label(state.model, state.system_prompt)
        self._window.composer.set_system_prompt(label, state.system_prompt)

    def _filled(self, state: "SessionState") -> str:
        """Return what fills the context, in words."""
        info = state.model.info
        server = info is not None and info.server is not None
        running = state.running is not None and state.running_chat == state.chat_id
        return filled(state.context_used, state.filling, server=server, running=running)

    def _choose_page(self) -> None:
        state = self._session.state
        if not state.opened:
            return
        model = state.model
        unchosen = not model.path or model.phase == "failed"
        first_run = unchosen and not state.conversation.messages
        if first_run and not self._saw_machine:
            self._saw_machine = True
            self._look_at_machine()
        self._window.show_first_run(first_run)

    def _look_at_machine(self) -> None:
        first_run = self._window.first_run
        say = self._window.notices.show_problem
        jobs.run(_demo_size, then=first_run.show_demo_size, failed=say, owner=first_run)
        self._look()


def prompt_label(model: ModelState, own: str) -> str:
    """Return whose system prompt is used: the model's (by name if we know it), the user's, both."""
    if model.info is None:
        return "yours" if own.strip() else "the model's"
    known = "Magistral" if default_system(model.info) is not None else ""
    parts = [part for part in (known, "yours" if own.strip() else "") if part]
    return " and ".join(parts) or "none"


def _demo_size() -> int:
    try:
        return Path(paths.demo_model()).stat().st_size
    except OSError:
        return 0
