"""How often a pattern is in each text of a chat: counted in slices, beside everything else.

Texts are read as they are shown, whether or not their messages were ever laid out; a text that is
still being written goes on from where it was read to. What was read is kept while one is finding,
so that the next letter typed reads nothing again.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer, Signal

from app.chat.find import Pattern, Reader
from ui.chat.entry import Entry
from ui.chat.selection import Region

SLICE_MS = 4.0
"""Of the main thread at a time; keys, scrolling and painting have their turn in between."""

TELL_MS = 60
"""How often what is counted so far is told."""

AT_ONCE = 200
"""Paragraphs that are searched between two looks at the clock."""

REGIONS: tuple[Region, ...] = ("thinking", "text")

Key = tuple[str, Region]
"""One text: a message's id, and which of its two."""


@dataclass(slots=True)
class _Text:
    """What is known of a text. counted: the state of it that `count` is of, None for none."""

    reader: Reader = field(default_factory=Reader)
    counted: str | None = None
    count: int = 0


class Counts(QObject):
    """See the module.

    Signals:
        changed: something more was counted.
    """

    changed = Signal()

    def __init__(self, entries: Callable[[], Sequence[Entry]], parent: QObject) -> None:
        super().__init__(parent)
        self._entries = entries
        self._pattern = Pattern("")
        self._texts: dict[Key, _Text] = {}
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
        return sum(known.count for known in self._texts.values())

    def texts(self, key: Key) -> list[list[str]]:
        """Return what a text shows, block by block, as far as it was read."""
        known = self._texts.get(key)
        return known.reader.texts if known is not None else []

    def look_for(self, pattern: Pattern, first: int) -> None:
        """Count something else, beginning with the message of a number."""
        self._pattern = pattern
        for known in self._texts.values():
            known.counted, known.count = None, 0
        self.look_again(first)

    def look_again(self, first: int = 0) -> None:
        """Count what is not counted yet, or no longer so: messages came, went or grew."""
        entries = self._entries()
        there = {entry.id for entry in entries}
        self._texts = {key: text for key, text in self._texts.items() if key[0] in there}
        if not self._pattern:
            self.stop()
            self.changed.emit()
            return
        self._todo = deque([*entries[first:], *entries[:first]])
        self._steps = self._work()
        self._timer.start()

    def stop(self) -> None:
        """Count no more."""
        self._timer.stop()
        self._todo.clear()
        self._steps = None

    def forget(self) -> None:
        """Count no more, and drop all that was read."""
        self.stop()
        self._texts.clear()

    def _stale(self, entry: Entry, region: Region) -> bool:
        known = self._texts.get((entry.id, region))
        return (known.counted if known is not None else None) != (source(entry, region) or None)

    def _on_timer(self) -> None:
        """Work for one slice of time."""
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
        known.counted, known.count = said or None, found


def source(entry: Entry, region: Region) -> str:
    """Return a text of a message as it was written, as far as it is."""
    if region == "thinking":
        return entry.thought
    return entry.turn.answer if entry.turn is not None else entry.message.text


def typed(entry: Entry) -> list[list[str]]:
    """Return the lines of what the user typed, for each cell that shows some."""
    entry.fill()
    return [cell.source.split("\n") for cell in entry.text.cells]
