"""What is selected in the transcript, and the mouse that selects it.

A selection runs from one spot to another, over any number of messages. Thinking is apart: a
selection that begins in a thinking panel stays in that panel, and one that begins elsewhere leaves
all thinking out, so that what is copied never holds thoughts by accident.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ui.chat.cells import WHOLE
from ui.chat.column import Place
from ui.chat.entry import Entry

Region = Literal["thinking", "text"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in one text of a message, which is known by its number in the branch."""

    message: int
    region: Region
    place: Place

    def key(self) -> tuple[int, int, int]:
        """Return what orders spots of one region kind."""
        return self.message, self.place.cell, self.place.offset


class Selection:
    """From where to where; empty where both are the same or one is missing."""

    def __init__(self) -> None:
        self.anchor: Spot | None = None
        self.head: Spot | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is selected."""
        return self.anchor is None or self.head is None or self.anchor == self.head

    def clear(self) -> None:
        """Select nothing."""
        self.anchor = self.head = None

    def select(self, anchor: Spot, head: Spot) -> None:
        """Select from one spot to another of the same region kind."""
        self.anchor, self.head = anchor, head

    def select_text(self, message: int, region: Region = "text") -> None:
        """Select the whole of one text of one message."""
        self.anchor = Spot(message, region, Place(0, 0))
        self.head = Spot(message, region, Place(WHOLE, WHOLE))

    def select_through(self, last: int) -> None:
        """Select the texts of all messages up to the last one."""
        self.anchor = Spot(0, "text", Place(0, 0))
        self.head = Spot(last, "text", Place(WHOLE, WHOLE))

    def ends(self) -> tuple[Spot, Spot] | None:
        """Return first and last spot in reading order, None where nothing is selected."""
        if self.anchor is None or self.head is None or self.empty:
            return None
        if self.anchor.key() <= self.head.key():
            return self.anchor, self.head
        return self.head, self.anchor

    def part(self, message: int, region: Region) -> tuple[Place, Place] | None:
        """Return what is selected of one text of one message."""
        ends = self.ends()
        if ends is None:
            return None
        first, last = ends
        if first.region != region or not first.message <= message <= last.message:
            return None
        start = first.place if message == first.message else Place(0, 0)
        end = last.place if message == last.message else Place(WHOLE, WHOLE)
        return start, end

    def copied(self, entries: Sequence[Entry]) -> str:
        """Return the selected text without marks; messages are parted by a blank line."""
        said: list[str] = []
        for number, entry in enumerate(entries):
            for region, column in (("thinking", entry.thinking), ("text", entry.text)):
                part = self.part(number, "thinking" if region == "thinking" else "text")
                if part is not None:
                    entry.fill()
                    said.append(column.copied(*part))
        return "\n\n".join(text for text in said if text)
