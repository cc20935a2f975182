"""MLX in the real child, on the demo model: what the contract of all back ends does not ask."""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.engine.backends.mlx import MlxBackend
from app.engine.protocol import (
    OUT_OF_MEMORY,
    Cancel,
    Delta,
    Event,
    Failed,
    Finished,
    KVType,
    Load,
    Loaded,
    LoadOptions,
    ModelInfo,
    PromptProgress,
    Sampling,
    Tokenize,
    Tokens,
    Unload,
    Unloaded,
)
from app.fit import mlx_shape
from app.fit.devices import named
from app.fit.memory import Placement, estimate
from app.prompts.magistral import MAGISTRAL_SYSTEM_PROMPT
from app.prompts.mistral import build
from app.prompts.segments import Prompt, Text, Turn
from tests.support import synthetic, synthetic_mlx
from tests.support.conversations import conversations
from tests.support.engine import Engine, pid_of, said

if importlib.util.find_spec("mlx_lm") is None:
    pytest.skip("mlx_lm is not installed", allow_module_level=True)

DEMO = Path(__file__).parents[2] / "resources" / "demo"
FOLDER = DEMO / "mlx"
GGUF = DEMO / "ponder-demo.gguf"
PROMPTS = int(os.environ.get("PONDER_PROMPTS", "6"))
CONTEXT = 2048

QUESTIONS = (
    "What is {a} + {b}?",
    "Thanks",
    "What is {b} - {a}?",
    "Who are you?",
    "What is {a} * {b}?",
    "Hi",
    "If a train travels {b}0 km in 1.5 hours, what is its average speed in m/s?",
    "Solve {a}x + {b} = {c}.",
    "What is {a}0 % of {b}0?",
    "Prove that the sum of angles in a triangle is 180 degrees.",
    "What is the weather like on the {a}th?",
)


def options(**more: Any) -> LoadOptions:
    return LoadOptions(str(more.pop("folder", FOLDER)), backend="mlx", context=CONTEXT, **more)


def finished(events: list[Event]) -> Finished:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def ids_of(engine: Engine, prompt: Prompt) -> tuple[int, ...]:
    request = engine.client.next_request()
    engine.client.send(Tokenize(request, prompt))
    (tokens,) = engine.until(lambda event: isinstance(event, Tokens))
    assert isinstance(tokens, Tokens)
    return tokens.ids


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """llama.cpp with the GGUF of the demo model, and MLX with its folder."""
    folder = tmp_path_factory.mktemp("engines")
    both = Engine(folder / "llama.log"), Engine(folder / "mlx.log")
    for opened, how in zip(both, (LoadOptions(str(GGUF), context=CONTEXT), options()), strict=True):
        opened.patience_s = 300.0
        assert isinstance(opened.load(how), Loaded)
    yield both
    for opened in both:
        opened.client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the demo model's folder, to be spoilt."""
    return Path(shutil.copytree(FOLDER, tmp_path / "Model-5.5bit"))


def questions(count: int) -> Iterator[list[Turn]]:
    """Yield conversations of one question, every third under Magistral's own system prompt."""
    for number in range(count):
        a, b = 3 + number // 5, 12 + number
        question = QUESTIONS[number % len(QUESTIONS)].format(a=a, b=b, c=a * 5 + b)
        asked = [Turn("user", (question,))]
        yield [MAGISTRAL_SYSTEM_PROMPT, *asked] if number % 3 == 2 else asked


def test_both_engines_read_think_and_say_the_same(engines: tuple[Engine, Engine]) -> None:
    """PONDER_PROMPTS sets how many questions."""
    for turns in questions(PROMPTS):
        prompt = build(turns, version="mistral-v13", keep_thinking=False)
        first, second = (ids_of(engine, prompt) for engine in engines)
        assert first == second
        llama, mlx = (engine.ask(prompt, reasoning="mistral", max_tokens=900) for engine in engines)
        assert said(mlx, "thinking") == said(llama, "thinking") != ""
        assert said(mlx, "answer") == said(llama, "answer") != ""
        counted = [
            (end.reason, end.thinking_closed, end.usage.thinking_tokens, end.usage.answer_tokens)
            for end in (finished(llama), finished(mlx))
        ]
        assert counted[0] == counted[1]
        assert counted[0][:2] == ("stop", True)


