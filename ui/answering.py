"""How the open chat is answered, in the window: its options, the room it has, where it is sent.

Between the session and the composer, as `ui.chat.attaching` is for what is attached.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QMenu

from app.errors import WorldError
from ui.notices import Notice

if TYPE_CHECKING:
    from app.chat.examine import Examined
    from app.chat.options import ChatOptions
    from app.chat.session import Session
    from app.chat.session_state import Change
    from app.engine.protocol import ServerFacts
    from ui.chat.options_popover import OptionsPopover
    from ui.exact_prompt import ExactPrompt
    from ui.main_window import MainWindow

SERVER_MS = 20_000
"""What a server cannot do is read in so long, and can be read again in the chip's tip."""


class Answering(QObject):
    """See the module. do: runs a use case and shows what it changed."""

    def __init__(
        self, window: "MainWindow", session: "Session", do: Callable[[Callable[[], object]], None]
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._do = do
        self._told: set[str] = set()
        self.popover: OptionsPopover | None = None
        self.prompt: ExactPrompt | None = None
        composer = window.composer
        composer.options_requested.connect(self.show_options)
        composer.room_chosen.connect(lambda kind: do(partial(session.make_room, kind)))
        composer.room_dismissed.connect(lambda: do(session.dismiss_room))
        chip = window.header.chip
        chip.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        chip.customContextMenuRequested.connect(lambda at: self.menu().popup(chip.mapToGlobal(at)))
        window.chat_view.bring_back_requested.connect(lambda: do(session.show_all_again))

    def changed(self, changes: "frozenset[Change]") -> None:
        """Show what is new in the session's state."""
        state, composer = self._session.state, self._window.composer
        if "room" in changes:
            composer.show_room(state.room)
        if changes & {"options", "chat"}:
            composer.set_options_own(state.options.own)
        if "model" in changes and state.model.phase == "ready" and state.model.info is not None:
            server = state.model.info.server
            if server is not None and state.model.path not in self._told:
                self._told.add(state.model.path)
                self._tell(server)

    def _tell(self, server: "ServerFacts") -> None:
        """Say once where a server's chats go, and what cannot be done there."""
        where = "nothing leaves" if server.here else "what you write leaves"
        title = f"{server.kind} at {server.host} answers here: {where} this machine."
        limits = "\n".join(f"• {limit}" for limit in server.limits)
        self._window.notices.show_notice(
            Notice(
                key="server-limits",
                title=title,
                advice=f"What cannot be done there:\n{limits}" if limits else "",
                timeout_ms=SERVER_MS,
            )
        )

    def menu(self) -> QMenu:
        """Return the menu of the model's chip: what is known of how it is asked."""
        made = QMenu(self._window)
        made.aboutToHide.connect(made.deleteLater)
        made.setAccessibleName("Model")
        asked = made.addAction("The exact prompt…", self.show_prompt)
        asked.setEnabled(bool(self._session.state.model.path))
        at = self._window.composer.options_pill
        made.addAction(
            "How this chat is answered…",
            lambda: self.show_options(at.mapToGlobal(QPoint(0, -8))),
        )
        return made

    # ------------------------------------------------------------ options

    def show_options(self, at: QPoint) -> None:
        """Show how this chat is answered, above a global point."""
        from ui.chat.options_popover import OptionsPopover

        if self.popover is None:
            self.popover = OptionsPopover(self._window)
            self.popover.committed.connect(self._on_committed)
            self.popover.all_shown.connect(lambda: self._do(self._session.show_all_again))
            self.popover.prompt_wanted.connect(self.show_prompt)
        state = self._session.state
        self.popover.open_above(at, state.model.info, state.options, state.thinking_budget)

    def _on_committed(self, options: "ChatOptions", budget: int | None) -> None:
        def keep() -> None:
            if budget != self._session.state.thinking_budget:
                self._session.set_thinking_budget(budget)
            self._session.set_options(options)

        self._do(keep)

    # ------------------------------------------------------------ the exact prompt

    def show_prompt(self) -> None:
        """Show what the model would be sent now, in a window of its own."""
        from ui.exact_prompt import ExactPrompt

        try:
            path, turns, wishes = self._session.next_prompt()
        except WorldError as error:
            self._window.notices.show_problem(error.problem)
            return

        def examine() -> "Examined":
            from app.chat.examine import examine_file

            return examine_file(path, turns, wishes)

        self.prompt = ExactPrompt(self._window, examine)
        self.prompt.show()
