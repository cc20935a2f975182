"""The types that are predicted for each tensor against llama.cpp's own, by its dry run.

True dimensions, in sparse files. PONDER_QUANTIZE_MODELS=all takes every architecture.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import WorldError
from app.fit import blueprint, sparse
from app.fit.blueprint import Dimensions
from app.models import quantize_types as types
from app.models.gguf import read_header
from app.models.quantize_rules import targets
from tests.support.shapes import MODELS

ROOT = Path(__file__).resolve().parents[2]

SOME = {
    # Every rule that depends on the model: tied, shared heads, eight and many experts, odd rows.
    "tied": MODELS["qwen3 4B"],
    "experts": MODELS["qwen3moe 30B"],
    "experts of odd width": MODELS["gpt-oss 20B"],
    "eight experts": Dimensions(
        "llama", 32, 4096, 32, 8, 128, 14336, 32000, 32768, experts=8, experts_used=2
    ),
    "70B": Dimensions("llama", 80, 8192, 64, 8, 128, 28672, 128256, 131072),
    "heads of their own": Dimensions("llama", 22, 2048, 32, 32, 64, 5632, 32000, 4096),
    "the demo model": Dimensions("llama", 4, 128, 4, 2, 32, 320, 1024, 8192, tied=True),
    "odd rows": Dimensions("llama", 16, 1056, 33, 11, 32, 2128, 32000, 2048),
}
if os.environ.get("PONDER_QUANTIZE_MODELS") == "all":
    SOME |= MODELS

_CHILD = """
import json, sys
from app.engine.backends.quantizing import GgufOrder, _gguf
for name, number in json.loads(sys.argv[2]).items():
    told = _gguf(GgufOrder(sys.argv[1], "", number, 1, dry_run=True), lambda step: None)
    print(json.dumps([name, told.refusal, told.lines]), flush=True)
"""
_TOLD = re.compile(
    r"^\[\s*\d+/\s*\d+\] (\S+)\s+- \[.*\], type =\s*(\S+), "
    r"size =\s*[\d.]+ MiB(?: ->\s*[\d.]+ MiB \((\S+)\))?$"
)


@pytest.mark.parametrize("model", SOME)
def test_every_tensor_of_every_type_is_as_predicted(tmp_path: Path, model: str) -> None:
    path = sparse.write(tmp_path / "model.gguf", blueprint.header(SOME[model], "F16"))
    header = read_header(path)
    numbers = json.dumps({name: kind.number for name, kind in types.FILE_TYPES.items()})
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), numbers],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer[0] for answer in answers] == list(types.FILE_TYPES)
    for name, refusal, lines in answers:
        told = [
            (found[1], (found[3] or found[2]).lower())
            for line in lines
            if (found := _TOLD.match(line))
        ]
        try:
            predicted = targets(header, header.tensors, name)
        except WorldError:
            assert "no tensor type fallback" in refusal, name
            continue
        assert not refusal, name
        wanted = [(item.tensor.name, types.type_name(item.type).lower()) for item in predicted]
        assert told == wanted, name
        needs = any("require an imatrix" in line for line in lines)
        assert any(item.needs_imatrix for item in predicted) == needs, name
        if model == "70B":
            assert needs == (name in types.NEED_IMATRIX), name
