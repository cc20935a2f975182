"""Colours for code: stretches of one kind, found by Pygments, without any colour in them.

The kinds are few, so that a theme can name them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
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
    lexer = _lexer(language) if language and len(text) <= _MAX_CHARACTERS else None
    if lexer is not None:
        yield from _joined(lexer, text)


@lru_cache(maxsize=32)
def _lexer(language: str) -> "Lexer | None":
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language)
    except ClassNotFound:
        return None


def _joined(lexer: "Lexer", text: str) -> Iterator[Run]:
    """Yield the stretches, neighbours of one kind joined."""
    kinds = _kinds()
    last = Run(0, 0, "name")
    for start, token, value in lexer.get_tokens_unprocessed(text):
        kind = _kind(kinds, token)
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


def _kind(kinds: "dict[_TokenType, Kind]", token: "_TokenType") -> Kind | None:
    """Return the kind of the token or of the nearest one above it."""
    for above in reversed(token.split()):
        if above in kinds:
            return kinds[above]
    return None


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
