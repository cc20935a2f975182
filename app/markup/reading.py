"""Reads a stretch of Markdown into entries: what `blocks` calls each time its end has grown.

First the structure and the lines are parsed, which says what is defined and what is looked up;
then `entries` makes the HTML, for which the numbers of all footnotes have to be known. Where the
first block goes on from a `Hold`, what stands for the held part is taken off and the rest put
behind the held parts.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from markdown_it.common.utils import unescapeAll
from markdown_it.rules_core import StateCore, text_join
from markdown_it.token import Token

from app.markup.blocks import Block, Definition
from app.markup.fences import formula, is_closed
from app.markup.holding import Hold, Shape, cuts, is_long, next_hold, stretch
from app.markup.notes import Defined, Note
from app.markup.parser import chat
from app.markup.parser import html as rendered
from app.markup.stretches import ends, is_decided, pieces


@dataclass(frozen=True, slots=True)
class Entry:
    """A block, or a footnote at the top level (no block). start, after: offsets in the source.

    labels: of the links and notes (as "^label") that it looked up; asked: its notes, in order.
    shape: where it could be held.
    """

    block: Block | None
    start: int
    after: int
    labels: frozenset[str]
    asked: tuple[str, ...]
    shape: Shape | None = None


class _Labels(dict[str, Any]):
    """The known labels, as markdown-it looks them up; remembers which were asked for."""

    def __init__(self, known: Mapping[str, Definition]) -> None:
        super().__init__({label: {"href": d[0], "title": d[1]} for label, d in known.items()})
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


@dataclass(slots=True)
class _Draft:
    """A top-level block between parsing and rendering; without tokens: a footnote's definition."""

    tokens: list[Token]
    lines: tuple[int, int]
    labels: frozenset[str] = frozenset()
    asked: tuple[str, ...] = ()


