"""The reducer of a running answer: what each event means, and that nothing comes after the end."""

from functools import reduce as fold

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.message import Text, Thinking
from app.chat.turn import TurnState, begin, reduce
from app.engine.protocol import (
    Delta,
    EngineDied,
    Event,
    Failed,
    Finished,
    Loading,
    PromptProgress,
    Started,
    Usage,
)
from app.errors import Problem

PROBLEM = Problem("engine-died", "The engine stopped.")
ENDS: list[tuple[Event, str]] = [
    (Finished(1, "stop", Usage(thinking_tokens=3)), "done"),
    (Finished(1, "length", Usage()), "length"),
    (Finished(1, "cancelled", Usage()), "cancelled"),
    (Finished(1, "loop", Usage()), "length"),
    (Failed(1, PROBLEM), "interrupted"),
    (EngineDied(1, PROBLEM, -9), "interrupted"),
]


def started(*, thinking_open: bool = True) -> Started:
    return Started(1, 20, 5, thinking_open, "ab")


def run(*events: tuple[float, Event]) -> TurnState:
    return fold(lambda state, each: reduce(state, each[1], each[0]), events, TurnState(0.0))


def test_a_turn_from_loading_to_its_end() -> None:
    state = run((1.0, Loading(1, 0.5)))
    assert (state.phase, state.load_fraction) == ("loading", 0.5)
    state = reduce(state, PromptProgress(1, 10, 20, 5), 2.0)
    assert (state.phase, state.done, state.total, state.cached) == ("reading", 10, 20, 5)
    state = reduce(state, started(), 3.0)
    assert (state.phase, state.done, state.prompt_hash) == ("thinking", 20, "ab")
    state = reduce(state, Delta(1, "thinking", "Hm", 2), 4.0)
    assert state.parts() == (Thinking("Hm", False, 0.0, 2),)
    state = reduce(state, Delta(1, "thinking", ".", 1), 6.0)
    assert (state.phase, state.thinking_s, state.tokens_per_s) == ("thinking", 2.0, 1.5)
    state = reduce(state, Delta(1, "answer", "Yes", 1), 8.0)
    assert (state.phase, state.thinking_s) == ("answering", 4.0)
    state = reduce(state, ENDS[0][0], 10.0)
    assert state.over
    assert state.parts() == (Thinking("Hm.", True, 4.0, 3), Text("Yes"))
    assert state.usage == Usage(thinking_tokens=3)


@pytest.mark.parametrize(("end", "status"), ENDS)
def test_how_a_turn_ends(end: Event, status: str) -> None:
    state = run((1.0, started()), (2.0, Delta(1, "thinking", "Hm", 1)), (3.0, end))
    assert (state.phase, state.status) == ("over", status)
    assert state.problem == (PROBLEM if status in {"failed", "interrupted"} else None)
    late = reduce(state, Delta(1, "answer", "late", 1), 9.0)
    assert late == state


def test_a_failure_before_any_word_leaves_no_answer() -> None:
    state = run((1.0, started()), (2.0, Delta(1, "answer", " \n", 1)), (3.0, Failed(1, PROBLEM)))
    assert (state.status, state.problem) == ("failed", PROBLEM)


def test_a_model_that_does_not_think() -> None:
    state = run((1.0, started(thinking_open=False)))
    assert state.phase == "reading"
    state = reduce(state, Delta(1, "answer", "Hi", 1), 2.0)
    assert state.parts() == (Text("Hi"),)
    assert (state.thinking_s, state.thinking_closed) == (0.0, False)


def test_nothing_came() -> None:
    assert run((1.0, started()), (2.0, Failed(1, PROBLEM))).parts() == (Text(""),)


def test_a_thought_that_was_cut_short_stays_open() -> None:
    end = Finished(1, "length", Usage(), thinking_closed=False)
    state = run((1.0, started()), (2.0, Delta(1, "thinking", "Hm", 1)), (3.0, end))
    assert state.parts() == (Thinking("Hm", False, 1.0, 1),)


@given(
    st.lists(st.tuples(st.sampled_from(["thinking", "answer"]), st.text(), st.integers(0, 9))),
)
def test_no_character_and_no_token_is_lost(deltas: list[tuple[str, str, int]]) -> None:
    events = [
        (float(at), Delta(1, "thinking" if channel == "thinking" else "answer", text, tokens))
        for at, (channel, text, tokens) in enumerate(deltas)
    ]
    state = run((0.0, started()), *events)
    for channel, text, tokens in (
        ("thinking", state.thinking, state.thinking_tokens),
        ("answer", state.answer, state.answer_tokens),
    ):
        assert text == "".join(t for c, t, _ in deltas if c == channel)
        assert tokens == sum(n for c, _, n in deltas if c == channel)
    assert "".join(p.text for p in state.parts()) == state.thinking + state.answer


def test_white_space_before_a_thought_is_not_an_answer_yet() -> None:
    state = begin(0.0)
    for at, event in (
        (1.0, Delta(1, "answer", "\n", 1)),
        (2.0, Delta(1, "thinking", "Hm", 1)),
        (5.0, Delta(1, "answer", "\n\nYes", 2)),
    ):
        state = reduce(state, event, at)
    assert state.thinking_s == 3.0
    assert state.answering_at == 5.0
    assert state.answer == "\n\n\nYes"
