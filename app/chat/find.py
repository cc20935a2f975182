"""Finding words in what a chat says: as people mean them, wherever Unicode puts the marks.

Case is of no account unless asked for, nor whether a character comes composed; accents and points
are left out of account where what is looked for has none ("resume" finds "résumé", "résumé" does
not find "resume"); every white space is a space, every quotation mark a straight one. A hit begins
and ends between whole characters.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from app.chat.htmltree import paragraphs
from app.markup.blocks import Block, Blocks, slices

_UNSEEN = "\u00ad\u200b\u2060\ufeff"
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\t\n\r\v\f\u2028\u2029\u0085", " "),
        **dict.fromkeys("\u00a0\u1680\u202f\u205f\u3000", " "),
        **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
        **dict.fromkeys("‘’‚‛ʼ′", "'"),
        **dict.fromkeys("“”„‟″", '"'),
        **dict.fromkeys(_UNSEEN, None),
    }
)
_WORD = re.compile(r"[^\W_]+")
_MARKS = str.maketrans(dict.fromkeys("*_~`\\", None))


class Pattern:
    """What is looked for. match_case: "a" does not find "A"."""

    def __init__(self, text: str, *, match_case: bool = False) -> None:
        self.text = text
        self.match_case = match_case
        self._keep_marks = _has_marks(text)
        self._wanted = self._folded(text)
        self._words = _WORD.findall(_fold(text, match_case, False))

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def hits(self, text: str) -> list[tuple[int, int]]:
        """Return where it is in a text: starts and ends, in characters, apart from each other."""
        if not self._wanted:
            return []
        if text.isascii():
            folded = text.translate(_ALIKE) if self.match_case else text.translate(_ALIKE).lower()
            return list(_all(folded, self._wanted))
        if self._wanted not in self._folded(text):
            return []
        return list(self._mapped(text))

    def count(self, texts: Iterable[str]) -> int:
        """Return how often it is in some texts."""
        return sum(len(self.hits(text)) for text in texts)

    def may_be_in(self, markdown: str) -> bool:
        """Whether it may be in what Markdown shows: False only where it is certain."""
        if "&" in markdown:
            return True
        seen = _fold(markdown.translate(_MARKS), self.match_case, False)
        return all(word in seen for word in self._words)

    def _folded(self, text: str) -> str:
        return _fold(text, self.match_case, self._keep_marks)

    def _mapped(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the hits in a text whose folded form has other places than itself."""
        starts: list[int] = []
        ends: dict[int, int] = {}
        said: list[str] = []
        length = 0
        for start, end in _characters(text):
            folded = _fold_one(text[start:end], self.match_case, self._keep_marks)
            said.append(folded)
            starts += [start] + [-1] * (len(folded) - 1) if folded else []
            length += len(folded)
            ends[length] = end
        for first, past in _all("".join(said), self._wanted):
            if starts[first] >= 0 and past in ends:
                yield starts[first], ends[past]


def _all(text: str, wanted: str) -> Iterator[tuple[int, int]]:
    at = text.find(wanted)
    while at >= 0:
        yield at, at + len(wanted)
        at = text.find(wanted, at + len(wanted))


def _characters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the ends of characters with the marks that belong to them."""
    start = 0
    for at in range(1, len(text)):
        if not unicodedata.combining(text[at]) and text[at] not in _UNSEEN:
            yield start, at
            start = at
    if text:
        yield start, len(text)


@lru_cache(maxsize=4096)
def _fold_one(character: str, match_case: bool, keep_marks: bool) -> str:
    return _fold(character, match_case, keep_marks)


def _fold(text: str, match_case: bool, keep_marks: bool) -> str:
    """Return a text in the form in which it is compared."""
    text = text.translate(_ALIKE)
    if text.isascii():
        return text if match_case else text.lower()
    text = unicodedata.normalize("NFD", text)
    if not match_case:
        text = unicodedata.normalize("NFD", text.casefold())
    if not keep_marks:
        text = "".join(one for one in text if not _is_accent(one))
    return text


def _has_marks(text: str) -> bool:
    return any(_is_accent(one) for one in unicodedata.normalize("NFD", text))


def _is_accent(character: str) -> bool:
    """Whether it is an accent or a point; marks that make another letter (U+3099) are none."""
    return unicodedata.combining(character) > 9


def said(block: Block) -> list[str]:
    """Return the paragraphs of a block as they are shown; of code and of formulas the lines."""
    return paragraphs(block.html) if block.kind == "prose" else block.text.split("\n")


class Reader:
    """What a text that may still grow shows, block by block."""

    def __init__(self) -> None:
        self.source = ""
        self.texts: list[list[str]] = []
        self._blocks = Blocks()

    def follow(self, source: str) -> Iterator[None]:
        """Take over a text, which usually begins with the one before; a few milliseconds a step."""
        if not source.startswith(self.source):
            self.source, self.texts, self._blocks = "", [], Blocks()
        for piece in slices(source[len(self.source) :]):
            unchanged, blocks = self._blocks.append(piece)
            self.source += piece
            del self.texts[unchanged:]
            for block in blocks[unchanged:]:
                self.texts.append(said(block))
            yield
