"""What was found while one types in the search field: chats, and below each the places in it.

A place is the words around it with what was looked for marked, and says where it stands if that is
a thought. Up and down walk over everything, Enter and a click open it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QListView

if TYPE_CHECKING:
    from app.chat.search import Found

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
ROW_ROLE = Qt.ItemDataRole.UserRole + 1

NOTHING = "Nothing was found"


@dataclass(frozen=True, slots=True)
class Chat:
    """The line of a chat. marks: where its title has what was looked for."""

    id: str
    title: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a chat."""

    found: "Found"


Row = Chat | Hit | None
"""None says that nothing was found."""


def grouped(found: "Sequence[Found]") -> tuple[Row, ...]:
    """Return the lines: each chat once, where its best place is, and all its places below it."""
    chats: dict[str, list[Found]] = {}
    for one in found:
        chats.setdefault(one.chat_id, []).append(one)
    rows: list[Row] = []
    for chat_id, places in chats.items():
        title = next((one for one in places if one.part == "title"), None)
        if title is not None:
            rows.append(Chat(chat_id, title.excerpt, title.marks))
        else:
            rows.append(Chat(chat_id, " ".join(places[0].title.split()) or "New chat"))
        rows += [Hit(one) for one in places if one.part != "title"]
    return tuple(rows) or (None,)


class ResultModel(QAbstractListModel):
    """The lines as Qt's views want them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()

    def show(self, rows: tuple[Row, ...]) -> None:
        """Show other lines."""
        if rows == self.rows:
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many lines there are."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a line, and what it is to a screen reader."""
        row = self.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        match row:
            case Chat(title=title):
                return title
            case Hit(found=found):
                where = "In the thinking: " if found.part == "thinking" else ""
                return f"{where}{found.excerpt}"
        return NOTHING

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Return what can be done with a line: nothing where nothing was found."""
        if self.rows[index.row()] is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class ResultList(QListView):
    """See the module.

    Signals:
        opened: a chat's id, and a `Found` in it, or None for the chat alone.
        left: the keyboard is to go back to the search field.
    """

    opened = Signal(str, object)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        from ui.sidebar.result_rows import ResultDelegate

        self.rows = ResultModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(ResultDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAccessibleName("What was found")
        self.viewport().setAutoFillBackground(False)
        self.clicked.connect(self.open)

    def show_found(self, found: "Sequence[Found]") -> None:
        """Show what was found; the keyboard stays on the line it was on, if it is still there."""
        at = self.currentIndex()
        before = self.rows.rows[at.row()] if at.isValid() else None
        self.rows.show(grouped(found))
        if before is not None and before in self.rows.rows:
            self.setCurrentIndex(self.rows.index(self.rows.rows.index(before)))

    def enter(self) -> bool:
        """Take the keyboard to the first line; False where there is none."""
        if not self.rows.rows or self.rows.rows[0] is None:
            return False
        self.setCurrentIndex(self.rows.index(0))
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        return True

    def open_first(self) -> bool:
        """Open the best place; False where nothing was found."""
        rows = self.rows.rows
        if not rows or rows[0] is None:
            return False
        first = rows[0]
        by_title = isinstance(first, Chat) and (first.marks or len(rows) < 2)
        self.open(self.rows.index(0 if by_title else 1))
        return True

    def open(self, index: Index) -> None:
        """Open what a line stands for."""
        match self.rows.rows[index.row()] if index.isValid() else None:
            case Chat(id=chat):
                self.opened.emit(chat, None)
            case Hit(found=found):
                self.opened.emit(found.chat_id, found)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Open on Enter; go back to the field above the first line, and on Esc."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open(self.currentIndex())
        elif event.key() == Qt.Key.Key_Escape or (
            event.key() == Qt.Key.Key_Up and self.currentIndex().row() <= 0
        ):
            self.left.emit()
        else:
            super().keyPressEvent(event)
