"""What every back end has to do alike, each through the real child: one class, held by all.

A back end is a `Subject`: how it is loaded, and what it can. The scripted one plays the same
conversation that the demo model has with llama.cpp and with MLX.
"""

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.engine.protocol import (
    Cancel,
    CloseThinking,
    Count,
    Counted,
    Delta,
    Event,
    Failed,
    Finished,
    Load,
    Loaded,
    Loading,
    LoadOptions,
    PromptProgress,
    Sampling,
    Started,
    Tokenize,
    Tokens,
    Unload,
    Unloaded,
)
from app.prompts.mistral import build
from app.prompts.segments import Control, Prompt, Text, Turn
from tests.support.engine import Engine, said

DEMO = Path(__file__).parents[2] / "resources" / "demo"
CONTEXT = 4096
SMALL = 256

HAS_MLX = importlib.util.find_spec("mlx_lm") is not None
THOUGHT = ["I add", " 3", " and", " 4", " column", " by", " column", ".", " So", " 7", "."]
REPLY = ["[THINK]", *THOUGHT, "[/THINK]", "The", " sum", " is", " **", "7", "**."]


@dataclass(frozen=True)
class Subject:
    """A back end. options: how it is loaded, by context in tokens. build: how its name begins."""

    name: str
    options: Callable[[int], LoadOptions]
    build: str


def _scripted(context: int) -> LoadOptions:
    endless = {"forever": " on"}
    script = {
        "name": "demo",
        "context": context,
        "read_s": 0.0005,
        "token_s": 0.001,
        "replies": [[*REPLY, endless]] if context == SMALL else [REPLY],
    }
    return LoadOptions(json.dumps(script), backend="scripted", context=context)


def _llama_cpp(context: int) -> LoadOptions:
    return LoadOptions(str(DEMO / "ponder-demo.gguf"), context=context, threads=1)


def _mlx(context: int) -> LoadOptions:
    return LoadOptions(str(DEMO / "mlx"), backend="mlx", context=context)


SUBJECTS = (
    Subject("scripted", _scripted, "scripted"),
    Subject("llama_cpp", _llama_cpp, "llama-cpp-python "),
    pytest.param(
        Subject("mlx", _mlx, "mlx-lm "),
        marks=pytest.mark.skipif(not HAS_MLX, reason="mlx_lm is not installed"),
    ),
)


def asked(question: str, *more: str) -> Prompt:
    """Return a question as the demo model was trained to hear it."""
    return build(
        [Turn("user", (question,)), *(Turn("user", (text,)) for text in more)],
        version="mistral-v13",
        keep_thinking=False,
    )


SUM = asked("What is 3 + 4?")


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


