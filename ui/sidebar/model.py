"""The chats as Qt's list views want them: one row per heading or chat, titles editable in place."""

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

from ui.sidebar.groups import Entry, Heading, Row, rows

if TYPE_CHECKING:
    from app.chat.message import ChatSummary

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()

OPEN_ROLE = Qt.ItemDataRole.UserRole + 1
RUNNING_ROLE = Qt.ItemDataRole.UserRole + 2
HEADING_ROLE = Qt.ItemDataRole.UserRole + 3


class ChatListModel(QAbstractListModel):
    """The rows of the sidebar.

    Signals:
        renamed: a chat's id and the title that the user typed for it.
    """

    renamed = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._chats: tuple[ChatSummary, ...] = ()
        self._query = ""
        self._open: str | None = None
        self._running: str | None = None
        self._day = time.localtime()[:3]
        self._rows: tuple[Row, ...] = rows((), time.time())

    def set_chats(self, chats: "tuple[ChatSummary, ...]") -> None:
        """Show other chats."""
        self._chats = chats
        self._rebuild()

    def set_query(self, query: str) -> None:
        """Keep only the chats whose title holds the query's words."""
        self._query = query
        self._rebuild()

    def regroup(self) -> None:
        """Group anew, if a day has begun since the last time."""
        if time.localtime()[:3] != self._day:
            self._rebuild()

    def set_marks(self, open_chat: str | None, running_chat: str | None) -> None:
        """Say which chat is shown and which is being written to."""
        if (open_chat, running_chat) == (self._open, self._running):
            return
        self._open, self._running = open_chat, running_chat
        if self._rows:
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def chat_at(self, index: Index) -> str | None:
        """Return the id of the chat in a row, None for a heading."""
        row = self._row(index)
        return row.id if isinstance(row, Entry) else None

    def index_of(self, chat_id: str | None) -> QModelIndex:
        """Return the row of a chat, an invalid index where it is not listed."""
        for at, row in enumerate(self._rows):
            if isinstance(row, Entry) and row.id == chat_id:
                return self.index(at)
        return QModelIndex()

    def is_pinned(self, chat_id: str) -> bool:
        """Return whether a chat is pinned."""
        return any(chat.id == chat_id and chat.pinned for chat in self._chats)

    def chats(self) -> list[str]:
        """Return the listed chats' ids from the top."""
        return [row.id for row in self._rows if isinstance(row, Entry)]

    def _rebuild(self) -> None:
        self._day = time.localtime()[:3]
        fresh = rows(self._chats, time.time(), self._query)
        if fresh == self._rows:
            return
        self.beginResetModel()
        self._rows = fresh
        self.endResetModel()

    def _row(self, index: Index) -> Row | None:
        return self._rows[index.row()] if index.isValid() else None

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many rows there are."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a row's text and states."""
        row = self._row(index)
        match row, role:
            case None, _:
                return None
            case Heading(text=text), Qt.ItemDataRole.DisplayRole:
                return text.upper()
            case Heading(), _ if role == HEADING_ROLE:
                return True
            case Heading(text=text), Qt.ItemDataRole.AccessibleTextRole:
                return text
            case Entry(title=title), (
                Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole | Qt.ItemDataRole.ToolTipRole
            ):
                return title
            case Entry(id=chat, title=title, pinned=pinned), Qt.ItemDataRole.AccessibleTextRole:
                states = (("pinned", pinned), ("being answered", chat == self._running))
                return ", ".join([title, *(word for word, holds in states if holds)])
            case Entry(id=chat), _ if role == OPEN_ROLE:
                return chat == self._open
            case Entry(id=chat), _ if role == RUNNING_ROLE:
                return chat == self._running
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802 - Qt's name
        """Announce a new title; the row changes when the chats do."""
        row = self._row(index)
        title = " ".join(str(value).split())
        if role != Qt.ItemDataRole.EditRole or not isinstance(row, Entry):
            return False
        if not title or title == row.title:
            return False
        self.renamed.emit(row.id, title)
        return True

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a row: nothing with a heading."""
        if not isinstance(self._row(index), Entry):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable
