"""Cuts the stream of a model's output into thinking, answer and the markers between them.

What counts as a marker:

- A control token that is one of the format's markers always is one, wherever it comes: nobody can
  type it, so a second thought after the answer began is a thought again. Opening an open thought or
  closing a closed one changes nothing. Any other control token is a marker without effect: it is
  kept in the record and is nobody's words.
- Text that spells a marker counts for text formats only (and for all with `literal`, where control
  tokens were recorded as text). A thought opens at the start of the output or after another
  thought, with nothing but white space and broken-off markers before it (`<<think>` opens one).
  Once an answer has begun, it is the model talking about tags: to take the words after them out of
  the answer would hide what was said, and a prompt could make a model hide it. So they stay text.
- Inside a thought only the closing marker counts; an opening one directly at its start is a
  repetition of what the prompt opened and is a marker, later ones are the thought's own words.
  Closing markers before any answer are markers, inside an answer they are text.

Nothing is trimmed or dropped: the texts of all pieces, joined, are the output. Pieces depend on the
output only, not on how it was cut. Between calls nothing is kept but the beginning of what may
become a marker.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from app.reasoning.formats import Format

Channel = Literal["thinking", "answer", "marker"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of output on one channel."""

    channel: Channel
    text: str


class Splitter:
    """Splits one output.

    format: how the model marks thoughts. thinking_open: the prompt ended inside a thought.
    literal: the markers of a control format are recorded as text (a raw output read from a file).
    """

    def __init__(
        self,
        format: Format,  # noqa: A002 - the word of the callers' own surface
        *,
        thinking_open: bool = False,
        literal: bool = False,
    ) -> None:
        self._open = format.open
        self._close = format.close
        self._reads_text = bool(format.open) and (literal or not format.control)
        self._held = ""
        # Nothing but white space and broken-off markers since the start or the last marker.
        self._fresh = True
        self.thinking = thinking_open

    @property
    def closed(self) -> bool:
        """Whether no thought is open; after `finish()`, False says the last was never closed."""
        return not self.thinking

    def feed(self, text: str, control: str | None = None) -> list[Piece]:
        """Return the pieces decided by the next stretch of output.

        control: the token's name where the stretch is one control token; text is its spelling.
        """
        pieces: list[Piece] = []
        if control is None:
            if self._reads_text:
                self._read(self._held + text, pieces)
            else:
                self._emit(text, pieces)
        elif not self._open:
            self._emit(text, pieces)
        else:
            self._emit(self._held, pieces)
            self._held = ""
            if control == self._open:
                self._switch(True)
            elif control == self._close:
                self._switch(False)
            if text:
                pieces.append(Piece("marker", text))
        return pieces

    def finish(self) -> list[Piece]:
        """Return what was withheld: the output ended before it became a marker."""
        pieces: list[Piece] = []
        self._emit(self._held, pieces)
        self._held = ""
        return pieces

    def _switch(self, thinking: bool) -> None:
        self.thinking = thinking
        self._fresh = True

    def _emit(self, text: str, pieces: list[Piece]) -> None:
        if not text:
            return
        channel: Channel = "thinking" if self.thinking else "answer"
        if pieces and pieces[-1].channel == channel:
            pieces[-1] = Piece(channel, pieces[-1].text + text)
        else:
            pieces.append(Piece(channel, text))

    def _read(self, text: str, pieces: list[Piece]) -> None:
        """Emit all of `text` that is decided; hold the rest."""
        self._held = ""
        at = 0
        while at < len(text):
            if self._fresh:
                at = self._read_fresh(text, at, pieces)
            elif self.thinking:
                at = self._read_thought(text, at, pieces)
            else:
                self._emit(text[at:], pieces)
                return
            if self._held:
                return

    def _read_fresh(self, text: str, at: int, pieces: list[Piece]) -> int:
        """Read white space, markers and broken-off markers from `at`; return where they end."""
        start = at
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            marker = next((m for m in (self._open, self._close) if text.startswith(m, at)), None)
            if marker is not None:
                self._emit(text[start:at], pieces)
                pieces.append(Piece("marker", marker))
                self._switch(marker == self._open)
                return at + len(marker)
            common = max(_common(text, at, self._open), _common(text, at, self._close))
            if common == len(text) - at:
                self._emit(text[start:at], pieces)
                self._held = text[at:]
                return at
            if not common:
                self._fresh = False
                break
            at += common
        self._emit(text[start:at], pieces)
        return at

    def _read_thought(self, text: str, at: int, pieces: list[Piece]) -> int:
        """Read a thought's words from `at` up to and with its closing marker."""
        end = text.find(self._close, at)
        if end >= 0:
            self._emit(text[at:end], pieces)
            pieces.append(Piece("marker", self._close))
            self._switch(False)
            return end + len(self._close)
        end = len(text)
        for length in range(min(len(self._close) - 1, end - at), 0, -1):
            if self._close.startswith(text[end - length :]):
                end -= length
                break
        self._emit(text[at:end], pieces)
        self._held = text[end:]
        return end


def _common(text: str, at: int, marker: str) -> int:
    """Return how many characters of `text` from `at` spell the beginning of `marker`."""
    length = 0
    while length < len(marker) and text[at + length : at + length + 1] == marker[length]:
        length += 1
    return length


def coalesced(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours on one channel; markers stay apart, each a piece of its own."""
    for channel, run in groupby(pieces, key=lambda piece: piece.channel):
        if channel == "marker":
            yield from run
        else:
            yield Piece(channel, "".join(piece.text for piece in run))
