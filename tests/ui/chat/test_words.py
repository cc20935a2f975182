"""Figures and states in words."""

import pytest

from app.chat.message import Message, Thinking
from app.chat.turn import TurnState
from app.engine.protocol import Usage
from tests.ui.chat import samples
from ui.chat import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (42.9, "0:42"), (725, "12:05"), (3723, "1:02:03"), (-1, "0:00")],
)
def test_a_running_time_is_a_stopwatch(seconds: float, said: str) -> None:
    assert words.clock(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (31.2, "31 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
        (7200, "2 h"),
    ],
)
def test_a_time_that_is_over_has_a_unit(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_one_token_is_no_plural() -> None:
    assert words.tokens(1) == "1 token"
    assert words.tokens(1602) == "1,602 tokens"


@pytest.mark.parametrize(
    ("limit", "said"),
    [(None, "unlimited"), (8192, "up to 8k tokens"), (1000, "up to 1,000 tokens")],
)
def test_budgets(limit: int | None, said: str) -> None:
    assert words.budget(limit) == said


def test_what_is_waited_for() -> None:
    loading = TurnState(0.0, phase="loading", load_fraction=0.45)
    reading = TurnState(0.0, phase="reading", done=3210, total=8400)
    assert words.progress(loading) == ("Loading the model… 45 %", 0.45)
    assert words.progress(reading) == ("Reading 3,210 of 8,400 tokens", 3210 / 8400)
    assert words.progress(TurnState(0.0, phase="reading")) == ("Reading…", 0.0)
    assert words.progress(samples.thinking()) is None


def test_a_running_thought_counts_against_its_budget() -> None:
    turn = samples.thinking(tokens=1602, seconds=42.0)
    assert words.running_thought(turn, None) == ("Thinking… 0:42", "1,602 tokens · 38.1 tok/s")
    assert words.running_thought(turn, 8192)[1] == "1,602 of 8,192 tokens · 38.1 tok/s"


def test_a_thought_that_never_ended_says_why() -> None:
    closed = Thinking("so", True, 31.0, 1184)
    cut = Thinking("so", False, 31.0, 1184)
    assert words.ended_thought(closed, "done", 38.2) == (
        "Thought for 31 s",
        "1,184 tokens · 38.2 tok/s",
    )
    titles = {status: words.ended_thought(cut, status, 0)[0] for status in ("length", "cancelled")}
    assert titles["length"] == "Thought for 31 s, cut off by the limit"
    assert titles["cancelled"] == "Thought for 31 s, stopped by you"
    assert words.ended_thought(cut, "interrupted", 0)[0].endswith("interrupted")


def test_what_is_below_an_answer() -> None:
    with_thought = samples.answer(thought="hm")
    without = samples.answer()
    assert words.footer_facts(with_thought) == "1,297 tokens · first token 0.4 s"
    assert words.footer_facts(without) == "113 tokens · 3.3 tok/s · first token 0.4 s"
    assert words.footer_facts(samples.question()) == ""
    unmeasured = Message("a", None, "assistant", (), 0.0, usage=Usage())
    assert words.footer_facts(unmeasured) == ""


def test_how_an_answer_ended() -> None:
    assert words.ending(samples.answer()) == ""
    assert words.ending(samples.answer(status="length")).startswith("The answer reached its limit")
    assert "before an answer" in words.ending(
        samples.answer("", "hm", status="length", closed=False)
    )
    note = "The engine stopped (killed by signal 9)."
    assert words.ending(samples.answer(status="interrupted", note=note)) == note
    assert words.can_continue(samples.answer(status="cancelled"))
    assert not words.can_continue(samples.answer(status="done"))
    assert not words.can_continue(samples.answer("", status="failed"))


def test_a_thought_that_was_closed_in_the_models_place_says_so() -> None:
    thought = Thinking("Round and round", closed=True, seconds=3, tokens=500)
    for who, said in (("loop", "circles"), ("budget", "budget"), ("asked", "by you")):
        assert said in words.ended_thought(thought, "done", 10.0, who)[1]  # type: ignore[arg-type]
    assert words.ended_thought(thought, "done", 10.0)[1] == "500 tokens · 10.0 tok/s"
