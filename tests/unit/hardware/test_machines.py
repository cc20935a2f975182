"""What the probes print on machines that are not here, and the whole value that must come of it.

tests/fixtures/machines has a folder for each: system.json (what needs no driver), a file for each
probe by its name, problems.json (why others printed nothing) and expected.json.
"""

import dataclasses
import json
from pathlib import Path

import pytest

from app.hardware.detect import interpret
from app.hardware.explain import verdicts
from app.hardware.types import Hardware

MACHINES = Path(__file__).resolve().parents[2] / "fixtures" / "machines"
NAMES = sorted(folder.name for folder in MACHINES.iterdir())


def detected(name: str) -> Hardware:
    files = {path.stem: path.read_text(encoding="utf-8") for path in (MACHINES / name).iterdir()}
    del files["expected"]
    return interpret(files, json.loads(files.pop("problems", "{}")))


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_what_it_is(name: str) -> None:
    expected = json.loads((MACHINES / name / "expected.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(dataclasses.asdict(detected(name)))) == expected


def test_there_are_machines_enough() -> None:
    assert len(NAMES) >= 12


VERDICTS = {
    "rtx4090-linux": (True, "The engine uses your RTX 4090 (CUDA0).", ""),
    "rtx3090-linux-smi": (
        False,
        "Your RTX 3090 was found, but the engine is built for the CPU.",
        "Run python3 run.py again with the CUDA toolkit installed: it builds the engine for CUDA.",
    ),
    "laptop-rtx4060-hybrid": (True, "The engine uses your RTX 4060 Laptop (Vulkan1).", ""),
    "rx7900xtx-windows-crash": (
        None,
        (
            "Your RX 7900 XTX was found, but the engine could not be asked about it: "
            "crashed (0xC0000005)."
        ),
        "If models do not load either, run python3 run.py again.",
    ),
    "arc-b580-linux-xe": (
        False,
        "Your Arc B580 was found, but the engine is built for the CPU.",
        (
            "Run python3 run.py again with the Vulkan SDK (glslc and Vulkan's headers) installed: "
            "it builds the engine for Vulkan."
        ),
    ),
    "m2max-32": (True, "The engine uses your M2 Max (MTL0).", ""),
    "m4pro-24-wired-limit": (
        False,
        "Your M4 Pro was found, but the engine is built for the CPU.",
        (
            "Run python3 run.py again with Xcode's command line tools installed: "
            "it builds the engine for Metal."
        ),
    ),
    "container-limit-l4": (
        False,
        "Your L4 was found, but the environment hides it from the engine: CUDA_VISIBLE_DEVICES=.",
        "Start Ponder without CUDA_VISIBLE_DEVICES.",
    ),
    "rtx4070-driver-mismatch": (
        False,
        (
            "Your RTX 4070 was found, but the engine, built for CUDA, does not see it: "
            "its driver is missing, too old, or lacks that part."
        ),
        "Install the newest driver from NVIDIA, start the computer anew and look again.",
    ),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_first_card_is_used_or_it_is_said_why_not(name: str) -> None:
    first = verdicts(detected(name))[0]
    assert (first.used, first.reason, first.advice) == VERDICTS[name]


def test_graphics_in_the_processor_are_listed_and_left_alone() -> None:
    card, inside = verdicts(detected("laptop-rtx4060-hybrid"))
    assert card.used
    assert inside.used is False
    assert inside.reason == (
        "The engine leaves your Intel Graphics alone: your RTX 4060 Laptop has memory of its own "
        "and is faster."
    )
    _, uhd = verdicts(detected("rtx3090-linux-smi"))
    assert uhd.used is False
    assert "hardly be faster" in uhd.reason
    assert not uhd.advice
