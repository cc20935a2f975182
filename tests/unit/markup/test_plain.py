"""Markdown as plain text."""

import re

import pytest

from app.markup import to_html
from app.markup.plain import to_text
from tests.support.streams import stream


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("", ""),
        ("a *b* **c** `d`", "a b c d"),
        ("a  \nb\nc", "a\nb\nc"),
        ("# a\nb", "a\n\nb"),
        ("- a\n- b\n  1. c\n  2. d", "• a\n• b\n  1. c\n  2. d"),
        ("7. a\n8. b", "7. a\n8. b"),
        ("- a\n\n- b\n\n  c", "• a\n\n• b\n\n  c"),
        ("- [x] a\n- [ ] b", "• ☑ a\n• ☐ b"),
        ("> a\n> b\n>\n> c", "> a\n> b\n>\n> c"),
        ("> - a", "> • a"),
        ("```\n\na\n\n  b\n```", "a\n\n  b"),
        ("| a | b |\n|---|---|\n| c | |", "a\tb\nc"),
        ("a\n\n---\n\nb", "a\n\n---\n\nb"),
        ("[a](http://b.c) http://b.c d@e.fg", "a (http://b.c) http://b.c d@e.fg"),
        ("$x$ and $$y$$", "$x$ and $$y$$"),
        ("\\[\nx\n\\]", "$$x$$"),
        ("a[^1]\n\n[^1]: b", "a[1]\n\n1. b"),
        ("<b>&amp;</b>", "<b>&</b>"),
    ],
)
def test_what_is_read(markdown: str, text: str) -> None:
    assert to_text(markdown) == f"{text}\n"


def test_nothing_is_lost() -> None:
    markdown = stream(1, 8000).answer
    wanted = re.sub(r"<[^>]*>", "", to_html(markdown).replace("↩", ""))
    wanted = re.sub(r"&(?:lt|gt|amp|quot);", "", wanted)
    found = to_text(markdown)
    at = 0
    for letter in wanted:
        if letter.isalnum():
            at = found.index(letter, at) + 1
