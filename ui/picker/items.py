"""The picker's list of models: headings and two-line rows, by mouse and by keyboard."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.picker.listing import TITLES, Item
from ui import theme
from ui.picker.ink import draw_line
from ui.widgets import rounded

Index = QModelIndex | QPersistentModelIndex
Row = Item | str
_NOWHERE = QModelIndex()
_ROW = Qt.ItemDataRole.UserRole + 1
_HEADING_PX, _ITEM_PX = 38, 61


class ItemModel(QAbstractListModel):
    """The rows: a heading (text) before the items of each group."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()

    def set_items(self, items: Sequence[Item]) -> None:
        """Show other items, each group below its heading."""
        rows: list[Row] = []
        group = ""
        for item in items:
            if item.group != group:
                group = item.group
                rows.append(TITLES[item.group].upper())
            rows.append(item)
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def item(self, index: Index) -> Item | None:
        """Return the item of a row, None for a heading."""
        row = self._rows[index.row()] if index.isValid() else ""
        return row if isinstance(row, Item) else None

    def index_of(self, item_id: str) -> QModelIndex:
        """Return the row of an item, an invalid index where it is not listed."""
        for at, row in enumerate(self._rows):
            if isinstance(row, Item) and row.id == item_id:
                return self.index(at)
        return QModelIndex()

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let items be chosen, headings not."""
        item = self.item(index)
        chosen = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return chosen if item is not None else Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the words of a row, or the row itself for the delegate."""
        row = self._rows[index.row()]
        if role == _ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row if isinstance(row, str) else row.title
        if role == Qt.ItemDataRole.AccessibleTextRole and isinstance(row, Item):
            return ", ".join(filter(None, (row.title, row.subtitle, "loaded" * row.loaded)))
        if role == Qt.ItemDataRole.ToolTipRole and isinstance(row, Item):
            return f"{row.title}\n{row.subtitle}"
        return None


class _Delegate(QStyledItemDelegate):
    """Paints headings and items."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._plain, self._bold = theme.ui_font(), theme.ui_font()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._small, self._heading = theme.caption_font(), theme.caption_font()
        self._small.setPointSizeF(self._small.pointSizeF() * 11.2 / 12)
        self._heading.setPointSizeF(self._heading.pointSizeF() * 11.2 / 12)
        self._heading.setWeight(QFont.Weight.DemiBold)
        self._heading.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.5)

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """Return one height for headings and one for items."""
        return QSize(120, _ITEM_PX if isinstance(index.data(_ROW), Item) else _HEADING_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a heading, or a name with its line below."""
        row, cell = index.data(_ROW), option.rect
        colours = theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not isinstance(row, Item):
            box = cell.adjusted(8, 12, -8, 0)
            draw_line(painter, box, str(row), self._heading, colours.muted)
            painter.restore()
            return
        state = option.state
        ground = QRectF(cell.adjusted(0, 3, 0, -3))
        if state & QStyle.StateFlag.State_Selected:
            rounded(painter, ground, 8, colours.accent_soft, None)
        elif state & QStyle.StateFlag.State_MouseOver:
            rounded(painter, ground, 8, colours.line, None)
        if state & QStyle.StateFlag.State_HasFocus:
            rounded(painter, ground, 8, None, colours.accent)
        left = 8
        if row.loaded:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.good))
            painter.drawEllipse(QPointF(cell.left() + 12, cell.top() + 20), 4, 4)
            left = 20
        ink = colours.muted if row.dimmed else colours.ink
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        top = QRect(cell.left() + left, cell.top() + 9, cell.width() - left - 8, 22)
        draw_line(painter, top, row.title, self._bold if chosen else self._plain, ink)
        below = QRect(cell.left() + 8, cell.top() + 32, cell.width() - 16, 19)
        draw_line(painter, below, row.subtitle, self._small, colours.muted)
        painter.restore()


class ItemList(QListView):
    """The list of models.

    Signals:
        chosen: an `app.picker.listing.Item` is the current one now.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.items = ItemModel(self)
        self.setModel(self.items)
        self.setItemDelegate(_Delegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAccessibleName("Models")
        self.viewport().setAutoFillBackground(False)

    def show_items(self, items: Sequence[Item], chosen: str) -> None:
        """Show these items with one chosen, without saying so again."""
        self.blockSignals(True)
        place = self.verticalScrollBar().value()
        self.items.set_items(items)
        index = self.items.index_of(chosen)
        if index.isValid():
            self.setCurrentIndex(index)
        self.verticalScrollBar().setValue(place)
        self.blockSignals(False)

    def clear_choice(self) -> None:
        """Have no item chosen."""
        self.selectionModel().clear()

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802
        """Say which item is the current one."""
        super().currentChanged(current, previous)
        item = self.items.item(current)
        if item is not None:
            self.chosen.emit(item)
