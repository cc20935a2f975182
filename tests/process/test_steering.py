"""An open thought is closed in the model's place, on time and with an answer behind it, always.

On the demo model, and on models that never close a thought by themselves, through llama.cpp and
through MLX. PONDER_RUNS is how often each: once unless told otherwise.
"""

import importlib.util
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.protocol import (
    BackendName,
    CloseThinking,
    Delta,
    Event,
    Finished,
    Loaded,
    LoadOptions,
    Sampling,
)
from app.prompts.mistral import build
from app.prompts.segments import Prompt, Thought, Turn
from app.reasoning.loops import VARIED_TOKENS
from tests.support import endless, synthetic
from tests.support.engine import Engine, said

RUNS = int(os.environ.get("PONDER_RUNS", "1"))
DEMO = Path(__file__).parents[2] / "resources" / "demo"
LATE = 2
"""Tokens that a thought may go on beyond its end."""
ANSWER = "".join(synthetic.words(1, first=word) for word in endless.ANSWER)
BACKENDS = (
    "llama_cpp",
    pytest.param(
        "mlx",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("mlx_lm") is None, reason="mlx_lm is not installed"
        ),
    ),
)


class Bench:
    """An engine in which one model after another is loaded."""

    def __init__(self, folder: Path, backend: BackendName) -> None:
        self.folder = folder
        self.backend: BackendName = backend
        self.engine = Engine(folder / "engine.log")

    def load(self, thought: endless.Passages | None) -> None:
        """Load the demo model, or one that thinks so for ever."""
        mlx = self.backend == "mlx"
        if thought is None:
            path = DEMO / ("mlx" if mlx else "ponder-demo.gguf")
        else:
            path = self.folder / f"{hash(thought)}{'' if mlx else '.gguf'}"
            if not path.exists():
                (endless.write_mlx if mlx else endless.write_gguf)(path, thought)
        options = LoadOptions(str(path), backend=self.backend, context=8192, threads=1)
        assert isinstance(self.engine.load(options), Loaded)


@pytest.fixture(scope="module", params=BACKENDS)
def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    opened = Bench(tmp_path_factory.mktemp(request.param), request.param)
    with opened.engine.client:
        opened.load(None)  # before the first test, whose own children are counted
        yield opened


def question(number: int) -> str:
    """Return something that the demo model thinks about at some length."""
    return f"What is {100 + number * 7 % 900} * {2 + number % 8}?"


def asked(text: str, *begun: Thought) -> Prompt:
    turns = [Turn("user", (text,)), *([Turn("assistant", begun)] if begun else [])]
    return build(turns, version="mistral-v13", keep_thinking=False)


def sampling(run: int) -> Sampling:
    return Sampling(temperature=0.7, top_k=40, top_p=0.95, seed=run)


def ended(events: list[Event]) -> Finished:
    """Return the end of an answer, which there is, behind a thought that was closed."""
    last = events[-1]
    assert isinstance(last, Finished), last
    assert last.thinking_closed
    assert said(events, "answer").strip()
    return last


@pytest.mark.parametrize("reopens", [False, True])
def test_a_budget_on_a_model_that_never_ends_its_thought(bench: Bench, reopens: bool) -> None:
    bench.load(endless.Passages(endless.straight(1500).passages, reopens=reopens))
    draws = random.Random(5)
    for run in range(RUNS):
        budget = draws.randrange(1, 100)
        events = bench.engine.ask(
            asked(question(run)),
            reasoning="mistral",
            sampling=sampling(run),
            thinking_budget=budget,
            max_tokens=400,
        )
        last = ended(events)
        assert (last.reason, last.usage.closed_by) == ("stop", "budget")
        assert budget <= last.usage.closed_at <= budget + LATE
        assert last.usage.thinking_tokens == last.usage.closed_at + 1
        assert said(events, "answer") == ANSWER


