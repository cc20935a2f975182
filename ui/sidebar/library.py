"""Behind the sidebar: looking for chats as one types, opening what was found, pins, drag and drop.

The search (`app.chat.search`) works on a thread of its own; its news come here and go to the list.
What is opened is shown at its very place: the right branch, the message, the words marked.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal

from app import paths
from app.chat.search import Found, Searcher
from app.errors import Problem
from ui.chat.selection import Region
from ui.main_window import MainWindow
from ui.sidebar.dragging import ChatMime, forget_dragged

if TYPE_CHECKING:
    from app.chat.session import Session
    from app.chat.session_state import Change


class Library(QObject):
    """See the module. do: calls a use case and shows its effect.

    Signals:
        _woken: from another thread: the search has something to tell.
    """

    _woken = Signal()

    def __init__(
        self,
        window: MainWindow,
        session: "Session",
        *,
        do: Callable[[Callable[[], object]], None],
        failed: Callable[[Problem], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._do = do
        self._wanted: Found | None = None
        self._text = ""
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        self._searcher = Searcher(paths.database(), wakeup=self._woken.emit, on_problem=failed)
        sidebar = window.sidebar
        sidebar.searched.connect(self._on_text)
        sidebar.hit_requested.connect(self.open)
        sidebar.pin_requested.connect(self.pin)
        sidebar.search.installEventFilter(self)
        sidebar.list.dragged = self._dragged
        window.closing.connect(self._searcher.close)
        forget_dragged()

    def pin(self, chat_id: str, pinned: bool) -> None:
        """Keep a chat above the others, or let it go back."""
        self._do(lambda: self._session.pin_chat(chat_id, pinned=pinned))

    # ------------------------------------------------------------ looking for something

    def _on_text(self, text: str) -> None:
        self._text = text
        if text.strip():
            self._searcher.search(text, partial(self._show, text))
        else:
            self._searcher.cancel()

    def _show(self, text: str, found: tuple[Found, ...]) -> None:
        if text == self._text:
            self._window.sidebar.show_found(found)

    def _on_woken(self) -> None:
        self._searcher.poll()

    def changed(self, changes: "frozenset[Change]") -> None:
        """Take note of what the session shows now."""
        if self._text.strip() and changes & {"chats", "conversation"}:
            self._searcher.refresh()
        if self._wanted is not None and changes & {"chat", "conversation"}:
            self._show_place()

    # ------------------------------------------------------------ opening what was found

    def open(self, chat_id: str, found: Found | None) -> None:
        """Show a chat, at a place in it if one was found."""
        self._wanted = found
        self._do(lambda: self._session.open_chat(chat_id))
        if found is not None:
            self._show_place()

    def _show_place(self) -> None:
        """Go to the place that is wanted, once its chat is the one that is shown."""
        found = self._wanted
        if (
            found is None
            or found.message_id is None
            or self._session.state.chat_id != found.chat_id
        ):
            return
        self._wanted = None
        message_id = found.message_id
        there: list[bool] = []
        self._do(lambda: there.append(self._session.show_branch_of(message_id)))
        if there[0]:
            region: Region = "thinking" if found.part == "thinking" else "text"
            self._window.chat_view.finder.look_for(_words(found, self._text), message_id, region)

    # ------------------------------------------------------------ out of the window

    def _dragged(self, chat_id: str) -> QMimeData:
        settings = self._session.settings
        return ChatMime(self, chat_id, settings.export_form, settings.export_thinking)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Bring the index up to date when one goes to the field: before the first letter."""
        if event.type() == QEvent.Type.FocusIn:
            self._searcher.refresh()
        return super().eventFilter(watched, event)


def _words(found: Found, text: str) -> str:
    """Return what to mark: what was typed where it stands there so, else what was found."""
    typed = " ".join(text.split())
    if typed.casefold() in found.excerpt.casefold():
        return typed
    return found.excerpt[slice(*found.marks[0])] if found.marks else typed
