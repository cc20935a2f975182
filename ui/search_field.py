"""The field for searching, with its ground and its magnifying glass drawn in."""

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLineEdit

from ui import icons, theme
from ui.widgets import rounded


class SearchField(QLineEdit):
    """See the module."""

    def __init__(self, hint: str, name: str) -> None:
        super().__init__()
        self.setPlaceholderText(hint)
        self.setAccessibleName(name)
        self.setFixedHeight(36)
        self.setClearButtonEnabled(False)
        self.setFrame(False)
        # See-through before there is a style sheet, by palette, and after, by kind.
        self.setProperty("kind", "clear")
        self.setTextMargins(23, 0, 6, 0)
        see_through = self.palette()
        see_through.setColor(QPalette.ColorRole.Base, QColor(0, 0, 0, 0))
        self.setPalette(see_through)
        self.setFont(theme.ui_font())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint ground, line and glass, then the text over them."""
        colours = theme.current()
        painter = QPainter(self)
        line = colours.accent if self.hasFocus() else colours.line
        rounded(painter, QRectF(self.rect()), 8, colours.card, line)
        icons.paint(painter, "search", colours.muted, QRectF(9.5, 12, 12, 12))
        painter.end()
        super().paintEvent(event)
