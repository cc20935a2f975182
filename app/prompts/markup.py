"""Template text to segments: where the names of control tokens stand in it, there they are.

What a user typed is shielded before a template sees it: each bracket of it is replaced by a
character that no text in hand contains, so that no name of a control token can be spelled by it,
not even half of one. Everything else a template can ask of a text (its length, its white space, its
case, a slice of it) stays as it is. Afterwards the brackets come back, as text.
"""

import re
from collections.abc import Callable, Iterable

from app.prompts.segments import Control, Prompt, Segment, Text

_BRACKETS = "<>[]◁▷"
_PLANES = (0xF0000, 0x100000, 0xE000)

# How control tokens are spelled: between brackets of some kind, without white space.
_NAME = re.compile(
    r"<[^\s<>]{1,48}>"
    r"|\[[^\s\[\]]{1,48}\]"
    r"|<｜[^<>\n]{1,48}｜>"
    r"|◁[^\s◁▷]{1,48}▷"
    r"|\]~!?b\[|\]~b\]|\[e~\["
)


class Shield:
    """Hides the brackets of texts, and gives them back. texts: all that will be hidden.

    By `replace`, a hundred times as fast as `translate` on long texts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        joined = "".join(texts)
        base = next(
            plane + start
            for plane in _PLANES
            for start in range(0, 0x1900 - len(_BRACKETS), len(_BRACKETS))
            if not any(chr(plane + start + one) in joined for one in range(len(_BRACKETS)))
        )
        self._pairs = tuple((char, chr(base + number)) for number, char in enumerate(_BRACKETS))

    def hide(self, text: str) -> str:
        """Return a text in which nothing can be taken for markup; as long as it was."""
        for char, hidden in self._pairs:
            text = text.replace(char, hidden)
        return text

    def show(self, text: str) -> str:
        """Return a text as it was."""
        for char, hidden in self._pairs:
            text = text.replace(hidden, char)
        return text


def segments(text: str, has: Callable[[str], bool], shield: Shield | None = None) -> Prompt:
    """Return the segments of what a template wrote.

    has: whether the vocabulary has a control token of this name. Text between two control tokens
    is one segment, whoever wrote it: so it was tokenized in training.
    """
    found: list[Segment] = []
    at = start = 0
    while match := _NAME.search(text, at):
        # A name within brackets of its own: <<SYS>> is none, [<s>] holds one.
        at = match.start() + 1
        if has(match.group()):
            _add(found, text[start : match.start()], shield)
            found.append(Control(match.group()))
            at = start = match.end()
    _add(found, text[start:], shield)
    return tuple(found)


def _add(found: list[Segment], text: str, shield: Shield | None) -> None:
    if text:
        found.append(Text(shield.show(text) if shield else text))
