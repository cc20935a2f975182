"""Reads outputs in which one marker opens a thought and another closes it: all but harmony's kind.

Between calls nothing is kept but the beginning of what may become a marker, and a few characters
of the line; the time a stretch takes depends on its length only.
"""

from collections.abc import Sequence

from app.reasoning.formats import Format
from app.reasoning.literal import Surroundings
from app.reasoning.pieces import Sink

_AFTER_WRAP = 64
"""White space that may follow the marker around an answer at the end of an output, characters."""


class TagReader:
    """Reads one output. reads_text: markers may be spelled, not only control tokens."""

    def __init__(self, row: Format, *, thinking: bool, reads_text: bool) -> None:
        self._open, self._close, self._suffix = row.open, row.close, row.suffix
        self._starts = dict(row.wraps)
        self._reads_text = reads_text and bool(row.open)
        self._held = ""
        # Nothing but white space and broken-off markers since the start or the last marker.
        self._fresh = True
        self._after_open = False
        # What may end the answer: known once something began it.
        self._wrap = ""
        self._around = Surroundings(row.open or " ")
        self.thinking = thinking

    # ------------------------------------------------------------ the reader's verbs

    def read(self, text: str, sink: Sink) -> None:
        """Take text."""
        if self._after_open:
            text = self._held + text
            self._held = ""
            text = self._without_suffix(text, sink)
            if not text:
                return
        if not self._reads_text:
            sink.say(text, thinking=self.thinking)
            return
        text, self._held = self._held + text, ""
        at = 0
        while at < len(text) and not self._held:
            if self._after_open:
                rest = self._without_suffix(text[at:], sink)
                at = len(text) - len(rest)
            elif self._fresh:
                at = self._read_fresh(text, at, sink)
            elif self.thinking:
                at = self._read_thought(text, at, sink)
            elif self._wrap:
                at = self._read_wrapped(text, at, sink)
            else:
                sink.say(text[at:], thinking=False)
                return

    def mark(self, name: str, text: str, sink: Sink) -> None:
        """Take a control token, or a marker that was spelled."""
        self.let_go(sink)
        if name == self._open:
            self._switch(True)
            self._after_open = bool(self._suffix)
        elif name == self._close:
            self._switch(False)
            self._wrap = self._starts.get("", "")
        elif name in self._starts and not self.thinking:
            self._wrap = self._starts[name]
        sink.mark(text)

    def let_go(self, sink: Sink) -> None:
        """Say what was held: it became no marker."""
        held, self._held = self._held, ""
        self._after_open = False
        if held:
            self._say(held, sink)

    def finish(self, sink: Sink) -> None:
        """Say all that is held: the output is over."""
        held, self._held = self._held, ""
        if held.startswith(self._close) and self.thinking and self._close:
            # It was held for what comes after it: nothing does, so it was not quoted.
            self._held = ""
            self.mark(self._close, self._close, sink)
            self.read(held[len(self._close) :], sink)
            self.finish(sink)
            return
        if self._wrap and held.startswith(self._wrap) and not self.thinking:
            sink.mark(self._wrap)
            held = held[len(self._wrap) :]
        self._held = held
        self.let_go(sink)

    def expect_close(self) -> None:
        """Take the next closing marker for one, whatever the thought says around it."""
        self._around = Surroundings(self._open or " ")

    # ------------------------------------------------------------ how text is read

    def _switch(self, thinking: bool) -> None:
        self.thinking = thinking
        self._fresh = True
        self._wrap = ""
        self._around = Surroundings(self._open or " ")

    def _say(self, text: str, sink: Sink) -> None:
        if self.thinking and self._reads_text:
            self._around.follow(text)
        sink.say(text, thinking=self.thinking)

    def _without_suffix(self, text: str, sink: Sink) -> str:
        """Return the text without the words that belong to the opening marker; hold a part."""
        if text.startswith(self._suffix):
            sink.mark(self._suffix)
        elif self._suffix.startswith(text):
            self._held = text
            return ""
        self._after_open = False
        return text.removeprefix(self._suffix)

    def _markers(self) -> Sequence[str]:
        """Return what counts where nothing has been said yet."""
        starts = () if self.thinking else tuple(start for start in self._starts if start)
        return (self._open, self._close, *starts)

    def _read_fresh(self, text: str, at: int, sink: Sink) -> int:
        """Read white space, markers and broken-off markers from `at`; return where they end."""
        start = at
        markers = self._markers()
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            marker = next((one for one in markers if text.startswith(one, at)), None)
            if marker is not None:
                self._say(text[start:at], sink)
                self.mark(marker, marker, sink)
                if marker in self._starts:
                    self._fresh = False
                return at + len(marker)
            common = max(_common(text, at, one) for one in markers)
            if common == len(text) - at:
                self._say(text[start:at], sink)
                self._held = text[at:]
                return at
            if not common:
                self._fresh = False
                break
            at += common
        self._say(text[start:at], sink)
        return at

    def _read_thought(self, text: str, at: int, sink: Sink) -> int:
        """Read a thought's words from `at` up to and with its closing marker."""
        end = text.find(self._close, at)
        if end < 0:
            end = _begun(text, at, self._close)
            self._say(text[at:end], sink)
            self._held = text[end:]
            return end
        self._say(text[at:end], sink)
        past = end + len(self._close)
        if past == len(text) and self._around.may_be_quoted():
            self._held = text[end:]
            return end
        if self._around.is_quoted(text[past : past + 1]):
            self._say(text[end:past], sink)
        else:
            self.mark(self._close, self._close, sink)
        return past

    def _read_wrapped(self, text: str, at: int, sink: Sink) -> int:
        """Read an answer that ends with a marker of its own, if only white space follows it."""
        end = text.find(self._wrap, at)
        if end < 0:
            end = _begun(text, at, self._wrap)
        self._say(text[at:end], sink)
        rest = text[end : end + len(self._wrap) + _AFTER_WRAP + 1]
        past = rest[len(self._wrap) :]
        if past and (not past.isspace() or len(past) > _AFTER_WRAP):
            self._say(text[end : end + len(self._wrap)], sink)
            return end + len(self._wrap)
        self._held = text[end:]
        return end


def _begun(text: str, at: int, marker: str) -> int:
    """Return where, from `at` on, the end of the text may be the beginning of a marker."""
    for length in range(min(len(marker) - 1, len(text) - at), 0, -1):
        if marker.startswith(text[len(text) - length :]):
            return len(text) - length
    return len(text)


def _common(text: str, at: int, marker: str) -> int:
    """Return how many characters of `text` from `at` spell the beginning of `marker`."""
    length = 0
    while length < len(marker) and text[at + length : at + length + 1] == marker[length]:
        length += 1
    return length
