"""What was found, marked in what is drawn: text as with a pen, a formula framed.

The marks lie over the text that is drawn already, mixed in so that the ink keeps its colour: paper
gets darker under a light theme's pen, and lighter under a dark theme's.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QTextBlock, QTextDocument

from app.chat.find import Pattern
from ui import theme
from ui.chat.cells import Cell, DocumentCell
from ui.chat.code import CodeCell
from ui.chat.document import TEX
from ui.chat.formula import MathCell
from ui.chat.inline import NUMBER
from ui.chat.long import LongCell
from ui.chat.prose import ProseCell
from ui.chat.utf16 import units

LIGHT_PEN, LIGHT_CURRENT = "#FFE9A8", "#FFC65C"
DARK_PEN, DARK_CURRENT = "#4A3A10", "#634200"
FRAME_PX = 1.5
BADGE_PX = 20
MARGIN_PX = 60
TYPESET = "\ufffc"

_DELIMITERS = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))


def hits(cell: Cell, pattern: Pattern) -> list[tuple[int, int]]:
    """Return what is found in a cell: ranges of its offsets, in order."""
    if isinstance(cell, CodeCell):
        return _in_lines(cell.text, pattern)
    if isinstance(cell, MathCell) and cell.drawing is not None:
        return [(0, 1)] * sum(len(pattern.hits(line)) for line in cell.tex.split("\n"))
    if isinstance(cell, DocumentCell):
        return _in_document(cell.document(), pattern)
    return []


def _in_lines(text: str, pattern: Pattern) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = 0
    for line in text.split("\n"):
        found += [(at + start, at + end) for start, end in pattern.hits(line)]
        at += len(line) + 1
    return found


def _in_document(document: QTextDocument, pattern: Pattern) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    block = document.begin()
    while block.isValid():
        if block.length() > 1:
            found += _in_block(block, pattern)
        block = block.next()
    return found


def _in_block(block: QTextBlock, pattern: Pattern) -> list[tuple[int, int]]:
    """Return the hits in a paragraph, a formula in it being its TeX; positions in the document."""
    said: list[str] = []
    # For each stretch: where it begins in what is said, what it says, its position, and its length
    # where it is one thing as a whole, else 0.
    stretches: list[tuple[int, str, int, int]] = []
    length = 0
    step = block.begin()
    while not step.atEnd():
        fragment = step.fragment()
        step += 1
        text, whole = fragment.text(), 0
        tex = fragment.charFormat().property(TEX)
        if isinstance(tex, str) and fragment.charFormat().intProperty(NUMBER):
            text, whole = _bare(tex), fragment.length()
        stretches.append((length, text, fragment.position(), whole))
        said.append(text)
        length += len(text)

    def position(at: int, *, past: bool) -> int:
        for begins, text, start, whole in reversed(stretches):
            if begins < at or (begins == at and not past):
                if whole:
                    return start + (whole if past else 0)
                return start + units(text, at - begins)
        return block.position()

    return [
        (position(start, past=False), position(end, past=True))
        for start, end in pattern.hits("".join(said).rstrip())
    ]


def _bare(tex: str) -> str:
    for opening, closing in _DELIMITERS:
        if tex.startswith(opening) and tex.endswith(closing):
            return tex[len(opening) : -len(closing)]
    return tex


def typeset(cell: Cell, start: int) -> bool:
    """Whether what begins at an offset is a formula that is drawn."""
    if isinstance(cell, MathCell):
        return cell.drawing is not None
    if isinstance(cell, LongCell):
        within = [(at, part) for at, part in cell.parts() if at <= start]
        return typeset(within[-1][1], start - within[-1][0])
    if isinstance(cell, DocumentCell):
        return cell.document().characterAt(start) == TYPESET
    return False


class Marks:
    """Draws what is found over the cells of a text.

    current: returns the number of the hit in a cell that is the current one, None for none.
    """

    def __init__(self, pattern: Pattern, current: Callable[[Cell], int | None]) -> None:
        self._pattern = pattern
        self._current = current
        self._known: WeakKeyDictionary[Cell, tuple[object, list[tuple[int, int]]]]
        self._known = WeakKeyDictionary()

    def hits(self, cell: Cell) -> list[tuple[int, int]]:
        """Return what is found in a cell as it is laid out now."""
        if isinstance(cell, LongCell):
            if not cell.exact:
                cell.lay_out()
            return [
                (at + start, at + end)
                for at, part in cell.parts()
                for start, end in self.hits(part)
            ]
        known = self._known.get(cell)
        if known is None or known[0] != _state(cell):
            found = hits(cell, self._pattern)
            known = self._known[cell] = _state(cell), found
        return known[1]

    def draw(self, painter: QPainter, cell: Cell, clip: QRectF) -> None:
        """Draw the marks of a cell, which has been drawn at the painter's origin."""
        found = self.hits(cell)
        if not found:
            return
        current = self._current(cell)
        chosen = found[current] if current is not None and current < len(found) else None
        if isinstance(cell, CodeCell | LongCell):
            # What it shows is laid out only where it is seen.
            seen = clip.adjusted(0, -MARGIN_PX, 0, MARGIN_PX)
            first, last = cell.hit(seen.topLeft()), cell.hit(seen.bottomRight())
            found = [one for one in found if one[1] >= first and one[0] <= last]
        painter.setClipRect(QRectF(0, 0, cell.width, cell.height), Qt.ClipOperation.IntersectClip)
        for start, end in dict.fromkeys(found):
            framed = typeset(cell, start)
            for box in cell.rects(start, end):
                _mark(painter, box, framed=framed, current=(start, end) == chosen)


def _state(cell: Cell) -> object:
    """Return what the places of a cell's text depend on."""
    if isinstance(cell, CodeCell):
        return len(cell.text)
    if isinstance(cell, MathCell) and cell.drawing is not None:
        return cell.tex
    if isinstance(cell, ProseCell):
        return cell.html, cell.waits, cell.width
    return cell.source


def _mark(painter: QPainter, box: QRectF, *, framed: bool, current: bool) -> None:
    dark = theme.current().dark
    modes = QPainter.CompositionMode
    pen = (DARK_CURRENT if current else DARK_PEN) if dark else LIGHT_CURRENT
    pen = pen if dark or current else LIGHT_PEN
    painter.setCompositionMode(
        modes.CompositionMode_Screen if dark else modes.CompositionMode_Multiply
    )
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(pen))
    around = box.adjusted(-1, -1, 1, 1)
    if not framed or current:
        painter.drawRoundedRect(around, 3, 3)
    painter.setCompositionMode(modes.CompositionMode_SourceOver)
    if framed or current:
        ink = theme.current().warn
        painter.setPen(QPen(QColor(ink), FRAME_PX))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(around, 3, 3)


def badge(painter: QPainter, room: QRectF, text: str) -> QRectF:
    """Draw a few words on the current hit's ground at the right of a room; return what is left."""
    colours = theme.current()
    font = theme.caption_font()
    wide = QFontMetricsF(font).horizontalAdvance(text) + 16
    box = QRectF(room.right() - wide - 8, room.center().y() - BADGE_PX / 2, wide, BADGE_PX)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(DARK_CURRENT if colours.dark else LIGHT_PEN))
    painter.drawRoundedRect(box, BADGE_PX / 2, BADGE_PX / 2)
    painter.setPen(QColor(colours.ink))
    painter.setFont(font)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return QRectF(room.topLeft(), QPointF(box.left() - 8, room.bottom()))
