"""A few words over the lower edge of the transcript: where a link leads, how large the text is."""

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from ui import theme
from ui.widgets import rounded

TALL_PX = 28
PAD_PX = 12
EDGE_PX = 8
MOST_SHARE = 0.8


class Hint(QWidget):
    """See the module. It never takes mouse or focus, and lies at the left or in the middle."""

    def __init__(self, view: QAbstractScrollArea, *, middle: bool = False) -> None:
        super().__init__(view)
        self._view = view
        self._middle = middle
        self._elided = ""
        self.text = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._ends = QTimer(self)
        self._ends.setSingleShot(True)
        self._ends.timeout.connect(self.clear)
        self.hide()

    def say(self, text: str, *, ms: int = 0) -> None:
        """Show a text, cut in its middle where it is too long. ms: for how long, 0 until cleared.

        Nothing shows nothing.
        """
        self.text = text
        self._ends.stop()
        if not text:
            self.hide()
            return
        metrics = QFontMetricsF(theme.ui_font())
        most = self._view.viewport().width() * MOST_SHARE
        self._elided = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, most - 2 * PAD_PX)
        wide = round(metrics.horizontalAdvance(self._elided)) + 2 * PAD_PX
        left = (self._view.viewport().width() - wide) // 2 if self._middle else EDGE_PX
        self.setGeometry(left, self._view.height() - TALL_PX - EDGE_PX, wide, TALL_PX)
        self.setAccessibleName(text)
        self.raise_()
        self.show()
        self.update()
        if ms:
            self._ends.start(ms)

    def clear(self) -> None:
        """Show nothing."""
        self.say("")

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the words on a card."""
        colours = theme.current()
        painter = QPainter(self)
        rounded(painter, QRectF(self.rect()), 8, colours.card, colours.line)
        painter.setFont(theme.ui_font())
        painter.setPen(QColor(colours.ink))
        painter.drawText(QRectF(self.rect()), Qt.AlignmentFlag.AlignCenter, self._elided)
        painter.end()
