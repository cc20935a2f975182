"""Titles: the first words, clean, short, never empty, whatever was typed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.titles import UNTITLED, WIDTH, made_title, title_of


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hello", "Hello"),
        ("  two\n\nlines ", "two lines"),
        (
            "If a train travels 120 km in 1.5 hours, what is its average speed?",
            "If a train travels 120 km in 1.5 hours…",
        ),
        ("x" * WIDTH, "x" * WIDTH),
        ("x" * (WIDTH + 1), "x" * (WIDTH - 1) + "…"),
        ("# Plan\n- [ ] **buy** `milk`\n> soon", "Plan buy milk soon"),
        ("1. see [the page](https://example.org/a_b) ![cat](c.png)", "see the page cat"),
        ("```python\nprint(2 ** 3)\n```", "print(2 ** 3)"),
        ("2*3*4 and snake_case_name and a_b_c", "2*3*4 and snake_case_name and a_b_c"),
        ("***very*** __much__ ~~not~~ _so_", "very much not so"),
        (
            "如果一列火车在一点五小时内行驶一百二十公里，它的平均速度是多少？",
            "如果一列火车在一点五小时内行驶一百二十…",
        ),
        ("ما هو متوسط سرعة القطار؟", "ما هو متوسط سرعة القطار؟"),
        ("right\u202eleft\u0007", "rightleft"),
        ("", UNTITLED),
        ("```\n```\n---\n", UNTITLED),
        ("\ud83e", UNTITLED),
        ("\u0301", UNTITLED),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert title_of(text) == title


def test_a_mark_stays_with_its_letter() -> None:
    for width in range(30, 45):
        title = title_of("x" * width + "e\u0301" * 30)
        assert not title.endswith("e…"), "the accent was cut off"


def test_an_emoji_family_is_not_parted() -> None:
    family = "👩\u200d👩\u200d👧"
    for width in range(30, 40):
        cut = title_of("x" * width + family * 10).removesuffix("…")
        assert cut.lstrip("x").replace(family, "") == ""


@given(st.text(st.characters(codec=None)))
def test_any_text_has_a_title(text: str) -> None:
    title = title_of(text)
    wide = sum(0 if unicodedata.category(c) in {"Mn", "Me", "Cf"} else 1 for c in title)
    assert 0 < wide <= WIDTH
    title.encode()
    assert "\n" not in title


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("Adding numbers", "Adding numbers"),
        ("\n\n**Title:** “Adding numbers”.\nMore text", "Adding numbers"),
        ('# "Trains and speed"', "Trains and speed"),
        ("Titel: Die Straße", "Die Straße"),
        ("标题：机器学习", "机器学习"),
        ("a\u202eb\x00c\u200b d\x1b[31m", "abc d[31m"),
        ("", None),
        ("  \n*\n", None),
        ("???", None),
        ("word " * 40, None),
        ("\ud83d", None),
    ],
)
def test_what_a_model_says_becomes_one_clean_line(said: str, made: str | None) -> None:
    assert made_title(said) == made


@given(st.text(max_size=300))
def test_a_made_title_is_a_line_that_fits(said: str) -> None:
    made = made_title(said)
    if made is not None:
        assert made == title_of(made)
        assert made.strip()
        assert "\n" not in made
