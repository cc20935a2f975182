"""What is computed ahead of a draw changes no draw, and is right where a model copies."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import endless

PROMPT = (1, 3, 400, 4, 34)
TOKENS = 400


@pytest.mark.parametrize(
    ("thought", "right"),
    [(endless.straight(40), 0.95), (endless.rut(3, 50), 0.9)],
    ids=["circle", "rut"],
)
def test_the_same_tokens_with_and_without(
    tmp_path: Path, thought: endless.Passages, right: float
) -> None:
    told = both(endless.write_gguf(tmp_path / "model.gguf", thought))
    for way in ("greedy", "drawn"):
        assert told[f"ahead {way}"] == told[f"plain {way}"]
    assert told["guessed"] > TOKENS
    assert told["right"] > right * told["guessed"]


def test_where_nothing_comes_again_nothing_is_guessed(tmp_path: Path) -> None:
    told = both(endless.write_gguf(tmp_path / "model.gguf", endless.straight(1500)))
    assert told["ahead greedy"] == told["plain greedy"]
    assert told["guessed"] == 0


def both(path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.ahead_child", str(path), str(TOKENS)]
    done = subprocess.run(
        [*command, *map(str, PROMPT)], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
