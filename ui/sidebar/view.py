"""The sidebar itself: search, "+", the list of chats; downloads and settings at its foot.

The list comes after the window's first paint: until the store has answered there is nothing to put
into it, and an item view costs the start some 70 ms, most of it classes that PySide builds.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ui import theme
from ui.search_field import SearchField
from ui.sidebar.transfer import TransferLine
from ui.widgets import IconButton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.chat.message import ChatSummary
    from app.chat.search import Found
    from ui.sidebar.list import ChatList
    from ui.sidebar.model import ChatListModel
    from ui.sidebar.results import ResultList

WIDTH_PX = 264


class Sidebar(QWidget):
    """The column at the window's left.

    Signals:
        new_requested: the "+" was pressed.
        open_requested, delete_requested: a chat's id.
        rename_requested: a chat's id and its new title.
        pin_requested: a chat's id, and whether it is to be pinned.
        searched: what is in the search field, as it is typed.
        hit_requested: a chat's id, and a place in it (`app.chat.search.Found`) or None.
    """

    new_requested = Signal()
    open_requested = Signal(str)
    delete_requested = Signal(str)
    rename_requested = Signal(str, str)
    pin_requested = Signal(str, bool)
    searched = Signal(str)
    hit_requested = Signal(str, object)

    results: "ResultList"
    model: "ChatListModel"
    list: "ChatList"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH_PX)
        self.setAccessibleName("Chats")
        self._chats: tuple[ChatSummary, ...] | None = None
        self.search = SearchField("Search chats", "Search titles, messages and thinking")
        self.new_button = IconButton("plus", "New chat", size=QSize(39, 36), bordered=True)
        self.transfer = TransferLine()
        self.settings = IconButton("gear", "Settings", size=QSize(96, 32), text="Settings")
        top = QHBoxLayout()
        top.setContentsMargins(12, 14, 12, 0)
        top.setSpacing(8)
        top.addWidget(self.search)
        top.addWidget(self.new_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 1, 16)
        column.setSpacing(0)
        column.addLayout(top)
        self._middle = QVBoxLayout()
        self._middle.setContentsMargins(12, 8, 12, 8)
        column.addLayout(self._middle, 1)
        above = QHBoxLayout()
        above.setContentsMargins(12, 0, 12, 6)
        above.addWidget(self.transfer)
        column.addLayout(above)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 0, 12, 0)
        foot.addWidget(self.settings)
        foot.addStretch(1)
        column.addLayout(foot)
        self.new_button.clicked.connect(self.new_requested)

    def complete(self) -> None:
        """Put the list in, once the window has been painted."""
        from ui.sidebar.list import ChatList
        from ui.sidebar.model import ChatListModel
        from ui.sidebar.results import ResultList

        self.model = ChatListModel(self)
        self.list = ChatList(self.model)
        self.results = ResultList()
        self.results.hide()
        self._middle.addWidget(self.list)
        self._middle.addWidget(self.results)
        self.setTabOrder(self.new_button, self.list)
        self.setTabOrder(self.list, self.results)
        self.setTabOrder(self.results, self.transfer)
        self.setTabOrder(self.transfer, self.settings)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._on_text)
        self.results.opened.connect(self.hit_requested)
        self.results.left.connect(self.focus_search)
        self.list.pin_requested.connect(self.pin_requested)
        self.list.open_requested.connect(self.open_requested)
        self.list.delete_requested.connect(self.delete_requested)
        self.model.renamed.connect(self.rename_requested)

    def show_chats(
        self, chats: "tuple[ChatSummary, ...]", open_chat: str | None, running: str | None
    ) -> None:
        """Show these chats, one open, one being answered (or neither)."""
        if chats is not self._chats:
            self._chats = chats
            at = self.model.chat_at(self.list.currentIndex())
            self.model.set_chats(chats)
            index = self.model.index_of(at)
            if index.isValid():
                self.list.setCurrentIndex(index)
        self.model.set_marks(open_chat, running)

    def show_found(self, found: "Sequence[Found]") -> None:
        """Show what was found in place of the list; titles that fit stay where it is nothing."""
        if not self.search.text().strip() or (not found and self.model.chats()):
            self._show_results(shown=False)
            return
        self.results.show_found(found)
        self._show_results(shown=True)

    def _show_results(self, *, shown: bool) -> None:
        if shown == self.results.isHidden():
            had_focus = self.results.hasFocus() or self.list.hasFocus()
            self.results.setVisible(shown)
            self.list.setVisible(not shown)
            if had_focus:
                self.search.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_text(self, text: str) -> None:
        # Titles are there at once; what the messages have follows as it is found.
        self.model.set_query(text)
        if not text.strip():
            self._show_results(shown=False)
        self.searched.emit(text)

    def focus_search(self) -> None:
        """Put the keyboard into the search box."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Give the search box the keys that reach into the list."""
        pressed = watched is self.search and event.type() == QEvent.Type.KeyPress
        if pressed and isinstance(event, QKeyEvent) and self._search_key(event.key()):
            return True
        return super().eventFilter(watched, event)

    def _search_key(self, key: int) -> bool:
        found = self.model.chats()
        in_results = not self.results.isHidden()
        match key:
            case Qt.Key.Key_Down if in_results:
                return self.results.enter()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if in_results:
                return self.results.open_first()
            case Qt.Key.Key_Escape if self.search.text():
                self.search.clear()
            case Qt.Key.Key_Down if found:
                self.list.setCurrentIndex(self.model.index_of(found[0]))
                self.list.setFocus(Qt.FocusReason.OtherFocusReason)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if found and self.search.text():
                self.open_requested.emit(found[0])
            case _:
                return False
        return True

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the ground and the line at its right."""
        painter = QPainter(self)
        colours = theme.current()
        painter.fillRect(self.rect(), QColor(colours.sidebar))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), QColor(colours.line))
