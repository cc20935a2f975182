"""A typeset formula within a line of rich text: one character that Qt lets us measure and draw.

Qt asks such a character for its size only and puts its bottom on the line's. To have its baseline
on the text's, it gets a face whose descent is the formula's depth (`AlignBaseline` reckons with
that descent), and is drawn that much above its bottom.
"""

from functools import lru_cache
from math import ceil
from typing import Protocol

from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextDocument,
    QTextFormat,
)

from ui.chat.style import Style
from ui.formulas.drawing import Drawing, Inks

KIND = QTextFormat.ObjectTypes.UserObject.value + 1
"""The type of the object in a QTextFormat."""
NUMBER = QTextFormat.Property.UserProperty.value + 2
"""A character property: which of its document's formulas a character is, from 1."""

MATH_SHARE = 1.15
"""The em of a formula in ems of the text: New Computer Modern's x is 0.44 em tall, Inter's 0.55."""
ASCENT, DESCENT = 0.96, 0.23
"""Of Inter, a little less than they are, in ems: a formula makes no line of text taller."""
SIDE_EM = 0.06
LEAST_SHARE = 0.55
"""To what share of its size a formula is made smaller to fit its line."""


class Placed:
    """A formula in a line. em_px: of the formula; below: pixels from the baseline to the bottom."""

    def __init__(self, drawing: Drawing, em_px: float, most_px: float, inks: Inks) -> None:
        side = 2 * SIDE_EM * em_px
        wide = drawing.width * em_px
        # What is wider than its line is made smaller: a line cannot scroll, nor a formula break.
        share = min(1.0, max(LEAST_SHARE / 2, (most_px - side) / wide)) if wide > 0 else 1.0
        self.em_px = em_px * share
        self.drawing = drawing
        self.inks = inks
        # At least a line of text: alone in its line, it stands where text would.
        text_px = em_px / MATH_SHARE
        self.font = _font_with_descent(max(DESCENT * text_px, drawing.depth * self.em_px))
        self.below = QFontMetricsF(self.font).descent()
        above = max(ASCENT * text_px, drawing.height * self.em_px)
        self.size = QSizeF(drawing.width * self.em_px + side, above + self.below)

    def paint(self, painter: QPainter, rect: QRectF) -> None:
        """Draw into the rectangle that the line gives."""
        at = QPointF(rect.left() + SIDE_EM * self.em_px, rect.bottom() - self.below)
        self.drawing.paint(painter, at, self.em_px, self.inks)

    def format(self, number: int) -> QTextCharFormat:
        """Return the format of the character that stands for it."""
        form = QTextCharFormat()
        form.setFont(self.font)
        form.setObjectType(KIND)
        form.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
        form.setProperty(NUMBER, number)
        return form


class Holder(Protocol):
    """A document with formulas."""

    placed: list[Placed]


class _Handler(QPyTextObject):
    """What Qt asks, for every document there is."""

    def intrinsicSize(  # noqa: N802 - Qt's name
        self, doc: QTextDocument | Holder, _position: int, form: QTextFormat
    ) -> QSizeF:
        """Return how large a formula is."""
        return _placed(doc, form).size

    def drawObject(  # noqa: N802 - Qt's name
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        doc: QTextDocument | Holder,
        _position: int,
        form: QTextFormat,
    ) -> None:
        """Draw a formula."""
        _placed(doc, form).paint(painter, QRectF(rect))


def _placed(doc: QTextDocument | Holder, form: QTextFormat) -> Placed:
    held: list[Placed] = doc.placed  # type: ignore[union-attr] # only such documents have them
    return held[form.intProperty(NUMBER) - 1]


def register(document: QTextDocument) -> None:
    """Let a document, which is a `Holder`, show formulas."""
    document.documentLayout().registerHandler(KIND, _handler())


@lru_cache(maxsize=1)
def _handler() -> _Handler:
    return _Handler()


def inks(style: Style) -> Inks:
    """Return the colours of formulas in a kind of text."""
    ground = style.theme.thinking_ground if style.kind == "thinking" else style.theme.background
    return Inks(QColor(style.ink), QColor(ground))


def em_px(point_size: float) -> float:
    """Return the em of a formula, in pixels, in text of a size."""
    screen = QGuiApplication.primaryScreen()
    dpi = screen.logicalDotsPerInchY() if screen is not None else 96.0
    return MATH_SHARE * point_size * dpi / 72.0


def _font_with_descent(depth: float) -> QFont:
    """Return a face whose descent is a depth in pixels, or a little more."""
    return _face(ceil(depth * 4))


@lru_cache(maxsize=1024)
def _face(quarters: int) -> QFont:
    font = QFont("Inter")
    size = 1
    while True:
        font.setPixelSize(size)
        descent = QFontMetricsF(font).descent()
        if descent >= quarters / 4 or size > 2000:
            return font
        # Descents grow as sizes do: what is missing says how far to go, nearly.
        size = max(size + 1, int(size * quarters / 4 / descent * 0.95) if descent > 0 else 0)