def test_both_engines_encode_any_conversation_alike(engines: tuple[Engine, Engine]) -> None:
    for turns in conversations(40, seed=31):
        prompt = build(turns, version="mistral-v13", keep_thinking=True)
        first, second = (ids_of(engine, prompt) for engine in engines)
        assert first == second


def test_what_is_known_of_a_folder(engine: Engine, folder: Path) -> None:
    change(folder / "generation_config.json", temperature=0.15, top_p=0.9, eos_token_id=[2, 5])
    change(folder / "tokenizer_config.json", chat_template="{{ messages }}")
    info = loaded(engine, options(folder=folder))
    assert (info.name, info.architecture, info.quantization) == ("Model-5.5bit", "llama", "F16")
    assert (info.layers, info.vocabulary, info.context, info.context_train) == (4, 1024, 2048, 8192)
    assert info.sampling == Sampling(temperature=0.15, top_p=0.9)
    assert info.template == "{{ messages }}"
    assert info.size_bytes == (folder / "model.safetensors").stat().st_size
    assert info.parameters == 820_352
    assert info.build.startswith("mlx-lm 0.32")
    assert (info.backend, info.kv_type) == ("mlx", "f16")


@pytest.mark.parametrize("kv", ["q8_0", "q4_0"])
def test_a_quantized_cache_still_calculates(engine: Engine, kv: KVType) -> None:
    how = LoadOptions(str(FOLDER), backend="mlx", context=512, kv_type=kv)
    info = loaded(engine, how)
    assert info.kv_type == kv
    prompt = build(
        [Turn("user", ("What is 12 + 30?",))], version="mistral-v13", keep_thinking=False
    )
    events = engine.ask(prompt, reasoning="mistral")
    assert finished(events).reason == "stop"
    if kv == "q8_0":  # with 4 bits the small model miscalculates
        assert "42" in said(events, "answer")
    again = finished(engine.ask(prompt, max_tokens=1)).usage
    assert again.cached_tokens == again.prompt_tokens - 1


def test_the_promise_is_what_is_taken(engine: Engine) -> None:
    shape = mlx_shape.read(FOLDER)
    for kv in ("f16", "q8_0"):
        info = loaded(engine, LoadOptions(str(FOLDER), backend="mlx", context=1024, kv_type=kv))  # type: ignore[arg-type]  # one of the three
        (parts,) = estimate(shape, Placement(1024, kv), named("mac32")).gpus
        (took,) = info.allocated
        assert took.bytes <= parts.weights + parts.kv + 1.5 * parts.compute
        assert took.bytes >= parts.weights + parts.kv
        assert took.bytes + (took.beside_bytes or 0) <= parts.total
    assert not took.card


@pytest.mark.skipif(sys.platform != "linux", reason="reads the resident memory as Linux counts it")
def test_unload_gives_the_memory_back(engine: Engine) -> None:
    empty = []
    for _ in range(2):
        loaded(engine, LoadOptions(str(FOLDER), backend="mlx", context=8192))
        engine.ask("one two", max_tokens=2)
        full = psutil.Process(pid_of(engine)).memory_info().rss
        request = engine.client.next_request()
        engine.client.send(Unload(request))
        assert engine.until(lambda event: isinstance(event, Unloaded)) == [Unloaded(request)]
        empty.append(psutil.Process(pid_of(engine)).memory_info().rss)
        assert full - empty[-1] > 7e6  # the cache is 8.4 MB
    assert empty[1] - empty[0] < 4e6


def test_a_load_can_be_cancelled(engine: Engine) -> None:
    request = engine.client.next_request()
    engine.client.send(Load(request, options()))
    engine.client.send(Cancel(request))
    last = engine.until(lambda event: isinstance(event, Loaded | Failed))[-1]
    assert isinstance(last, Failed)
    assert last.problem.key == "load-cancelled"
    loaded(engine, options())


def test_a_cancelled_prompt_is_kept_as_far_as_it_was_read(engines: tuple[Engine, Engine]) -> None:
    _, engine = engines
    prompt = "one two three four " * 120
    request = engine.generate(prompt, ignore_end=True)
    engine.until(lambda event: isinstance(event, PromptProgress) and event.done > 0)
    engine.client.send(Cancel(request))
    events = engine.until(lambda event: isinstance(event, Finished))
    assert finished(events).reason == "cancelled"
    usage = finished(engine.ask(prompt, max_tokens=1)).usage
    assert 0 < usage.cached_tokens < usage.prompt_tokens


