"""An answer in circles is told from tables, lists of figures and code, however alike their rows."""

import random
import re
from pathlib import Path

import pytest

from app.reasoning.loops import (
    ANSWER_TIMES,
    FIGURES_TOKENS,
    VARIED,
    VARIED_TOKENS,
    WORDS_TOKENS,
    AnswerLoops,
)
from tests.support import streams

FIXTURES = Path(__file__).parents[2] / "fixtures"
_TOKEN = re.compile(r" ?[^\W\d_]{1,7}|\d|\n+|\s+|[^\w\s]{1,2}|_")


def first_sign(text: str) -> int | None:
    """Return after how many tokens a circle is told, None for never.

    Tokens are cut as tokenizers do: the same text always alike, figures one by one.
    """
    detector = AnswerLoops()
    for at, token in enumerate(_TOKEN.findall(text), 1):
        if detector.feed(hash(token), token.encode()):
            return at
    return None


def rows(count: int, row: str) -> str:
    return row * count


NOT_IN_CIRCLES = {
    "zeros": "[" + "0, " * 5000 + "]",
    "a third": "0." + "3" * 10_000,
    "a period": "0." + "142857" * 1500,
    "matrix": rows(64, "[" + "0, " * 64 + "],\n"),
    "identity": "\n".join(" ".join("01"[i == j] for i in range(80)) for j in range(80)),
    "chess": rows(40, "0 1 " * 20 + "\n" + "1 0 " * 20 + "\n"),
    "dots": rows(60, ". " * 60 + "\n"),
    "rules": "-" * 8000,
    "table": "| n | square |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(1500)),
    "like rows": "| a | b | c |\n|---|---|---|\n" + rows(300, "| 0 | 0.00 | 0 |\n"),
    "like words": rows(250, "| none | ok | 0 |\n"),
    "json": "[" + rows(200, '{"id": null, "tags": []},\n') + "]",
    "records": "".join(f'{{"id": {n}, "name": "", "on": false}},\n' for n in range(1200)),
    "code": "".join(f"    case {n}: return handlers[{n}](context);\n" for n in range(900)),
    "dump": "".join(f"{n:08x}  {'00 ' * 16} |................|\n" for n in range(0, 4096, 16)),
    "refrain": rows(
        7, "Row, row, row your boat, gently down the stream, merrily life is a dream.\n"
    ),
}


@pytest.mark.parametrize("name", NOT_IN_CIRCLES)
def test_tables_figures_and_code_are_none(name: str) -> None:
    text = NOT_IN_CIRCLES[name]
    assert first_sign(f"Here it is:\n\n{text}\n\nThat is all.") is None


def test_what_models_write_is_none() -> None:
    for seed in range(12):
        made = streams.stream(seed)
        assert first_sign(made.answer + made.thinking) is None
    for path in sorted(FIXTURES.glob("*.*")):
        assert first_sign(path.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("words", [1, 2, 8, 40, 150, 400])
def test_a_circle_is_told_soon_enough(words: int) -> None:
    dice = random.Random(words)
    known = ["".join(dice.sample("abcdefghiklmnoprstuvw", 5)) for _ in range(2000)]
    before = " ".join(dice.choices(known, k=300))
    passage = " " + " ".join(dice.sample(known, words))
    count = len(_TOKEN.findall(passage))
    said = len(_TOKEN.findall(before))
    at = first_sign(before + passage * (20_000 // words))
    assert at is not None
    least = VARIED_TOKENS if words >= VARIED else WORDS_TOKENS
    needed = max(least, (ANSWER_TIMES - 1) * count)
    assert needed <= at - said <= needed + count + 16


def test_figures_without_end_are_told_at_last() -> None:
    at = first_sign("0" * (FIGURES_TOKENS + 100))
    assert at is not None
    assert at > FIGURES_TOKENS
