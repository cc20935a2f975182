"""What of a prompt is read again, and in which slices."""

from hypothesis import given
from hypothesis import strategies as st

from app.engine.prefill import SLICE_S, Pace
from app.engine.prefix import common_prefix, reusable

IDS = st.lists(st.integers(0, 3), max_size=12)


@given(IDS, IDS)
def test_the_common_prefix_is_common_and_longest(old: list[int], new: list[int]) -> None:
    length = common_prefix(old, new)
    assert old[:length] == new[:length]
    assert old[length : length + 1] != new[length : length + 1] or length == len(old) == len(new)


@given(IDS, IDS)
def test_at_least_one_token_is_read(old: list[int], new: list[int]) -> None:
    kept = reusable(old, new)
    assert old[:kept] == new[:kept]
    assert kept < len(new) or not new
    assert reusable([*new, 9], new) == max(0, len(new) - 1)


def settled(pace: Pace, tokens_per_s: float) -> int:
    for _ in range(20):
        pace.measured(pace.slice, pace.slice / tokens_per_s)
    return pace.slice


def test_a_fast_machine_reads_whole_batches() -> None:
    assert settled(Pace(512), 5000) == 512
    assert settled(Pace(1), 5000) == 1


def test_a_slow_machine_reads_slices_that_can_be_cancelled() -> None:
    for rate in (150.0, 300.0, 1000.0):
        assert settled(Pace(512), rate) / rate <= SLICE_S * 1.01


def test_slices_never_get_so_small_that_they_slow_down() -> None:
    assert settled(Pace(512), 2.0) == 32
    assert settled(Pace(8), 2.0) == 8


def test_the_pace_follows_a_machine_that_gets_busy() -> None:
    pace = Pace(512)
    assert settled(pace, 5000) == 512
    assert settled(pace, 100) <= 32
    assert settled(pace, 5000) == 512


def test_the_first_slice_is_small_whatever_the_machine() -> None:
    assert Pace(512).slice <= 64
    pace = Pace(512)
    pace.measured(pace.slice, 0.0)
    assert pace.slice <= 4 * 64
