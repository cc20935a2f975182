"""The few words around what was found, and where in them it stands.

The index knows which texts have the words; where they stand is looked up here, in the text as it is
shown, with a regular expression for each term: made of letters that fold alike, so that it is found
with its accents, and fast enough for a thought of a hundred thousand words.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, cached_property
from itertools import islice

from app.chat.search_words import UNSPACED, Term, plain, spaced

WIDTH = 140
"""Characters of an excerpt: two lines of the sidebar, or one of a terminal."""

_BEFORE = 40
_SEARCHED = 400_000
"""Characters of a text that are searched for the place: 100,000 tokens, some 10 ms."""

_MOST_HITS = 24
_UNSHOWN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+"
)
_BETWEEN = r"[\W_]+"
_LETTER = rf"[^\W_{UNSPACED}]"
_MARKS = "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u00ad\u200b-\u200f\u2060]*"


class Place:
    """Finds terms in texts as they are shown."""

    def __init__(self, wanted: Sequence[Term]) -> None:
        self.terms = len(wanted)
        self._wanted = wanted
        self._plain = [re.compile(_pattern(term, bare=True)) for term in wanted]

    @cached_property
    def _full(self) -> list[re.Pattern[str]]:
        return [re.compile(_pattern(term, bare=False)) for term in self._wanted]

    def hits(self, text: str) -> list[list[tuple[int, int]]]:
        """Return for each term where it stands: starts and ends in characters, a bounded number."""
        text = text[:_SEARCHED]
        if text.isascii():
            return [_spans(pattern, text.lower()) for pattern in self._plain]
        return [_spans(pattern, text) for pattern in self._full]

    def excerpt(self, text: str) -> tuple[str, tuple[tuple[int, int], ...], int]:
        """Return one line around the best place, the marks in it, and how many terms it has."""
        start = _best([spans for spans in self.hits(text) if spans])
        line, cut_before, cut_after = _line(text, start)
        return self._marked(line, "…" if cut_before else "", "…" if cut_after else "")

    def whole(self, text: str) -> tuple[str, tuple[tuple[int, int], ...], int]:
        """Return a short text, such as a title, as one line, with its marks and their terms."""
        return self._marked(_shown(text))

    def _marked(
        self, line: str, before: str = "", after: str = ""
    ) -> tuple[str, tuple[tuple[int, int], ...], int]:
        # Marked before the signs of omission come: a line of ASCII alone is looked at faster.
        found = self.hits(line)
        spans = sorted(span for spans in found for span in spans)
        marks = _apart([(start + len(before), end + len(before)) for start, end in spans])
        return f"{before}{line}{after}", marks, sum(bool(spans) for spans in found)


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [hit.span() for hit in islice(pattern.finditer(text), _MOST_HITS)]


def _best(hits: list[list[tuple[int, int]]]) -> int:
    """Return where the window begins that has most of the terms; the first of several."""
    if not hits:
        return 0
    starts = sorted((start, which) for which, spans in enumerate(hits) for start, _ in spans)
    best, most = starts[0][0], 0
    for at, (start, _) in enumerate(starts):
        within: set[int] = set()
        for other, which in starts[at:]:
            if other - start > WIDTH - _BEFORE - 20:
                break
            within.add(which)
        if len(within) > most:
            best, most = start, len(within)
        if most == len(hits):
            break
    return best


def _line(text: str, at: int) -> tuple[str, bool, bool]:
    """Return one line around a place, and whether something is left out before and after it."""
    first = max(0, at - _BEFORE)
    # Twice the width: white space that is folded takes its part of it.
    piece = text[first : first + 2 * WIDTH]
    if first:
        space = re.search(r"\s", piece[: min(at - first, _BEFORE)])
        piece = piece[space.end() :] if space else piece
    line = _shown(piece)
    cut = len(line) > WIDTH or first + 2 * WIDTH < len(text)
    if len(line) > WIDTH:
        space_at = line.rfind(" ", WIDTH - 30, WIDTH)
        line = line[: space_at if space_at > 0 else WIDTH]
        while line and unicodedata.combining(line[-1]):
            line = line[:-1]
    return line.rstrip(), first > 0, cut


def _shown(text: str) -> str:
    return " ".join(_UNSHOWN.sub(" ", text).split())


def _apart(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return tuple(found)


def _pattern(term: Term, *, bare: bool) -> str:
    """Return an expression for a term. bare: for texts of small ASCII letters alone.

    What stands before is looked back for after the first letters: an expression that begins with
    what is looked for is searched for ten times as fast.
    """
    words = "".join(one if _is_said(one) else " " for one in _folded(term.text)).split()
    if not words:
        return "(?!)"
    if bare:
        said = [re.escape(word) for word in words]
        begun, rest, length = said[0], "", len(words[0])
    else:
        said = ["".join(_letter(one) + _MARKS for one in word) for word in words]
        begun, length = _letter(words[0][0]), 1
        rest = said[0][len(begun) :]
    letter = "[a-z0-9]" if bare else _LETTER
    before = f"(?<!{letter}{'.' * length})" if spaced(words[0]) else ""
    after = f"(?!{letter})" if not term.begins and spaced(words[-1]) else ""
    return f"{_BETWEEN.join((f'{begun}{before}{rest}', *said[1:]))}{after}"


def _is_said(one: str) -> bool:
    """Whether a character belongs to a word, as the index sees it."""
    return one.isalnum() or (not one.isascii() and unicodedata.category(one)[0] in "MS")


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", plain(text).casefold())
    kept = "".join(one for one in decomposed if not "\u0300" <= one <= "\u036f")
    # Hangul and kana with their marks are letters of their own.
    return unicodedata.normalize("NFC", kept)


def _letter(one: str) -> str:
    # No IGNORECASE: with it Python compiles the class of all letters for 120 ms.
    alike = {one, one.upper(), one.title(), *_alike().get(one, "")}
    return f"[{''.join(re.escape(other) for other in sorted(alike) if len(other) == 1)}]"


@cache
def _alike() -> dict[str, str]:
    """Return for letters those that fold to them: "e" for "é", "ê" and the wide "ｅ"."""
    found: dict[str, str] = {}
    for code in (
        *range(0x41, 0x5B),
        *range(0xC0, 0x250),
        *range(0x370, 0x530),
        *range(0x1E00, 0x2000),
        *range(0xFF10, 0xFF5B),
    ):
        letter = chr(code)
        base = _folded(letter)
        if len(base) == 1 and base != letter and base.isalnum():
            found[base] = found.get(base, "") + letter
    return found
