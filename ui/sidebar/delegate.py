"""Paints a row of the sidebar, and edits a title in place.

Every row has one height, headings too, so that a list of thousands needs no measuring. The ground
is 33 px in a cell of 37: the rest is the gap between rows.
"""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from ui import theme
from ui.sidebar.model import HEADING_ROLE, OPEN_ROLE, RUNNING_ROLE
from ui.widgets import rounded

CELL_PX = 37
_GAP_PX = 2
_PAD_PX = 8
_TITLE_LIMIT = 200

Index = QModelIndex | QPersistentModelIndex


class ChatDelegate(QStyledItemDelegate):
    """See the module."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._plain = theme.ui_font()
        self._bold = theme.ui_font()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._caption = theme.caption_font()
        self._caption.setPointSizeF(self._caption.pointSizeF() * 11.2 / 12)
        self._caption.setWeight(QFont.Weight.DemiBold)
        self._caption.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.5)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a heading, or a chat with its state."""
        colours = theme.current()
        cell: QRect = option.rect
        painter.save()
        if index.data(HEADING_ROLE):
            painter.setFont(self._caption)
            painter.setPen(QColor(colours.muted))
            # A heading stands nearer to what it heads than to what is above it.
            box = QRect(cell.left() + _PAD_PX, cell.top() + 12, cell.width() - 2 * _PAD_PX, 25)
            self._text(painter, box, index.data(Qt.ItemDataRole.DisplayRole))
            painter.restore()
            return
        is_open = bool(index.data(OPEN_ROLE))
        ground = QRectF(cell.adjusted(0, _GAP_PX, 0, -_GAP_PX))
        state = option.state
        focused = bool(
            state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_Active
        )
        if is_open:
            rounded(painter, ground, 8, colours.accent_soft, None)
        elif state & QStyle.StateFlag.State_MouseOver:
            rounded(painter, ground, 8, colours.line, None)
        if focused:
            rounded(painter, ground, 8, None, colours.accent)
        painter.setFont(self._bold if is_open else self._plain)
        painter.setPen(QColor(colours.ink))
        box = cell.adjusted(_PAD_PX, 0, -_PAD_PX, 0)
        if index.data(RUNNING_ROLE):
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.accent))
            painter.drawEllipse(QPoint(box.right() - 3, box.center().y() + 1), 3, 3)
            painter.restore()
            box.adjust(0, 0, -14, 0)
        self._text(painter, box, index.data(Qt.ItemDataRole.DisplayRole))
        painter.restore()

    @staticmethod
    def _text(painter: QPainter, box: QRect, text: str) -> None:
        """Draw one line, cut at its logical end; a right-to-left title begins at the right."""
        metrics = QFontMetrics(painter.font())
        cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        backwards = right_to_left(text)
        side = Qt.AlignmentFlag.AlignRight if backwards else Qt.AlignmentFlag.AlignLeft
        direction = Qt.LayoutDirection.RightToLeft if backwards else Qt.LayoutDirection.LeftToRight
        painter.setLayoutDirection(direction)
        painter.drawText(
            box,
            side
            | Qt.AlignmentFlag.AlignAbsolute
            | Qt.AlignmentFlag.AlignVCenter
            | Qt.TextFlag.TextSingleLine,
            cut,
        )

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Return the one size of all rows."""
        return QSize(120, CELL_PX)

    def createEditor(  # noqa: N802 - Qt's name
        self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index
    ) -> QWidget:
        """Return the field in which a title is edited."""
        editor = QLineEdit(parent)
        editor.setProperty("kind", "field")
        editor.setMaxLength(_TITLE_LIMIT)
        editor.setAccessibleName("New title of the chat")
        editor.setFont(self._plain)
        return editor

    def updateEditorGeometry(  # noqa: N802 - Qt's name
        self, editor: QWidget, option: QStyleOptionViewItem, _index: Index
    ) -> None:
        """Lay the field over its row."""
        cell: QRect = option.rect
        editor.setGeometry(cell.adjusted(0, 1, 0, -1))


def right_to_left(text: str) -> bool:
    """Return whether the first letter with a direction runs from right to left."""
    if text.isascii():
        return False
    from unicodedata import bidirectional

    for letter in text:
        kind = bidirectional(letter)
        if kind in ("R", "AL"):
            return True
        if kind == "L":
            return False
    return False