@pytest.fixture(scope="class", params=SUBJECTS, ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    chosen: Subject = request.param
    return chosen


@pytest.fixture(scope="class")
def loaded(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp(subject.name) / "engine.log")
    assert isinstance(opened.load(subject.options(CONTEXT)), Loaded)
    yield opened
    opened.client.close()


@pytest.fixture
def fresh(subject: Subject, tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(tmp_path / "engine.log")
    yield opened
    opened.client.close()


class TestEveryBackEnd:
    """The contract."""

    def test_a_load_tells_how_far_it_is_and_what_it_loaded(
        self, subject: Subject, fresh: Engine
    ) -> None:
        request = fresh.client.next_request()
        fresh.client.send(Load(request, subject.options(CONTEXT)))
        events = fresh.until(lambda e: isinstance(e, Loaded | Failed))
        fractions = [e.fraction for e in events if isinstance(e, Loading)]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        result = events[-1]
        assert isinstance(result, Loaded)
        info = result.info
        assert info.backend == subject.name
        assert info.build.startswith(subject.build)
        assert (info.name != "", info.device != "") == (True, True)
        assert info.context == CONTEXT
        assert info.context_train >= CONTEXT
        assert {"<s>", "[INST]", "[/INST]", "[THINK]", "[/THINK]"} <= set(info.controls)

    def test_typed_control_tokens_stay_text(self, loaded: Engine) -> None:
        request = loaded.client.next_request()
        prompt = (Control("<s>"), Control("[INST]"), Text("a [THINK] b"), Control("[/INST]"))
        loaded.client.send(Tokenize(request, prompt))
        (tokens,) = loaded.until(lambda e: isinstance(e, Tokens))
        assert isinstance(tokens, Tokens)
        assert "".join(tokens.pieces) == "<s>[INST]a [THINK] b[/INST]"
        (thought,) = _ids(loaded, (Control("[THINK]"),))
        assert thought not in tokens.ids
        assert tokens.ids[1] == _ids(loaded, (Control("[INST]"),))[0]

    def test_a_thought_then_an_answer_and_all_is_counted(self, loaded: Engine) -> None:
        events = loaded.ask(SUM, reasoning="mistral")
        last = finished(events)
        assert (last.reason, last.thinking_closed) == ("stop", True)
        assert "3" in said(events, "thinking")
        assert "7" in said(events, "answer")
        assert "[" not in said(events, "thinking") + said(events, "answer")
        usage = last.usage
        assert usage.prompt_tokens == len(_ids(loaded, SUM))
        for channel, tokens in (
            ("thinking", usage.thinking_tokens),
            ("answer", usage.answer_tokens),
        ):
            told = [e.tokens for e in events if isinstance(e, Delta) and e.channel == channel]
            assert sum(told) == tokens > 0
        (started,) = [e for e in events if isinstance(e, Started)]
        assert started.prompt_tokens == usage.prompt_tokens
        assert len(started.prompt_hash) == 64

    def test_what_was_read_is_not_read_again(self, loaded: Engine) -> None:
        loaded.ask(asked("Hi"), max_tokens=1)
        first = finished(loaded.ask(SUM, reasoning="mistral")).usage
        again = loaded.ask(SUM, reasoning="mistral")
        usage = finished(again).usage
        assert usage.cached_tokens == first.prompt_tokens - 1
        progress = [e for e in again if isinstance(e, PromptProgress)]
        assert progress[0].done == progress[0].cached == usage.cached_tokens
        assert progress[-1].done == progress[-1].total == usage.prompt_tokens
        # Longer by what was answered, which is kept too.
        made = usage.thinking_tokens + usage.answer_tokens
        written = (*SUM, Control("[THINK]"), Text("I add"))
        longer = finished(loaded.ask(written, reasoning="mistral", thinking_open=True)).usage
        assert first.prompt_tokens < longer.cached_tokens < first.prompt_tokens + made
        # Another turn in the middle: all before it is kept.
        other = asked("What is 3 + 4?", "Thanks")
        least = len(_ids(loaded, (*SUM[:2], Text("What is 3"))))
        assert finished(loaded.ask(other, max_tokens=1)).usage.cached_tokens >= least

    def test_what_is_kept_changes_no_answer(self, loaded: Engine) -> None:
        loaded.ask(asked("Hi"), max_tokens=1)
        fresh = loaded.ask(SUM, reasoning="mistral")
        loaded.ask((*SUM, Text("more and more")), max_tokens=3, ignore_end=True)
        again = loaded.ask(SUM, reasoning="mistral")
        assert finished(again).usage.cached_tokens == finished(again).usage.prompt_tokens - 1
        for channel in ("thinking", "answer"):
            assert said(again, channel) == said(fresh, channel)

    def test_tokens_are_counted_as_they_are_made(self, loaded: Engine) -> None:
        texts = ("What is 3 + 4?", "", "  a\n\nb  ", "नमस्ते [INST] 🙂", "x " * 300)
        prompts = tuple(asked(text, "And?") for text in texts)
        prompts = (*prompts, *prompts, (), (*SUM, Control("[THINK]"), Text("So: ")))
        request = loaded.client.next_request()
        loaded.client.send(Count(request, prompts))
        (counted,) = loaded.until(lambda event: isinstance(event, Counted | Failed))
        assert isinstance(counted, Counted)
        assert list(counted.counts) == [len(_ids(loaded, prompt)) for prompt in prompts]

    def test_the_same_seed_says_the_same(self, loaded: Engine) -> None:
        def say(seed: int, temperature: float = 1.5) -> str:
            sampling = Sampling(temperature=temperature, top_k=0, top_p=1.0, seed=seed)
            events = loaded.ask(SUM, sampling=sampling, max_tokens=20, ignore_end=True)
            return said(events, "answer")

        assert say(7) == say(7)
        assert say(7, 0.0) == say(8, 0.0)

    @pytest.mark.parametrize("budget", [0, 4])
    def test_a_budget_closes_the_thought_and_an_answer_follows(
        self, loaded: Engine, budget: int
    ) -> None:
        events = loaded.ask(SUM, reasoning="mistral", thinking_budget=budget, max_tokens=40)
        last = finished(events)
        assert last.thinking_closed
        assert last.usage.thinking_tokens <= budget + 3  # its markers, and one that came late
        assert said(events, "answer")

    def test_answer_now(self, loaded: Engine) -> None:
        request = loaded.generate(
            (*SUM, Control("[THINK]")), reasoning="mistral", thinking_open=True, max_tokens=60
        )
        loaded.client.send(CloseThinking(request))
        events = loaded.until(lambda e: isinstance(e, Finished | Failed))
        assert finished(events).thinking_closed
        assert said(events, "answer")

    def test_cancel_while_reading(self, loaded: Engine) -> None:
        long = asked("one two three four " * 500)
        assert SMALL < len(_ids(loaded, long)) < CONTEXT
        request = loaded.generate(long, ignore_end=True)
        loaded.until(lambda e: isinstance(e, PromptProgress) and e.done > 0)
        loaded.client.send(Cancel(request))
        last = finished(loaded.until(lambda e: isinstance(e, Finished | Failed)))
        assert last.reason == "cancelled"
        assert finished(loaded.ask(SUM, reasoning="mistral")).reason == "stop"

    def test_cancel_while_writing_keeps_what_was_said(self, loaded: Engine) -> None:
        request = loaded.generate(SUM, reasoning="mistral", ignore_end=True)
        events = loaded.until(lambda e: isinstance(e, Delta) and e.text != "")
        loaded.client.send(Cancel(request))
        events += loaded.until(lambda e: isinstance(e, Finished | Failed))
        assert finished(events).reason == "cancelled"
        assert said(events, "thinking")
        usage = finished(loaded.ask(SUM, reasoning="mistral")).usage
        assert usage.cached_tokens == usage.prompt_tokens - 1

    def test_so_many_tokens_and_no_more(self, loaded: Engine) -> None:
        last = finished(loaded.ask(SUM, max_tokens=3, ignore_end=True))
        assert (last.reason, last.usage.answer_tokens) == ("length", 3)

    def test_an_unknown_control_token_is_told(self, loaded: Engine) -> None:
        (last,) = loaded.ask((Control("<|nonsense|>"),))
        assert isinstance(last, Failed)
        assert last.problem.key == "unknown-control"
        assert "<|nonsense|>" in last.problem.title
        assert finished(loaded.ask(SUM, max_tokens=1)).reason == "length"

    def test_the_end_of_the_context_then_another_load(
        self, subject: Subject, fresh: Engine
    ) -> None:
        assert isinstance(fresh.load(subject.options(SMALL)), Loaded)
        last = finished(fresh.ask(SUM, ignore_end=True))
        usage = last.usage
        assert last.reason == "length"
        assert usage.prompt_tokens + usage.answer_tokens == SMALL
        (failed,) = fresh.ask(asked("one two three four " * SMALL))
        assert isinstance(failed, Failed)
        assert failed.problem.key == "prompt-too-long"
        request = fresh.client.next_request()
        fresh.client.send(Unload(request))
        assert fresh.until(lambda e: isinstance(e, Unloaded)) == [Unloaded(request)]
        (failed,) = fresh.ask(SUM)
        assert isinstance(failed, Failed)
        assert failed.problem.key == "no-model"
        assert isinstance(fresh.load(subject.options(CONTEXT)), Loaded)
        events = fresh.ask(SUM, reasoning="mistral")
        assert finished(events).usage.cached_tokens == 0
        assert "7" in said(events, "answer")


def _ids(engine: Engine, prompt: Prompt) -> tuple[int, ...]:
    request = engine.client.next_request()
    engine.client.send(Tokenize(request, prompt))
    (tokens,) = engine.until(lambda e: isinstance(e, Tokens))
    assert isinstance(tokens, Tokens)
    return tokens.ids
