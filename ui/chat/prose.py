"""The kinds of blocks that Qt's rich text lays out: prose, tables, rules, formulas, typed text."""

from math import ceil

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QTextOption
from PySide6.QtWidgets import QWidget

from app.markup.blocks import Block
from ui.chat.cells import Cell, DocumentCell
from ui.chat.document import Document
from ui.chat.sideways import BAR_PX, Sideways
from ui.chat.style import RADIUS_PX, Kind


def cell_for(block: Block, kind: Kind) -> Cell:
    """Return the cell of a block of prose."""
    html = block.html.lstrip()
    if html.startswith("<table"):
        return TableCell(block, kind)
    if html.startswith("<hr"):
        return RuleCell(block.source, kind)
    return ProseCell(block, kind)


class ProseCell(DocumentCell):
    """Paragraphs, headings, lists, quotations and tables."""

    def __init__(self, block: Block, kind: Kind) -> None:
        super().__init__(block.source, kind)
        self._html = block.html

    def grow(self, block: Block) -> bool:
        """Take over a later state of the block: its text is laid out anew, its place kept."""
        if block.kind != "prose" or type(cell_for(block, self.kind)) is not type(self):
            return False
        self.source = block.source
        if block.html != self._html:
            self._html = block.html
            self._laid_out_for = -1
            self.height = self.estimate(self.width)
            if self._document is not None:
                # Kept, because its style sheet is what takes longest to make.
                self._document.wrap_for(block.source)
                self._document.set_prose(block.html)
        return True

    def _make(self) -> Document:
        made = Document(self.style)
        made.wrap_for(self.source)
        made.set_prose(self._html)
        return made

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


class TableCell(ProseCell):
    """A table. Its words are never broken: one that is too wide scrolls sideways on its own."""

    def __init__(self, block: Block, kind: Kind) -> None:
        super().__init__(block, kind)
        self._sideways = Sideways("Scroll the table sideways", self._on_scrolled)
        self._host: QWidget | None = None
        self._wide = 0

    def _make(self) -> Document:
        made = Document(self.style)
        option = made.defaultTextOption()
        option.setWrapMode(QTextOption.WrapMode.WordWrap)
        made.setDefaultTextOption(option)
        made.set_prose(self._html)
        return made

    def _measure(self, width: int) -> int:
        tall = super()._measure(width)
        self._wide = ceil(self.document().size().width())
        return tall + (BAR_PX if self._wide > width else 0)

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

    def _text_at(self) -> QPointF:
        return super()._text_at() - QPointF(self._sideways.value, 0)

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the part of the table that is scrolled to."""
        painter.setClipRect(QRectF(0, 0, self.width, self.height), Qt.ClipOperation.IntersectClip)
        super().paint(painter, clip, picked, caret=caret)


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


class MathCell(DocumentCell):
    """A display formula as TeX: centred on a quiet ground of its own."""

    def __init__(self, block: Block, kind: Kind) -> None:
        super().__init__(block.source, kind)
        self._tex = block.text.strip()

    def _make(self) -> Document:
        made = Document(self.style)
        option = made.defaultTextOption()
        option.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        made.setDefaultTextOption(option)
        made.setDefaultFont(self.style.mono)
        made.setPlainText(self._tex)
        made.settle()
        return made

    def _margins(self) -> tuple[int, int]:
        return 16, 8

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the ground and the formula."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.style.code_ground))
        wide = min(self.width, self.ideal_width())
        ground = QRectF((self.width - wide) / 2, 0, wide, self.height)
        painter.drawRoundedRect(ground, RADIUS_PX, RADIUS_PX)
        super().paint(painter, clip, picked, caret=caret)

    def copied(self, start: int, end: int) -> str:
        """Return the TeX, between its dollar signs where all of it is meant."""
        inside = super().copied(start, end)
        whole = inside == self._tex
        return f"$$\n{inside}\n$$" if whole else inside
