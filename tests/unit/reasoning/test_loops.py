"""A thought in circles is told from one that is merely long, or repeats itself a little."""

import random
from collections.abc import Iterable

import pytest

from app.reasoning.loops import CYCLE_TOKENS, LoopDetector


def first_sign(tokens: Iterable[int]) -> int | None:
    """Return after how many tokens a circle is told, None for never."""
    detector = LoopDetector()
    return next((at for at, token in enumerate(tokens, 1) if detector.feed(token)), None)


def prose(dice: random.Random, length: int, words: int = 3000) -> list[int]:
    """Return tokens as those of a text: a few words make most of it."""
    return [min(words, int(dice.paretovariate(0.7))) for _ in range(length)]


@pytest.mark.parametrize("period", [1, 2, 7, 40, 200, 500])
def test_a_cycle_is_told_soon_and_not_at_once(period: int) -> None:
    dice = random.Random(period)
    before = prose(dice, 700)
    passage = [100_000 + dice.randrange(1000) for _ in range(period)]
    at = first_sign([*before, *passage * (6000 // period)])
    assert at is not None
    turns = (at - len(before)) / period
    assert at - len(before) >= CYCLE_TOKENS or turns >= 3.9
    assert at - len(before) <= max(CYCLE_TOKENS + period, 4 * period) + 16


def test_a_rut_with_small_changes_is_told() -> None:
    """Wait, let me check again. A word differs each time, the page does not."""
    dice = random.Random(1)
    page = prose(dice, 400)
    tokens = prose(dice, 500)
    for turn in range(30):
        changed = list(page)
        changed[dice.randrange(400)] = 50_000 + turn
        tokens += changed
    at = first_sign(tokens)
    assert at is not None
    assert 500 + 4 * 400 < at < 500 + 9 * 400


@pytest.mark.parametrize("seed", range(10))
def test_long_thoughts_are_none(seed: int) -> None:
    assert first_sign(prose(random.Random(seed), 30_000)) is None


def test_a_draft_written_three_times_is_none() -> None:
    dice = random.Random(3)
    draft = prose(dice, 3000)
    tokens = [*prose(dice, 300)]
    for _ in range(3):
        tokens += [*draft, *prose(dice, 200)]
    assert first_sign(tokens) is None


def test_counting_and_tables_are_none() -> None:
    numbers = [token for number in range(3000) for token in (5, 1000 + number, 6)]
    assert first_sign(numbers) is None
    table = [
        token for row in range(400) for token in (9, 8, 8, 9, 2000 + row % 97, 9, 3000 + row, 9)
    ]
    assert first_sign(table) is None
    assert first_sign([*prose(random.Random(0), 50), *[7] * 200]) is None  # a rule of dashes
