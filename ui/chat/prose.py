"""The kinds of blocks that Qt's rich text lays out: prose, tables, rules, typed text."""

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QTextOption
from PySide6.QtWidgets import QWidget

from app.latex.display import Refusal
from app.markup.blocks import Block
from ui.chat.cells import NOTHING, Cell, DocumentCell
from ui.chat.document import Document, why_at
from ui.chat.growth import unchanged_px
from ui.chat.sideways import BAR_PX, Sideways
from ui.chat.style import Kind
from ui.formulas.desk import Formulas, Found, Wish

LONG = 6000
"""Characters of HTML above which a paragraph or list is shown in parts (`ui.chat.long`): some three
screens of it."""
MANY_ROWS = 16
"""Rows above which a table is: a row takes 0.5 ms to be laid out."""
TALL_PX = 60
"""A text so tall is drawn anew only where it changed: to find out where takes 0.05 ms."""
ROOM_PX = 120
"""What margins may take of a line: a formula that has so much to spare is as wide as it likes."""


def cell_for(block: Block, kind: Kind, formulas: Formulas | None = None) -> Cell:
    """Return the cell of a block of prose. formulas: without it, these stay TeX."""
    kept = _class_for(block)
    if issubclass(kept, RuleCell):
        return RuleCell(block.source, kind)
    return kept(block, kind, formulas)


def _class_for(block: Block) -> "type[ProseCell | RuleCell]":
    html = block.html.lstrip()
    if html.startswith("<table"):
        return TableCell
    return RuleCell if html.startswith("<hr") else ProseCell


def is_long(block: Block) -> bool:
    """Whether a block is to be shown in parts."""
    if block.html.startswith("<table"):
        return len(block.parts) > MANY_ROWS + 2
    return len(block.html) > LONG and block.html.startswith(("<p>", "<ul>", "<ol>", "<ol "))


