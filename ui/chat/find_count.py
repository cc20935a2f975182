"""How often a pattern is in each text of a chat: counted in slices, beside everything else.

Texts are read as they are shown, whether or not their messages were ever laid out; a text that is
still being written goes on from where it was read to. What was read is kept while one is finding,
so that the next letter typed reads nothing again.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from PySide6.QtCore import QObject, QTimer, Signal

from app.chat.find import Pattern, Reader
from ui.chat.entry import Entry
from ui.chat.selection import Region

SLICE_MS = 4.0
"""Of the main thread at a time; keys, scrolling and painting have their turn in between."""

FEW_LETTERS, PAUSE_MS = 3, 150
"""What is nearly everywhere is counted only once no more is typed for a moment."""

TELL_MS = 60
"""How often what is counted so far is told."""

AT_ONCE = 200
"""Paragraphs that are searched between two looks at the clock."""

REGIONS: tuple[Region, ...] = ("thinking", "text")

Key = tuple[str, Region]
"""One text: a message's id, and which of its two."""


@dataclass(frozen=True, slots=True)
class Order:
    """The texts with hits, as they follow each other. before: hits before each; at: its place."""

    keys: list[Key]
    before: list[int]
    at: dict[Key, int]


@dataclass(slots=True)
class _Text:
    """What is known of a text. counted: the state of it that `count` is of, None for none."""

    reader: Reader = field(default_factory=Reader)
    counted: str | None = None
    count: int = 0


class Counts(QObject):
    """See the module. first: of the texts that were counted, the first that has a hit.

    Signals:
        changed: something more was counted.
    """

    changed = Signal()

    def __init__(self, entries: Callable[[], Sequence[Entry]], parent: QObject) -> None:
        super().__init__(parent)
        self._entries = entries
        self._pattern = Pattern("")
        self._texts: dict[Key, _Text] = {}
        self._total = 0
        self._order: Order | None = None
        self.first: Key | None = None
        self._todo: deque[Entry] = deque()
        self._steps: Iterator[None] | None = None
        self._told = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._on_timer)

    @property
    def done(self) -> bool:
        """Whether everything is counted."""
        return self._steps is None

    def count(self, key: Key) -> int:
        """Return how many hits a text has, as far as it is counted."""
        known = self._texts.get(key)
        return known.count if known is not None else 0

    def total(self) -> int:
        """Return how many hits there are, as far as they are counted."""
        return self._total

    def order(self) -> Order:
        """Return the texts with hits in the order of the chat, as far as they are counted."""
        if self._order is None:
            keys = [
                (entry.id, region)
                for entry in self._entries()
                for region in REGIONS
                if self.count((entry.id, region))
            ]
            before = list(accumulate((self.count(key) for key in keys), initial=0))
            self._order = Order(keys, before, {key: at for at, key in enumerate(keys)})
        return self._order

    def texts(self, key: Key) -> list[list[str]]:
        """Return what a text shows, block by block, as far as it was read."""
        known = self._texts.get(key)
        return known.reader.texts if known is not None else []

    def look_for(self, pattern: Pattern, first: int) -> None:
        """Count something else, beginning with the message of a number."""
        self._pattern = pattern
        for known in self._texts.values():
            known.counted, known.count = None, 0
        self.first = None
        self.look_again(first)
        if len(pattern.text) < FEW_LETTERS:
            self._timer.start(PAUSE_MS)

    def look_again(self, first: int = 0) -> None:
        """Count what is not counted yet, or no longer so: messages came, went or grew."""
        entries = self._entries()
        there = {entry.id for entry in entries}
        self._texts = {key: text for key, text in self._texts.items() if key[0] in there}
        self._total = sum(known.count for known in self._texts.values())
        self._order = None
        if not self._pattern:
            self.stop()
            self.changed.emit()
            return
        self._todo = deque([*entries[first:], *entries[:first]])
        self._steps = self._work()
        self._timer.start(0)

    def stop(self) -> None:
        """Count no more."""
        self._timer.stop()
        self._todo.clear()
        self._steps = None

    def forget(self) -> None:
        """Count no more, and drop all that was read."""
        self.stop()
        self._texts.clear()
        self._total, self._order, self.first = 0, None, None

    def _stale(self, entry: Entry, region: Region) -> bool:
        known = self._texts.get((entry.id, region))
        return (known.counted if known is not None else None) != (source(entry, region) or None)

    def _on_timer(self) -> None:
        """Work for one slice of time."""
        self._timer.setInterval(0)
        end = time.perf_counter() + SLICE_MS / 1000
        while self._steps is not None and time.perf_counter() < end:
            if next(self._steps, self) is self:
                self.stop()
        if self._steps is None or time.perf_counter() - self._told > TELL_MS / 1000:
            self._told = time.perf_counter()
            self.changed.emit()

    def _work(self) -> Iterator[None]:
        while self._todo:
            entry = self._todo.popleft()
            for region in REGIONS:
                if self._stale(entry, region):
                    yield from self._count(entry, region)
            yield

    def _count(self, entry: Entry, region: Region) -> Iterator[None]:
        said = source(entry, region)
        known = self._texts.setdefault((entry.id, region), _Text())
        found = 0
        if self._pattern.may_be_in(said):
            if entry.message.role == "user":
                known.reader.texts = typed(entry)
            else:
                yield from known.reader.follow(said)
            texts = [text for block in known.reader.texts for text in block]
            for at in range(0, len(texts), AT_ONCE):
                found += self._pattern.count(texts[at : at + AT_ONCE])
                yield
        self._total += found - known.count
        self._order = None
        known.counted, known.count = said or None, found
        if found and self.first is None:
            self.first = entry.id, region


def source(entry: Entry, region: Region) -> str:
    """Return a text of a message as it was written, as far as it is."""
    if region == "thinking":
        return entry.thought
    return entry.turn.answer if entry.turn is not None else entry.message.text


def typed(entry: Entry) -> list[list[str]]:
    """Return the lines of what the user typed, for each cell that shows some."""
    entry.fill()
    return [cell.source.split("\n") for cell in entry.text.cells]
