"""The horizontal scroll bar of a block wider than its column; the page itself never has one."""

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QScrollBar, QWidget

BAR_PX = 10
STEP_PX = 24


class Sideways:
    """How far a block is scrolled, and the bar that does it, there only while it is needed."""

    # There is one for every block that may be too wide, of which a chat has thousands.
    __slots__ = ("_bar", "_moved", "_name", "value")

    def __init__(self, name: str, moved: Callable[[], None]) -> None:
        self.value = 0
        self._name = name
        self._moved = moved
        self._bar: QScrollBar | None = None

    def place(self, host: QWidget, where: QRect, over: int) -> None:
        """Show the bar on the host if the block is `over` (more than 0) pixels too wide."""
        if over <= 0:
            self.value = 0
            self.release()
            return
        if self._bar is None:
            self._bar = QScrollBar(Qt.Orientation.Horizontal, host)
            self._bar.setAccessibleName(self._name)
            self._bar.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            self._bar.setSingleStep(STEP_PX)
            self._bar.valueChanged.connect(self._on_moved)
            self._bar.show()
        self._bar.setRange(0, over)
        self._bar.setPageStep(where.width())
        self._bar.setValue(self.value)
        self._bar.setGeometry(where)

    def release(self) -> None:
        """Take the bar away; where it stood is remembered."""
        if self._bar is not None:
            self._bar.hide()
            self._bar.deleteLater()
            self._bar = None

    def bars(self) -> list[QWidget]:
        """Return the bar, if it is there."""
        return [] if self._bar is None else [self._bar]

    def slide(self, pixels: int) -> bool:
        """Scroll; whether there was anywhere to go."""
        if self._bar is None:
            return False
        before = self._bar.value()
        self._bar.setValue(before + pixels)
        return self._bar.value() != before

    def _on_moved(self, value: int) -> None:
        self.value = value
        self._moved()


def sideways_pixels(event: QWheelEvent) -> int:
    """Return how far a wheel wants to go to the right: with Shift, or a wheel that tilts."""
    turned = event.angleDelta()
    if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not turned.x():
        return -turned.y() * STEP_PX * 3 // 120
    if abs(turned.x()) > abs(turned.y()):
        return -turned.x() * STEP_PX * 3 // 120
    return 0
