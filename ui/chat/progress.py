"""The thin bar that says what an answer waits for: the model, or the reading of the prompt."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ui import theme

HEIGHT_PX = 40
BAR_PX = 4
BAR_WIDTH_PX = 240


class Progress(QWidget):
    """A sentence with a bar below it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._said = ""
        self._fraction = 0.0

    def show_progress(self, said: str, fraction: float) -> None:
        """Show a sentence, and how much of it is done (0 to 1)."""
        if (said, fraction) == (self._said, self._fraction):
            return
        self._said, self._fraction = said, fraction
        self.setAccessibleName(said)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw sentence and bar."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.caption_font())
        painter.setPen(QColor(colours.muted))
        painter.drawText(QRectF(0, 0, self.width(), 24), Qt.AlignmentFlag.AlignVCenter, self._said)
        bar = QRectF(0, 28, min(BAR_WIDTH_PX, self.width()), BAR_PX)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.line))
        painter.drawRoundedRect(bar, BAR_PX / 2, BAR_PX / 2)
        if self._fraction > 0:
            done = QRectF(bar)
            done.setWidth(max(float(BAR_PX), bar.width() * self._fraction))
            painter.setBrush(QColor(colours.accent))
            painter.drawRoundedRect(done, BAR_PX / 2, BAR_PX / 2)
        painter.end()
