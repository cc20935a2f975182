"""Plans against llama.cpp itself: simulated, and loaded in truth.

The whole table, with every model and 240 contexts, is tests/bench/bench_fit.py's; this is a part of
it that runs in a moment.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli import main
from app.engine.backends.buffers import Buffers
from app.errors import WorldError
from app.fit import blueprint, sparse
from app.fit.devices import named
from app.fit.gguf_shape import from_header
from app.fit.memory import Placement, estimate
from app.fit.simulate import simulate
from app.models.gguf import Header, read_header
from tests.support import synthetic
from tests.support.shapes import MODELS, OTHERS, cut, wishes

PATIENCE_S = 200.0


def beside_weights(buffers: Buffers) -> int:
    return buffers.total() - sum(buffers.weights.values())


@pytest.mark.parametrize("name", MODELS)
def test_the_formula_is_llama_cpps_own_answer(name: str) -> None:
    header = blueprint.header(MODELS[name], "Q8_0")
    shape = from_header(header)
    asked = tuple(wishes(3, start=17 * list(MODELS).index(name)))
    answers = simulate(header, asked, gpu_layers=0, timeout_s=PATIENCE_S)
    for wish, buffers in zip(asked, answers, strict=True):
        placement = Placement(wish.context, wish.kv, batch=wish.batch, swa_full=wish.swa_full)
        parts = estimate(shape, placement, named("cpu64")).host
        assert parts.kv == pytest.approx(sum(buffers.kv.values()), rel=0.001), wish
        assert parts.compute == pytest.approx(sum(buffers.compute.values()), rel=0.005), wish
        assert parts.output == pytest.approx(sum(buffers.output.values()), rel=0.01), wish


@pytest.mark.parametrize("name", OTHERS)
def test_other_architectures_are_planned_within_half_a_percent(name: str) -> None:
    header = blueprint.header(OTHERS[name], "Q4_K_M")
    shape = from_header(header)
    asked = tuple(wishes(3, start=17 * list(OTHERS).index(name), longest=40_960))
    answers = simulate(header, asked, gpu_layers=0, timeout_s=PATIENCE_S)
    for wish, buffers in zip(asked, answers, strict=True):
        placement = Placement(wish.context, wish.kv, batch=wish.batch, swa_full=wish.swa_full)
        parts = estimate(shape, placement, named("cpu64")).host
        assert parts.kv == pytest.approx(sum(buffers.kv.values()), rel=0.001), wish
        promised = parts.total - parts.overhead
        taken = parts.weights + beside_weights(buffers)
        assert promised == pytest.approx(taken, rel=0.005), wish


@pytest.mark.parametrize("name", ["mistral3 3B", "qwen3moe 30B", "gpt-oss 20B"])
def test_what_is_planned_is_what_a_real_load_takes(name: str, tmp_path: Path) -> None:
    header = blueprint.header(cut(MODELS[name]), "Q8_0")
    asked = tuple(wishes(2, longest=4096))
    planned = simulate(header, asked, gpu_layers=0, timeout_s=PATIENCE_S)
    there = read_header(sparse.write(tmp_path / "model.gguf", header))
    loaded = simulate(there, asked, gpu_layers=0, timeout_s=PATIENCE_S, allocate=True)
    shape = from_header(header)
    for wish, promised, actual in zip(asked, planned, loaded, strict=True):
        assert beside_weights(promised) == pytest.approx(beside_weights(actual), rel=0.0005), wish
        weights = sum(actual.weights.values())
        assert weights >= shape.weights_bytes * 0.9999
        copied = shape.output_bytes if shape.tied else 0
        assert weights <= (shape.weights_bytes + copied) * 1.0001


def test_a_begun_download_is_planned_from_its_header(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "whole.gguf")
    whole = read_header(path)
    asked = tuple(wishes(1, longest=2048))
    (expected,) = simulate(whole, asked, gpu_layers=0, timeout_s=PATIENCE_S)
    begun = tmp_path / "begun.gguf"
    begun.write_bytes(path.read_bytes()[: whole.data_start + 1])
    (found,) = simulate(read_header(begun), asked, gpu_layers=0, timeout_s=PATIENCE_S)
    assert found == expected
    assert begun.stat().st_size == whole.data_start + 1


def broken(**changes: int | str) -> Header:
    header = blueprint.header(cut(MODELS["llama 8B"]), "Q8_0")
    return replace(header, metadata={**header.metadata, **changes})


def test_a_model_that_llama_cpp_refuses_is_told() -> None:
    header = broken(**{"general.architecture": "no-such-thing"})
    with pytest.raises(WorldError) as caught:
        simulate(header, tuple(wishes(1)), timeout_s=PATIENCE_S)
    assert "refused" in caught.value.problem.title
    assert "no-such-thing" in caught.value.problem.detail


def test_a_crash_over_a_header_is_a_problem_and_not_ours() -> None:
    with pytest.raises(WorldError) as caught:
        simulate(broken(**{"llama.block_count": 1 << 31}), tuple(wishes(1)), timeout_s=PATIENCE_S)
    assert "crashed" in caught.value.problem.title
    assert "exit status" in caught.value.problem.detail


def test_a_child_that_does_not_answer_is_ended() -> None:
    header = blueprint.header(MODELS["llama 8B"], "Q8_0")
    with pytest.raises(WorldError, match="did not answer"):
        simulate(header, tuple(wishes(1)), timeout_s=0.001)


def test_the_command_asks_llama_cpp(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["fit", "ministral-3-3b", "--device", "rtx4060-8gb", "--context", "16384", "--json"]
    assert main(asked) == 0
    formula = json.loads(capsys.readouterr().out)
    assert main([*asked, "--exact"]) == 0
    exact = json.loads(capsys.readouterr().out)
    assert [row["exact"] for row in exact["rows"]] == [True] * len(exact["rows"])
    for before, after in zip(formula["rows"], exact["rows"], strict=True):
        for part in ("kv_bytes", "compute_bytes", "total_bytes"):
            assert after[part] == pytest.approx(before[part], rel=0.002)
    assert exact["choice"]["verdict"] == formula["choice"]["verdict"]


def test_the_command_plans_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = synthetic.write(tmp_path / "tiny.gguf")
    assert main(["fit", str(path), "--device", "cpu32", "--kv", "f16", "--exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["context"] == 16_384
    (row,) = found["rows"]
    assert (row["file"], row["verdict"], row["quantization"]) == ("tiny.gguf", "fits", "Q8_0")
    # Two layers, one KV head of 32: keys and values of two bytes.
    assert row["kv_bytes"] == 16_384 * 2 * 32 * 2 * 2
