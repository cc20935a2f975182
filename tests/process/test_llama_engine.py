"""llama.cpp in the real child, on synthetic models: what the scripted back end cannot show."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.engine.protocol import (
    Cancel,
    Delta,
    EngineDied,
    Event,
    Failed,
    Finished,
    Load,
    Loaded,
    LoadOptions,
    PromptProgress,
    Sampling,
    Started,
    Tokenize,
    Tokens,
    Unload,
    Unloaded,
)
from app.prompts.segments import Control, Text
from tests.support import synthetic
from tests.support.engine import Engine, pid_of, said

MAGISTRAL = (
    Control("<s>"),
    Control("[SYSTEM_PROMPT]"),
    Text("Be brief."),
    Control("[/SYSTEM_PROMPT]"),
    Control("[INST]"),
    Text("Is [THINK] a token? [/INST]"),
    Control("[/INST]"),
)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def tiny(models: Path) -> Path:
    return synthetic.write(models / "tiny.gguf")


@pytest.fixture(scope="session")
def slow(models: Path) -> Path:
    return synthetic.write(models / "slow.gguf", synthetic.SLOW)


@pytest.fixture
def loaded(engine: Engine, tiny: Path) -> Engine:
    assert isinstance(engine.load(LoadOptions(str(tiny))), Loaded)
    return engine


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def is_finished(event: Event) -> bool:
    return isinstance(event, Finished)


def tokens_of(engine: Engine, *segments: Text | Control) -> Tokens:
    request = engine.client.next_request()
    engine.client.send(Tokenize(request, segments))
    (tokens,) = engine.until(lambda e: isinstance(e, Tokens))
    assert isinstance(tokens, Tokens)
    return tokens


def test_what_is_known_of_a_model(engine: Engine, models: Path) -> None:
    path = synthetic.write(
        models / "known.gguf",
        general__name="Known",
        general__sampling__temp=0.25,
        general__sampling__top_k=7,
        tokenizer__chat_template="{{ messages }}",
    )
    result = engine.load(LoadOptions(str(path), context=1000))
    assert isinstance(result, Loaded)
    info = result.info
    assert (info.name, info.architecture, info.quantization) == ("Known", "llama", "Q8_0")
    assert (info.layers, info.vocabulary, info.context_train) == (2, 1024, 16384)
    assert 1000 <= info.context <= 1024  # llama.cpp rounds up to a multiple of 256
    assert info.sampling == Sampling(temperature=0.25, top_k=7)
    assert info.template == "{{ messages }}"
    assert {"[INST]", "[/INST]", "[THINK]", "[/THINK]", "<s>", "</s>"} <= set(info.controls)
    assert "<|im_start|>" not in info.controls
    assert info.size_bytes == path.stat().st_size


def test_the_context_is_never_longer_than_trained(engine: Engine, tiny: Path) -> None:
    result = engine.load(LoadOptions(str(tiny), context=1_000_000))
    assert isinstance(result, Loaded)
    assert result.info.context == 16384


@pytest.mark.parametrize("kv_type", ["q8_0", "q4_0"])
def test_a_quantised_cache(engine: Engine, tiny: Path, kv_type: str) -> None:
    assert isinstance(engine.load(LoadOptions(str(tiny), kv_type=kv_type)), Loaded)  # type: ignore[arg-type]  # parametrised
    assert finished(engine.ask(max_tokens=5)).reason in ("length", "stop")


def test_typed_control_tokens_stay_text(loaded: Engine) -> None:
    tokens = tokens_of(loaded, *MAGISTRAL)
    controls = [piece for piece in tokens.pieces if piece in synthetic.CONTROLS.values()]
    assert controls == ["<s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"]
    assert "".join(tokens.pieces).count("[THINK]") == 1
    assert tokens.ids[0] == 1
    assert 34 not in tokens.ids


def test_unusual_text_can_be_encoded(loaded: Engine) -> None:
    text = "a\0b 🎲 नमस्ते \ud800"
    assert "".join(tokens_of(loaded, Text(text)).pieces).startswith("a\0b")
    assert tokens_of(loaded, Text("")).ids == ()
    assert len(tokens_of(loaded, Text(synthetic.words(300))).ids) == 300


def test_an_unknown_control_token_is_told(loaded: Engine) -> None:
    (last,) = loaded.ask((Control("<|im_start|>"),))
    assert isinstance(last, Failed)
    assert last.problem.key == "unknown-control"


def test_the_same_seed_says_the_same(loaded: Engine) -> None:
    def say(sampling: Sampling) -> str:
        return said(loaded.ask(sampling=sampling, max_tokens=30, ignore_end=True), "answer")

    warm = Sampling(temperature=1.5, top_k=0, top_p=1.0, seed=7)
    assert say(warm) == say(warm)
    assert say(warm) != say(Sampling(temperature=1.5, top_k=0, top_p=1.0, seed=8))
    greedy = say(Sampling(temperature=0.0))
    assert greedy == say(Sampling(temperature=0.0, seed=3))
    assert greedy == say(Sampling(temperature=0.9, top_k=1, seed=4))


def test_a_kept_prefix_changes_nothing(loaded: Engine) -> None:
    long, other = synthetic.words(200), synthetic.words(50, first=300)
    fresh = loaded.ask(long, max_tokens=40, ignore_end=True)
    assert finished(fresh).usage.cached_tokens == 0
    loaded.ask(long + other, max_tokens=10, ignore_end=True)
    again = loaded.ask(long, max_tokens=40, ignore_end=True)
    assert finished(again).usage.cached_tokens == 199
    assert said(again, "answer") == said(fresh, "answer")
    (started,) = [e for e in again if isinstance(e, Started)]
    assert (started.prompt_tokens, started.cached_tokens) == (200, 199)
    assert len(started.prompt_hash) == 64


def test_generation_ends_at_the_end_of_the_context(engine: Engine, tiny: Path) -> None:
    engine.load(LoadOptions(str(tiny), context=256))
    last = finished(engine.ask(synthetic.words(200), ignore_end=True))
    assert (last.reason, last.usage.answer_tokens) == ("length", 56)
    (failed,) = engine.ask(synthetic.words(256))
    assert isinstance(failed, Failed)
    assert failed.problem.key == "prompt-too-long"
    # The engine is as good as before.
    assert finished(engine.ask(synthetic.words(200), max_tokens=1)).usage.cached_tokens == 199


def test_a_budget_of_thinking(loaded: Engine) -> None:
    prompt = (*MAGISTRAL, Control("[THINK]"), Text("Well"))
    events = loaded.ask(
        prompt,
        reasoning="mistral",
        thinking_open=True,
        thinking_budget=8,
        max_tokens=30,
        ignore_end=True,
    )
    last = finished(events)
    assert last.thinking_closed
    assert last.usage.thinking_tokens == 9  # and the closing marker
    assert last.usage.answer_tokens == 21
    assert said(events, "answer")


def test_cancel_while_decoding(engine: Engine, slow: Path) -> None:
    engine.load(LoadOptions(str(slow), threads=1))
    request = engine.generate(ignore_end=True)
    engine.until(lambda e: isinstance(e, Delta))
    asked = time.monotonic()
    engine.client.send(Cancel(request))
    at, last = engine.until_timed(is_finished)[-1]
    assert isinstance(last, Finished)
    assert last.reason == "cancelled"
    assert at - asked < 2.0  # 100 ms where nothing else runs; see tests/bench
    cached = finished(engine.ask(max_tokens=2)).usage
    assert cached.cached_tokens == cached.prompt_tokens - 1


def test_cancel_while_reading_a_long_prompt(engine: Engine, slow: Path) -> None:
    engine.load(LoadOptions(str(slow), context=16384, threads=1))
    prompt = synthetic.words(3700) + synthetic.words(3700) + synthetic.words(600)
    request = engine.generate(prompt)
    engine.until(lambda e: isinstance(e, PromptProgress) and e.done > 100)
    asked = time.monotonic()
    engine.client.send(Cancel(request))
    events = engine.until_timed(is_finished)
    at, last = events[-1]
    assert isinstance(last, Finished)
    assert (last.reason, last.usage.prompt_tokens) == ("cancelled", 8000)
    assert at - asked < 5.0  # 1 s where nothing else runs; see tests/bench
    done = max([e.done for _, e in events if isinstance(e, PromptProgress)], default=100)
    usage = finished(engine.ask(synthetic.words(done + 50), max_tokens=1)).usage
    assert done <= usage.cached_tokens <= done + 512


@pytest.mark.skipif(sys.platform != "linux", reason="reads the resident memory as Linux counts it")
def test_unload_gives_the_memory_back(engine: Engine, slow: Path) -> None:
    engine.load_script()
    process = psutil.Process(pid_of(engine))
    for round_ in range(3):
        engine.load(LoadOptions(str(slow), context=4096, threads=1))
        engine.ask(synthetic.words(20), max_tokens=2)
        full = process.memory_info().rss
        request = engine.client.next_request()
        engine.client.send(Unload(request))
        assert engine.until(lambda e: isinstance(e, Unloaded)) == [Unloaded(request)]
        empty = process.memory_info().rss
        assert full - empty > 100e6  # the weights are 111 MB
        if round_ == 0:
            first = empty
    assert empty - first < 10e6


def test_cancel_a_load(engine: Engine, slow: Path) -> None:
    request = engine.client.next_request()
    engine.client.send(Load(request, LoadOptions(str(slow), threads=1)))
    engine.client.send(Cancel(request))
    last = engine.until(lambda e: isinstance(e, Loaded | Failed))[-1]
    assert isinstance(last, Failed)
    assert last.problem.key == "load-cancelled"
    assert isinstance(engine.load(LoadOptions(str(slow), threads=1)), Loaded)


def test_kill_9_while_streaming(engine: Engine, slow: Path) -> None:
    engine.load(LoadOptions(str(slow), threads=1))
    engine.generate(ignore_end=True)
    events = engine.until(lambda e: isinstance(e, Delta))
    os.kill(pid_of(engine), signal.SIGKILL)
    events += engine.until(lambda e: isinstance(e, EngineDied))
    assert said(events, "answer")
    last = events[-1]
    assert isinstance(last, EngineDied)
    assert "was killed" in last.problem.title
    assert finished(engine.ask(max_tokens=3, ignore_end=True)).reason == "length"


def test_a_failed_load_leaves_an_engine_that_loads(engine: Engine, tiny: Path) -> None:
    missing = engine.load(LoadOptions(str(tiny.with_name("missing.gguf"))))
    assert isinstance(missing, Failed)
    assert "missing.gguf" in missing.problem.title
    assert isinstance(engine.load(LoadOptions(str(tiny))), Loaded)


def test_the_log_is_the_engines(loaded: Engine) -> None:
    text = loaded.log_path.read_text(encoding="utf-8")
    assert "llama_kv_cache" in text
    assert "Traceback" not in text
