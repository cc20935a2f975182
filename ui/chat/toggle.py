"""A quiet button that is on or off, and shows it by a ground of its own."""

from collections.abc import Callable

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ui import theme
from ui.chat.controls import QuietButton
from ui.widgets import rounded


class Toggle(QuietButton):
    """See the module."""

    def __init__(
        self, parent: QWidget, text: str, icon: str, does: Callable[[], None], *, name: str
    ) -> None:
        super().__init__(parent, text, icon, does, name=name)
        self.setCheckable(True)
        self.setToolTip(name)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the ground, then the word or icon."""
        if self.isChecked():
            painter = QPainter(self)
            ground = QRectF(self.rect()).adjusted(0, 2, -1, -2)
            rounded(painter, ground, 6, theme.current().accent_soft, theme.current().accent)
            painter.end()
        super().paintEvent(event)
