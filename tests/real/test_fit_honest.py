"""What is said to fit loads, and what is said not to does not: a few of 200 random pairs.

All of them, and how it is measured, are tests/bench/bench_honest.py's. PONDER_HONEST_PAIRS raises
the count.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.honesty import Pair, judge, load, pairs, reserve_bytes
from tests.support.whole_models import write

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="RLIMIT_DATA counts private memory on Linux only"
)

COUNT = int(os.environ.get("PONDER_HONEST_PAIRS", "6"))
SEED = 7
HEAVIEST_BYTES = 40_000_000
THREADS = 1
"""Two would wait for each other wherever other tests run beside them."""


def chosen() -> Iterator[Pair]:
    """Yield one pair of each architecture, the budgets by turns just enough and just too small."""
    for number, pair in enumerate(pairs(COUNT, SEED, HEAVIEST_BYTES)):
        yield pair if COUNT > 6 else _near(pair, enough=number % 2 == 0)


def _near(pair: Pair, *, enough: bool) -> Pair:
    return replace(pair, share=1.02 if enough else 0.99)


def test_a_verdict_is_what_a_load_under_that_limit_says(tmp_path: Path) -> None:
    verdicts = []
    for pair in chosen():
        outcome = judge(pair, tmp_path, THREADS)
        assert not outcome.inconclusive, (pair, outcome.why)
        assert not outcome.wrong, outcome
        if outcome.used_bytes is not None:
            assert outcome.promised_bytes == pytest.approx(outcome.used_bytes, rel=0.02)
        verdicts.append(outcome.fits)
    assert len(set(verdicts)) == 2


def test_a_limit_below_what_is_used_is_felt(tmp_path: Path) -> None:
    """The measure itself: the same load, under 3 % less than it used, fails for memory."""
    pair = replace(next(pairs(1, SEED, HEAVIEST_BYTES)), share=1.02)
    outcome = judge(pair, tmp_path, THREADS)
    assert outcome.used_bytes is not None
    path = write(tmp_path / "model.gguf", pair.dimensions, pair.quantization)
    reserve = reserve_bytes(pair.dimensions.architecture, pair.dimensions.layers, tmp_path, THREADS)
    limit = round(outcome.used_bytes * 0.97) + reserve
    used, why = load(path, pair.context, pair.kv, limit, THREADS)
    assert used is None
    assert why
