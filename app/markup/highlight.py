"""Colours for code: stretches of one kind, found by Pygments, without any colour in them.

The kinds are few, so that a theme can name them all.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

Kind = Literal[
    "keyword",
    "type",
    "function",
    "name",
    "string",
    "number",
    "operator",
    "comment",
    "deleted",
    "inserted",
    "error",
]

# A long file takes seconds in some lexers, and nobody reads its colours.
_MAX_CHARACTERS = 100_000
_MOST_LEXERS = 64


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of code of one kind; start and length in characters (not in UTF-16 units)."""

    start: int
    length: int
    kind: Kind


def runs(text: str, language: str) -> list[Run]:
    """Return the stretches that are not plain, in order and apart from each other.

    language: as written after a fence. An unknown one, or none, gives no stretches.
    """
    return list(each_run(text, language))


def each_run(text: str, language: str) -> Iterator[Run]:
    """Yield the same one by one, as they are found: long code can be gone through in slices."""
    lexer = _lexers.get(language) if language and len(text) <= _MAX_CHARACTERS else None
    if lexer is not None:
        yield from _joined(lexer, text)


def ready(language: str) -> bool:
    """Whether the stretches of a language can be found without loading anything first.

    If they cannot, loading begins on a thread, once.
    """
    return not language or _lexers.has(language)


class _Lexers:
    """What was loaded so far. It takes 5 to 200 ms each: their expressions have to be compiled."""

    def __init__(self) -> None:
        self._found: dict[str, Lexer | None] = {}
        self._begun: set[str] = set()
        # Pygments must not make one of a kind on two threads at once.
        self._loading = threading.Lock()

    def has(self, language: str) -> bool:
        """Whether there is one; else one is going to be."""
        if language in self._found:
            return True
        if language not in self._begun:
            self._begun.add(language)
            threading.Thread(target=self.get, args=(language,), name="lexer", daemon=True).start()
        return False

    def get(self, language: str) -> "Lexer | None":
        """Return the lexer of a language, None where there is none; loads it if need be."""
        found = self._found.get(language)
        if found is not None or language in self._found:
            return found
        with self._loading:
            if language not in self._found:
                made = _load(language)
                if len(self._found) >= _MOST_LEXERS:
                    self._found, self._begun = {}, set()
                self._found[language] = made
            return self._found[language]


_lexers = _Lexers()


def _load(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name

    # Asked for one that it does not know, Pygments looks through all packages there are: 50 ms.
    return get_lexer_by_name(language) if language.lower() in _names() else None


@cache
def _names() -> frozenset[str]:
    from pygments.lexers import get_all_lexers

    return frozenset(name.lower() for one in get_all_lexers(plugins=False) for name in one[1])


def _joined(lexer: "Lexer", text: str) -> Iterator[Run]:
    """Yield the stretches, neighbours of one kind joined."""
    last = Run(0, 0, "name")
    for start, token, value in lexer.get_tokens_unprocessed(text):
        kind = _kind(token)
        if kind is None or not value:
            continue
        if kind == last.kind and start == last.start + last.length:
            last = Run(last.start, last.length + len(value), kind)
            continue
        if last.length:
            yield last
        last = Run(start, len(value), kind)
    if last.length:
        yield last


@cache
def _kind(token: "_TokenType") -> Kind | None:
    """Return the kind of the token or of the nearest one above it."""
    kinds = _kinds()
    for above in reversed(token.split()):
        if above in kinds:
            return kinds[above]
    return None


@cache
def _kinds() -> "dict[_TokenType, Kind]":
    from pygments.token import Comment, Error, Generic, Keyword, Name, Number, Operator, String

    return {
        Comment: "comment",
        Error: "error",
        Generic.Deleted: "deleted",
        Generic.Inserted: "inserted",
        Generic.Heading: "keyword",
        Generic.Subheading: "keyword",
        Keyword: "keyword",
        Keyword.Type: "type",
        Name.Attribute: "name",
        Name.Builtin: "function",
        Name.Class: "type",
        Name.Constant: "name",
        Name.Decorator: "name",
        Name.Exception: "type",
        Name.Function: "function",
        Name.Label: "name",
        Name.Tag: "keyword",
        Name.Variable: "name",
        Number: "number",
        Operator: "operator",
        Operator.Word: "keyword",
        String: "string",
    }
