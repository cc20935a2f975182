"""The trash: what was deleted, how long it is kept, the way back, and the end of it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QWidget,
)
from shiboken6 import isValid

from app.chat.store_base import KEEP_DELETED_S
from ui import theme
from ui.transcripts.sheet import Sheet

if TYPE_CHECKING:
    from app.chat.message import ChatSummary
    from app.chat.session import Session

_DAYS = KEEP_DELETED_S // (24 * 3600)
_ID_ROLE = Qt.ItemDataRole.UserRole


class TrashWindow(Sheet):
    """See the module. do: calls a use case and shows its effect."""

    def __init__(
        self,
        parent: QWidget,
        session: "Session",
        *,
        do: Callable[[Callable[[], object]], None],
    ) -> None:
        super().__init__(parent, "Recently deleted", QSize(520, 520))
        self._session = session
        self._do = do
        self.list = QListWidget()
        self.list.setAccessibleName("Deleted chats")
        self.list.setFont(theme.ui_font())
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setStyleSheet(
            "QListWidget { background: transparent; outline: none; }"
            "QListWidget::item { padding: 8px; border-radius: 8px; }"
        )
        self.list.itemSelectionChanged.connect(self._on_selected)
        self.list.itemActivated.connect(lambda _item: self.restore())
        self.body.addWidget(self.list, 1)
        self.empty = self.add_button("Delete for good…")
        self.empty.clicked.connect(self._on_empty)
        self.back = self.add_button("Put back", primary=True)
        self.back.clicked.connect(self.restore)
        self.closer = self.add_button("Close")
        self.closer.clicked.connect(self.close)
        remove = QAction("Delete for good…", self.list)
        # As in the list of chats: never one bare key.
        remove.setShortcut("Ctrl+Del")
        remove.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        remove.triggered.connect(self._on_empty)
        self.list.addAction(remove)
        self._show(())
        self.refresh()

    def refresh(self) -> None:
        """Show what is in the trash now."""
        self._do(lambda: self._session.list_deleted(self._show))

    def restore(self) -> None:
        """Put the chosen chats back into the list."""
        for chat_id in self._chosen():
            self._do(lambda chat_id=chat_id: self._session.restore_chat(chat_id))  # type: ignore[misc]  # bound now
        self.refresh()

    def purge(self) -> None:
        """Delete the chosen chats for good, all of them where none is chosen."""
        ids = self._chosen() or self._all()
        self._do(lambda: self._session.purge_chats(ids))
        self.refresh()

    def _show(self, chats: "tuple[ChatSummary, ...]") -> None:
        if not isValid(self.list):
            return  # closed before the store answered
        self.list.clear()
        for chat in chats:
            item = QListWidgetItem(" ".join(chat.title.split()) or "New chat")
            item.setData(_ID_ROLE, chat.id)
            written = time.strftime("%Y-%m-%d", time.localtime(chat.updated_at))
            item.setToolTip(f"{item.text()}\nLast written in on {written}")
            self.list.addItem(item)
        kept = f"Deleted chats are kept for {_DAYS} days."
        self.say(kept if chats else f"Nothing is deleted. {kept}")
        self._on_selected()

    def _on_selected(self) -> None:
        chosen, there = bool(self._chosen()), self.list.count() > 0
        self.back.setEnabled(chosen)
        self.empty.setEnabled(there)
        self.empty.setText("Delete for good…" if chosen or not there else "Empty the trash…")

    def _chosen(self) -> tuple[str, ...]:
        return tuple(str(item.data(_ID_ROLE)) for item in self.list.selectedItems())

    def _all(self) -> tuple[str, ...]:
        return tuple(str(self.list.item(at).data(_ID_ROLE)) for at in range(self.list.count()))

    def _on_empty(self) -> None:
        """Ask first: this is the one thing that cannot be undone."""
        count = len(self._chosen() or self._all())
        if not count:
            return
        what = "This chat" if count == 1 else f"These {count} chats"
        box = QMessageBox(
            QMessageBox.Icon.NoIcon,
            "Delete for good",
            f"{what} will be gone, and cannot be brought back.",
            QMessageBox.StandardButton.Cancel,
            self,
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sure = box.addButton("Delete for good", QMessageBox.ButtonRole.DestructiveRole)
        sure.clicked.connect(self.purge)
        box.open()
