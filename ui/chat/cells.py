"""The blocks of a text as cells: each is laid out once per width, and drawn only where it is seen.

A cell knows its height before it is laid out, roughly, so that a text of any length can be placed
without laying it out; `exact` says which of the two it is. What it needs for drawing is made by
`lay_out` and dropped by `release`, in any order and as often as need be.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from weakref import WeakSet

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QPainter,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextLine,
)
from PySide6.QtWidgets import QWidget

from app.markup.blocks import Block
from ui.chat import document, geometry, style
from ui.chat.document import Document
from ui.chat.style import Kind, Style
from ui.formulas.desk import Wish

CARET_PX = 4
WHOLE = 1 << 60
"""An offset past every text."""

NOTHING: frozenset[Wish] = frozenset()
"""What all those wait for that wait for none: an empty set takes 216 bytes, too."""

_waiting: "WeakSet[Cell]" = WeakSet()


def waiting_cells() -> "list[Cell]":
    """Return the cells, of all columns, that wait for formulas: few, where there are thousands."""
    return list(_waiting)


class Cell:
    """One block. Offsets count the characters of its text as it is shown; lengths are pixels.

    fresh_from: how far down it is drawn as it was before it grew last, in pixels. number: its place
    in its column, -1 outside one.
    """

    def __init__(self, source: str, kind: Kind) -> None:
        self.source = source
        self.kind = kind
        self.continues = False
        self.height = 0
        self.width = -1
        self._laid_out_for = -1
        self._waits: frozenset[Wish] = NOTHING
        self.fresh_from = 0
        self.number = -1

    @property
    def waits(self) -> frozenset[Wish]:
        """The formulas that were not known yet when it was laid out."""
        return self._waits

    @waits.setter
    def waits(self, waits: frozenset[Wish]) -> None:
        self._waits = waits
        if waits:
            _waiting.add(self)
        else:
            _waiting.discard(self)

    @property
    def style(self) -> Style:
        """The style of its text in the theme in force."""
        return style.of(self.kind)

    @property
    def exact(self) -> bool:
        """Whether the height is a measured one."""
        return self._laid_out_for == self.width

    def set_width(self, width: int) -> None:
        """Take a new width; the height is an estimate until the cell is laid out for it."""
        if width == self.width:
            return
        self.width = width
        self._laid_out_for = -1
        self.height = self.estimate(width)

    def lay_out(self) -> None:
        """Make the cell drawable and its height exact."""
        self.height = self._measure(self.width)
        self._laid_out_for = self.width

    def estimate(self, width: int) -> int:
        """Return a rough height in pixels for a width."""
        per_line = max(8, int(width / (self.style.font.pointSizeF() * 0.66)))
        lines = sum(1 + len(line) // per_line for line in self.source.split("\n"))
        return ceil(lines * self.style.font.pointSizeF() * 2.1)

    def grow(self, block: Block) -> bool:
        """Take over a later state of the same block, if that can be done in place."""
        return False

    def renew(self) -> None:
        """Look again for what the cell `waits` for, at the next layout."""
        self.waits = NOTHING

    @property
    def refusals(self) -> Sequence[str]:
        """Why formulas in the cell could not be typeset."""
        return ()

    def why_at(self, point: QPointF) -> str:
        """Return what is wrong with what is under a point, "" where nothing is."""
        return ""

    def release(self) -> None:
        """Drop everything but the height."""

    def place(self, host: QWidget, origin: QPoint) -> None:
        """Put the cell's own controls, if it has any, onto the widget that draws it."""

    def controls(self) -> list[QWidget]:
        """Return the controls that are placed, in tab order."""
        return []

    def slide(self, pixels: int) -> bool:
        """Scroll sideways; whether there was anywhere to go."""
        return False

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw at the painter's origin; picked is the selected range of offsets."""
        raise NotImplementedError

    def hit(self, point: QPointF) -> int:
        """Return the offset nearest to a point."""
        raise NotImplementedError

    def word_at(self, offset: int) -> tuple[int, int]:
        """Return the range of the word around an offset."""
        raise NotImplementedError

    def rects(self, start: int, end: int) -> list[QRectF]:
        """Return where the text between two offsets is drawn, a box for each line it is on."""
        return []

    def copied(self, start: int, end: int) -> str:
        """Return the text between two offsets, as it is pasted elsewhere."""
        raise NotImplementedError

    def link_at(self, point: QPointF) -> str:
        """Return the address under a point, "" where there is none."""
        return ""

    def link_words_at(self, point: QPointF) -> str:
        """Return the words of the link under a point, "" where there is none."""
        return ""

    def links(self) -> list[str]:
        """Return the addresses in the cell, in order."""
        return []

    def _measure(self, width: int) -> int:
        raise NotImplementedError


