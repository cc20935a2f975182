"""Brackets without an end: read at a cost that grows with the text only, and as before."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt, helpers

from app.markup import parser

REFERENCES = {"A": {"href": "http://example.org", "title": ""}}
BITS = (
    *("[", "]", "](x)", "[a]", "(", "![", "!", "`", "*", "**", " ", "a", "\n", "<http://a.b>"),
    *("[^n]", "$", "\\", "http://a.b", "mailto:a@b.c", "xmpp:", "a@b.c", ":", "](", "<", "_"),
)


def made(md: MarkdownIt, text: str) -> list[tuple[str, str, Any]]:
    tokens = md.inline.parse(text, md, {"references": dict(REFERENCES)}, [])
    return [(token.type, token.content, token.attrs) for token in tokens]


@pytest.mark.parametrize("read", [parser.chat, parser.commonmark])
def test_what_is_a_link_is_what_the_library_finds(read: Callable[[], MarkdownIt]) -> None:
    ours, theirs = read(), read.__wrapped__()  # type: ignore[attr-defined] # past its cache
    theirs.helpers = helpers
    chance = random.Random(11)
    for number in range(200):
        text = "".join(chance.choice(BITS) for _ in range(chance.randint(2, 40)))
        if number % 7 == 0:
            text = "[" * chance.randint(90, 120) + text + "]" * chance.randint(0, 120)
        assert made(ours, text) == made(theirs, text), text


@pytest.mark.parametrize(
    "motif", ["[", "![", "[a](", "[a][", "[[]", "![[]()", "[^", ":[", "[*", "[a"]
)
@pytest.mark.parametrize("end", ["", "]", "](b)", "]]]]"])
def test_each_bracket_is_looked_at_a_few_times(motif: str, end: str) -> None:
    md = parser.chat.__wrapped__()
    text = motif * (6000 // len(motif)) + end
    md.inline.parse(text, md, {"references": dict(REFERENCES)}, [])
    assert 0 <= md.helpers.brackets.steps < 8 * len(text)
