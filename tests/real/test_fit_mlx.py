"""What is planned for MLX, against mlx_lm itself: a small model on whatever MLX runs on here."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.fit import mlx_shape
from app.fit.devices import named
from app.fit.memory import Placement, estimate
from tests.support.honesty import ROOT

if importlib.util.find_spec("mlx_lm") is None:
    pytest.skip("mlx_lm is not installed", allow_module_level=True)

CONTEXT = 256
BITS = {"f16": 16, "q8_0": 8, "q4_0": 4}


def child(*arguments: str) -> str:
    command = [sys.executable, "-m", "tests.support.mlx_child", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mlx") / "model"
    child("make", str(path))
    return path


@pytest.mark.parametrize("kv", BITS)
def test_weights_and_cache_are_what_mlx_holds(folder: Path, kv: str) -> None:
    found = json.loads(child("run", str(folder), str(CONTEXT), str(BITS[kv])).splitlines()[-1])
    shape = mlx_shape.read(folder)
    (parts,) = estimate(shape, Placement(CONTEXT, kv), named("mac32")).gpus
    assert parts.weights == pytest.approx(found["weights"], rel=0.001)
    assert parts.kv == pytest.approx(found["cache"], rel=0.001)
    assert parts.weights + parts.kv == pytest.approx(found["active"], rel=0.02)
    assert found["peak"] < parts.total


def test_the_cache_is_bounded_by_the_context(folder: Path) -> None:
    """Fewer tokens never take more than was promised for all of them."""
    shape = mlx_shape.read(folder)
    found = json.loads(child("run", str(folder), "100", "8").splitlines()[-1])
    (parts,) = estimate(shape, Placement(CONTEXT, "q8_0"), named("mac32")).gpus
    assert 0 < found["cache"] <= parts.kv
