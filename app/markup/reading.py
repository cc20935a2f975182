"""Reads a stretch of Markdown into blocks: what `blocks` calls each time its end has grown."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from markdown_it.common.utils import unescapeAll
from markdown_it.rules_core import StateCore, text_join
from markdown_it.token import Token

from app.markup.blocks import Block, Definition
from app.markup.parser import chat


@dataclass(frozen=True, slots=True)
class Read:
    """A block, the line after its last, and the labels of links that it looked up."""

    block: Block
    end_line: int
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """The blocks of a stretch; what it defines, with the line of each; and its lines' offsets."""

    reads: list[Read]
    definitions: dict[str, tuple[int, Definition]]
    offsets: list[int]


class _Labels(dict[str, Any]):
    """The known labels, as markdown-it looks them up; remembers which were asked for."""

    def __init__(self, known: Mapping[str, Definition]) -> None:
        super().__init__({label: {"href": d[0], "title": d[1]} for label, d in known.items()})
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def read(source: str, start: int, known: Mapping[str, Definition]) -> Reading:
    """Read `source`, which stands at offset `start`; `known`: what was defined before it."""
    md = chat()
    env: dict[str, Any] = {"references": {}}
    tokens: list[Token] = []
    md.block.parse(source, md, env, tokens)
    definitions = {
        label: (found["map"][0], (found["href"], found["title"]))
        for label, found in env["references"].items()
    }
    labels = _Labels({label: found for label, (_, found) in definitions.items()} | dict(known))
    env["references"] = labels
    offsets = [0, *accumulate(len(line) + 1 for line in source.split("\n"))]
    reads = []
    for group in _groups(tokens):
        lines = group[0].map
        if lines is None:
            raise ValueError(f"{group[0].type} has no lines")
        labels.asked = set()
        text = source[offsets[lines[0]] : offsets[lines[1]]].rstrip("\n")
        begin = start + offsets[lines[0]]
        block = _block(group, Block("prose", begin, begin + len(text), text), env)
        reads.append(Read(block, lines[1], frozenset(labels.asked)))
    return Reading(reads, definitions, offsets)


def remade(block: Block, known: Mapping[str, Definition]) -> Block:
    """Return a settled block of prose with its links looked up again."""
    # It was not the end of the document, where an unfinished formula would stay open.
    again = read(block.source + "\n\n", block.start, known).reads[0].block
    return replace(block, html=again.html, parts=again.parts)


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


def _block(group: list[Token], block: Block, env: dict[str, Any]) -> Block:
    token = group[0]
    if token.type == "math_block":
        return replace(block, kind="math", text=token.content, closed=token.meta["closed"])
    if token.type == "code_block":
        return replace(block, kind="code", text=token.content)
    if token.type == "fence":
        words = unescapeAll(token.info).split()
        return replace(
            block,
            kind="code",
            text=token.content,
            language=words[0] if words else "",
            closed=_is_closed(block.source, token.markup),
        )
    md = chat()
    for inline in group:
        if inline.type == "inline":
            inline.children = []
            md.inline.parse(inline.content, md, env, inline.children)
    text_join(StateCore("", md, env, group))
    html = md.renderer.render(group, md.options, env)
    return replace(block, html=html, parts=(html,))


def _is_closed(source: str, fence: str) -> bool:
    """Whether a fenced block's last line is its end: no other line can look like it."""
    end = rf"\n {{0,3}}{re.escape(fence)}{re.escape(fence[0])}*[ \t]*\Z"
    return re.search(end, source) is not None
