"""What the picker's painted parts share: a line of text, and the colours of verdicts as text.

The tokens good, warn and bad are too pale for words in light. Each ink here holds 4.5:1 on the
window's ground, on a card and on the accent's soft ground.
"""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter

from ui.tokens import DARK, Theme

_LIGHT = {"good": "#1C764D", "warn": "#8A560D", "bad": "#B53434"}


def tone(name: str, colours: Theme) -> str:
    """Return the ink for "good", "warn", "bad" or "muted"."""
    if name == "muted":
        return colours.muted
    return str(getattr(colours, name)) if colours is DARK else _LIGHT[name]


def draw_line(painter: QPainter, box: QRect, text: str, font: QFont, ink: str) -> None:
    """Draw one line, cut where it has no room."""
    painter.setFont(font)
    painter.setPen(QColor(ink))
    cut = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, cut)
