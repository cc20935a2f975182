"""The composer's small controls: pills that say what is set, and the button that sends or stops."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui import icons, theme
from ui.chat.controls import Control, focus_ring

PILL_PX = 28
SEND_PX = 34
ICON_PILL_PX = 38
LEAST_WORD_PX = 56
"""Where a word would have to be cut to less than this, there is only the icon."""


class Pill(Control):
    """A rounded button with an icon and words; `tinted` in the colours of thinking."""

    def __init__(
        self, parent: QWidget, icon: str, does: Callable[[], None], *, tinted: bool = False
    ) -> None:
        super().__init__(parent, "", does)
        self._icon = icon
        self._tinted = tinted
        self._most = 10_000
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFont(theme.ui_font())

    def say(self, text: str) -> None:
        """Show some words."""
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(text)
        self.updateGeometry()
        self.update()

    def bound(self, width: int) -> None:
        """Be at most so wide; what does not fit is elided, or left to the icon alone."""
        cut = width < self.natural_width() and width - 40 < LEAST_WORD_PX
        self._most = ICON_PILL_PX if self._icon and cut else width

    def natural_width(self) -> int:
        """Return the width in pixels at which nothing is elided."""
        word = QFontMetricsF(self.font()).horizontalAdvance(self.text())
        return round(word) + (18 if self._icon else 0) + 25

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room that icon and words need."""
        return QSize(min(self._most, self.natural_width()), PILL_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw ground, border, icon and words."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.underMouse() or self.ringed
        line, ink = colours.line, colours.ink if lit else colours.muted
        if self._tinted:
            line, ink = colours.thinking_rule, colours.thinking_ink
            painter.setBrush(QColor(colours.thinking_ground))
        elif lit:
            line = colours.muted
        painter.setPen(QPen(QColor(line), 1))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, PILL_PX / 2, PILL_PX / 2)
        x = 12.0
        if self._icon:
            icons.paint(painter, self._icon, ink, QRectF(x - 1, (PILL_PX - 14) / 2, 14, 14))
            x += 18
        painter.setPen(QColor(ink))
        painter.setFont(self.font())
        room = QRectF(x, 0, self.width() - x - 10, PILL_PX)
        if not self._icon or self.width() > ICON_PILL_PX:
            text = QFontMetricsF(self.font()).elidedText(
                self.text(), Qt.TextElideMode.ElideRight, room.width() + 1
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)
        if self.ringed:
            focus_ring(painter, QRectF(self.rect()), PILL_PX / 2)
        painter.end()


class SendButton(Control):
    """The arrow that sends; while an answer is written, the square that stops it."""

    def __init__(self, parent: QWidget, does: Callable[[], None]) -> None:
        super().__init__(parent, "Send", does)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._running = False

    def show_running(self, running: bool) -> None:
        """Be the Stop button, or the Send button."""
        self._running = running
        name = "Stop" if running else "Send"
        self.setAccessibleName(name)
        self.setToolTip(f"{name} ({'Esc' if running else 'Enter'})")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return its one size."""
        return QSize(SEND_PX, SEND_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the ground and the arrow or square."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        ground = colours.ink if self._running else colours.accent
        mark = colours.background if self._running else colours.on_accent
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
        inside = QRectF(9, 9, SEND_PX - 18, SEND_PX - 18)
        icons.paint(painter, "stop" if self._running else "send", mark, inside)
        if self.ringed:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(mark), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(3, 3, -3, -3), 7, 7)
        painter.end()
