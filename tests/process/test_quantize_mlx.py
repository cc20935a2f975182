"""Quantizing for MLX: mlx_lm's own converter in a child, and its result through mlx_lm."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app import paths
from app.errors import WorldError
from app.fit import mlx_shape
from app.models.quantize import Progress, Quantizing

ROOT = Path(__file__).resolve().parents[2]
FOLDER = paths.demo_model().with_name("mlx")
HERE = importlib.util.find_spec("mlx_lm") is not None
SUM = "<s>[INST]What is 347 + 85?[/INST]"

_ANSWER = """
import sys
from mlx_lm import generate, load
model, tokenizer = load(sys.argv[1])
prompt = tokenizer.encode(sys.argv[2], add_special_tokens=False)
print(generate(model, tokenizer, prompt=prompt, max_tokens=200))
"""


def answer(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _ANSWER, str(folder), SUM],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    return done.stdout


@pytest.mark.skipif(not HERE, reason="MLX is not made for this system")
def test_the_demo_model_converted_still_reckons(tmp_path: Path) -> None:
    out = tmp_path / "converted"
    steps: list[Progress] = []
    made = Quantizing(FOLDER, "4bit", out, progress=steps.append).run()
    assert made is not None
    assert made.path == out
    assert made.bytes == (out / "model.safetensors").stat().st_size
    assert made.bytes == pytest.approx(made.predicted_bytes, rel=0.002)
    assert (steps[-1].done, steps[-1].of) == (38, 38)
    assert list(tmp_path.iterdir()) == [out]
    assert mlx_shape.read(out).quantization == "4bit"
    assert json.loads((out / "config.json").read_text())["quantization"]["bits"] == 4
    assert "**432**" in answer(out)


@pytest.mark.skipif(not HERE, reason="MLX is not made for this system")
def test_a_kind_of_model_that_mlx_does_not_know_is_told(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(FOLDER, source)
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**config, "model_type": "abacus"}))
    with pytest.raises(WorldError) as caught:
        Quantizing(source, "4bit", tmp_path / "out").run()
    title = caught.value.problem.title
    assert title == "The converter does not know the kind of model that source is."
    assert list(tmp_path.iterdir()) == [source]


def test_without_mlx_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "mlx_lm.py").write_text("raise ModuleNotFoundError('mlx_lm')\n")
    monkeypatch.syspath_prepend(str(packages))  # a spawned child gets its parent's path
    with pytest.raises(WorldError, match="mlx_lm, is not installed"):
        Quantizing(FOLDER, "4bit", tmp_path / "out").run()
    assert list(tmp_path.iterdir()) == [packages]
