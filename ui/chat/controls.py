"""The small painted controls of the conversation: quiet buttons that are real widgets.

They are real so that keyboard, focus and screen readers have them for nothing. They are not in
Qt's own tab chain (ClickFocus): the transcript moves the focus among its controls itself, because
those of messages far away do not exist.
"""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from ui import icons, theme

ICON_PX = 14
DONE_MS = 1600


def focus_ring(painter: QPainter, rect: QRectF, radius: float) -> None:
    """Draw the mark of the keyboard's focus just inside a rectangle."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.current().accent), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), radius, radius)
    painter.restore()


class Control(QAbstractButton):
    """A button that remembers whether the keyboard brought the focus, and obeys Enter as Space."""

    def __init__(self, parent: QWidget | None, name: str, does: Callable[[], None]) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.by_keyboard = False
        self.clicked.connect(lambda: does())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show the ring only where the mouse did not bring the focus."""
        self.by_keyboard = event.reason() != Qt.FocusReason.MouseFocusReason
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take Enter for a click, as Space is."""
        self.by_keyboard = True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    @property
    def ringed(self) -> bool:
        """Whether to draw the focus ring."""
        return self.hasFocus() and self.by_keyboard


class QuietButton(Control):
    """An icon and a word in the muted ink, the full ink under the mouse."""

    def __init__(
        self,
        parent: QWidget | None,
        text: str,
        icon: str,
        does: Callable[[], None],
        *,
        name: str = "",
        font: QFont | None = None,
    ) -> None:
        super().__init__(parent, name or text, does)
        self._icon = icon
        self._name = name or text
        self._done = False
        self._undone: QTimer | None = None
        self.setFont(font or theme.caption_font())
        self.setText(text)
        if not text:
            self.setToolTip(name)

    def show_done(self, said: str) -> None:
        """Show a check mark for a moment, and tell screen readers what was done."""
        self._done = True
        self.setAccessibleName(said)
        self.update()
        if self._undone is None:
            self._undone = QTimer(self)
            self._undone.setSingleShot(True)
            self._undone.timeout.connect(self._show_undone)
        self._undone.start(DONE_MS)

    def _show_undone(self) -> None:
        self._done = False
        self.setAccessibleName(self._name)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the icon and the word with 4 px around."""
        word = QFontMetricsF(self.font()).horizontalAdvance(self.text())
        icon = ICON_PX if self._icon else 0
        gap = 4 if word and icon else 0
        return QSize(round(word) + icon + gap + 9, 28)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw icon, word and focus ring."""
        colours = theme.current()
        lit = self.underMouse() or self.ringed
        ink = colours.ink if lit and self.isEnabled() else colours.muted
        painter = QPainter(self)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        x = 4.0
        if self._icon:
            box = QRectF(x, (self.height() - ICON_PX) / 2, ICON_PX, ICON_PX)
            if self._done:
                _check(painter, box)
            else:
                icons.paint(painter, self._icon, ink, box)
            x += ICON_PX + 4
        painter.setFont(self.font())
        painter.setPen(QColor(ink))
        room = QRectF(x, 0, self.width() - x, self.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.ringed:
            focus_ring(painter, QRectF(self.rect()), 6)
        painter.end()


def _check(painter: QPainter, box: QRectF) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(theme.current().good), 1.6))
    points = [(0.15, 0.55), (0.4, 0.8), (0.88, 0.25)]
    painter.drawPolyline(
        [QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in points]
    )
    painter.restore()


class FilledButton(Control):
    """A button on a ground of its own: bordered, or the accent where it is the main one."""

    def __init__(
        self, parent: QWidget | None, text: str, does: Callable[[], None], *, primary: bool = False
    ) -> None:
        super().__init__(parent, text, does)
        self._primary = primary
        self.setFont(theme.ui_font())
        self.setText(text)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the word with the design's padding."""
        word = QFontMetricsF(self.font()).horizontalAdvance(self.text())
        return QSize(round(word) + 26, 36)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw ground, border, word and focus ring."""
        colours = theme.current()
        lit = self.underMouse() or self.ringed
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = colours.accent if self._primary else colours.card
        border = colours.accent if self._primary else colours.muted if lit else colours.line
        ink = colours.on_accent if self._primary else colours.ink if lit else colours.muted
        painter.setPen(QPen(QColor(border), 1))
        painter.setBrush(QColor(ground))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        painter.setPen(QColor(ink))
        painter.setFont(self.font())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        if self.ringed:
            if self._primary:
                painter.setPen(QPen(QColor(colours.ink), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 8, 8)
            else:
                focus_ring(painter, QRectF(self.rect()), 8)
        painter.end()


def triangle(painter: QPainter, centre: QPointF, ink: str, *, down: bool) -> None:
    """Draw the small filled triangle that says whether a panel is open."""
    points = (
        [QPointF(-3.5, -3.0), QPointF(3.5, -3.0), QPointF(0.0, 3.5)]
        if down
        else [QPointF(-3.0, -3.5), QPointF(3.5, 0.0), QPointF(-3.0, 3.5)]
    )
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ink))
    painter.drawPolygon([centre + point for point in points])
    painter.restore()
