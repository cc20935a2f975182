"""Paragraphs without an end: what is read of one each time stays within a stretch, and is right."""

import random
from typing import Any

import pytest

from app.markup import parser, stretches, to_html
from app.markup.blocks import Block, Blocks, parse
from tests.unit.markup.test_holding import OPEN, PIECES, followed

MOTIFS = ["[", "![", "[a](", "**a ", "*a _b ", "<", "$", "$a ", "\\(", "[^", "`a ", "~~a ", "a"]


@pytest.mark.parametrize("name", ["paragraph", "lines", "titles", "money", "becomes a heading"])
def test_where_stretches_end_does_not_depend_on_what_follows(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretches, "STRETCH", 150)
    monkeypatch.setattr(stretches, "_NEAR", 30)
    followed(OPEN[name][:900] + "\n\nafter\n", 11)


@pytest.mark.parametrize("seed", range(8))
def test_made_up_paragraphs_are_what_the_whole_is(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretches, "STRETCH", 24)
    monkeypatch.setattr(stretches, "_NEAR", 6)
    monkeypatch.setattr("app.markup.holding._LONG", 12)
    monkeypatch.setattr("app.markup.holding._BEHIND", 2)
    draw = random.Random(seed)
    lines = [" ".join(draw.choices(PIECES, k=draw.choice([1, 3, 6]))) for _ in range(8)]
    followed("\n".join(lines), draw.choice([1, 3, 7]))


def test_words_end_at_a_space_and_none_is_lost() -> None:
    words = "So the sum of the angles is as it is. " * 400
    made = stretches.pieces(words)
    assert "".join(made) == words
    assert len(made) == 4
    assert all(piece.startswith(" ") and len(piece) <= stretches.STRETCH for piece in made[1:])


def test_a_paragraph_that_people_write_is_one_stretch() -> None:
    text = "**" + "words and more words. " * 180 + "end**"
    assert len(text) < stretches.STRETCH
    assert to_html(text).startswith("<p><strong>words")


@pytest.mark.parametrize("motif", MOTIFS)
def test_what_is_read_again_stays_within_a_stretch(
    motif: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = ("So: " + motif * 12000)[:12000]
    read: list[int] = []
    inline = parser.chat().inline
    plain = inline.tokenize

    def tokenize(state: Any) -> None:
        read.append(state.posMax - state.pos)
        plain(state)

    monkeypatch.setattr(inline, "tokenize", tokenize)
    blocks, now = Blocks(), list[Block]()
    size = 1500
    for at in range(0, len(text), size):
        read.clear()
        _, now = blocks.append(text[at : at + size])
        # The end, and once more what of it is held from then on.
        assert sum(read) <= 4 * stretches.STRETCH
    assert now == parse(text)
