"""Experts in main memory: the same answer, from other buffers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.engine.backends import llama_library
from app.engine.protocol import Loaded, LoadOptions
from app.fit.blueprint import Dimensions
from app.models.gguf import read_header
from tests.support import whole_models
from tests.support.engine import Engine, said

MOE = Dimensions("qwen3moe", 2, 64, 2, 1, 32, 64, 1024, 4096, experts=4, experts_used=2)


@pytest.fixture(scope="module")
def moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small model of experts whose weights are random: its words depend on each."""
    path = whole_models.write(tmp_path_factory.mktemp("models") / "moe.gguf", MOE, "F16")
    header = read_header(path)
    random = np.random.default_rng(7)
    with path.open("r+b") as file:
        for tensor in header.tensors:
            count = int(np.prod(tensor.shape))
            values = random.normal(0, 0.3, count)
            if tensor.name.endswith("norm.weight"):
                values = np.ones(count)
            file.seek(header.data_start + tensor.offset)
            file.write(values.astype(np.float32 if tensor.type == 0 else np.float16).tobytes())
    return path


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    pair = Engine(tmp_path / "one.log"), Engine(tmp_path / "two.log")
    yield pair
    for engine in pair:
        engine.client.close()


def test_a_model_answers_the_same_with_its_experts_in_main_memory(
    moe: Path, engines: tuple[Engine, Engine]
) -> None:
    answers = []
    for engine, cpu_experts in zip(engines, (False, True), strict=True):
        loaded = engine.load(LoadOptions(str(moe), context=512, cpu_experts=cpu_experts))
        assert isinstance(loaded, Loaded), loaded
        assert loaded.info.cpu_experts is cpu_experts
        answers.append(said(engine.ask(max_tokens=40), "answer"))
    assert answers[0] == answers[1]
    assert len(set(answers[0].split())) > 5
    ordinary, moved = (engine.log_path.read_text(encoding="utf-8") for engine in engines)
    assert "tensor overrides to CPU" not in ordinary
    assert "tensor overrides to CPU" in moved


def test_the_override_names_the_experts_and_ends() -> None:
    overrides = llama_library.experts_in_main_memory()
    assert overrides[0].pattern == rb"\.ffn_(up|down|gate|gate_up)_(ch|)exps"
    assert overrides[0].buffer_type
    assert (overrides[1].pattern, overrides[1].buffer_type) == (None, None)