class DocumentCell(Cell):
    """A cell whose text is laid out by a QTextDocument."""

    def __init__(self, source: str, kind: Kind) -> None:
        super().__init__(source, kind)
        self._document: Document | None = None

    def _make(self) -> Document:
        raise NotImplementedError

    def _margins(self) -> tuple[int, int]:
        """Return what is left free at the sides, and above and below."""
        return 0, 0

    def _text_at(self) -> QPointF:
        """Return where the document is drawn: Qt puts a line's extra height below its text."""
        side, above = self._margins()
        return QPointF(side, above + self.style.half_leading_px)

    def _ink(self) -> str:
        """Return the colour of the text."""
        return self.style.ink

    def document(self) -> Document:
        """Return the document, made if need be; it is laid out only by `lay_out`."""
        if self._document is None:
            self._document = self._make()
        return self._document

    def _measure(self, width: int) -> int:
        side, above = self._margins()
        made = self.document()
        made.setTextWidth(max(1, width - 2 * side))
        return ceil(made.size().height()) + 2 * above

    def ideal_width(self) -> int:
        """Return the width the text would like, at most the one it is laid out for."""
        side, _above = self._margins()
        return ceil(self.document().idealWidth()) + 2 * side

    def release(self) -> None:
        """Drop the document."""
        self._document = None

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the text with its selection and caret."""
        made = self._ready()
        at = self._text_at()
        painter.save()
        painter.translate(at)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = _inks(self._ink(), self.style.theme.line)
        context.clip = clip.translated(-at)
        if picked is not None:
            context.selections = [self._selection(made, picked)]
        made.documentLayout().draw(painter, context)
        if caret:
            painter.fillRect(self._caret(made), QColor(self.style.ink))
        painter.restore()

    def _ready(self) -> Document:
        if self._document is None:
            self.lay_out()
        return self.document()

    def _selection(
        self, made: Document, picked: tuple[int, int]
    ) -> QAbstractTextDocumentLayout.Selection:
        last = made.characterCount() - 1
        cursor = QTextCursor(made)
        # The folded paragraphs that Qt puts before and behind a table are not to be seen.
        beside = 1 if not made.begin().text() and last > 0 else 0
        end = last - 1 if beside and not made.lastBlock().text() else last
        cursor.setPosition(min(max(picked[0], beside), end))
        cursor.setPosition(min(picked[1], end), QTextCursor.MoveMode.KeepAnchor)
        form = QTextCharFormat()
        form.setBackground(style.selection_colour(self.style.theme))
        # Without an ink of its own Qt leaves out the marks of lists.
        form.setForeground(QColor(self._ink()))
        found = QAbstractTextDocumentLayout.Selection()
        found.cursor = cursor
        found.format = form
        return found

    def _caret(self, made: Document) -> QRectF:
        block = made.lastBlock()
        if not block.text() and block.previous().isValid():
            block = block.previous()
        top_left = made.documentLayout().blockBoundingRect(block).topLeft()
        layout = block.layout()
        line = layout.lineAt(layout.lineCount() - 1)
        if not line.isValid():
            return QRectF()
        along = cursor_x(line, block.length() - 1)
        rise = line.ascent() + line.descent()
        return QRectF(
            top_left.x() + along + 1, top_left.y() + line.y() + line.height() - rise, CARET_PX, rise
        )

    def hit(self, point: QPointF) -> int:
        """Return the offset nearest to a point."""
        made = self._ready()
        inside = point - self._text_at()
        found = made.documentLayout().hitTest(inside, Qt.HitTestAccuracy.FuzzyHit)
        return max(0, found)

    def word_at(self, offset: int) -> tuple[int, int]:
        """Return the range of the word around an offset."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(min(offset, self.document().characterCount() - 1))
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        return cursor.selectionStart(), cursor.selectionEnd()

    def rects(self, start: int, end: int) -> list[QRectF]:
        """Return where the text between two offsets is drawn, a box for each line it is on."""
        at = self._text_at()
        return [box.translated(at) for box in geometry.rects(self._ready(), start, end)]

    def copied(self, start: int, end: int) -> str:
        """Return the text between two offsets, as it is pasted elsewhere."""
        made = self.document()
        last = made.characterCount() - 1
        return document.copied(made, min(start, last), min(end, last + 1))

    def link_at(self, point: QPointF) -> str:
        """Return the address under a point, "" where there is none."""
        return self._ready().documentLayout().anchorAt(point - self._text_at())

    def link_words_at(self, point: QPointF) -> str:
        """Return the words of the link under a point, "" where there is none."""
        return geometry.link_words(self._ready(), point - self._text_at())


@lru_cache(maxsize=16)
def _inks(text: str, line: str) -> QPalette:
    made = QPalette()
    made.setColor(QPalette.ColorRole.Text, QColor(text))
    made.setColor(QPalette.ColorRole.Dark, QColor(line))
    return made


def cursor_x(line: QTextLine, offset: int) -> float:
    """Return where on a line an offset is; the binding gives the offset back too, or not."""
    if not line.isValid():
        return 0.0
    found = line.cursorToX(offset)
    return float(found[0] if isinstance(found, tuple) else found)  # type: ignore[arg-type]
