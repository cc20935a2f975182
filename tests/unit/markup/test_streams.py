"""Streams as models write them: at every prefix, what the whole document gives.

Parsing the whole for each prefix is quadratic: an hour for one stream. So after each piece the end
is compared, from the last settled block on, with a parse of that end which holds nothing; and every
so often all of it with a parse of the whole. PONDER_STREAMS=50 checks so many streams, after every
character; without it a few are checked, after some of their tokens.
"""

import os

import pytest

from app.markup.blocks import Block, Blocks, parse
from app.markup.reading import Reading
from tests.support.streams import LEAST, stream, tokens

STREAMS = int(os.environ.get("PONDER_STREAMS", "0"))


class Followed:
    """A document that grows, and what it is compared with. Knows where the parser's end begins."""

    def __init__(self) -> None:
        self._blocks = Blocks()
        self._text = ""
        self._before: list[Block] = []
        self._settled: list[int] = []
        self._seen: list[set[str]] = []

    def feed(self, text: str, *, look: bool) -> None:
        """Add text; look: compare, too."""
        self._text += text
        unchanged, now = self._blocks.append(text)
        assert now[:unchanged] == self._before[:unchanged]
        self._before = list(now)
        if look:
            assert now[self._first() :] == self._tail()

    def whole(self) -> None:
        """Compare all of it."""
        assert self._blocks.append("")[1] == parse(self._text)

    def _first(self) -> int:
        """Return the index of the last settled block."""
        return max(0, self._blocks._settled - 1)

    def _tail(self) -> list[Block]:
        """Return the blocks from there on, read in one go with what is defined elsewhere."""
        made = self._blocks
        first = self._first()
        normal = self._text.replace("\r\n", "\n").replace("\r", "\n")
        start = self._before[first].start if made._settled else made._start
        # In whole lines: a block may be indented.
        start = normal.rfind("\n", 0, start) + 1
        numbers = {
            label[1:]: int(found[0]) for label, found in made._known.items() if label[0] == "^"
        }
        links = {label: found for label, found in made._known.items() if label[0] != "^"}
        reading = Reading(normal[start:], start, links, numbers)
        seen = {label for label in made._asked if made._asking[f"^{label}"][0] < first}
        found = [entry.block for entry in reading.entries(numbers, seen) if entry.block is not None]
        notes = [one for one in self._before[-1:] if one.start == one.end and one.source]
        return found + notes


@pytest.mark.parametrize("seed", range(STREAMS or 2))
def test_a_stream_is_its_whole_document_at_every_prefix(seed: int) -> None:
    made = stream(seed)
    assert len(made.thinking) + len(made.answer) >= LEAST
    for number, text in enumerate([made.thinking, made.answer]):
        followed = Followed()
        pieces = list(text) if STREAMS and seed < 2 else tokens(text, seed)
        if not STREAMS:
            pieces = ["".join(pieces[at : at + 5]) for at in range(0, len(pieces), 5)]
        often = 400 if STREAMS else 130
        for at, piece in enumerate(pieces, number):
            followed.feed(piece, look=bool(STREAMS) or at % 5 == 0)
            if at % often == often - 1:
                followed.whole()
        followed.whole()


def test_streams_hold_what_they_are_meant_to() -> None:
    text = "".join(made.thinking + made.answer for made in map(stream, range(3)))
    for part in (
        "$$\n",
        "\\[",
        "\\begin{align}",
        "```math",
        "| --- |",
        "- [x] ",
        "[^1]: ",
        "]: http",
    ):
        assert part in text
    kinds = {block.kind for block in parse(text)}
    assert kinds == {"prose", "code", "math"}
    assert stream(1) == stream(1)