def test_a_budget_on_the_demo_model(bench: Bench) -> None:
    bench.load(None)
    draws = random.Random(6)
    for run in range(RUNS):
        budget = draws.randrange(1, 20)
        events = bench.engine.ask(
            asked(question(run)),
            reasoning="mistral",
            sampling=sampling(run),
            thinking_budget=budget,
            max_tokens=300,
        )
        last = ended(events)
        assert last.usage.closed_by == "budget"
        assert budget <= last.usage.closed_at <= budget + LATE


@pytest.mark.parametrize("model", ["never", "demo"])
def test_answer_now(bench: Bench, model: str) -> None:
    """On the demo model the click may come after the thought's own end: then nothing happens."""
    bench.load(endless.straight(1500) if model == "never" else None)
    draws = random.Random(7)
    for run in range(RUNS):
        request = bench.engine.generate(
            asked(question(run)), reasoning="mistral", sampling=sampling(run), max_tokens=4000
        )
        wait = draws.randrange(4)
        events: list[Event] = []
        for _ in range(wait):
            events += bench.engine.until(lambda event: isinstance(event, Delta | Finished))
            if isinstance(events[-1], Finished):
                break
        bench.engine.client.send(CloseThinking(request))
        if not (events and isinstance(events[-1], Finished)):
            events += bench.engine.until(lambda event: isinstance(event, Finished))
        last = ended(events)
        if model == "never":
            assert last.usage.closed_by == "asked"
            assert last.usage.thinking_tokens == last.usage.closed_at + 1
            assert said(events, "answer") == ANSWER
        else:
            assert last.usage.closed_by in ("asked", "model")


@pytest.mark.parametrize("thought", ["circle", "rut", "demo"])
def test_a_thought_in_circles(bench: Bench, thought: str) -> None:
    circle, rut = endless.straight(40), endless.rut(3, 50)
    if thought != "circle" and bench.backend == "mlx":
        return  # hundreds of tokens more, to the same detector
    bench.load({"circle": circle, "rut": rut, "demo": None}[thought])
    for run in range(RUNS):
        # Row upon row of ones is what the demo model comes out of only by ending without a word.
        begun = (Thought("1\n" * (40 + run), closed=False),) if thought == "demo" else ()
        events = bench.engine.ask(
            asked(question(run), *begun),
            reasoning="mistral",
            thinking_open=bool(begun),
            sampling=Sampling(temperature=0.0) if begun else sampling(run),
            max_tokens=500 if begun else 8000,
            ignore_end=bool(begun),
        )
        last = ended(events)
        assert last.usage.closed_by == "loop"
        if not begun:
            assert said(events, "answer") == ANSWER


def test_half_a_character_does_not_hold_a_thought_open(bench: Bench) -> None:
    """A model that says first halves of characters for ever is between characters never."""
    half = synthetic.FIRST_BYTE + 0xE2 - synthetic.FIRST_WORD
    bench.load(endless.Passages(((half,),)))
    events = bench.engine.ask(
        asked("Go on."), reasoning="mistral", thinking_budget=20, max_tokens=100
    )
    last = ended(events)
    assert last.usage.closed_by == "budget"
    assert 20 <= last.usage.closed_at + 1 <= 20 + LATE + 1
    assert said(events, "answer") == ANSWER


def test_an_answer_in_circles_is_ended(bench: Bench) -> None:
    if bench.backend == "mlx":
        return  # thousands of tokens, to the same detector
    bench.load(endless.straight(40))
    word = synthetic.words(1)
    turns = [Turn("user", ("Go on.",)), Turn("assistant", (word,))]
    prompt = build(turns, version="mistral-v13", keep_thinking=False, unfinished=True)
    last = bench.engine.ask(prompt, reasoning="mistral", max_tokens=8000)[-1]
    assert isinstance(last, Finished)
    assert last.reason == "loop"
    assert VARIED_TOKENS <= last.usage.answer_tokens < VARIED_TOKENS + 100
    measured = bench.engine.ask(prompt, reasoning="mistral", max_tokens=2500, ignore_end=True)[-1]
    assert isinstance(measured, Finished)
    assert measured.reason == "length"
