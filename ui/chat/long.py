"""A paragraph or list that goes on and on: in parts, so that what is added costs only the last one.

Qt lays out a paragraph as a whole, and a whole document for each word that is added: 20 kB without
an end take 30 ms a tick. Above a few screens of text the block is therefore shown as several
documents below each other, cut where nobody sees it: between two items, or after a sentence. The
cuts depend only on what stands before them, so that a text that streams is cut like one that is
there. Offsets are those that the whole would have as one document.
"""

import re
from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass, replace
from math import ceil

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app.markup.blocks import Block
from ui.chat.prose import ProseCell, is_long
from ui.chat.style import Kind
from ui.formulas.desk import Formulas

PART = 1200
MOST = 2400
"""A part ends at the first good place after PART characters, at any after MOST."""
ITEM_GAP_PX = 4
KEPT = 24
"""Parts that keep their documents: more than a screen shows."""

_TAG = re.compile(r"<(/?)([a-z0-9]+)[^>]*>")
_BREAK = re.compile(r"(?<=[.!?:;…])\s+|(?<=[。！？；：])")
_SPACE = re.compile(r"\s+")
_VOID = ("br", "hr", "img")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part's HTML; gap: pixels before it; joined: how many characters it has of the last one's.

    One, where no end of a paragraph stands between them.
    """

    html: str
    gap: int = 0
    joined: int = 0


class Cuts:
    """Where a block that grows is cut; what is cut off already is not gone through again.

    pieces: the parts of the text that was looked at last.
    """

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._inner = ""
        # Where each piece but the last ends, and how many items there are up to there.
        self._ends: list[tuple[int, int]] = []

    def look(self, block: Block) -> int:
        """Cut a block; return how many of the first pieces stay as they were."""
        text = block.html.strip()
        opening = _TAG.match(text)
        closing = f"</{opening[2]}>" if opening is not None else ""
        if opening is None or not text.endswith(closing):
            self._ends, self.pieces, self._inner = [], [Piece(text)], ""
            return 0
        inner = text[opening.end() : -len(closing)]
        kept = len(self._ends)
        while kept and not inner.startswith(self._inner[: self._ends[kept - 1][0]]):
            kept -= 1
        del self._ends[kept:], self.pieces[kept:]
        self._inner = inner
        start, items = self._ends[-1] if self._ends else (0, 0)
        if opening[2] == "p":
            self._cut_paragraph(start)
        else:
            self._cut_list(start, items, opening[0], closing)
        return kept

    def _cut_paragraph(self, start: int) -> None:
        inner, at, depth = self._inner, start, 0
        joined = int(start > 0 and not inner[start - 1].isspace())
        while at < len(inner):
            tag = _TAG.search(inner, at)
            stop = tag.start() if tag is not None else len(inner)
            # What lies between two tags may be cut, where no emphasis or link is open.
            while depth == 0 and stop - start > PART:
                cut = _BREAK.search(inner, max(at, start + PART), stop)
                if cut is None and stop - start > MOST:
                    cut = _SPACE.search(inner, max(at, start + MOST), stop)
                if cut is None or cut.end() >= len(inner):
                    break
                self.pieces.append(Piece(f"<p>{inner[start : cut.start()]}</p>", joined=joined))
                joined = int(cut.start() == cut.end())
                start = at = cut.end()
                self._ends.append((start, 0))
            if tag is None:
                break
            if tag[2] not in _VOID:
                depth += -1 if tag[1] else 1
            at = tag.end()
        self.pieces.append(Piece(f"<p>{inner[start:]}</p>", joined=joined))

    def _cut_list(self, start: int, done: int, opening: str, closing: str) -> None:
        inner, depth, items = self._inner, 0, done
        first = re.search(r'start="(\d+)"', opening)
        number = int(first[1]) if first is not None else 1
        for tag in _TAG.finditer(inner, start):
            if tag[2] in _VOID:
                continue
            depth += -1 if tag[1] else 1
            if depth or tag[2] != "li":
                continue
            items += 1
            if tag.end() - start > PART and inner[tag.end() :].strip():
                self._add(inner[start : tag.end()], closing, number + done)
                start, done = tag.end(), items
                self._ends.append((start, done))
        self._add(inner[start:], closing, number + done)

    def _add(self, inner: str, closing: str, number: int) -> None:
        opening = "<ul>" if closing == "</ul>" else f'<ol start="{number}">'
        gap = ITEM_GAP_PX if self.pieces else 0
        self.pieces.append(Piece(f"{opening}{inner}{closing}", gap=gap))


def _part_of(block: Block, piece: Piece) -> Block:
    return replace(block, html=piece.html, parts=(piece.html,))


class LongCell(ProseCell):
    """See the module. `document` is the whole, made only for those who search or copy it."""

    def __init__(self, block: Block, kind: Kind, formulas: Formulas | None = None) -> None:
        super().__init__(block, kind, formulas)
        self._cuts = self._make_cuts()
        self._parts: list[ProseCell] = []
        self._tall: list[float] = []
        self._tops: list[float] = []
        self._starts: list[int] = []
        self._shown: OrderedDict[int, None] = OrderedDict()
        self._cut(block)

    def _make_cuts(self) -> "Cuts":
        return Cuts()

    def _make_part(self, block: Block) -> ProseCell:
        return ProseCell(block, self.kind, self._formulas)

    def _fits(self, block: Block) -> bool:
        return is_long(block) and not block.html.startswith("<table")

    def _cut(self, block: Block, *, exact: bool = False) -> None:
        """Take the parts over that are as they were, and make the others.

        exact: what is there is laid out.
        """
        before = len(self._parts)
        same = self._cuts.look(block)
        pieces = self._cuts.pieces
        # Formulas may have come since it was laid out: then other parts change, too.
        known = exact and same < len(self._tops)
        self.fresh_from = int(self._tops[same]) if known else 0
        if same < before and self._parts[same].grow(_part_of(block, pieces[same])):
            self.fresh_from += self._parts[same].fresh_from if known else 0
            del self._tall[same:]
            same += 1
        for part in self._parts[same:]:
            part.release()
        del self._parts[same:], self._tall[same:]
        for piece in pieces[same:]:
            made = self._make_part(_part_of(block, piece))
            if self.width >= 0:
                made.set_width(self.width)
            self._parts.append(made)

    def grow(self, block: Block) -> bool:
        """Take over a later state of the block."""
        if block.kind != "prose" or not self._fits(block):
            return False
        self.source = block.source
        if block.html != self._html:
            self._html = block.html
            self._document = None
            exact, self._laid_out_for = self.exact, -1
            self._cut(block, exact=exact)
        return True

    def set_width(self, width: int) -> None:
        """Take a new width, for all parts."""
        if width != self.width:
            self._tall.clear()
        super().set_width(width)
        for part in self._parts:
            part.set_width(width)

    def renew(self) -> None:
        """Look again for formulas, in the parts that wait for any."""
        self.waits = frozenset()
        self._document = None
        self._laid_out_for = -1
        self.fresh_from = 0
        for number, part in enumerate(self._parts):
            if part.waits:
                part.renew()
                del self._tall[number:]

    def _measure(self, width: int) -> int:
        for number in range(len(self._tall), len(self._parts)):
            part = self._parts[number]
            part.lay_out()
            self._tall.append(part.document().size().height())
            self._keep(number)
        self._tops, self._starts = [0.0], [0]
        for number, part in enumerate(self._parts[:-1]):
            after = self._cuts.pieces[number + 1]
            self._tops.append(self._tops[-1] + self._tall[number] + after.gap)
            self._starts.append(self._starts[-1] + part.characters - after.joined)
        self.waits = frozenset().union(*(part.waits for part in self._parts))
        return ceil(self._tops[-1] + self._tall[-1])

    def _keep(self, number: int) -> ProseCell:
        """Return a part, laid out; those that were not used for long let go of their documents."""
        self._shown[number] = None
        self._shown.move_to_end(number)
        while len(self._shown) > KEPT:
            oldest, _ = self._shown.popitem(last=False)
            if oldest < len(self._parts):
                self._parts[oldest].release()
        return self._parts[number]

    def _at(self, offset: int) -> int:
        return max(0, bisect_right(self._starts, offset) - 1)

    def _under(self, y: float) -> int:
        return max(0, bisect_right(self._tops, y) - 1)

    def release(self) -> None:
        """Drop the documents of all parts."""
        super().release()
        for part in self._parts:
            part.release()
        self._shown.clear()
        self._tall.clear()

    @property
    def refusals(self) -> list[str]:
        """Why formulas in the text could not be typeset."""
        return [why for part in self._parts for why in part.refusals]

    def parts(self) -> list[tuple[int, ProseCell]]:
        """Return the offset of each part, as far as they were measured, and the part."""
        return list(zip(self._starts, self._parts, strict=False))

    # ------------------------------------------------------------ drawing and reading

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the parts that the clip shows."""
        if not self.exact:
            self.lay_out()
        last = len(self._parts) - 1
        for number in range(self._under(clip.top() - ITEM_GAP_PX), last + 1):
            top = self._tops[number]
            if top > clip.bottom():
                break
            chosen = None
            if picked is not None:
                start = self._starts[number]
                one, two = max(0, picked[0] - start), picked[1] - start
                chosen = (one, two) if two > one else None
            painter.save()
            painter.translate(0, top)
            inside = clip.translated(0, -top)
            self._keep(number).paint(painter, inside, chosen, caret=caret and number == last)
            painter.restore()

    def hit(self, point: QPointF) -> int:
        """Return the offset nearest to a point."""
        number = self._under(point.y())
        inside = self._keep(number).hit(point - QPointF(0, self._tops[number]))
        return self._starts[number] + inside

    def word_at(self, offset: int) -> tuple[int, int]:
        """Return the range of the word around an offset."""
        number = self._at(offset)
        start = self._starts[number]
        one, two = self._keep(number).word_at(offset - start)
        return start + one, start + two

    def rects(self, start: int, end: int) -> list[QRectF]:
        """Return where the text between two offsets is drawn, a box for each line it is on."""
        found: list[QRectF] = []
        for number in range(self._at(start), self._at(end) + 1):
            at = self._starts[number]
            boxes = self._keep(number).rects(max(0, start - at), end - at)
            found += [box.translated(0, self._tops[number]) for box in boxes]
        return found

    def link_at(self, point: QPointF) -> str:
        """Return the address under a point, "" where there is none."""
        number = self._under(point.y())
        return self._keep(number).link_at(point - QPointF(0, self._tops[number]))

    def link_words_at(self, point: QPointF) -> str:
        """Return the words of the link under a point, "" where there is none."""
        number = self._under(point.y())
        return self._keep(number).link_words_at(point - QPointF(0, self._tops[number]))

    def why_at(self, point: QPointF) -> str:
        """Return why the formula under a point is shown as its source, "" without a reason."""
        number = self._under(point.y())
        return self._keep(number).why_at(point - QPointF(0, self._tops[number]))
