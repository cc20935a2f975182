"""Cuts the stream of a model's output into thinking, answer and the markers between them.

What counts as a marker:

- A control token that is one of the format's markers always is one, wherever it comes: nobody can
  type it, so a second thought after the answer began is a thought again. Opening an open thought or
  closing a closed one changes nothing. Any other control token is a marker without effect: it is
  kept in the record and is nobody's words.
- Text that spells a marker counts where markers are not control tokens (and for all with `literal`,
  where control tokens were recorded as text). A thought opens at the start of the output or after
  another thought, with nothing but white space and broken-off markers before it (`<<think>` opens
  one). Once an answer has begun, it is the model talking about tags: to take the words after them
  out of the answer would hide what was said, and a prompt could make a model hide it. So they stay
  text. At the very start the opening markers of the formats in `watch` count, too: the first marker
  chooses the format.
- Inside a thought only the closing marker counts; an opening one directly at its start is a
  repetition of what the prompt opened and is a marker, later ones are the thought's own words. A
  closing marker that is quoted is the thought's own, too (`app.reasoning.literal`). Closing markers
  before any answer are markers, inside an answer they are text.

Nothing is trimmed or dropped: the texts of all pieces, joined, are the output. Pieces depend on the
output only, not on how it was cut.
"""

from collections.abc import Sequence
from typing import Protocol

from app.reasoning.channels import ChannelReader
from app.reasoning.formats import Format
from app.reasoning.pieces import Channel, Piece, Sink, coalesced
from app.reasoning.tags import TagReader

__all__ = ["Channel", "Piece", "Splitter", "coalesced"]


class _Reader(Protocol):
    thinking: bool

    def read(self, text: str, sink: Sink) -> None: ...
    def mark(self, name: str, text: str, sink: Sink) -> None: ...
    def let_go(self, sink: Sink) -> None: ...
    def finish(self, sink: Sink) -> None: ...
    def expect_close(self) -> None: ...


class Splitter:
    """Splits one output.

    format: how the model marks thoughts. thinking_open: the prompt ended inside a thought.
    literal: the markers of a control format are recorded as text (a raw output read from a file).
    by_id: the vocabulary has the markers as control tokens, so spelled ones are text.
    watch: formats whose opening markers count, spelled, at the start of the output.
    """

    def __init__(
        self,
        format: Format,  # noqa: A002 - the word of the callers' own surface
        *,
        thinking_open: bool = False,
        literal: bool = False,
        by_id: bool = False,
        watch: Sequence[Format] = (),
    ) -> None:
        self.format = format
        self._reads_text = literal or not (format.control or by_id)
        thinking = thinking_open or (literal and format.starts_open)
        self._reader = self._read_as(format, thinking)
        # Where a thought is open already, its format is known.
        self._watch = () if thinking else tuple(row for row in watch if row is not format)
        self._begun = ""

    @property
    def thinking(self) -> bool:
        """Whether a thought is open."""
        return self._reader.thinking

    @property
    def closed(self) -> bool:
        """Whether no thought is open; after `finish()`, False says the last was never closed."""
        return not self.thinking

    def feed(self, text: str, control: str | None = None) -> list[Piece]:
        """Return the pieces decided by the next stretch of output.

        control: the token's name where the stretch is one control token; text is its spelling.
        """
        sink = Sink()
        if control is not None:
            self._decide(sink)
            if not self.format.open:
                sink.say(text, thinking=False)
            elif control in self.format.tokens:
                self._reader.mark(control, text, sink)
            else:
                self._reader.let_go(sink)
                sink.mark(text)
        elif self._watch:
            self._look(self._begun + text, sink)
        else:
            self._reader.read(text, sink)
        return sink.pieces

    def expect_close(self) -> None:
        """Take the next closing marker for one, whatever the thought says around it."""
        self._reader.expect_close()

    def finish(self) -> list[Piece]:
        """Return what was withheld: the output ended before it became a marker."""
        sink = Sink()
        self._decide(sink)
        self._reader.finish(sink)
        return sink.pieces

    def _read_as(self, row: Format, thinking: bool) -> _Reader:
        if row.channels:
            return ChannelReader(row, thinking=thinking, reads_text=self._reads_text)
        return TagReader(row, thinking=thinking, reads_text=self._reads_text)

    def _look(self, text: str, sink: Sink) -> None:
        """Choose the format by how the output begins, as soon as that can be told."""
        self._begun = text
        said = text.lstrip()
        if len(text) - len(said) > _LONGEST_BLANK:
            self._decide(sink)
            return
        rows = (*((self.format,) if self._reads_text else ()), *self._watch)
        begun = False
        for row in rows:
            for opener in row.openers:
                if said.startswith(opener):
                    if row is not self.format:
                        self.format, self._reads_text = row, True
                        self._reader = self._read_as(row, thinking=False)
                    self._decide(sink)
                    return
                begun |= opener.startswith(said)
        if not begun:
            self._decide(sink)

    def _decide(self, sink: Sink) -> None:
        """Read what was withheld by the format that is known now."""
        begun, self._begun = self._begun, ""
        self._watch = ()
        if begun:
            self._reader.read(begun, sink)


_LONGEST_BLANK = 1000
"""White space at the start of an output, in characters, after which no other format is expected."""
