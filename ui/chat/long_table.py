"""A table that goes on and on: in parts of a few rows, whose columns agree.

Qt lays out a table as a whole for each row that is added: 500 rows take 0.3 s a tick. In parts, the
columns have to be told how wide they are: as wide as the words of the first parts want it, or a
share of the room that there is. Later rows change nothing of that, so that what is above a row that
comes stays as it is, and a table that streams is shown like one that is there.
"""

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QTextCursor, QTextLength, QTextTable

from app.markup.blocks import Block
from ui.chat.document import Document
from ui.chat.long import Cuts, LongCell, Piece
from ui.chat.prose import ProseCell, WideCell, is_long, wrap_words
from ui.chat.style import Kind, Style
from ui.formulas.desk import Formulas

ROWS = 8
"""Of a part."""
DECIDING = 8
"""The parts whose words decide how wide the columns are."""
SIDES_PX = 25
"""What a cell has beside its words: padding (`style`) and border."""
AROUND_PX = 12
"""What Qt puts above and below a table: two parts overlap by that, so that their rows follow."""
JOINED = 2
"""Characters before and after the rows that the document of a part has and the whole has not."""

Widths = tuple[tuple[float, ...], tuple[float, ...]]
"""What each column's words take in one line, and the longest of them alone."""


def long_cell(block: Block, kind: Kind, formulas: Formulas | None) -> LongCell:
    """Return the cell of a block that is shown in parts."""
    made = LongTableCell if block.html.startswith("<table") else LongCell
    return made(block, kind, formulas)


