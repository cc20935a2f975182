"""Where on the screen a stretch of rich text is, line by line, and what is under a point."""

from collections.abc import Iterator

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QTextBlock, QTextDocument, QTextLine

THING = "\ufffc"
"""The character that stands for what is drawn in a line and is no text: a formula."""


def rects(document: QTextDocument, start: int, end: int) -> list[QRectF]:
    """Return the boxes of the text between two positions, a box for each line it is on.

    They count from the document's own corner. Text that runs to the left is as one box, too.
    """
    found: list[QRectF] = []
    block = document.findBlock(start)
    while block.isValid() and block.position() < end:
        found += _in_block(document, block, start, end)
        block = block.next()
    return found


def link_words(document: QTextDocument, point: QPointF) -> str:
    """Return the words of the link under a point, "" where there is none."""
    layout = document.documentLayout()
    address = layout.anchorAt(point)
    at = layout.hitTest(point, Qt.HitTestAccuracy.FuzzyHit)
    block = document.findBlock(max(0, at))
    said, found = "", ""
    step = block.begin()
    while address and not step.atEnd():
        fragment = step.fragment()
        step += 1
        if fragment.charFormat().anchorHref() != address:
            said = ""
            continue
        said += fragment.text()
        if fragment.position() <= at <= fragment.position() + fragment.length() or (
            found and said.startswith(found)
        ):
            found = said
    return found


def _in_block(document: QTextDocument, block: QTextBlock, start: int, end: int) -> Iterator[QRectF]:
    corner = document.documentLayout().blockBoundingRect(block).topLeft()
    layout = block.layout()
    for number in range(layout.lineCount()):
        line = layout.lineAt(number)
        first = max(start - block.position(), line.textStart())
        past = min(end - block.position(), line.textStart() + line.textLength())
        if past <= first:
            continue
        thing = document.characterAt(block.position() + past - 1) == THING
        # Of what is no text only the leading edge is known: its end is where the next one begins.
        end_x = _x(line, past, trailing=False) if thing else _x(line, past - 1, trailing=True)
        one, two = sorted((_x(line, first, trailing=False), end_x))
        rise = line.ascent() + line.descent()
        top = line.y() + line.height() - rise
        yield QRectF(one, top, two - one, rise).translated(corner)


def _x(line: QTextLine, offset: int, *, trailing: bool) -> float:
    """Return where an edge of a character is; the binding gives the offset back too, or not."""
    edge = QTextLine.Edge.Trailing if trailing else QTextLine.Edge.Leading
    found = line.cursorToX(offset, edge)
    return float(found[0] if isinstance(found, tuple) else found)  # type: ignore[arg-type]
