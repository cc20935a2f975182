"""The list of answers that were run again: a dot for what came of each, its number, the word."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from app.transcript.replay import Compared
from ui import theme
from ui.sidebar.delegate import Index
from ui.widgets import rounded

WIDTH_PX = 232
_ROW_PX = 52
_DOT_ROLE = Qt.ItemDataRole.UserRole + 1
_WORD_ROLE = Qt.ItemDataRole.UserRole + 2
_DOTS = {"identical": "good", "different": "bad", "not run": "muted"}


class AnswerList(QListWidget):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Answers that were run again")
        self.setFixedWidth(WIDTH_PX)
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setItemDelegate(_Delegate(self))
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)

    def add(self, compared: Compared, word: str) -> None:
        """Add what came of an answer."""
        item = QListWidgetItem(f"Message {compared.number:,}")
        other_run = compared.outcome == "different" and compared.token is None
        item.setData(_DOT_ROLE, "warn" if other_run else _DOTS[compared.outcome])
        item.setData(_WORD_ROLE, word)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{item.text()}: {word}")
        item.setToolTip(f"{item.text()}: {word}")
        self.addItem(item)


class _Delegate(QStyledItemDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:  # noqa: N802 - Qt's name
        return QSize(WIDTH_PX - 16, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        colours = theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = option.rect.adjusted(0, 2, 0, -2)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            rounded(painter, QRectF(box), 8, colours.accent_soft, None)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            rounded(painter, QRectF(box), 8, colours.line, None)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(colours, index.data(_DOT_ROLE))))
        painter.drawEllipse(QPointF(box.left() + 16, box.top() + 16), 4, 4)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        title = box.adjusted(30, 4, -8, -box.height() // 2)
        painter.setFont(theme.ui_font())
        painter.setPen(QColor(colours.ink))
        painter.drawText(title, left, index.data(Qt.ItemDataRole.DisplayRole))
        below = box.adjusted(30, box.height() // 2 - 2, -8, -4)
        painter.setFont(theme.caption_font())
        painter.setPen(QColor(colours.muted))
        word = QFontMetrics(painter.font()).elidedText(
            index.data(_WORD_ROLE), Qt.TextElideMode.ElideRight, below.width()
        )
        painter.drawText(below, left, word)
        painter.restore()
