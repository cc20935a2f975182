"""What printing adds to a rich text: formulas in the middle, their source in the text, the places.

A formula is outlines on paper, and outlines cannot be searched, copied or read aloud. So its TeX
stands behind it in the paper's own colour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextLine,
)

from app.transcript.paper import MARK
from ui.chat import inline
from ui.chat.document import TEX

if TYPE_CHECKING:
    from ui.chat.document import Document

_SOURCE_PX = 6
_ALTERNATES = ("calt", "liga", "clig")
_APART = ("$$", "\\[", "\\begin")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a formula stands, in pixels of the whole text. name: its TeX."""

    name: str
    rect: QRectF
    baseline: float


def settle(document: "Document") -> None:
    """Put formulas that stand apart in the middle; leave no link that leads nowhere.

    Such are those where a formula was refused, and those within a text (to its footnotes), which
    Qt writes as addresses of the web.
    Letters are written without alternates: Qt's PDF does not say which character one stands for,
    and "SHA-256" would be read back as "SHA 256".
    """
    plain = QTextCharFormat()
    plain.setFont(
        _plain(QFont()),
        QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesSpecifiedOnly,
    )
    every = QTextCursor(document)
    every.select(QTextCursor.SelectionType.Document)
    every.mergeCharFormat(plain)
    for block in _blocks(document):
        cursor = QTextCursor(block)
        runs = [(run.start, run.length, QTextCharFormat(run.format)) for run in block.textFormats()]
        for start, length, form in runs:
            inner = form.anchorHref().startswith("#")
            if form.hasProperty(QTextFormat.Property.AnchorHref) and (
                inner or not form.anchorHref()
            ):
                form.clearProperty(QTextFormat.Property.AnchorHref)
                form.clearProperty(QTextFormat.Property.IsAnchor)
                cursor.setPosition(block.position() + start)
                cursor.setPosition(
                    block.position() + start + length, QTextCursor.MoveMode.KeepAnchor
                )
                cursor.setCharFormat(form)
        said = block.text().strip()
        apart = [form for _, _, form in runs if str(form.property(TEX) or "").startswith(_APART)]
        if said == "\ufffc" and apart:
            middle = QTextBlockFormat()
            middle.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            cursor.mergeBlockFormat(middle)


def formulas(document: "Document") -> list[Place]:
    """Return where every drawn formula is."""
    found: list[Place] = []
    layout = document.documentLayout()
    for block in _blocks(document):
        above = layout.blockBoundingRect(block).topLeft()
        for run in block.textFormats():
            number = run.format.intProperty(inline.NUMBER)
            if number < 1 or run.format.objectType() != inline.KIND:
                continue
            line = block.layout().lineForTextPosition(run.start)
            if not line.isValid():
                continue
            edges = [_x(line, run.start), _x(line, run.start + run.length)]
            at = QPointF(min(edges), line.y())
            placed = document.placed[number - 1]
            rect = QRectF(above + at, placed.size)
            rect.moveBottom(above.y() + line.y() + line.ascent() + placed.below)
            found.append(Place(str(run.format.property(TEX)), rect, rect.bottom() - placed.below))
    return found


def messages(document: "Document") -> dict[str, float]:
    """Return where each message begins, by its number, in pixels of the whole text."""
    found: dict[str, float] = {}
    layout = document.documentLayout()
    for block in _blocks(document):
        for run in block.textFormats():
            for name in run.format.anchorNames():
                if name.startswith(MARK):
                    found[name.removeprefix(MARK)] = layout.blockBoundingRect(block).top()
    return found


def sources(painter: QPainter, places: list[Place], shown: QRectF) -> None:
    """Write the TeX of a page's formulas in the colour of paper, where they will be drawn."""
    painter.save()
    painter.setPen(QColor("white"))
    font = _plain(QFont("Inter"))
    font.setPixelSize(_SOURCE_PX)
    painter.setFont(font)
    for place in places:
        if not shown.contains(place.rect.center()):
            continue
        wide = QFontMetricsF(font).horizontalAdvance(place.name)
        painter.save()
        painter.translate(place.rect.left(), place.baseline)
        if wide > place.rect.width() > 0:
            painter.scale(place.rect.width() / wide, 1.0)
        painter.drawText(QPointF(0, 0), " ".join(place.name.split()))
        painter.restore()
    painter.restore()


def _x(line: QTextLine, position: int) -> float:
    found: Any = line.cursorToX(position)  # with where it looked, in some versions
    return float(found[0] if isinstance(found, tuple) else found)


def _plain(font: QFont) -> QFont:
    for name in _ALTERNATES:
        font.setFeature(QFont.Tag(name), 0)
    return font


def _blocks(document: "Document") -> Iterator[QTextBlock]:
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()
