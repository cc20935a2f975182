"""A chat's first title: the first words of what was asked, without their Markdown signs.

And the title that a model makes for it later, made fit to stand in a list.
"""

import re
import unicodedata

WIDTH = 40
"""Columns a title may take: about what the sidebar shows. A Chinese character takes two."""

UNTITLED = "New chat"

_MARKUP = (
    (re.compile(r"^\s*(```|~~~).*$", re.MULTILINE), " "),  # the fence, not the code in it
    (re.compile(r"^\s*(?:[-*_]\s*){3,}$", re.MULTILINE), " "),  # rules
    (re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE), ""),  # quotes
    (re.compile(r"^[ \t]*#{1,6}[ \t]+", re.MULTILINE), ""),  # headings
    (re.compile(r"^[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE), ""),
    (re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),  # links and images: their words
    (re.compile(r"(`+)([^\n]+?)\1"), r"\2"),
    # Not inside words: 2*3*4 and snake_case_names mean what they say.
    (re.compile(r"(?<!\w)(\*{1,3}|_{1,3}|~~)(?=\S)([^\n]*?\S)\1(?!\w)"), r"\2"),
)
_SPACE = re.compile(r"\s+")
_JOINERS = "\u200c\u200d"


def title_of(text: str) -> str:
    """Return a title of at most `WIDTH` columns, cut between words and ending in "…" where cut.

    Never empty: `UNTITLED` where there are no words.
    """
    head = text[:2000]  # more is never shown, and a pasted book need not be read
    for pattern, words in _MARKUP:
        head = pattern.sub(words, head)
    head = "".join(
        c for c in head if c in _JOINERS or c.isspace() or unicodedata.category(c) not in _UNSEEN
    )
    line = _SPACE.sub(" ", head).strip()
    # Marks without a letter to sit on would leave a row without anything to click.
    return _cut(line) if any(map(_columns, line)) else UNTITLED


_LONGEST_MADE = 80
_INTRODUCED = re.compile(
    r"^[\s*#_]*(?:title|titel|titre|título|titolo|标题|タイトル)[\s*_]*[:：][\s*_]*", re.IGNORECASE
)
_QUOTES = "\"'“”„«»‘’「」『』《》` "


def made_title(text: str) -> str | None:
    """Return the title that a model wrote, as one line of at most `WIDTH` columns.

    None where it wrote none: nothing, or so much that it is no title.
    """
    lines = [line for line in text[:2000].splitlines() if title_of(line) != UNTITLED]
    if not lines:
        return None
    said = _INTRODUCED.sub("", lines[0]).strip("*_# ").strip(_QUOTES).rstrip(".。").strip(_QUOTES)
    if len(said) > _LONGEST_MADE or not any(character.isalnum() for character in said):
        return None
    made = title_of(said)
    return None if made == UNTITLED else made


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Control and format characters (overrides of the text direction among them), surrogates, private
and unassigned ones."""


def _cut(line: str) -> str:
    used = 0
    for at, character in enumerate(line):
        used += _columns(character)
        if used > WIDTH - (at + 1 < len(line)):  # one column is kept for the ellipsis
            break
    else:
        return line
    while at and _sticks(line, at):
        at -= 1
    space = line.rfind(" ", 0, at + 1)
    # A script without spaces, or one very long word: cut where the room ends.
    if space >= at // 2:
        at = space
    return line[:at].rstrip(" ,;:.-–—(") + "…"


def _columns(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _sticks(line: str, at: int) -> bool:
    """Whether a cut before `at` would part a character from its marks."""
    character = line[at]
    return (
        unicodedata.category(character).startswith("M")
        or character in _JOINERS
        or line[at - 1] in _JOINERS
        or 0x1F3FB <= ord(character) <= 0x1F3FF  # skin tones
    )
