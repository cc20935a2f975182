"""Markdown that can stand in a larger document: it ends what it begins, and is no HTML.

The window shows raw HTML as text. In an exported file another program would interpret it: a
"</details>" in a thought would close the fold around it. So where the window shows a "<" as a
character, the export escapes it. Code and formulas stay as they are.
"""

import re
from collections import defaultdict
from functools import cache
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from app.markup import blocks, to_html
from app.markup.notes import Note
from app.markup.parser import chat

_HTML = re.compile(r"<(?=[A-Za-z/!?])")
_ACTIVE = re.compile(
    r"<(?=/?(?:script|style|iframe|frame|object|embed|img|image|svg|math|link|meta|base|form|input"
    r"|button|video|audio|body|html|head|title|template|details|summary)\b)",
    re.IGNORECASE,
)
"""What would do something, or end what is around it, where formulas are not known."""
_RAW = re.compile(_ACTIVE.pattern.replace("|img|", "|"), re.IGNORECASE)
_NESTED_MOST = 8
_BEGINNING = re.compile(r"[\s>]*(?=<(?:[A-Za-z][A-Za-z0-9-]*(?:[\s/>]|$)|[/!?]))")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")


PARSED_MOST = 1_000_000
"""Characters of a text that exports read as Markdown; a longer one stands as it was written. A
thought of 250,000 tokens has as many. Ordinary prose takes 2 s, and the worst text known, of
brackets only, two minutes."""


class _Stretch(NamedTuple):
    """Lines of text that are no code; a formula set apart has no content.

    found: where in the content HTML would begin.
    """

    first: int
    last: int
    content: str
    found: list[int]


def sealed(text: str) -> str:
    """Return Markdown that shows the same, with nothing left open and no raw HTML."""
    normal = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    if len(text) > PARSED_MOST:
        return fenced(normal)
    whole = _without_html(normal).rstrip("\n")
    if _ACTIVE.search(whole) and _RAW.search(to_html(whole, commonmark=True)):
        # Something stands where it could not be told from what surrounds it.
        return fenced(normal)
    # More will follow: what is open now may be something else then.
    last = next(reversed(blocks.parse(f"{whole}\n\n")), None)
    if last is None or last.closed:
        return whole
    if last.kind == "code":
        fence = _FENCE.match(last.source)
        return f"{whole}\n{fence[1]}" if fence else whole
    # An open formula ends at the first blank line, and one follows.
    return whole


def fenced(text: str) -> str:
    """Return text as code, in a fence that nothing in it can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text.rstrip(chr(10))}\n{fence}"


def _without_html(text: str) -> str:
    if not _HTML.search(text):
        return text
    text = _tame(text)
    lines = text.split("\n")
    stretches = _stretches(text)
    escape = _escapes(lines, stretches)
    # Where a line within code or a formula begins as HTML would: nothing can be escaped there. In a
    # formula an indented line begins no HTML, in code in a line a space says the same as the end of
    # the line.
    inset: dict[int, int] = {}
    joined: dict[int, int] = {}
    for stretch in stretches:
        for line in range(stretch.first + 1, min(stretch.last, len(lines))):
            start = _BEGINNING.match(lines[line])
            if start is None or start.end() in escape[line] or start[0].endswith("    "):
                continue
            (joined if stretch.content else inset)[line] = start.end()
    for line, columns in escape.items():
        for column in sorted(columns, reverse=True):
            # Not a backslash: it would make TeX of a line that begins with two dollars.
            lines[line] = f"{lines[line][:column]}&lt;{lines[line][column + 1 :]}"
    for line, column in inset.items():
        lines[line] = f"{lines[line][:column]}    {lines[line][column:]}"
    for line in sorted(joined, reverse=True):
        lines[line - 1 : line + 1] = [f"{lines[line - 1]} {lines[line][joined[line] :]}"]
    return "\n".join(lines)


def _tame(text: str) -> str:
    """Return text whose formulas hold nothing active: a space after "<" says the same in TeX."""
    if not _ACTIVE.search(text):
        return text
    lines = text.split("\n")
    for token in chat().parse(text, {}):
        made = [token] if token.type == "math_block" else token.children or []
        for tex in {one.content.strip() for one in made if one.type.startswith("math")}:
            if token.map is not None and _ACTIVE.search(tex):
                first, last = token.map
                whole = "\n".join(lines[first:last])
                lines[first:last] = whole.replace(tex, _ACTIVE.sub("< ", tex)).split("\n")
    return "\n".join(lines)


def _escapes(lines: list[str], stretches: list[_Stretch]) -> dict[int, set[int]]:
    """Return, by line, the columns of each "<" that would begin HTML."""
    escape: dict[int, set[int]] = defaultdict(set)
    # How many "<" of a stretch of lines were met already: the cells of a table share a line.
    met: dict[int, int] = defaultdict(int)
    for stretch in stretches:
        before = met[stretch.first]
        met[stretch.first] += stretch.content.count("<")
        wanted = {before + stretch.content.count("<", 0, at) for at in stretch.found}
        for number, (line, column) in enumerate(_signs(lines, stretch.first, stretch.last)):
            if number in wanted:
                escape[line].add(column)
    return escape


def _stretches(text: str, depth: int = 0) -> list[_Stretch]:
    md = _probing()
    env: dict[str, Any] = {}
    tokens: list[Token] = []
    md.block.parse(f"{text}\n\n", md, env, tokens)
    result: list[_Stretch] = []
    for token in tokens:
        if token.type == "math_block" and token.map is not None:
            result.append(_Stretch(token.map[0], token.map[1], "", []))
        elif token.type == "inline" and token.map is not None:
            found: list[int] = []
            env["probe"] = (token.content, found)
            md.inline.parse(token.content, md, env, [])
            result.append(_Stretch(token.map[0], token.map[1], token.content, found))
    notes = env.get("all_notes", ()) if depth < _NESTED_MOST else ()
    for note in notes:
        if any(other is not note and _within(note, other) for other in notes):
            continue
        # Its text begins where its name ends, or on a later line.
        head = note.source.split("]:", 1)[-1]
        lead = head[: len(head) - len(head.lstrip())].count("\n")
        result += [
            one._replace(first=one.first + note.first + lead, last=one.last + note.first + lead)
            for one in _stretches(note.text, depth + 1)
        ]
    return result


def _within(inner: Note, outer: Note) -> bool:
    return outer.first <= inner.first and inner.after <= outer.after and inner.text != outer.text


@cache
def _probing() -> MarkdownIt:
    """Return a parser of messages that tells where HTML would begin."""
    made = chat.__wrapped__()
    made.inline.ruler.before("html_inline", "probe", _probe)
    return made


def _probe(state: StateInline, silent: bool) -> bool:
    text, found = state.env["probe"]
    # The words of an image are parsed as a text of their own, and are no HTML.
    if not silent and state.src is text and _HTML.match(text, state.pos):
        found.append(state.pos)
    return False


def _signs(lines: list[str], first: int, last: int) -> list[tuple[int, int]]:
    return [
        (line, column)
        for line in range(first, min(last, len(lines)))
        for column, char in enumerate(lines[line])
        if char == "<"
    ]
