"""The cells of one text below each other, of which only those that are seen are laid out.

Finished blocks are frozen: an update compares only what comes after them, and a block that grew
keeps its cell where the cell can grow. Heights of cells that were never seen are estimates; the
owner that scrolls keeps its place by an anchor, a cell whose height is exact, so that an estimate
that is put right never moves what is being read.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.markup.blocks import Block
from ui.chat import style
from ui.chat.cells import WHOLE, Cell, waiting_cells
from ui.chat.code import CodeCell
from ui.chat.formula import MathCell
from ui.chat.long_table import long_cell
from ui.chat.prose import PlainCell, cell_for, is_long
from ui.chat.shelf import Shelf
from ui.chat.style import Kind
from ui.formulas.desk import Formulas, Wish

PLAIN_CHUNK = 4000
"""Characters of typed text in one cell: a pasted megabyte is laid out only where it is seen."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a column: a cell, and an offset in its text."""

    cell: int
    offset: int


@dataclass(frozen=True, slots=True)
class Anchor:
    """A cell, and how far below its top (in pixels) the point is that is to be kept in place."""

    cell: int
    below: int


class Column:
    """One text: see the module. x and y count from the column's own top left corner.

    over: draws something over a cell that has been drawn, at its corner, within a clip.
    """

    def __init__(self, kind: Kind, shelf: Shelf) -> None:
        self.kind = kind
        self.cells: list[Cell] = []
        self.width = -1
        self.over: Callable[[QPainter, Cell, QRectF], None] | None = None
        self._shelf = shelf
        self._blocks: list[Block] = []
        self._tops = [0]
        self._valid = 0
        self._changed: tuple[int, int] | None = None
        self._same_height: dict[int, int] = {}

    # ------------------------------------------------------------ contents

    def set_plain(self, text: str) -> None:
        """Show text as it was typed."""
        self.clear()
        self._adopt(
            PlainCell(chunk, self.kind, continues=continues) for chunk, continues in _chunks(text)
        )

    def set_blocks(self, blocks: Sequence[Block], frozen: int = 0) -> None:
        """Show blocks; the first `frozen` are known to be those that are shown already."""
        first = min(frozen, len(self._blocks))
        while first < min(len(blocks), len(self._blocks)) and blocks[first] == self._blocks[first]:
            first += 1
        grown = first < min(len(blocks), len(self.cells)) and self.cells[first].grow(blocks[first])
        kept = first + 1 if grown else first
        for cell in self.cells[kept:]:
            self._shelf.drop(cell)
        del self.cells[kept:], self._blocks[first:]
        self._blocks.extend(blocks[first:])
        self._valid = min(self._valid, first)
        if grown and kept == len(self.cells) == len(blocks):
            self._change(first, self.cells[first].fresh_from)
        else:
            # The caret leaves the cell before, if it was the last one.
            self._change(max(0, first - 1))
        self._adopt(_cell(block, self.kind, self._shelf.formulas) for block in blocks[kept:])

    @property
    def blocks(self) -> Sequence[Block]:
        """The block of each cell; none for text as it was typed."""
        return self._blocks

    def _adopt(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            if self.width >= 0:
                cell.set_width(self.width)
            cell.number = len(self.cells)
            self.cells.append(cell)

    def clear(self) -> None:
        """Show nothing."""
        self._change(0)
        for cell in self.cells:
            self._shelf.drop(cell)
        self.cells.clear()
        self._blocks.clear()
        self._valid = 0

    def measure_again(self, cell: Cell) -> None:
        """Reckon with another height of a cell, if it is one of these."""
        number = next((at for at, one in enumerate(self.cells) if one is cell), None)
        if number is not None:
            self._valid = min(self._valid, number)
            self._change(number)

    def restyle(self) -> None:
        """Drop all that the theme coloured; heights stay."""
        for cell in self.cells:
            cell.release()

    def waiting(self, known: frozenset[Wish]) -> set[int]:
        """Return the cells that wait for any of these formulas."""
        return {
            cell.number
            for cell in waiting_cells()
            if 0 <= cell.number < len(self.cells)
            and self.cells[cell.number] is cell
            and cell.waits & known
        }

    def renew(self, known: frozenset[Wish], most: int | None = None) -> int:
        """Let the last `most` cells that wait for formulas have them; return how many wait on."""
        waiting = sorted(self.waiting(known), reverse=True)
        for number in waiting[:most]:
            self.cells[number].renew()
        return len(waiting) - len(waiting[:most])

    @property
    def refusals(self) -> list[str]:
        """Why formulas could not be typeset, as far as they were looked at."""
        return [why for cell in self.cells for why in cell.refusals]

    # ------------------------------------------------------------ geometry

    def set_width(self, width: int) -> None:
        """Take a new width: heights become estimates again."""
        if width == self.width:
            return
        self.width = width
        for cell in self.cells:
            cell.set_width(width)
        self._valid = 0
        self._change(0)

    @property
    def gap(self) -> int:
        """Pixels between two cells."""
        return 0 if self.kind == "user" else style.of(self.kind).gap_px

    @property
    def height(self) -> int:
        """The height of all, without a gap at the end."""
        if not self.cells:
            return 0
        return self._stacked()[len(self.cells) - 1] + self.cells[-1].height

    def top(self, cell: int) -> int:
        """Return the top of a cell."""
        return self._stacked()[cell]

    def _stacked(self) -> list[int]:
        """Return the tops of all cells, made anew from the first that may have moved."""
        count = len(self.cells)
        if self._valid < count:
            gap = self.gap
            del self._tops[self._valid + 1 :]
            y = self._tops[self._valid]
            for cell in self.cells[self._valid :]:
                y += cell.height + gap
                self._tops.append(y)
            self._valid = count
        return self._tops

    def within(self, top: int, bottom: int) -> range:
        """Return the cells that a stretch of the column shows."""
        tops = self._stacked()
        count = len(self.cells)
        first = max(0, bisect_right(tops, top, 0, count) - 1)
        last = bisect_right(tops, bottom, 0, count)
        return range(first, last)

    def lay_out(self, top: int, bottom: int) -> bool:
        """Lay out the cells a stretch shows; whether a height changed by it."""
        changed = False
        seen = self.within(top, bottom)
        y = self.top(seen.start) if seen else 0
        for number in seen:
            if y > bottom:
                break  # those above are taller than it was thought
            cell = self.cells[number]
            before = cell.height
            if not cell.exact:
                cell.lay_out()
                if cell.height == before:
                    self._same_height[number] = cell.fresh_from
                else:
                    self._change(number, cell.fresh_from)
                cell.fresh_from = 0
            self._shelf.touch(cell)
            if cell.height != before:
                self._valid = min(self._valid, number)
                changed = True
            y += cell.height + self.gap
        return changed

    def anchor(self, y: int, reach: int, known: frozenset[Wish] = frozenset()) -> Anchor | None:
        """Return what to keep in place so that the view from `y` down stays as it is.

        It is the first measured cell before `reach`, None where there is none. known: formulas that
        are about to be shown; a cell that waits for them and begins above `y` is no hold.
        """
        for number in self.within(max(0, y), max(0, reach)):
            if self.cells[number].waits & known and self.top(number) < y:
                continue
            if self.cells[number].exact:
                return Anchor(number, y - self.top(number))
        return None

    def y_of(self, anchor: Anchor) -> int:
        """Return where an anchored point is now."""
        cell = min(anchor.cell, len(self.cells) - 1)
        return self.top(cell) + anchor.below if cell >= 0 else 0

    # ------------------------------------------------------------ drawing

    def _change(self, number: int, below: int = 0) -> None:
        at = (number, below)
        self._changed = at if self._changed is None else min(self._changed, at)

    def take_changed(self) -> list[tuple[int, int]]:
        """Return what is to be drawn anew since this was asked last: stretches, top and height.

        Of what was laid out, and has moved by it; a tick of a stream draws only its end.
        """
        cells, self._same_height = self._same_height, {}
        changed, self._changed = self._changed, None
        count = len(self.cells)
        tall = ((one, self.cells[one].height, below) for one, below in cells.items() if one < count)
        found = [(self.top(one) + below, height - below) for one, height, below in tall]
        if changed is not None:
            number, below = changed
            top = self.top(number) + below if number < count else 0
            found.append((top, max(0, self.height - top)))
        return found

    def paint(
        self,
        painter: QPainter,
        origin: QPoint,
        clip: QRect,
        picked: tuple[Place, Place] | None,
        *,
        caret: bool = False,
    ) -> None:
        """Draw the cells that a clip (in the host's coordinates) shows, the column at origin."""
        for number in self.within(clip.top() - origin.y(), clip.bottom() - origin.y()):
            cell = self.cells[number]
            at = QPoint(origin.x(), origin.y() + self.top(number))
            self._shelf.touch(cell)
            painter.save()
            painter.translate(at)
            inside = QRectF(clip.translated(-at)).intersected(
                QRectF(-4, 0, self.width + 8, cell.height)
            )
            last = number == len(self.cells) - 1
            cell.paint(painter, inside, _part(picked, number), caret=caret and last)
            if self.over is not None:
                self.over(painter, cell, inside)
            painter.restore()

    def place_controls(self, host: QWidget, origin: QPoint, top: int, bottom: int) -> None:
        """Put the controls of the cells that a stretch shows onto the host."""
        for number in self.within(top, bottom):
            self.cells[number].place(host, origin + QPoint(0, self.top(number)))

    def controls(self) -> list[QWidget]:
        """Return the placed controls in order."""
        return [control for cell in self.cells for control in cell.controls()]

    # ------------------------------------------------------------ reading

    def cell_at(self, y: int) -> int:
        """Return the cell at or above a height, -1 where there are none."""
        found = self.within(max(0, y), max(0, y))
        return found.start if len(found) else len(self.cells) - 1

    def hit(self, point: QPoint) -> Place:
        """Return the place nearest to a point."""
        number = self.cell_at(point.y())
        if number < 0:
            return Place(0, 0)
        cell = self.cells[number]
        below = point.y() - self.top(number)
        if below < 0:
            return Place(number, 0)
        if below > cell.height:
            return Place(number, WHOLE)
        return Place(number, cell.hit(QPointF(point.x(), below)))

    def link_at(self, point: QPoint) -> str:
        """Return the address under a point, "" where there is none."""
        number = self.cell_at(point.y())
        if number < 0 or point.y() - self.top(number) > self.cells[number].height:
            return ""
        return self.cells[number].link_at(QPointF(point.x(), point.y() - self.top(number)))

    def link_words_at(self, point: QPoint) -> str:
        """Return the words of the link under a point, "" where there is none."""
        number = self.cell_at(point.y())
        if number < 0 or point.y() - self.top(number) > self.cells[number].height:
            return ""
        return self.cells[number].link_words_at(QPointF(point.x(), point.y() - self.top(number)))

    def why_at(self, point: QPoint) -> str:
        """Return what is wrong with what is under a point, "" where nothing is."""
        number = self.cell_at(point.y())
        if number < 0 or not 0 <= point.y() - self.top(number) <= self.cells[number].height:
            return ""
        return self.cells[number].why_at(QPointF(point.x(), point.y() - self.top(number)))

    def cell_with(self, part: str) -> int:
        """Return the first cell in whose HTML a part stands, -1 where there is none."""
        return next((at for at, block in enumerate(self._blocks) if part in block.html), -1)

    def slide(self, y: int, pixels: int) -> bool:
        """Scroll the cell at a height sideways; whether there was anywhere to go."""
        number = self.cell_at(y)
        return number >= 0 and self.cells[number].slide(pixels)

    def copied(self, start: Place, end: Place) -> str:
        """Return the text between two places, a blank line between blocks."""
        said = ""
        joint = "\n" if self.kind == "user" else "\n\n"
        for number in range(start.cell, min(end.cell, len(self.cells) - 1) + 1):
            part = _part((start, end), number)
            if part is None:
                continue
            cell = self.cells[number]
            text = cell.copied(*part)
            self._shelf.touch(cell)
            if number > start.cell and not cell.continues:
                said += joint
            said += text
        return said


def _part(picked: tuple[Place, Place] | None, number: int) -> tuple[int, int] | None:
    """Return the offsets that a selection covers in one cell."""
    if picked is None:
        return None
    start, end = picked
    if not start.cell <= number <= end.cell:
        return None
    one = start.offset if number == start.cell else 0
    two = end.offset if number == end.cell else WHOLE
    return (one, two) if two > one else None


def _cell(block: Block, kind: Kind, formulas: Formulas | None) -> Cell:
    if block.kind == "code":
        return CodeCell(block, kind)
    if block.kind == "math":
        return MathCell(block, kind, formulas)
    if is_long(block):
        return long_cell(block, kind, formulas)
    return cell_for(block, kind, formulas)


def _chunks(text: str) -> Iterable[tuple[str, bool]]:
    """Cut typed text into chunks, at line breaks where it can; and whether each goes on a line."""
    lines: list[str] = []
    size = 0
    for line in text.split("\n"):
        if lines and size + len(line) > PLAIN_CHUNK:
            yield "\n".join(lines), False
            lines, size = [], 0
        if len(line) > PLAIN_CHUNK:
            for at in range(0, len(line), PLAIN_CHUNK):
                yield line[at : at + PLAIN_CHUNK], at > 0
            continue
        lines.append(line)
        size += len(line)
    if lines or not text:
        yield "\n".join(lines), False
