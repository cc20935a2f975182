"""The ground of the small windows over the chat: a card that Esc or a click elsewhere ends."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from ui import theme
from ui.widgets import rounded

_RADIUS_PX = 14


class Card(QFrame):
    """See the module. name: what it is to a screen reader."""

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setAccessibleName(name)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the card."""
        colours = theme.current()
        painter = QPainter(self)
        rounded(painter, QRectF(self.rect()), _RADIUS_PX, colours.card, colours.line)
        painter.end()
