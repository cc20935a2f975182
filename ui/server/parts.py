"""The dialog's card of what was found at an address, and the rows of its models."""

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout

from ui import theme
from ui.widgets import Card, muted


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


def model_rows(models: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield each model's name and its row: the name, and what is known of it."""
    for name, facts in models:
        yield name, f"{name}   {facts}" if facts else name


def _wrapped() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
