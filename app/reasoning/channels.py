"""Reads outputs whose every part names its channel in a header: gpt-oss's harmony, Kimi K3.

    <|channel|>analysis<|message|>thought<|end|><|start|>assistant<|channel|>final<|message|>answer

A header belongs to the record and is nobody's words. One that is begun again within itself (the
small gpt-oss writes `<|channel|>commentary` before `<|channel|>analysis`) just goes on. One that
does not end was none, or its end was forgotten: past `_LONGEST` characters it is read as words of
the channel that it names.
"""

import re

from app.reasoning.formats import Channels, Format
from app.reasoning.pieces import Sink

_LONGEST = 200


class ChannelReader:
    """Reads one output. reads_text: markers may be spelled, not only control tokens."""

    def __init__(self, row: Format, *, thinking: bool, reads_text: bool) -> None:
        if row.channels is None:
            raise ValueError(f"{row.name} has no channels")
        self._marks: Channels = row.channels
        self._names = row.tokens
        self._reads_text = reads_text
        self._pattern = re.compile("|".join(map(re.escape, sorted(self._names))))
        self._longest = max(map(len, self._names))
        self._held = ""
        self._header: str | None = None
        self._opens = True
        self.thinking = thinking

    def read(self, text: str, sink: Sink) -> None:
        """Take text."""
        if not self._reads_text:
            self._say(text, sink)
            return
        text, self._held = self._held + text, ""
        at = 0
        for found in self._pattern.finditer(text):
            self._say(text[at : found.start()], sink)
            self.mark(found.group(), found.group(), sink)
            at = found.end()
        keep = _begun(text, at, self._names, self._longest)
        self._say(text[at:keep], sink)
        self._held = text[keep:]

    def mark(self, name: str, text: str, sink: Sink) -> None:
        """Take a control token, or a marker that was spelled."""
        self.let_go(sink)
        begins = dict(self._marks.begin)
        if name in begins:
            self._end_header(sink, said=True)
            self._header, self._opens = "", begins[name]
        elif name == self._marks.sep:
            if self._header is not None:
                named = self._header.split()[:1] == [self._marks.thought]
                self._end_header(sink, said=True)
                self.thinking = named and self._opens
        elif name in self._marks.ends:
            self._end_header(sink, said=True)
            self.thinking = False
        sink.mark(text)

    def let_go(self, sink: Sink) -> None:
        """Say what was held: it became no marker."""
        held, self._held = self._held, ""
        self._say(held, sink)

    def finish(self, sink: Sink) -> None:
        """Say all that is held: the output is over."""
        self.let_go(sink)
        self._end_header(sink, said=True)

    def expect_close(self) -> None:
        """Do nothing: markers are never quoted here."""

    def _say(self, text: str, sink: Sink) -> None:
        if not text:
            return
        if self._header is None:
            sink.say(text, thinking=self.thinking)
            return
        self._header += text
        if len(self._header) > _LONGEST:
            self._end_header(sink, said=False)

    def _end_header(self, sink: Sink, *, said: bool) -> None:
        """End the header, if there is one. said: it was a header, not words."""
        header, self._header = self._header, None
        if not header:
            return
        if said:
            sink.mark(header)
            return
        self.thinking = header.split()[:1] == [self._marks.thought] and self._opens
        sink.say(header, thinking=self.thinking)


def _begun(text: str, at: int, names: frozenset[str], longest: int) -> int:
    """Return where, from `at` on, the end of the text may be the beginning of a marker."""
    for start in range(max(at, len(text) - longest + 1), len(text)):
        if any(name.startswith(text[start:]) for name in names):
            return start
    return len(text)
