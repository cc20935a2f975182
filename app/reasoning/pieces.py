"""The values that a split output is made of, and the sink they are gathered in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

Channel = Literal["thinking", "answer", "marker"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of output on one channel."""

    channel: Channel
    text: str


@dataclass(slots=True)
class Sink:
    """Gathers pieces; neighbours that are words of one channel become one."""

    pieces: list[Piece] = field(default_factory=list)

    def say(self, text: str, *, thinking: bool) -> None:
        """Add words."""
        if not text:
            return
        channel: Channel = "thinking" if thinking else "answer"
        if self.pieces and self.pieces[-1].channel == channel:
            text = self.pieces.pop().text + text
        self.pieces.append(Piece(channel, text))

    def mark(self, text: str) -> None:
        """Add a marker, a piece of its own."""
        if text:
            self.pieces.append(Piece("marker", text))


def coalesced(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours on one channel; markers stay apart, each a piece of its own."""
    for channel, run in groupby(pieces, key=lambda piece: piece.channel):
        if channel == "marker":
            yield from run
        else:
            yield Piece(channel, "".join(piece.text for piece in run))
