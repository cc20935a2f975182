r"""What of an open block is read already, so that only its end is read again while it grows.

An open list can only change in its last item, a table in its last row, an open fence in its last
line, and a paragraph after the last place where nothing is pending: no star, bracket, backtick or
dollar that waits for its partner. What is before that place is held: its HTML in parts, and a few
characters that stand for it when the rest is parsed ("lead"), chosen so that the rest is read as if
the held part were still there: an item before the items, the head of the table, the opening line of
the fence, a letter before the words.

Two things of a list depend on all of it: whether it is loose (its items are paragraphs) and whether
it has tasks. `own` says what the held part brings about, `shown` how it was made into HTML; where
these no longer agree with the rest, the block is read as a whole once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from app.markup.math import REACH
from app.markup.parser import chat

Kind = Literal["list", "table", "fence", "paragraph"]

_MOST_CELLS, _MOST_ROWS = 32, 1000
"""markdown-it counts the cells it has to fill in, and ends a table at 65,536 of them."""
_LONG = 400
"""Characters of a paragraph that are worth looking for a place to cut."""
_BEHIND = 24
"""Characters at the end that stay open: a word, an address."""
_UNFINISHED_LINK = re.compile(
    r"\]\(\s*(?:<[^<>\n]*>?|[^\s<]\S*)?(?:\s+(?:[\"'(].*)?)?\Z", re.DOTALL
)
_DELIMITER_ROW = re.compile(r"[|:\- \t]+")
_OPENS_LINE = re.compile(r"^[ \t]*(?:\$\$|\\\[|\\begin|\[)", re.MULTILINE)
_ITEM = re.compile(r"[ \t]*(?:[-+*]|\d{1,9}[.)])[ \t]+\S*\w|[^\n]*\n")
_ROW = re.compile(r"[ \t]*[|\w]")


class Lines(Protocol):
    """The lines that were parsed."""

    texts: list[str]

    def at(self, line: int) -> int:
        """Return a line's offset in the source."""


