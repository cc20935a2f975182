"""Markdown in blocks as it streams: finished blocks stay as they are, only the end is read again.

A block's extent can depend on what follows it: a paragraph becomes a heading when its underline
arrives, an open formula becomes a paragraph when a blank line comes before its end. Whatever
follows decides within one more block, so a block is settled once two more have begun after it, or
one that is sure to be one. Of the open block only the end is read again (`holding`).

The one exception are definitions of links and footnotes: they change blocks long before them. So it
is kept which block looked up which label, and those that asked for a new one are made again.
Footnotes are shown in a last block, which is there once there is a note.

Offsets are in characters of the normalized source: line ends are "\\n", NUL is U+FFFD.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from app.markup.endnotes import Endnotes
    from app.markup.holding import Hold
    from app.markup.notes import Note
    from app.markup.reading import Entry, Reading

Kind = Literal["prose", "code", "math"]

_SURE = 64
"""Characters after which the first line of a block can no longer become something else."""

Definition = tuple[str, str]
"""What the label of a link stands for: address and title."""


@dataclass(frozen=True, slots=True)
class Block:
    """One top-level block; source is the document from start to end.

    Footnotes are a last block of prose, a list: it begins and ends where the document ends, and its
    source is that of the notes.

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
        # How many are settled, what they define, which of them looked up which label, and the
        # footnotes they refer to.
        self._settled = 0
        self._defined: dict[str, Definition] = {}
        self._noted: dict[str, Note] = {}
        self._asking: dict[str, list[int]] = defaultdict(list)
        self._asked: dict[str, None] = {}
        # The text after the settled blocks, where it begins, and what of it need not be read again.
        self._tail = ""
        self._start = 0
        self._hold: Hold | None = None
        self._tried = 0
        # All that is defined: links, and as "^label" the numbers of footnotes.
        self._known: dict[str, Definition] = {}
        self._endnotes: Endnotes | None = None

    def append(self, text: str) -> tuple[int, list[Block]]:
        """Add text; return how many of the first blocks did not change, and all blocks.

        The blocks after those replace all that followed them. The list is the parser's own until
        the next call: read it, do not keep it.
        """
        from app.markup.notes import numbers

        if self._tail.endswith("\r"):
            self._tail, text = self._tail[:-1], "\r" + text
        self._tail += re.sub(r"\r\n|\r(?!\Z)", "\n", text).replace("\0", "\ufffd")
        source = self._tail.replace("\r", "\n")
        reading = self._read(source, self._hold)
        if not reading.fits:
            reading = self._read(source, None)
        links = {label: found for label, (_, found) in reading.links.items()} | self._defined
        noted = {label: note for label, (_, note) in reading.notes.items()}
        noted = self._noted | {label: noted[label] for label in noted if label not in self._noted}
        numbered = numbers([*self._asked, *reading.asked], list(noted))
        known = links | {f"^{label}": (str(number), "") for label, number in numbered.items()}
        changed = {
            label
            for label in (self._known.keys() | known.keys() if known != self._known else ())
            if self._known.get(label) != known.get(label)
        }
        self._known = known
        if self._hold is not None and changed & self._hold.labels:
            self._hold = None
            reading = self._read(source, None)
        unchanged = self._redefine(changed, links, numbered)
        entries = reading.entries(numbered, self._asked)
        new = [entry.block for entry in entries if entry.block is not None]
        if noted:
            new += self._notes(noted, links, numbered, {*self._asked, *reading.asked}, changed)
        old = self._blocks[self._settled :]
        same = next(
            (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
            min(len(old), len(new)),
        )
        if unchanged is None:
            unchanged = self._settled + same
        # What is as it was stays the same object: who shows it holds it, too.
        kept = (a if a.parts == b.parts else b for a, b in zip(old[:same], new[:same], strict=True))
        self._blocks[self._settled :] = [*kept, *new[same:]]
        self._settle(source, entries, reading, numbered)
        return unchanged, self._blocks

    def _notes(
        self,
        noted: "dict[str, Note]",
        links: dict[str, Definition],
        numbered: dict[str, int],
        asked: set[str],
        changed: set[str],
    ) -> list[Block]:
        from app.markup.endnotes import Endnotes

        if self._endnotes is None:
            self._endnotes = Endnotes()
        self._endnotes.forget(changed)
        end = self._start + len(self._tail)
        return self._endnotes.blocks(noted, links, numbered, asked, end)

    def _read(self, source: str, hold: "Hold | None") -> "Reading":
        from app.markup.reading import Reading

        return Reading(source, self._start, self._defined, self._noted, hold)

    def _redefine(
        self, changed: set[str], links: dict[str, Definition], numbered: dict[str, int]
    ) -> int | None:
        """Make the settled blocks again whose links changed; return the index of the first."""
        from app.markup.reading import remade

        concerned = sorted({at for label in changed for at in self._asking.get(label, ())})
        for at in concerned:
            seen = [label for label in self._asked if self._asking[f"^{label}"][0] < at]
            self._blocks[at] = remade(self._blocks[at], links, numbered, seen)
        return concerned[0] if concerned else None

    def _settle(
        self, source: str, entries: "list[Entry]", reading: "Reading", numbered: dict[str, int]
    ) -> None:
        """Take entries out of the tail, with all that is defined before their end."""
        count = max(0, len(entries) - (1 if entries and _is_sure(entries[-1], source) else 2))
        done = 0
        for entry in entries[:count]:
            done = entry.after
            self._asked |= dict.fromkeys(entry.asked)
            if entry.block is not None:
                for label in entry.labels:
                    self._asking[label].append(self._settled)
                self._settled += 1
        left = entries[count:]
        tried = 0 if done else self._tried
        more = reading.hold(left[0], numbered, self._asked, tried) if left else None
        self._tried = _tried(left[0], tried) if left and more is None else 0
        if more is not None:
            self._hold = more.moved(done)
        elif done or not left:
            self._hold = None
        self._define(reading, done + (self._hold.at if self._hold else 0))
        self._start += done
        self._tail = self._tail[done:]

    def _define(self, reading: "Reading", held: int) -> None:
        """Note what is defined before an offset: that cannot change any more."""
        for label, (at, found) in reading.links.items():
            if at < held:
                self._defined.setdefault(label, found)
        for label, (at, note) in reading.notes.items():
            if at < held:
                self._noted.setdefault(label, note)


def _tried(entry: "Entry", before: int) -> int:
    """Return the length of a paragraph that could not be cut, as far as that was tried."""
    from app.markup.holding import is_long

    if entry.shape is None or entry.shape.kind != "paragraph":
        return 0
    content = entry.shape.content
    return len(content) if is_long(content, before) else before


def _is_sure(entry: "Entry", source: str) -> bool:
    """Whether the last entry is so certain to be one that nothing before it can change."""
    block = entry.block
    if block is None:
        return True
    if block.kind == "math":
        # Words after its end, in the same line, would make it a paragraph.
        end = entry.start + len(block.source)
        return block.closed and "\n" in source[end : entry.after]
    if source.count("\n", entry.start) >= 2:
        return True
    return block.kind == "prose" and len(block.source) >= _SURE and "|" not in block.source
