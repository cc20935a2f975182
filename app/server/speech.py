"""The words of a server on their channels: by the field they come in, and by the tags in them.

Both always: servers put a thought into a field of its own, or into the text with its tags, and vLLM
does the one or the other by what is in the prompt. Which format the tags are of is told by the
first words; an answer that begins with no tag has none.
"""

from app.engine.outbox import Outbox
from app.engine.protocol import Channel
from app.reasoning.formats import FORMATS
from app.reasoning.splitter import Piece, Splitter

_WATCHED = ("mistral", "think")
"""The formats whose tags were seen to come through; servers take the others apart, or know none."""


class Speech:
    """Sends an answer's text as it comes, counts it, and keeps it.

    Servers send a token an event, so events are counted; what the server counted itself replaces
    that in the end (see app.server.chat).
    """

    def __init__(self, request: int, outbox: Outbox, thought: str, answer: str) -> None:
        """thought, answer: what an answer that is continued has already."""
        self._request = request
        self._outbox = outbox
        self._splitter: Splitter | None = None
        self._begin = ""
        self._field = False
        self.thought = thought
        self.answer = answer
        self.thinking_tokens = 0
        self.answer_tokens = 0

    @property
    def thinking(self) -> bool:
        """Whether a thought is open."""
        return self._field or (self._splitter is not None and self._splitter.thinking)

    @property
    def spoken(self) -> bool:
        """Whether anything came."""
        return bool(self.thinking_tokens or self.answer_tokens)

    def say(self, channel: Channel, text: str, tokens: int) -> None:
        """Take the next words, of `tokens` tokens; those of a channel "answer" may hold tags."""
        if channel == "thinking":
            self._flush()
            self._field = True
            self._send("thinking", text, tokens)
            return
        self._field = False
        if self._splitter is None:
            text = self._chosen(text)
            if self._splitter is None:
                self._count("answer", tokens)
                return
        self._say_pieces(self._splitter.feed(text), tokens)

    def finish(self) -> bool:
        """Say what was withheld; return whether every thought was closed."""
        self._flush()
        return not self.thinking

    def close(self) -> None:
        """Begin another reply that goes on with this one, its thought closed."""
        self._flush()
        self._splitter, self._field = None, False

    def _chosen(self, text: str) -> str:
        """Choose the format by the first words; return what is to be split by it then."""
        self._begin += text
        start = self._begin.lstrip()
        rows = [FORMATS[name] for name in _WATCHED]
        found = [row for row in rows if start.startswith(row.open)]
        if not found and any(row.open.startswith(start) for row in rows):
            return ""  # still the beginning of what may become a tag
        self._splitter = Splitter(found[0] if found else FORMATS["none"], literal=True)
        text, self._begin = self._begin, ""
        return text

    def _flush(self) -> None:
        if self._begin:
            text, self._begin = self._begin, ""
            self._send("answer", text, 0)
        if self._splitter is not None:
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