@dataclass(frozen=True, slots=True)
class Nature:
    """What a list is as a whole."""

    loose: bool = False
    tasks: bool = False

    def __or__(self, other: "Nature") -> "Nature":
        return Nature(self.loose or other.loose, self.tasks or other.tasks)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a block that was read can be cut. starts: offsets in the source where each part begins.

    Of a fence the parts are its lines. asked: the footnotes each part asks for.
    """

    kind: Kind
    opening: str
    middle: tuple[str, ...]
    closing: str
    starts: tuple[int, ...]
    lead: str
    asked: tuple[tuple[str, ...], ...]
    nature: Nature = Nature()
    tasks: tuple[bool, ...] = ()
    content: str = ""

    @classmethod
    def of(cls, tokens: Sequence[Token], pieces: Sequence[str], where: "Lines") -> "Shape | None":
        """Return the shape of a list, a table or a paragraph; None for what stays whole.

        pieces: the HTML of each token.
        """
        kind = tokens[0].type
        if kind in ("bullet_list_open", "ordered_list_open"):
            return cls._of_list(tokens, pieces, where)
        if kind == "table_open":
            return cls._of_table(tokens, pieces, where)
        if kind not in ("paragraph_open", "heading_open"):
            return None
        first = _first(tokens[0])
        begin = where.at(first) + len(where.texts[first]) - len(where.texts[first].lstrip())
        return cls(
            "paragraph",
            pieces[0],
            (pieces[1],),
            "".join(pieces[2:]),
            (begin,),
            "x",
            (),
            # A heading is over.
            content=tokens[1].content if kind == "paragraph_open" else "",
        )

    @classmethod
    def _of_list(cls, tokens: Sequence[Token], pieces: Sequence[str], where: "Lines") -> "Shape":
        spans = _spans(tokens, "list_item_open", "list_item_close", 1)
        mark = tokens[0].markup
        # Its text begins in the fifth column: what is indented less is an item beside it.
        lead = f"{mark}    x\n" if tokens[0].type == "bullet_list_open" else f"1{mark}   x\n"
        loose = any(not token.hidden for token in direct_paragraphs(tokens))
        tasks = tuple("checked" in tokens[begin].meta for begin, _ in spans)
        return cls(
            "list",
            pieces[0],
            tuple("".join(pieces[begin:end]) for begin, end in spans),
            pieces[-1],
            tuple(where.at(_first(tokens[begin])) for begin, _ in spans),
            lead,
            tuple(_asked(tokens[begin:end]) for begin, end in spans),
            Nature(loose, any(tasks)),
            tasks,
        )

    @classmethod
    def _of_table(cls, tokens: Sequence[Token], pieces: Sequence[str], where: "Lines") -> "Shape":
        first = _first(tokens[0])
        head = where.texts[first : first + 2]
        spans = _spans(tokens, "tr_open", "tr_close", 2)[1:]
        begin, end = (spans[0][0], spans[-1][1]) if spans else (len(pieces) - 1, len(pieces) - 1)
        cells = sum(token.type == "th_open" for token in tokens)
        return cls(
            "table",
            "".join(pieces[:begin]),
            tuple("".join(pieces[one:two]) for one, two in spans),
            "".join(pieces[end:]),
            tuple(where.at(_first(tokens[one])) for one, _ in spans),
            "\n".join(head) + "\n" if spans and cells <= _MOST_CELLS else "",
            tuple(_asked(tokens[one:two]) for one, two in spans),
        )

    @classmethod
    def of_fence(cls, token: Token, where: "Lines") -> "Shape":
        """Return the shape of an open fence."""
        first = _first(token)
        *whole, last = token.content.split("\n")
        lines = [f"{line}\n" for line in whole] + ([last] if last else [])
        return cls(
            "fence",
            "",
            tuple(lines),
            "",
            tuple(where.at(first + 1 + number) for number in range(len(lines))),
            where.texts[first] + "\n",
            ((),) * len(lines),
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """The beginning of an open block. Offsets count from where the source begins that is read.

    start: of the block; at: of what is read again. parts: the opening and what is held (of a fence
    nothing: its text). labels, asked: what it looked up. room: of a paragraph, how many characters
    of the stretch are held that it was cut in (`stretches`).
    """

    kind: Kind
    start: int
    at: int
    lead: str
    parts: tuple[str, ...] = ()
    text: str = ""
    labels: frozenset[str] = field(default=frozenset())
    asked: tuple[str, ...] = ()
    own: Nature = Nature()
    shown: Nature = Nature()
    room: int = 0

    def moved(self, by: int) -> "Hold":
        """Return it for a source that begins later."""
        return replace(self, start=self.start - by, at=self.at - by)

    def takes(self, tokens: Sequence[Token], texts: Sequence[str]) -> bool:
        """Whether a block that was read with the lead goes on from here. texts: its lines."""
        first = tokens[0]
        if first.map is None or first.map[0] != 0:
            return False
        if self.kind == "list":
            tail = Nature(not tokens[2].hidden, "class" in first.attrs)
            return (
                first.type in ("bullet_list_open", "ordered_list_open")
                and tokens[5].type == "list_item_close"
                and tokens[6].type == "list_item_open"
                and self.own | tail == self.shown
            )
        if self.kind == "table":
            rows = sum(token.type == "tr_open" for token in tokens) - 1
            return first.type == "table_open" and 0 < rows < _MOST_ROWS
        if self.kind == "fence":
            return first.type == "fence"
        if first.type not in ("paragraph_open", "heading_open"):
            return False
        # The line that was cut may turn out to be the head of a table.
        second = texts[1].strip() if len(texts) > 1 else ""
        return tokens[1].content.startswith("x") and not _DELIMITER_ROW.fullmatch(second)

    def take_off(self, tokens: list[Token]) -> None:
        """Take what stood for the held part off what was read."""
        if self.kind == "list":
            del tokens[1:6]
            if self.shown.loose:
                for token in direct_paragraphs(tokens):
                    token.hidden = False
        elif self.kind == "paragraph":
            tokens[1].content = tokens[1].content[1:]


def direct_paragraphs(tokens: Sequence[Token]) -> list[Token]:
    """Return the ends of the paragraphs that stand in the items of a list themselves."""
    return [
        token
        for token in tokens
        if token.level == 2 and token.type in ("paragraph_open", "paragraph_close")
    ]


def next_hold(
    shape: Shape, hold: Hold | None, start: int, source: str, labels: frozenset[str]
) -> Hold | None:
    """Return what can be held of a list, a table or a fence that was read; None: no more than was.

    start: of the block in the source.
    """
    count = _settled_parts(shape, source)
    before = hold.parts if hold else (shape.opening,)
    if count <= 0 or not shape.lead or (shape.kind == "table" and len(before) > _MOST_ROWS):
        return None
    own = hold.own if hold else Nature()
    if shape.kind == "list":
        begin, end = shape.starts[0], shape.starts[count]
        own |= Nature(_is_loose(shape.lead, source[begin:end]), any(shape.tasks[:count]))
    fence = shape.kind == "fence"
    asked = [label for part in shape.asked[:count] for label in part]
    return Hold(
        shape.kind,
        start,
        shape.starts[count],
        shape.lead,
        () if fence else (*before, *shape.middle[:count]),
        (hold.text if hold else "") + "".join(shape.middle[:count]) if fence else "",
        labels,
        tuple(dict.fromkeys([*(hold.asked if hold else ()), *asked])),
        own,
        (hold.shown if hold else Nature()) | shape.nature,
    )


def _settled_parts(shape: Shape, source: str) -> int:
    """Return how many of the parts that were read can no longer change."""
    count = len(shape.middle) - 1
    if shape.kind == "list" and count > 0 and not _ITEM.match(source, shape.starts[count]):
        # What looks like another item may yet become a line across the page.
        return count - 1
    if shape.kind == "table":
        for number in range(count):
            if not _ROW.match(source, shape.starts[number]):
                return number
    return count


def _is_loose(lead: str, items: str) -> bool:
    """Whether items make the list loose that they stand in, whatever comes after them."""
    tokens: list[Token] = []
    chat().block.parse(lead + items + lead, chat(), {}, tokens)
    return not tokens[2].hidden


def _spans(tokens: Sequence[Token], opens: str, closes: str, level: int) -> list[tuple[int, int]]:
    """Return where each part of one kind begins and ends."""
    at_level = [(number, token) for number, token in enumerate(tokens) if token.level == level]
    begins = [number for number, token in at_level if token.type == opens]
    ends = [number + 1 for number, token in at_level if token.type == closes]
    return list(zip(begins, ends, strict=True))


def _first(token: Token) -> int:
    """Return a token's first line."""
    return token.map[0] if token.map else 0


