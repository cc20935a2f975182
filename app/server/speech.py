"""The words of a server on their channels: by the field they come in, and by the tags in them.

Both always: servers put a thought into a field of its own, or into the text with its tags, and vLLM
does the one or the other by what is in the prompt. Which format the tags are of is told by the
first words; an answer that begins with no tag has none.
"""

from app.engine.outbox import Outbox
from app.engine.protocol import Channel
from app.reasoning.formats import FORMATS, watched
from app.reasoning.splitter import Piece, Splitter


def _splitter() -> Splitter:
    """Return what finds the tags of any format at the start of an answer."""
    usual = FORMATS["think"]
    return Splitter(usual, literal=True, watch=watched(usual))


class Speech:
    """Sends an answer's text as it comes, counts it, and keeps it.

    Servers send a token an event, so events are counted; what the server counted itself replaces
    that in the end (see app.server.chat).
    """

    def __init__(self, request: int, outbox: Outbox, thought: str, answer: str) -> None:
        """thought, answer: what an answer that is continued has already."""
        self._request = request
        self._outbox = outbox
        self._splitter = _splitter()
        self._field = self._fed = False
        self.thought = thought
        self.answer = answer
        self.thinking_tokens = 0
        self.answer_tokens = 0

    @property
    def thinking(self) -> bool:
        """Whether a thought is open."""
        return self._field or self._splitter.thinking

    def say(self, channel: Channel, text: str, tokens: int) -> None:
        """Take the next words, of `tokens` tokens; those of a channel "answer" may hold tags."""
        if channel == "thinking":
            self._flush()
            self._field = True
            self._send("thinking", text, tokens)
            return
        self._field, self._fed = False, True
        self._say_pieces(self._splitter.feed(text), tokens)

    def finish(self) -> bool:
        """Say what was withheld; return whether every thought was closed."""
        self._flush()
        return not self.thinking

    def close(self) -> None:
        """Begin another reply that goes on with this one, its thought closed."""
        self._flush()
        self._splitter, self._field, self._fed = _splitter(), False, False

    def _flush(self) -> None:
        if self._fed:  # else the first words are still to come, and choose the format
            self._say_pieces(self._splitter.finish(), 0)

    def _say_pieces(self, pieces: list[Piece], tokens: int) -> None:
        """Say the pieces of one stretch; its tokens count where its first words came out."""
        if tokens and not pieces:
            self._count("thinking" if self.thinking else "answer", tokens)
        for piece in pieces:
            if piece.channel == "marker":
                self._count("thinking", tokens)
            else:
                self._send(piece.channel, piece.text, tokens)
            tokens = 0

    def _send(self, channel: Channel, text: str, tokens: int) -> None:
        if channel == "thinking":
            self.thought += text
        else:
            self.answer += text
        self._count(channel, tokens, text)

    def _count(self, channel: Channel, tokens: int, text: str = "") -> None:
        if channel == "thinking":
            self.thinking_tokens += tokens
        else:
            self.answer_tokens += tokens
        self._outbox.delta(self._request, channel, text, tokens)