class Reading:
    """A stretch that was parsed. See the module.

    links, notes: what it defines, with the offset of each. fits: whether the hold could be used;
    without that there is nothing else. texts: the lines.
    """

    def __init__(
        self,
        source: str,
        start: int,
        links: Mapping[str, Definition],
        noted: Container[str],
        hold: Hold | None = None,
    ) -> None:
        """Parse `source`, which stands at offset `start`; links and noted: known before it."""
        self._source = source
        self._start = start
        self._hold = hold
        text = hold.lead + source[hold.at :] if hold else source
        self._shift = hold.at - len(hold.lead) if hold else 0
        self.texts = text.split("\n")
        self._offsets = [0, *accumulate(len(line) + 1 for line in self.texts)]
        env: dict[str, Any] = {"references": {}, "notes": {}}
        tokens: list[Token] = []
        chat().block.parse(text, chat(), env, tokens)
        self.links: dict[str, tuple[int, Definition]] = {
            label: (self.at(found["map"][0]), (found["href"], found["title"]))
            for label, found in env["references"].items()
        }
        found_notes: dict[str, Note] = env["notes"]
        self.notes = {label: (self.at(note.first), note) for label, note in found_notes.items()}
        self._drafts = [_Draft(group, _lines(group)) for group in _groups(tokens)]
        self.fits = hold is None or (
            bool(self._drafts) and hold.takes(self._drafts[0].tokens, self.texts)
        )
        if not self.fits:
            return
        if hold is not None:
            hold.take_off(self._drafts[0].tokens)
        known = {label: found for label, (_, found) in self.links.items()} | dict(links)
        self._labels = _Labels(known)
        self._noted = _Either(found_notes, noted)
        for number, draft in enumerate(self._drafts):
            self._parse_lines(draft, hold.room if hold and number == 0 else 0)
        if hold is not None:
            first = self._drafts[0]
            first.asked = tuple(dict.fromkeys([*hold.asked, *first.asked]))
            first.labels |= hold.labels
        every: list[Note] = env.get("all_notes", [])
        self._drafts += [_Draft([], (note.first, note.after)) for note in every if note.top]
        self._drafts.sort(key=lambda draft: draft.lines)

    @property
    def asked(self) -> list[str]:
        """The notes that are asked for, in order, some more than once."""
        return [label for draft in self._drafts for label in draft.asked]

    @property
    def labels(self) -> frozenset[str]:
        """All labels that are looked up."""
        return frozenset(label for draft in self._drafts for label in draft.labels)

    def at(self, line: int) -> int:
        """Return the offset of a line in the source."""
        return self._offsets[line] + self._shift

    def _parse_lines(self, draft: _Draft, room: int) -> None:
        labels: set[str] = set()
        asked: list[str] = []
        for token in draft.tokens:
            if token.type == "inline":
                env = self._env()
                token.children = _in_stretches(token.content, room, env)
                token.meta["asked"] = tuple(env["notes"].asked)
                asked += token.meta["asked"]
                labels |= self._labels.asked
            elif token.type == "fence":
                token.meta["closed"] = is_closed(token, self.texts)
        text_join(StateCore("", chat(), {}, draft.tokens))
        draft.asked = tuple(dict.fromkeys(asked))
        draft.labels = frozenset(labels | {f"^{label}" for label in asked})

    def _env(self) -> dict[str, Any]:
        """Return what the rules for lines look up, with nothing asked for yet."""
        self._labels.asked = set()
        return {"references": self._labels, "notes": Defined(self._noted)}

    def entries(self, numbers: Mapping[str, int], seen: Container[str]) -> list[Entry]:
        """Return what was read. numbers: of the notes; seen: those referred to before."""
        env = {"numbers": numbers, "seen": _Seen(seen, self._hold.asked if self._hold else ())}
        made = []
        for number, draft in enumerate(self._drafts):
            hold = self._hold if number == 0 else None
            first, after = draft.lines
            begin = hold.start if hold else self.at(first)
            end = min(self.at(after), len(self._source))
            block = shape = None
            if draft.tokens:
                text = self._source[begin:end].rstrip("\n")
                where = self._start + begin
                block = Block("prose", where, where + len(text), text)
                block, shape = self._block(draft, block, env, hold)
            made.append(Entry(block, begin, end, draft.labels, draft.asked, shape))
        return made

    def html(self, numbers: Mapping[str, int], seen: Container[str]) -> str:
        """Return all of it as HTML."""
        env = {"numbers": numbers, "seen": _Seen(seen)}
        made = (rendered().each(draft.tokens, chat().options, env) for draft in self._drafts)
        return "".join(piece for pieces in made for piece in pieces)

    def _block(
        self, draft: _Draft, block: Block, env: dict[str, Any], hold: Hold | None
    ) -> tuple[Block, Shape | None]:
        token = draft.tokens[0]
        if token.type == "math_block":
            made = replace(block, kind="math", text=token.content, closed=token.meta["closed"])
            return made, None
        if token.type == "code_block":
            return replace(block, kind="code", text=token.content), None
        if token.type == "fence":
            return self._fence(token, block, hold)
        pieces = rendered().each(draft.tokens, chat().options, env)
        shape = Shape.of(draft.tokens, pieces, self)
        if shape is None:
            html = "".join(pieces)
            return replace(block, html=html, parts=(html,)), None
        opening, middle, closing = shape.opening, shape.middle, shape.closing
        if hold is not None:
            opening = opening if hold.kind == "paragraph" else hold.parts[0]
            middle = (*hold.parts[1:], *middle)
        parts = (opening, *middle, closing)
        return replace(block, html="".join(parts), parts=parts), shape

    def _fence(self, token: Token, block: Block, hold: Hold | None) -> tuple[Block, Shape | None]:
        words = unescapeAll(token.info).split()
        language = words[0] if words else ""
        text = (hold.text if hold else "") + token.content
        closed: bool = token.meta["closed"]
        shape = None if closed else Shape.of_fence(token, self)
        tex = formula(language, text, closed=closed)
        if tex is not None:
            return replace(block, kind="math", text=tex, closed=closed), shape
        return replace(block, kind="code", text=text, language=language, closed=closed), shape

    def hold(
        self, entry: Entry, numbers: Mapping[str, int], seen: Container[str], tried: int
    ) -> Hold | None:
        """Return what of the first entry can be held beyond what is; None: nothing more.

        seen: the notes referred to before the entry. tried: with how many characters of a paragraph
        it was no use: something is pending there, so that more of them are waited for.
        """
        if entry.shape is None or not self._stands_alone(entry):
            return None
        hold = self._hold if self._hold and self._hold.start == entry.start else None
        if entry.shape.kind != "paragraph":
            return next_hold(entry.shape, hold, entry.start, self._source, entry.labels)
        content = entry.shape.content
        begin = hold.at if hold else entry.shape.starts[0]
        room = hold.room if hold else 0
        over = ends(content, room)
        whole = [end for end in over if is_decided(content, end)][-1:]
        for cut in whole if over else cuts(content) if is_long(content, tried) else ():
            env = self._env()
            tokens = (
                _in_stretches(content[:cut], room, env) if whole else stretch(content[:cut], env)
            )
            if tokens is None:
                continue
            inline = Token("inline", "", 0, children=tokens)
            text_join(StateCore("", chat(), {}, [inline]))
            asked = (*(hold.asked if hold else ()), *env["notes"].asked)
            env = {"numbers": numbers, "seen": _Seen(seen, hold.asked if hold else ())}
            html = rendered().renderInline(inline.children or [], chat().options, env)
            parts = (*(hold.parts if hold else ("",)), html)
            asked = tuple(dict.fromkeys(asked))
            made = Hold("paragraph", entry.start, begin + cut, "x", parts, "", entry.labels, asked)
            return replace(made, room=0 if whole else room + cut)
        return None

    def _stands_alone(self, entry: Entry) -> bool:
        """Whether no definition stands directly before an entry, whose title it may be yet."""
        before = self._source[: entry.start]
        return not before.strip() or before.endswith("\n\n")


