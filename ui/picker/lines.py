"""The table of quantizations: dots for quality, a bar for memory, the verdict in words.

A real table to the keyboard and to screen readers; only the painting is ours.
"""

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.picker import words
from app.picker.table import Line, Table
from ui import theme
from ui.picker import ink
from ui.picker.small import LEGEND
from ui.widgets import rounded

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_LINE = Qt.ItemDataRole.UserRole + 1
_ROW_PX, _HEADER_PX, _PAD_PX = 60, 36, 10
_COLUMNS = ("Quantization", "Reasoning quality", "Download", "Memory", "Verdict")
_SHARES = (0.165, 0.225, 0.118, 0.26, 0.232)
"""Of the width: as in the design's picture."""


class LineModel(QAbstractTableModel):
    """The lines of a table."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table: Table | None = None

    def set_table(self, table: Table | None) -> None:
        """Show another table, or none."""
        self.beginResetModel()
        self._table = table
        self.endResetModel()

    def line(self, at: int) -> Line | None:
        """Return a line, None where there is no such one."""
        lines = self._table.lines if self._table is not None else ()
        return lines[at] if 0 <= at < len(lines) else None

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the number of lines."""
        return 0 if parent.isValid() or self._table is None else len(self._table.lines)

    def columnCount(self, _parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return len(_COLUMNS)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title; that of the memory says what is free."""
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        if section == 3 and self._table is not None:
            return f"Memory of {words.memory(self._table.free_bytes)} free"
        return _COLUMNS[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's words, or its line for the delegate."""
        line = self.line(index.row())
        if line is None:
            return None
        if role == _LINE:
            return line
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return _in_words(line, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return _in_words(line, index.column()) if index.column() != 4 else line.row.reason
        return None


def _in_words(line: Line, column: int) -> str:
    match column:
        case 0:
            return f"{line.label}, best fit" if line.best else line.label
        case 1:
            return f"{line.quality.dots} of {words.DOTS}: {line.quality.words}"
        case 2:
            return line.cost
        case 3:
            memory = words.memory
            return (
                f"weights {memory(line.weights_bytes)}, context {memory(line.context_bytes)}, "
                f"working memory {memory(line.working_bytes)}"
            )
    return line.verdict


class _Delegate(QStyledItemDelegate):
    """Paints the cells."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._plain, self._bold, self._small = theme.ui_font(), theme.ui_font(), theme.ui_font()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._small.setPointSizeF(self._small.pointSizeF() * 11.2 / 13)
        self._words = theme.caption_font()
        self._badge = QFont(self._small)
        self._badge.setWeight(QFont.Weight.DemiBold)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell: its ground if its line is chosen, the line below, and what it says."""
        line, cell = index.data(_LINE), option.rect
        if not isinstance(line, Line):
            return
        colours = theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(cell, QColor(colours.accent_soft))
        painter.fillRect(cell.left(), cell.bottom(), cell.width(), 1, QColor(colours.line))
        box = cell.adjusted(_PAD_PX, 0, -4, 0)
        match index.column():
            case 0:
                self._label(painter, box, line)
            case 1:
                self._quality(painter, box, line)
            case 2:
                self._cost(painter, box, line)
            case 3:
                self._bar(painter, box, line)
            case _:
                painter.setFont(self._words)
                painter.setPen(QColor(ink.tone(line.tone, colours)))
                said, width = (
                    line.verdict,
                    QFontMetrics(self._words).horizontalAdvance(line.verdict),
                )
                if width > box.width():
                    # The speed has a line of its own, rather than the end of one and half another.
                    said = "\n".join(line.verdict.rsplit(" · ", 1))
                wrapped = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(box, wrapped, said)
        self._focus(painter, option, index, chosen=chosen)
        painter.restore()

    def _label(self, painter: QPainter, box: QRect, line: Line) -> None:
        colours = theme.current()
        width = QFontMetrics(self._badge).horizontalAdvance("Best fit") + 16
        label = QFontMetrics(self._bold).horizontalAdvance(line.label)
        beside = line.best and label + 5 + width <= box.width()
        top = box if beside or not line.best else box.adjusted(0, 0, 0, -20)
        ink.draw_line(painter, top, line.label, self._bold, colours.ink)
        if line.best:
            left = box.left() + label + 5 if beside else box.left()
            y = top.center().y() - 9 if beside else box.center().y() + 4
            badge = QRect(left, y, width, 19)
            # The token "good" is too pale under white words.
            ground = colours.good if colours.dark else ink.tone("good", colours)
            rounded(painter, QRectF(badge), 9.5, ground, None)
            painter.setFont(self._badge)
            painter.setPen(QColor(colours.on_accent))
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, "Best fit")

    def _quality(self, painter: QPainter, box: QRect, line: Line) -> None:
        colours = theme.current()
        y = box.center().y() - 10
        for dot in range(words.DOTS):
            full = dot < line.quality.dots
            painter.setPen(QPen(QColor(colours.ink), 1.2))
            painter.setBrush(QColor(colours.ink) if full else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(box.left() + 5.5 + dot * 13.5, y), 4.4, 4.4)
        below = QRect(box.left(), box.center().y() + 1, box.width(), 20)
        ink.draw_line(painter, below, line.quality.words, self._small, colours.muted)

    def _cost(self, painter: QPainter, box: QRect, line: Line) -> None:
        what, _, size = line.cost.rpartition(", ")
        colours = theme.current()
        if not what:
            ink.draw_line(painter, box, size, self._plain, colours.ink)
            return
        ink.draw_line(painter, box.adjusted(0, 0, 0, -20), size, self._plain, colours.ink)
        ink.draw_line(painter, box.adjusted(0, 20, 0, 0), what, self._small, colours.muted)

    def _bar(self, painter: QPainter, box: QRect, line: Line) -> None:
        colours = theme.current()
        bar = QRectF(box.left(), box.center().y() - 6, max(8, box.width() - 6), 14)
        rounded(painter, bar, 3, colours.line, None)
        sizes = (line.weights_bytes, line.context_bytes, line.working_bytes)
        whole = max(line.free_bytes, 1)
        left = bar.left()
        painter.setClipRect(bar)
        for (token, _), size in zip(LEGEND, sizes, strict=True):
            part = QRectF(left, bar.top(), bar.width() * size / whole, bar.height())
            painter.fillRect(part, QColor(getattr(colours, token)))
            left += part.width()
        painter.setClipping(False)

    @staticmethod
    def _focus(
        painter: QPainter, option: QStyleOptionViewItem, index: Index, *, chosen: bool
    ) -> None:
        """Ring the chosen line, cell by cell, while the keyboard is in the table."""
        view = option.widget
        if not (chosen and isinstance(view, QWidget) and view.hasFocus()):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setPen(QPen(QColor(theme.current().accent), 1))
        cell = option.rect.adjusted(0, 0, -1, -1)
        painter.drawLine(cell.topLeft(), cell.topRight())
        painter.drawLine(cell.bottomLeft(), cell.bottomRight())
        if index.column() == 0:
            painter.drawLine(cell.topLeft(), cell.bottomLeft())
        if index.column() == len(_COLUMNS) - 1:
            painter.drawLine(cell.topRight(), cell.bottomRight())


class _Header(QHeaderView):
    """The titles of the columns, muted, over a line."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFixedHeight(_HEADER_PX)
        self.setSectionsClickable(False)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(20)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:  # noqa: N802
        """Paint one title."""
        colours = theme.current()
        painter.fillRect(rect, QColor(colours.background))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, QColor(colours.line))
        title = self.model().headerData(section, Qt.Orientation.Horizontal)
        ink.draw_line(
            painter, rect.adjusted(_PAD_PX, 0, 0, 0), title, theme.caption_font(), colours.muted
        )


class Lines(QTableView):
    """The table.

    Signals:
        chosen: the number of the line that is the current one now.
        taken: Enter or a double click on a line.
    """

    chosen = Signal(int)
    taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.lines = LineModel(self)
        self.setModel(self.lines)
        self.setItemDelegate(_Delegate(self))
        self.setHorizontalHeader(_Header(self))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setAccessibleName("Quantizations")
        self.viewport().setAutoFillBackground(False)
        self.activated.connect(self.taken)

    def show_table(self, table: Table | None, chosen: int) -> None:
        """Show a table with one line chosen, without saying so again."""
        self.blockSignals(True)
        self.lines.set_table(table)
        if table is not None and table.lines:
            self.setCurrentIndex(self.lines.index(chosen, 0))
            self.scrollTo(self.lines.index(chosen, 0))
        self.blockSignals(False)

    def line(self) -> Line | None:
        """Return the chosen line."""
        return self.lines.line(self.currentIndex().row())

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802
        """Say which line is the current one."""
        super().currentChanged(current, previous)
        if current.isValid():
            self.chosen.emit(current.row())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Share the width among the columns."""
        super().resizeEvent(event)
        width, left = self.viewport().width(), self.viewport().width()
        for column, share in enumerate(_SHARES):
            mine = left if column == len(_SHARES) - 1 else round(width * share)
            self.setColumnWidth(column, mine)
            left -= mine