class RowCuts(Cuts):
    """A table that grows, cut after every few rows."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[str, ...] = ()

    def look(self, block: Block) -> int:
        """Cut a table; return how many of the first pieces stay as they were."""
        before, self._parts = self._parts, block.parts
        opening, *rows, closing = block.parts
        same = next(
            (at for at, (a, b) in enumerate(zip(before[:-1], block.parts, strict=False)) if a != b),
            len(before) - 1,
        )
        kept = max(0, min(same - 1, len(rows)) // ROWS) if before else 0
        del self.pieces[kept:]
        for start in range(kept * ROWS, max(1, len(rows)), ROWS):
            above = "<table>\n<tbody>\n" if start else opening
            html = above + "".join(rows[start : start + ROWS]) + closing
            gap, joined = (-AROUND_PX, JOINED) if start else (0, 0)
            self.pieces.append(Piece(html, gap, joined))
        return kept


class RowsCell(ProseCell):
    """Some rows of a table. columns: how wide each is to be, its sides included, in pixels."""

    def __init__(self, block: Block, kind: Kind, formulas: Formulas | None = None) -> None:
        super().__init__(block, kind, formulas)
        self.columns: tuple[int, ...] = ()
        self.needed_px = 0
        self._widths: Widths | None = None
        self._widths_in: Style | None = None

    def _fits(self, block: Block) -> bool:
        return block.html.startswith("<table")

    def _wrap(self, made: Document) -> None:
        wrap_words(made)

    def _fill(self, made: Document) -> None:
        super()._fill(made)
        self._widths = None

    def widths(self) -> Widths:
        """Return how wide the words are."""
        # At another zoom they are others; else they outlast the document.
        if self._widths is None or self._widths_in is not self.style:
            made = self.document()
            made.setTextWidth(max(1, self.width))
            made.size()  # lays it out
            table = _table_of(made)
            wide, least = [0.0] * table.columns(), [0.0] * table.columns()
            for column in range(table.columns()):
                for row in range(table.rows()):
                    words = table.cellAt(row, column).firstCursorPosition().block().layout()
                    wide[column] = max(wide[column], words.maximumWidth())
                    least[column] = max(least[column], words.minimumWidth())
            self._widths, self._widths_in = (tuple(wide), tuple(least)), self.style
        return self._widths

    def set_columns(self, columns: tuple[int, ...]) -> None:
        """Take other widths, at the next layout."""
        if columns != self.columns:
            self.columns = columns
            self._laid_out_for = -1

    def _measure(self, width: int) -> int:
        made = self.document()
        table = _table_of(made)
        fixed = QTextLength.Type.FixedLength
        wanted = [QTextLength(fixed, one) for one in self.columns[: table.columns()]]
        form = table.format()
        if form.columnWidthConstraints() != wanted:
            form.setColumnWidthConstraints(wanted)
            table.setFormat(form)
        tall = super()._measure(width)
        self.needed_px = ceil(made.size().width())
        return tall


class LongTableCell(WideCell, LongCell):
    """See the module."""

    def _make_cuts(self) -> Cuts:
        return RowCuts()

    def _make_part(self, block: Block) -> ProseCell:
        return RowsCell(block, self.kind, self._formulas)

    def _fits(self, block: Block) -> bool:
        return is_long(block) and block.html.startswith("<table")

    def _rows(self) -> list[RowsCell]:
        return [part for part in self._parts if isinstance(part, RowsCell)]

    def _measure(self, width: int) -> int:
        parts = self._rows()
        columns = shared([part.widths() for part in parts[:DECIDING]], width)
        if parts[0].columns != columns:
            self._tall.clear()
            self.fresh_from = 0
        for part in parts:
            part.set_columns(columns)
        return super()._measure(width)

    def _needed_px(self) -> int:
        return max(part.needed_px for part in self._rows())

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the rows that are scrolled to."""
        if not self.exact:
            self.lay_out()
        aside = self._sideways.value
        painter.setClipRect(QRectF(0, 0, self.width, self.height), Qt.ClipOperation.IntersectClip)
        painter.translate(-aside, 0)
        LongCell.paint(self, painter, clip.translated(aside, 0), picked, caret=caret)

    def _at(self, offset: int) -> int:
        # Where two parts meet, the end of the last cell comes first.
        return super()._at(offset - 1)

    def _inside(self, point: QPointF) -> QPointF:
        return point + QPointF(self._sideways.value, 0)

    def hit(self, point: QPointF) -> int:
        """Return the offset nearest to a point."""
        return super().hit(self._inside(point))

    def rects(self, start: int, end: int) -> list[QRectF]:
        """Return where the text between two offsets is drawn, a box for each line it is on."""
        boxes = super().rects(start, end)
        return [box.translated(-self._sideways.value, 0) for box in boxes]

    def link_at(self, point: QPointF) -> str:
        """Return the address under a point, "" where there is none."""
        return super().link_at(self._inside(point))

    def link_words_at(self, point: QPointF) -> str:
        """Return the words of the link under a point, "" where there is none."""
        return super().link_words_at(self._inside(point))

    def why_at(self, point: QPointF) -> str:
        """Return why the formula under a point is shown as its source, "" without a reason."""
        return super().why_at(self._inside(point))


def shared(widths: Sequence[Widths], room: int) -> tuple[int, ...]:
    """Return how wide columns are, their sides included, in pixels.

    As wide as their words in one line, where there is room for that. Else none is wider than some
    width that makes all of them fit, nor narrower than its longest word. widths: of some parts.
    """
    count = max(len(wide) for wide, _ in widths)
    most = [max((w[at] for w, _ in widths if at < len(w)), default=0.0) for at in range(count)]
    least = [max((m[at] for _, m in widths if at < len(m)), default=0.0) for at in range(count)]
    left = room - count * SIDES_PX - AROUND_PX / 2
    given = most
    if sum(most) > left:
        # Those that want less than the others have what they want, the others the same.
        low, high = 0.0, max(most)
        while high - low > 0.1:
            middle = (low + high) / 2
            given = [max(a, min(b, middle)) for a, b in zip(least, most, strict=True)]
            low, high = (middle, high) if sum(given) <= left else (low, middle)
        given = [max(a, min(b, low)) for a, b in zip(least, most, strict=True)]
    return tuple(ceil(one) + SIDES_PX for one in given)


def _table_of(made: Document) -> QTextTable:
    cursor = QTextCursor(made)
    cursor.setPosition(1)
    table: QTextTable | None = cursor.currentTable()
    if table is None:
        raise ValueError("the document of a table begins with none")
    return table