class _Either:
    """The labels of two containers."""

    def __init__(self, one: Container[str], two: Container[str]) -> None:
        self._both = one, two

    def __contains__(self, label: object) -> bool:
        return label in self._both[0] or label in self._both[1]


class _Seen(set[str]):
    """The notes referred to so far: those before, and those that are added."""

    def __init__(self, before: Container[str], more: Iterable[str] = ()) -> None:
        super().__init__(more)
        self._before = before

    def __contains__(self, label: object) -> bool:
        return super().__contains__(label) or label in self._before


def remade(
    block: Block,
    links: Mapping[str, Definition],
    noted: Mapping[str, int],
    seen: Container[str],
) -> Block:
    """Return a settled block of prose with its links and notes looked up again.

    noted: the numbers of all notes; seen: those referred to before it.
    """
    # It was not the end of the document, where an unfinished formula would stay open.
    again = Reading(block.source + "\n\n", block.start, links, noted).entries(noted, seen)[0].block
    if again is None:
        raise ValueError(f"no block: {block.source[:80]!r}")
    return replace(block, html=again.html, parts=again.parts)


def _in_stretches(content: str, room: int, env: dict[str, Any]) -> list[Token]:
    """Return the tokens of a paragraph's words. room: see `stretches.ends`."""
    md = chat()
    made: list[Token] = []
    for piece in pieces(content, room):
        made += md.inline.parse(piece, md, env, [])
    return made


def _lines(group: list[Token]) -> tuple[int, int]:
    lines = group[0].map
    if lines is None:
        raise ValueError(f"{group[0].type} has no lines")
    return lines[0], lines[1]


def _groups(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each top-level block."""
    group: list[Token] = []
    depth = 0
    for token in tokens:
        group.append(token)
        depth += token.nesting
        if depth == 0:
            yield group
            group = []
