"""Markdown in blocks as it streams: finished blocks stay as they are, only the end is read again.

A block's extent can depend on what follows it: a paragraph becomes a heading when its underline
arrives, an open formula becomes a paragraph when a blank line comes before its end. Whatever
follows decides within one more block, so a block is settled once two more have begun after it. The
one exception is a link definition: it changes links of blocks long before it. So it is kept which
block looked up which label, and those that asked for a new one are made again.

Offsets are in characters of the normalized source: line ends are "\\n", NUL is U+FFFD.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from app.markup.reading import Read, Reading

Kind = Literal["prose", "code", "math"]

Definition = tuple[str, str]
"""What the label of a link stands for: address and title."""


@dataclass(frozen=True, slots=True)
class Block:
    """One top-level block; source is the document from start to end.

    prose: html, safe to show (app.markup.to_html says what it can hold). code: text, and language
    as written after the fence, "" if it was not. math: text, the TeX of a formula set apart.
    closed is False for a fence or a formula whose end has not come. parts: the HTML of prose cut at
    the items of a list, the rows of a table and the safe points of a long paragraph; joined they
    are html. Of a list, a table or a paragraph the first part opens it and the last one closes it.
    A block that grows keeps its first parts, the very same strings.
    """

    kind: Kind
    start: int
    end: int
    source: str
    html: str = ""
    text: str = ""
    language: str = ""
    closed: bool = True
    parts: tuple[str, ...] = field(default=(), compare=False)


SLICE = 2000
"""Characters that take a few milliseconds to read."""


def slices(text: str, size: int = SLICE) -> Iterator[str]:
    """Cut a text for one `Blocks.append` after the other, at line ends where it can."""
    at = 0
    while at < len(text):
        end = at + size
        cut = text.rfind("\n", at, end) + 1 if end < len(text) else len(text)
        end = cut if cut > at else end
        yield text[at:end]
        at = end


def parse(text: str) -> list[Block]:
    """Return the blocks of a whole document."""
    return Blocks().append(text)[1]


class Blocks:
    """The blocks of a document that grows at its end."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        # How many are settled, what they define, and which of them looked up which label.
        self._settled = 0
        self._defined: dict[str, Definition] = {}
        self._asking: dict[str, list[int]] = defaultdict(list)
        # The text after the settled blocks, where it begins, and all that is defined with it.
        self._tail = ""
        self._start = 0
        self._known: dict[str, Definition] = {}

    def append(self, text: str) -> tuple[int, list[Block]]:
        """Add text; return how many of the first blocks did not change, and all blocks.

        The blocks after those replace all that followed them. The list is the parser's own until
        the next call: read it, do not keep it.
        """
        from app.markup.reading import read

        self._tail = re.sub(r"\r\n|\r(?!\Z)", "\n", self._tail + text).replace("\0", "\ufffd")
        reading = read(self._tail.replace("\r", "\n"), self._start, self._defined)
        unchanged = self._redefine(
            {label: found for label, (_, found) in reading.definitions.items()} | self._defined
        )
        old = self._blocks[self._settled :]
        new = [found.block for found in reading.reads]
        same = next(
            (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
            min(len(old), len(new)),
        )
        if unchanged is None:
            unchanged = self._settled + same
        self._blocks[self._settled :] = new
        self._settle(reading.reads[:-2], reading)
        return unchanged, self._blocks

    def _redefine(self, known: dict[str, Definition]) -> int | None:
        """Make the settled blocks again whose links changed; return the index of the first."""
        from app.markup.reading import remade

        changed = {
            label
            for label in self._known.keys() | known.keys()
            if self._known.get(label) != known.get(label)
        }
        self._known = known
        concerned = sorted({at for label in changed for at in self._asking.get(label, ())})
        for at in concerned:
            self._blocks[at] = remade(self._blocks[at], known)
        return concerned[0] if concerned else None

    def _settle(self, reads: "list[Read]", reading: "Reading") -> None:
        """Take blocks out of the tail, with all that is defined before their end."""
        if not reads:
            return
        for at, found in enumerate(reads, self._settled):
            for label in found.labels:
                self._asking[label].append(at)
        end_line = reads[-1].end_line
        for label, (line, found_definition) in reading.definitions.items():
            if line < end_line:
                self._defined.setdefault(label, found_definition)
        self._settled += len(reads)
        self._start += reading.offsets[end_line]
        self._tail = self._tail[reading.offsets[end_line] :]