def test_sampling_means_what_it_means_to_llama_cpp(engines: tuple[Engine, Engine]) -> None:
    """With one token left to choose from, both engines can only choose that."""
    only_one = (
        Sampling(temperature=2.0, top_k=1, top_p=1.0),
        Sampling(temperature=2.0, top_k=0, top_p=1e-6),
        Sampling(temperature=2.0, top_k=0, top_p=1.0, min_p=1.0),
    )
    for sampling in only_one:
        texts = {
            said(engine.ask("What is", sampling=sampling, max_tokens=12, ignore_end=True), "answer")
            for engine in engines
        }
        assert len(texts) == 1, sampling


def test_a_repetition_is_less_likely_on_both_alike(engines: tuple[Engine, Engine]) -> None:
    def written(engine: Engine, factor: float) -> str:
        greedy = Sampling(temperature=0.0, repetition=factor)
        events = engine.ask("one two three ", sampling=greedy, max_tokens=24, ignore_end=True)
        return said(events, "answer")

    plain = {written(engine, 1.0) for engine in engines}
    varied = {written(engine, 4.0) for engine in engines}
    assert len(plain) == len(varied) == 1
    assert plain != varied
    (before,), (after,) = plain, varied
    # Of what the model writes by itself much comes again within 24 tokens; of the other little.
    assert len(set(after.split())) > len(set(before.split()))


