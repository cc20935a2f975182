"""From tokens to text on channels, told as it comes and counted."""

import codecs

from app.engine.backends.base import Token
from app.engine.outbox import Outbox
from app.reasoning.formats import Format, watched
from app.reasoning.splitter import Piece, Splitter

_SPOKEN = frozenset(
    ("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]")
)


class Voice:
    """Turns tokens into text on channels, and counts them.

    Every token counts once: to the channel on which its text comes out, markers to thinking, and
    text that is still withheld (half a character, half a marker) with the text that releases it.
    What a model writes to call tools is text: there are none here, and nobody should wonder.

    by_id: the vocabulary has the format's markers as control tokens. held: tokens whose text is
    withheld; answered: the answer has a word.
    """

    def __init__(
        self,
        request: int,
        format_: Format,
        thinking_open: bool,
        outbox: Outbox,
        *,
        by_id: bool = False,
    ) -> None:
        self._request = request
        self._splitter = Splitter(
            format_, thinking_open=thinking_open, by_id=by_id, watch=watched(format_)
        )
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._outbox = outbox
        self.held = 0
        self.thinking_tokens = 0
        self.answer_tokens = 0
        self.answered = False

    @property
    def thinking(self) -> bool:
        """Whether a thought is open."""
        return self._splitter.thinking

    @property
    def format(self) -> Format:
        """Return how this output marks thoughts: what it began with counts."""
        return self._splitter.format

    def expect_close(self) -> None:
        """Take the next closing marker for one, whatever the thought says around it."""
        self._splitter.expect_close()

    @property
    def between_characters(self) -> bool:
        """Whether no character is begun and unfinished."""
        return not self._utf8.getstate()[0]

    def say(self, token: Token) -> None:
        """Take the next token."""
        self.held += 1
        if token.control is None:
            text = self._utf8.decode(token.data)
            if text:
                self._send(self._splitter.feed(text))
        elif token.control in self.format.tokens:
            self._end_character()
            self._send(self._splitter.feed(token.control, token.control))
        elif token.control in _SPOKEN:
            self._end_character()
            self._send(self._splitter.feed(token.control))

    def finish(self) -> bool:
        """Say what was withheld; return whether every thought was closed."""
        self._end_character()
        self._send(self._splitter.finish())
        if self.held:
            self._count("thinking" if self.thinking else "answer", "")
        return self._splitter.closed

    def _end_character(self) -> None:
        rest = self._utf8.decode(b"", final=True)
        self._utf8.reset()
        if rest:
            self._send(self._splitter.feed(rest))

    def _send(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if piece.channel == "marker":
                self._count("thinking", "")
            else:
                self._count(piece.channel, piece.text)

    def _count(self, channel: str, text: str) -> None:
        held, self.held = self.held, 0
        if channel == "thinking":
            self.thinking_tokens += held
            self._outbox.delta(self._request, "thinking", text, held)
        else:
            self.answer_tokens += held
            self.answered = self.answered or (not text.isspace() and bool(text))
            self._outbox.delta(self._request, "answer", text, held)
