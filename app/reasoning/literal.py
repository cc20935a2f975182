"""Whether a closing marker in a thought is meant, or quoted: models think about tags, too.

Where markers are control tokens the question does not arise. Where they are text, a thought about
`</think>` would end in the middle of its own sentence. Quoted is, by what stands around it:

- in a code span: an odd number of backticks before it on its line, and one right after it;
- in quotation marks: the same mark right before and right after it, the first an opening one (no
  letter, digit or closing bracket stands before it);
- in a fenced block in which the opening marker stands, too, as in an example of an output.

All else ends the thought: to miss a real end would hide the whole answer.
"""

import re

_QUOTES = "\"'`"
_HEAD = 8
_FENCE = re.compile(r"[ \t]{0,3}(```|~~~)")


class Surroundings:
    """Follows the text of one thought; what it keeps does not grow with it. open: the marker."""

    def __init__(self, open_: str) -> None:
        self._open = open_
        self._head = ""
        self._tail = ""
        self._ticks = 0
        self._fence = ""
        self._opened = 0

    def follow(self, text: str) -> None:
        """Take the next words of the thought."""
        if not text:
            return
        first, *lines = text.split("\n")
        self._extend(first)
        for line in lines:
            self._end_line()
            self._extend(line)

    def may_be_quoted(self) -> bool:
        """Whether a marker here is quoted, if the right character comes after it."""
        return self._tail[-1:] in _QUOTES and bool(self._tail)

    def is_quoted(self, after: str) -> bool:
        """Whether a marker here is quoted. after: the character that comes next, "" for none."""
        before = self._tail[-1:]
        if before and before in _QUOTES and before == after:
            if before == "`":
                return self._ticks % 2 == 1
            ahead = self._tail[-2:-1]
            return not ahead.isalnum() and ahead not in (")", "]", "}")
        if self._fence and self._opened:
            self._opened -= 1
            return True
        return False

    def _extend(self, text: str) -> None:
        """Take more of the line."""
        if len(self._head) < _HEAD:
            self._head += text[: _HEAD - len(self._head)]
        self._ticks += text.count("`")
        near = self._tail + text
        if self._fence:
            self._opened += near.count(self._open)
        # Shorter than a marker, so that none is counted twice.
        self._tail = near[-(len(self._open) - 1) :]

    def _end_line(self) -> None:
        if found := _FENCE.match(self._head):
            fence = found.group(1)
            if not self._fence:
                self._fence, self._opened = fence, 0
            elif self._fence == fence:
                self._fence, self._opened = "", 0
        self._head = self._tail = ""
        self._ticks = 0
