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
    from app.chat.message import ChatSummary
    from ui.sidebar.list import ChatList
    from ui.sidebar.model import ChatListModel

WIDTH_PX = 264


class Sidebar(QWidget):
    """The column at the window's left.

    Signals:
        new_requested: the "+" was pressed.
        open_requested, delete_requested: a chat's id.
        rename_requested: a chat's id and its new title.
    """

    new_requested = Signal()
    open_requested = Signal(str)
    delete_requested = Signal(str)
    rename_requested = Signal(str, str)

    model: "ChatListModel"
    list: "ChatList"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(WIDTH_PX)
        self.setAccessibleName("Chats")
        self._chats: tuple[ChatSummary, ...] | None = None
        self.search = SearchField("Search chats", "Search chats by title")
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

        self.model = ChatListModel(self)
        self.list = ChatList(self.model)
        self._middle.addWidget(self.list)
        self.setTabOrder(self.new_button, self.list)
        self.setTabOrder(self.list, self.transfer)
        self.setTabOrder(self.transfer, self.settings)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self.model.set_query)
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
        match key:
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