class ProseCell(DocumentCell):
    """Paragraphs, headings, lists, quotations and tables. characters: of its document."""

    def __init__(self, block: Block, kind: Kind, formulas: Formulas | None = None) -> None:
        super().__init__(block.source, kind)
        self._html = block.html
        self._formulas = formulas
        self._refusals: Sequence[str] = ()
        self._filled_for = -1
        self.characters = 0
        self._has_math = '<span class="math"' in block.html

    def grow(self, block: Block) -> bool:
        """Take over a later state of the block: its text is laid out anew, its place kept."""
        if block.kind != "prose" or is_long(block) or not self._fits(block):
            return False
        self.source = block.source
        if block.html != self._html:
            self.fresh_from = self._unchanged_px(block.html)
            self._html = block.html
            self._has_math = '<span class="math"' in block.html
            self._laid_out_for = -1
            self.height = self.estimate(self.width)
            self._show_again()
        return True

    def _fits(self, block: Block) -> bool:
        """Whether this kind of cell is the one for a block."""
        return _class_for(block) is type(self)

    def _unchanged_px(self, html: str) -> int:
        """Return how far down the text stays as it is drawn. Formulas that come change it above."""
        if self._document is None or not self.exact or self.waits or self.height < TALL_PX:
            return 0
        return unchanged_px(self._document, self._html, html)

    def renew(self) -> None:
        """Look again for what is known of the formulas, at the next layout."""
        super().renew()
        self._laid_out_for = -1
        self.fresh_from = 0
        self._show_again()

    def _show_again(self) -> None:
        """Put the text anew into the document there is: its style sheet takes longest to make."""
        if self._document is not None:
            self._wrap(self._document)
            self._fill(self._document)

    def _make(self) -> Document:
        made = Document(self.style)
        self._wrap(made)
        self._fill(made)
        return made

    def _wrap(self, made: Document) -> None:
        made.wrap_for(self._html)

    def _fill(self, made: Document) -> None:
        waits: set[Wish] = set()
        why: list[str] = []

        def find(tex: str, display: bool) -> Found | None:
            assert self._formulas is not None
            # Within a line nothing is numbered at the side of the column: no width is needed.
            wish = Wish(tex, display)
            found = self._formulas.find(wish)
            if found is None:
                waits.add(wish)
            elif isinstance(found, Refusal):
                why.append(found.error)
            return found

        has = self._has_math and self._formulas is not None
        made.set_prose(
            self._html, source=self.source, find=find if has else None, width=max(1, self.width)
        )
        self._filled_for = self.width
        self.characters = made.characterCount()
        self.waits, self._refusals = frozenset(waits) if waits else NOTHING, tuple(why)

    def _measure(self, width: int) -> int:
        if self._document is not None and self._filled_for != width:
            narrow = min(self._filled_for, width) - ROOM_PX
            if self._document.widest_px > narrow:
                self._fill(self._document)
        return super()._measure(width)

    def release(self) -> None:
        """Drop the document; what is known of its formulas by then may change the height."""
        super().release()
        if self._has_math:
            self._laid_out_for = -1

    @property
    def html(self) -> str:
        """What is shown, as HTML."""
        return self._html

    @property
    def refusals(self) -> Sequence[str]:
        """Why formulas in the text could not be typeset."""
        return self._refusals

    def why_at(self, point: QPointF) -> str:
        """Return why the formula under a point is shown as its source, "" without a reason."""
        if not self._refusals:
            return ""
        layout = self._ready().documentLayout()
        at = layout.hitTest(point - self._text_at(), Qt.HitTestAccuracy.ExactHit)
        return why_at(self.document(), at) if at >= 0 else ""

    def _margins(self) -> tuple[int, int]:
        return 0, 0

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the text, and the rule beside a quotation."""
        super().paint(painter, clip, picked, caret=caret)
        if self.source.lstrip().startswith(">"):
            rule = QRectF(0, 2, 3, self.height - 4)
            painter.fillRect(rule, QColor(self.style.theme.line))

    def links(self) -> list[str]:
        """Return the addresses in the cell, in order."""
        found: list[str] = []
        block = self.document().begin()
        while block.isValid():
            for form in block.textFormats():
                if form.format.isAnchor() and form.format.anchorHref() not in found:
                    found.append(form.format.anchorHref())
            block = block.next()
        return found


class WideCell(ProseCell):
    """What is not made narrower than its words are: where it is too wide it scrolls on its own."""

    def __init__(self, block: Block, kind: Kind, formulas: Formulas | None = None) -> None:
        super().__init__(block, kind, formulas)
        self._sideways = Sideways("Scroll the table sideways", self._on_scrolled)
        self._host: QWidget | None = None
        self._wide = 0

    def _wrap(self, made: Document) -> None:
        wrap_words(made)

    def _measure(self, width: int) -> int:
        tall = super()._measure(width)
        self._wide = self._needed_px()
        return tall + (BAR_PX if self._wide > width else 0)

    def _needed_px(self) -> int:
        """Return the width that it takes."""
        return ceil(self.document().size().width())

    def release(self) -> None:
        """Drop the document and the scroll bar."""
        super().release()
        self._sideways.release()
        self._host = None

    def place(self, host: QWidget, origin: QPoint) -> None:
        """Put the scroll bar below a table that needs it."""
        self._host = host
        top = origin.y() + self.height - BAR_PX
        where = QRect(origin.x(), top, self.width, BAR_PX)
        self._sideways.place(host, where, self._wide - self.width)

    def controls(self) -> list[QWidget]:
        """Return the scroll bar, where there is one."""
        return self._sideways.bars()

    def slide(self, pixels: int) -> bool:
        """Scroll the table."""
        return self._sideways.slide(pixels)

    def _on_scrolled(self) -> None:
        if self._host is not None:
            self._host.update()

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the part of the table that is scrolled to."""
        painter.setClipRect(QRectF(0, 0, self.width, self.height), Qt.ClipOperation.IntersectClip)
        super().paint(painter, clip, picked, caret=caret)


def wrap_words(made: Document) -> None:
    """Have a document never break a word."""
    option = made.defaultTextOption()
    option.setWrapMode(QTextOption.WrapMode.WordWrap)
    made.setDefaultTextOption(option)


class TableCell(WideCell):
    """A table of a few rows."""

    def _text_at(self) -> QPointF:
        return super()._text_at() - QPointF(self._sideways.value, 0)


class RuleCell(Cell):
    """A line across the column."""

    HEIGHT_PX = 9

    def estimate(self, width: int) -> int:
        """Return its one height."""
        return self.HEIGHT_PX

    def _measure(self, width: int) -> int:
        return self.HEIGHT_PX

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the line."""
        painter.fillRect(QRectF(0, 4, self.width, 1), QColor(self.style.theme.line))

    def hit(self, point: QPointF) -> int:
        """Return the only offset there is."""
        return 0

    def word_at(self, offset: int) -> tuple[int, int]:
        """Return an empty range."""
        return 0, 0

    def copied(self, start: int, end: int) -> str:
        """Return the line as Markdown writes it."""
        return "---"


class PlainCell(DocumentCell):
    """Text as it was typed: no Markdown, every line break and space kept.

    continues: the text goes on from the cell before without a line break.
    """

    def __init__(self, source: str, kind: Kind, *, continues: bool) -> None:
        super().__init__(source, kind)
        self.continues = continues

    def _make(self) -> Document:
        made = Document(self.style)
        option = made.defaultTextOption()
        option.setTabStopDistance(32)
        made.setDefaultTextOption(option)
        made.wrap_for(self.source)
        made.setPlainText(self.source)
        made.settle()
        return made