@pytest.mark.parametrize("kv", ["f16", "q8_0"])
def test_what_was_read_is_taken_up_from_disk(
    tmp_path: Path, kv: KVType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the back end itself: what is kept when and where is the engine's for all alike."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "1")  # the engine sets it for its own process, which this is none
    how = LoadOptions(str(FOLDER), backend="mlx", context=512, kv_type=kv)
    path = tmp_path / "state"
    first, second, other = MlxBackend(), MlxBackend(), MlxBackend()
    try:
        for backend in (first, second):
            backend.load(how, lambda _: True)
        prompt = build(
            [Turn("user", ("What is 12 + 30?",))], version="mistral-v13", keep_thinking=False
        )
        ids = first.encode(prompt)
        written = drawn(first, ids, 40)
        size = first.state_bytes()
        assert first.save(path)
        assert path.stat().st_size == pytest.approx(size, rel=0.05)
        assert second.restore(path, list(first.sequence))
        assert list(second.sequence) == [*ids, *written]
        assert second.reuse(ids) == len(ids) - 1
        assert drawn(second, ids, 40) == written
        # Cut off, or another cache's: nothing is taken up, and nothing is harmed.
        path.write_bytes(path.read_bytes()[:-100])
        assert not second.restore(path, ids)
        assert list(second.sequence) == []
        assert drawn(second, ids, 40) == written
        other.load(replace(how, kv_type="q4_0"), lambda _: True)
        assert first.save(path)
        assert not other.restore(path, list(first.sequence))
    finally:
        for backend in (first, second, other):
            backend.unload()


def test_a_sliding_window_that_cannot_be_cut_is_read_again(engine: Engine, tmp_path: Path) -> None:
    """The cache of its layers forgets what left the window: what is kept must still be exact."""
    folder = synthetic_mlx.write(tmp_path / "windowed", synthetic.TINY)
    kinds = ["sliding_attention", "full_attention"]
    change(folder / "config.json", layer_types=kinds, sliding_window=32)
    assert loaded(engine, options(folder=folder, kv_type="q8_0")).kv_type == "q8_0"

    def say(text: str, tokens: int = 24) -> tuple[str, int]:
        events = engine.ask(text, max_tokens=tokens, ignore_end=True)
        return said(events, "answer"), finished(events).usage.cached_tokens

    long, short = synthetic.words(100), synthetic.words(6)
    answer, cached = say(long)
    assert cached == 0
    # Going on from all that was read needs no cut.
    say(long, tokens=1)
    assert say(long + synthetic.words(5, first=500))[1] == 100
    # Back to the question: that is not to be had by cutting.
    assert say(long) == (answer, 0)
    # Within the window all can be cut.
    first, _ = say(short, tokens=10)
    assert say(short, tokens=10) == (first, 5)


def drawn(backend: MlxBackend, ids: list[int], count: int) -> list[int]:
    """Return the tokens that follow greedily."""
    kept = backend.reuse(ids)
    assert backend.read(ids[kept:])
    backend.begin(Sampling(temperature=0.0))
    found: list[int] = []
    while len(found) < count:
        found.append(backend.sample())
        assert backend.append(found[-1])
    return found


# ------------------------------------------------------------ folders that are no models


def change(path: Path, **values: Any) -> None:
    """Change a JSON file; None takes a key out."""
    content = json.loads(path.read_text(encoding="utf-8")) | values
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def loaded(engine: Engine, how: LoadOptions) -> ModelInfo:
    result = engine.load(how)
    assert isinstance(result, Loaded), result
    return result.info


def _without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _damaged_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "lla', encoding="utf-8")


def _unknown_kind(folder: Path) -> None:
    change(folder / "config.json", model_type="abacus")


def _own_code(folder: Path) -> None:
    change(folder / "config.json", model_file="model.py")


def _without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _without_a_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def _cut_off(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(600_000)


def _no_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"<!DOCTYPE html><html></html>")


def _other_dimensions(folder: Path) -> None:
    change(folder / "config.json", num_hidden_layers=6)


def _no_dimensions(folder: Path) -> None:
    change(folder / "config.json", hidden_size=None)


def _wrong_type(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].replace(b'"F16"', b'"I16"')
    path.write_bytes(data[:8] + header + data[8 + length :])


def _without_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _damaged_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")


def _larger_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["vocab"] |= {f"word{number}": 1024 + number for number in range(500)}
    path.write_text(json.dumps(content), encoding="utf-8")


def _other_tokenizer(folder: Path) -> None:
    change(folder / "tokenizer_config.json", eos_token="<|im_end|>")


FAULTS: tuple[tuple[Callable[[Path], None], str], ...] = (
    (_without_config, "has no config.json"),
    (_damaged_config, "cannot be read as JSON"),
    (_unknown_kind, "(abacus)"),
    (_own_code, "program code of its own"),
    (_without_weights, "has no weights"),
    (_without_a_shard, "1 of the 2 files with the weights"),
    (_cut_off, "of 1 MB are here"),
    (_no_safetensors, "its header is damaged"),
    (_other_dimensions, "not those that config.json describes"),
    (_no_dimensions, "config.json"),
    (_wrong_type, "(I16)"),
    (_without_tokenizer, "has no tokenizer.json"),
    (_damaged_tokenizer, "The tokenizer in Model-5.5bit cannot be used: it is damaged"),
    (_larger_tokenizer, "more tokens than the model knows"),
    (_other_tokenizer, "how a text ends"),
)


def test_what_is_no_model_is_told_in_a_sentence(engine: Engine, tmp_path: Path) -> None:
    for spoil, words in FAULTS:
        folder = Path(shutil.copytree(FOLDER, tmp_path / spoil.__name__ / "Model-5.5bit"))
        spoil(folder)
        result = engine.load(options(folder=folder))
        assert isinstance(result, Failed), spoil.__name__
        problem = result.problem
        assert words in problem.title, (spoil.__name__, problem)
        assert problem.title.endswith(".")
        assert problem.advice.endswith("."), problem
    missing = engine.load(options(folder=tmp_path / "nothing"))
    assert isinstance(missing, Failed)
    assert "nothing" in missing.problem.title
    loaded(engine, options())  # the engine is as good as before


def test_too_little_memory_is_told_before_any_is_taken(engine: Engine, folder: Path) -> None:
    change(folder / "config.json", max_position_embeddings=1 << 40)
    how = LoadOptions(str(folder), backend="mlx", context=1 << 30)
    result = engine.load(how)
    assert isinstance(result, Failed)
    assert result.problem.key == OUT_OF_MEMORY
    assert "smaller context" in result.problem.advice


def test_text_that_is_no_text_can_be_encoded(engines: tuple[Engine, Engine]) -> None:
    _, engine = engines
    assert ids_of(engine, (Text(""),)) == ()
    assert len(ids_of(engine, (Text("a\0b 🎲 नमस्ते \ud800"),))) > 5


def test_an_answer_streams_as_it_is_made(engines: tuple[Engine, Engine]) -> None:
    _, engine = engines
    deltas = [
        event
        for event in engine.ask("What is 3 + 4?", max_tokens=40, ignore_end=True)
        if isinstance(event, Delta)
    ]
    assert len(deltas) > 3
