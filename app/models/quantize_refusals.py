"""Why a quantization failed, in a sentence: what the child said last, or how it ended."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine import death
from app.errors import Problem

if TYPE_CHECKING:
    from app.engine.backends.quantizing import Ended

_DISK = re.compile(r"iostream|basic_ios|ofstream|No space|Errno 28|File too large", re.IGNORECASE)
_DAMAGED = re.compile(
    r"invalid data|corrupt|within the file bounds|missing tensor|wrong shape|key not found"
    r"|Missing \d+ parameters|SafetensorError|JSONDecodeError",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(r"unknown model architecture|[Mm]odel type \S+ not supported")


def not_started(said: str) -> Problem:
    """Return the problem of a system that gives no further process."""
    return Problem(
        "quantize-died",
        "The quantization could not be started.",
        "Close other programs, then try again.",
        said,
    )


def died(exit_code: int | None, lines: Sequence[str], *, oom_killed: bool) -> Problem:
    """Return the problem of a child that ended without a word. exit_code: as multiprocessing's."""
    told = death.describe(exit_code, lines, oom_killed=oom_killed)
    memory = "out of memory" in told.title
    return replace(
        told,
        key="quantize-died",
        title=told.title.replace("The engine", "The quantization", 1),
        advice="Close other programs, then try again; nothing half-made was kept."
        if memory
        else "Try again, or choose another type; nothing half-made was kept.",
    )


def refused(source: Path, folder: Path, ended: "Ended") -> Problem:
    """Return the problem for what the library said last. folder: where it was writing."""
    said = ended.refusal
    if ended.missing:
        return _missing(source, said)
    if _DISK.search(said):
        return not_written(folder, said)
    if _UNKNOWN.search(said):
        return Problem(
            "quantize-source",
            f"The converter does not know the kind of model that {source.name} is.",
            "Update Ponder, or choose another model.",
            said,
        )
    if _DAMAGED.search(said):
        return Problem(
            "quantize-source",
            f"{source.name} is damaged or not a whole model.",
            "Download it again.",
            said,
        )
    return Problem(
        "quantize-refused",
        f"{source.name} could not be quantized.",
        "Choose another type, or another source of this model.",
        said,
    )


def not_written(path: Path, said: str) -> Problem:
    """Return the problem of a disk that did not take the result."""
    return Problem(
        "disk-full",
        "The disk did not take the whole result: it may be full.",
        "Free some space or choose another folder, then try again.",
        f"{path}: {said}",
    )


def _missing(source: Path, said: str) -> Problem:
    if source.is_dir():
        return Problem(
            "quantize-library",
            "MLX's converter, mlx_lm, is not installed here.",
            "Make MLX models on a Mac with Apple silicon, or choose a GGUF of this model.",
            said,
        )
    return Problem(
        "engine-library",
        "The engine's library, llama.cpp, could not be loaded.",
        "Run python3 run.py once more: it builds what is missing.",
        said,
    )
