"""The one place that imports MLX and mlx-lm, and what has to be known of the machine for them.

mlx_lm's package imports transformers and the hub's client: 2 s and 60 MB before the first token,
for a tokenizer and downloads that are not used here. What is used needs neither: 0.1 s.
"""

import functools
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import types
from dataclasses import dataclass
from typing import Any

import psutil

from app.errors import Problem, WorldError

_UNUSED = {
    "huggingface_hub": ("snapshot_download",),
    "mlx_lm.tokenizer_utils": ("TokenizerWrapper", "load"),
}
"""Modules that mlx_lm.utils wants for what is never called, and the names it takes of them."""


@dataclass(frozen=True, slots=True)
class Library:
    """The modules: mlx.core, mlx.utils, mlx_lm.utils and mlx_lm.models.cache."""

    core: Any
    trees: Any
    models: Any
    caches: Any


@functools.cache
def library() -> Library:
    """Import the modules. Raises WorldError where they are missing or do not load."""
    # What is loaded is here: nothing may be asked of the hub, whatever a model's code imports.
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    try:
        return Library(
            core=importlib.import_module("mlx.core"),
            trees=importlib.import_module("mlx.utils"),
            models=_models(),
            caches=importlib.import_module("mlx_lm.models.cache"),
        )
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise WorldError(_missing(str(error))) from error


def _missing(detail: str) -> Problem:
    if sys.platform == "darwin":
        return Problem(
            "engine-library",
            "The engine for MLX models could not be loaded.",
            "Run python3 run.py once more on a Mac with Apple silicon, or choose a GGUF model.",
            detail,
        )
    return Problem(
        "no-mlx-engine",
        "There is no engine for MLX models on this computer: they run on Macs with Apple silicon.",
        "Choose a GGUF of the same model.",
        detail,
    )


def _models() -> Any:
    """Import mlx_lm.utils without its package's own __init__, and without what it does not need."""
    spec = importlib.util.find_spec("mlx_lm")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("mlx_lm is not installed")
    if "mlx_lm" not in sys.modules:
        package = types.ModuleType("mlx_lm")
        package.__path__ = list(spec.submodule_search_locations)
        package.__spec__ = spec
        sys.modules["mlx_lm"] = package
    placeholders = {}
    for name, wanted in _UNUSED.items():
        if name not in sys.modules:
            placeholders[name] = sys.modules[name] = types.ModuleType(name)
            for attribute in wanted:
                setattr(placeholders[name], attribute, None)
    try:
        return importlib.import_module("mlx_lm.utils")
    finally:
        for name in placeholders:  # whoever wants the real one gets it
            del sys.modules[name]


def build() -> str:
    """Return the engine's name and version."""
    version = importlib.metadata.version
    return f"mlx-lm {version('mlx-lm')} (MLX {version('mlx')})"


def on_gpu(core: Any) -> bool:
    """Return whether MLX computes on a graphics device."""
    return bool(core.default_device() == core.gpu)


def device(core: Any) -> str:
    """Return where models run, in words: "Apple M2 Max", "CPU (MLX)"."""
    if not on_gpu(core):
        return "CPU (MLX)"
    return str(core.device_info().get("device_name") or "GPU (MLX)")


def limit_bytes(core: Any) -> int:
    """Return how much memory a model may take here.

    Of a Mac what the system recommends: beyond it whole Macs have been seen to go down. Elsewhere
    what is free: MLX ends the process where it gets none.
    """
    if on_gpu(core):
        said = core.device_info().get("max_recommended_working_set_size")
        if said:
            return int(said)
    return int(psutil.virtual_memory().available)


def bound(core: Any) -> None:
    """Hold MLX to the limit, and let a Mac's system not page out what it computes with."""
    if on_gpu(core):
        limit = limit_bytes(core)
        core.set_memory_limit(limit)
        core.set_wired_limit(limit)


def unbound(core: Any) -> None:
    """Give back what `bound` held."""
    core.clear_cache()
    if on_gpu(core):
        core.set_wired_limit(0)