def _asked(tokens: Sequence[Token]) -> tuple[str, ...]:
    return tuple(label for token in tokens for label in token.meta.get("asked", ()))


# ------------------------------------------------------------ paragraphs


def cuts(content: str) -> list[int]:
    """Return where a paragraph's words could be cut, the best first: before a space."""
    found: list[int] = []
    end = len(content) - _BEHIND
    while len(found) < 2 and end > _LONG // 4:
        at = content.rfind(" ", 0, end)
        while at > 0 and not (content[at - 1].isascii() and content[at - 1].isalnum()):
            at = content.rfind(" ", 0, at)
        if at <= 0:
            break
        found.append(at)
        end = at // 2
    return [at for at in found if not _OPENS_LINE.search(content, 0, at)]


def is_long(content: str, tried: int) -> bool:
    """Whether words are worth cutting. tried: the length at which there was no place for it."""
    return len(content) > max(_LONG, tried + tried // 4)


def stretch(content: str, env: dict[str, Any]) -> list[Token] | None:
    """Return the tokens of words that stand before a cut; None where something is pending there."""
    md = chat()
    state = StateInline(content, md, env, [])
    md.inline.tokenize(state)
    specials = [t for t in state.tokens if t.type == "text_special" and t.markup in ("\\(", "\\[")]
    for rule in md.inline.ruler2.getRules(""):
        rule(state)
    if specials or any(one.open and one.end < 0 for one in state.delimiters):
        return None
    return None if _is_pending(state.tokens, content) else state.tokens


def _is_pending(tokens: Sequence[Token], content: str) -> bool:
    """Whether text that was left over may yet become something with what follows it."""
    depth = 0
    dollars = ""
    for token in tokens:
        if token.type == "math_inline" and token.markup in ("$$", dollars):
            dollars = ""
        if token.type != "text":
            continue
        if "`" in token.content or "\\begin{" in token.content:
            return True
        if "](" in token.content and _is_unfinished_link(content):
            return True
        for bracket in re.findall(r"[\[\]]", token.content):
            depth = depth + 1 if bracket == "[" else max(0, depth - 1)
        if "$" in token.content:
            dollars = "$$" if "$$" in token.content else "$"
    return bool(depth or (dollars and "$" in content[-REACH[dollars] :]))


def _is_unfinished_link(content: str) -> bool:
    """Whether words end within what may become the address or the title of a link."""
    begins = [found.start() for found in re.finditer(r"\]\(", content)]
    return any(_UNFINISHED_LINK.match(content, begin) for begin in begins)
