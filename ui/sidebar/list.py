"""The list of chats as the user handles it: by mouse, by keyboard, by its menu."""

from collections.abc import Callable

from PySide6.QtCore import QMimeData, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QDrag, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView, QMenu

from ui.sidebar.delegate import ChatDelegate
from ui.sidebar.model import ChatListModel


class ChatList(QListView):
    """The list. Up and down move, Enter opens; a click opens; a double click renames.

    dragged: gives what a chat is dragged out of the window as, None before anyone knows.

    Signals:
        open_requested, delete_requested: a chat's id.
        pin_requested: a chat's id, and whether it is to be pinned.
    """

    pin_requested = Signal(str, bool)
    open_requested = Signal(str)
    delete_requested = Signal(str)

    def __init__(self, model: ChatListModel) -> None:
        super().__init__()
        self._model = model
        self.dragged: Callable[[str], QMimeData] | None = None
        self._pressed: tuple[QPoint, str | None] | None = None
        self.setModel(model)
        self.setItemDelegate(ChatDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAccessibleName("Chats")
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self._on_clicked)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        remove = QAction("Delete chat", self)
        # Never one bare key: a slip must not cost a chat.
        remove.setShortcuts([QKeySequence("Ctrl+Del"), QKeySequence("Ctrl+Backspace")])
        remove.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        remove.triggered.connect(self._on_delete)
        self.addAction(remove)

    def rename(self, chat_id: str | None) -> None:
        """Open the editor on a chat's title; nothing happens where it is not listed."""
        index = self._model.index_of(chat_id)
        if index.isValid():
            self.setCurrentIndex(index)
            self.edit(index)

    def focused_chat(self) -> str | None:
        """Return the chat that the keyboard is on, None without focus."""
        return self._model.chat_at(self.currentIndex()) if self.hasFocus() else None

    def menu_for(self, chat_id: str) -> QMenu:
        """Return the context menu of a chat."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        pinned = self._model.is_pinned(chat_id)
        menu.addAction(
            "Unpin" if pinned else "Pin", lambda: self.pin_requested.emit(chat_id, not pinned)
        )
        menu.addAction("Rename", lambda: self.rename(chat_id))
        menu.addAction("Delete", lambda: self.delete_requested.emit(chat_id))
        return menu

    def _on_clicked(self, index: QModelIndex) -> None:
        chat = self._model.chat_at(index)
        if chat is not None:
            self.open_requested.emit(chat)

    def _on_delete(self) -> None:
        chat = self._model.chat_at(self.currentIndex())
        if chat is not None:
            self.delete_requested.emit(chat)

    def _on_menu(self, at: QPoint) -> None:
        index = self.indexAt(at) if self.rect().contains(at) else self.currentIndex()
        chat = self._model.chat_at(index)
        if chat is not None:
            self.menu_for(chat).popup(self.viewport().mapToGlobal(at))

    def _drag(self, chat: str) -> None:
        """Drag a chat out of the window, as a file."""
        if self.dragged is not None:
            drag = QDrag(self)
            drag.setMimeData(self.dragged(chat))
            drag.exec(Qt.DropAction.CopyAction)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Remember what a drag would take along."""
        at = event.position().toPoint()
        left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = (at, self._model.chat_at(self.indexAt(at))) if left else None
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Begin to drag; Qt's own way begins with a selection, and here nothing is selected."""
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            (at, chat), far = self._pressed, QApplication.startDragDistance()
            if chat is not None and (event.position().toPoint() - at).manhattanLength() >= far:
                self._pressed = None
                self._drag(chat)
            return
        super().mouseMoveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Open the chat under the keyboard on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_clicked(self.currentIndex())
            return
        super().keyPressEvent(event)
