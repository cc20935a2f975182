"""The dialog's card of what was found at an address, and the list of its models."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
)

from ui import theme
from ui.widgets import Card, muted

_ROW_PX, _MOST_ROWS = 34, 6


class Finding(Card):
    """A dot for how it went, a sentence, and what else there is to say."""

    def __init__(self) -> None:
        super().__init__(radius=10)
        self._dot = "muted"
        self.title = _wrapped()
        bold = theme.ui_font()
        bold.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(bold)
        self.lines = muted(_wrapped())
        self.lines.setFont(theme.ui_font())
        column = QVBoxLayout(self)
        column.setContentsMargins(36, 12, 16, 12)
        column.setSpacing(4)
        column.addWidget(self.title)
        column.addWidget(self.lines)

    def say(self, dot: str, title: str, lines: Sequence[str]) -> None:
        """Show a finding. dot: the name of a token of the theme."""
        self._dot = dot
        self.title.setText(title)
        self.lines.setText("\n".join(lines))
        self.lines.setVisible(bool(lines))
        self.setAccessibleName(" ".join((title, *lines)))
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the card, and the dot beside its first line."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(theme.current(), self._dot)))
        middle = self.title.y() + self.title.fontMetrics().height() / 2
        painter.drawEllipse(QPointF(20, middle), 4, 4)


class ModelList(QListWidget):
    """The models of a server, as high as they are many, up to a point."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Models of the server")
        self.setFont(theme.ui_font())
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setUniformItemSizes(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme.notifier().changed.connect(self._dress)
        self._dress()

    def show_models(self, models: Sequence[tuple[str, str]], chosen: str) -> None:
        """Show models by name and what is known of each; one is chosen, the first without."""
        self.clear()
        for name, facts in models:
            item = QListWidgetItem(f"{name}   {facts}" if facts else name)
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setToolTip(item.text())
            self.addItem(item)
            if name == chosen:
                self.setCurrentItem(item)
        if self.currentItem() is None:
            self.setCurrentRow(0)
        self.setFixedHeight(_ROW_PX * min(_MOST_ROWS, max(1, len(models))) + 2)

    def chosen(self) -> str:
        """Return the name of the model that is chosen, "" where there is none."""
        item = self.currentItem()
        return str(item.data(Qt.ItemDataRole.UserRole)) if item is not None else ""

    def _dress(self) -> None:
        colours = theme.current()
        self.setStyleSheet(
            f"QListWidget {{ background: transparent; color: {colours.ink}; outline: none; }}"
            f"QListWidget::item {{ height: {_ROW_PX}px; padding: 0 8px; border-radius: 8px; }}"
            f"QListWidget::item:selected {{ background: {colours.accent_soft};"
            f" color: {colours.ink}; }}"
        )


def _wrapped() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
