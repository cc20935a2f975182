"""A text file as it is shown in a message: a card with its name, its size and its first lines."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.chat.attached_text import preview
from app.chat.attachments import described, in_words
from app.chat.message import File
from ui import icons, theme
from ui.chat.controls import Control, focus_ring

WIDTH_PX = 272
SMALL_PX = 54
LINE_PX = 16
RADIUS_PX = 10
_PAD_PX = 12


class FileCard(Control):
    """The card; a click shows all of the file. small: without the first lines."""

    def __init__(
        self, parent: QWidget, part: File, does: Callable[[], None], *, small: bool = False
    ) -> None:
        gone = part.text is None
        name = f"{described(part)}: the file is missing" if gone else described(part)
        super().__init__(parent, name, does)
        self.part = part
        self._lines = [] if small or gone else preview(part).split("\n")
        self.setToolTip(name)
        self.setAccessibleDescription("" if gone else "Shows the whole text.")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room for name, size and the first lines."""
        lines = len(self._lines) * LINE_PX + 8 if any(self._lines) else 0
        return QSize(WIDTH_PX, SMALL_PX + lines)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw ground, icon, name, size and the first lines."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.underMouse() or self.ringed
        gone = self.part.text is None
        pen = QPen(QColor(colours.muted if lit or gone else colours.line), 1)
        pen.setStyle(Qt.PenStyle.DashLine if gone else Qt.PenStyle.SolidLine)
        painter.setPen(pen)
        painter.setBrush(QColor(colours.card))
        rect = QRectF(self.rect())
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_PX, RADIUS_PX)
        icons.paint(painter, "file", colours.muted, QRectF(_PAD_PX, (SMALL_PX - 20) / 2, 20, 20))
        said = "The file is missing." if gone else f"Text, {in_words(self.part.size_bytes)}"
        title(painter, self.part.name, said, QRectF(42, 0, rect.width() - 42 - _PAD_PX, SMALL_PX))
        if any(self._lines):
            self._paint_lines(painter, rect)
        if self.ringed:
            focus_ring(painter, rect, RADIUS_PX)
        painter.end()

    def _paint_lines(self, painter: QPainter, rect: QRectF) -> None:
        colours = theme.current()
        painter.setPen(QPen(QColor(colours.line), 1))
        painter.drawLine(1, SMALL_PX - 2, self.width() - 2, SMALL_PX - 2)
        painter.setFont(theme.mono_font(11))
        painter.setPen(QColor(colours.muted))
        metrics = QFontMetricsF(painter.font())
        room = rect.width() - 2 * _PAD_PX
        for number, line in enumerate(self._lines):
            at = QRectF(_PAD_PX, SMALL_PX + 2 + number * LINE_PX, room, LINE_PX)
            cut = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room)
            painter.drawText(at, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, cut)


def title(painter: QPainter, name: str, said: str, room: QRectF) -> None:
    """Draw a name and, below it in the muted ink, what is said of it, in the middle of a height.

    A name that is too long loses its middle: its end tells what it is.
    """
    colours = theme.current()
    flags = (
        Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute
    )
    font = theme.ui_font()
    font.setWeight(QFont.Weight.DemiBold)
    middle = room.center().y()
    for text, made, ink, top in (
        (name, font, colours.ink, middle - 19),
        (said, theme.caption_font(), colours.muted, middle + 1),
    ):
        painter.setFont(made)
        painter.setPen(QColor(ink))
        cut = QFontMetricsF(made).elidedText(text, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(QRectF(room.left(), top, room.width(), 18), flags, cut)
