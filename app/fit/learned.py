"""What this machine taught: promised and actual memory of each load, and measured speeds.

A promise that is never compared with what happened cannot become better. The correction is the
median of the last differences, for this machine and kind of model; it moves the overhead, the one
part of the promise that is assumed and not computed.
"""

import json
import statistics
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app import files, paths
from app.fit.explain import memory
from app.fit.shape import ModelShape

_VERSION = 1
_KEPT = 20
_FOR_CORRECTION = 5


@dataclass(frozen=True, slots=True)
class Load:
    """One load. Bytes on the devices it was meant for; kind: of the device ("cuda"). speed: in
    tokens a second, None before anything was written. correction_bytes: the part of the promise
    that earlier loads had taught: what is learned is the difference without it."""

    machine: str
    kind: str
    shape: str
    promised_bytes: int
    actual_bytes: int
    tokens_per_s: float | None = None
    correction_bytes: int = 0

    def in_words(self) -> str:
        """Return the comparison as it is shown: "promised 21.6 GB, used 21.5"."""
        promised, used = memory(self.promised_bytes), memory(self.actual_bytes)
        same = promised[-2:] == used[-2:]
        return f"promised {promised}, used {used[:-3] if same else used}"


def shape_key(shape: ModelShape) -> str:
    """Return what tells models apart that allocate differently."""
    return f"{shape.architecture}/{len(shape.layers)}x{shape.embedding}/{shape.quantization}"


class Learned:
    """The loads of the past, in a file that is replaced as a whole.

    A file that cannot be read (or written) costs the corrections, never the plan.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or paths.data_dir() / "fit.json"
        self._loads = self._read()

    def record(self, load: Load) -> None:
        """Keep a load; of each machine and kind of model the last ones stay."""
        same = [other for other in self._loads if _key(other) == _key(load)]
        forgotten = same[: max(0, len(same) - _KEPT + 1)]
        self._loads = [other for other in self._loads if other not in forgotten] + [load]
        self._write()

    def measured(self, machine: str, kind: str, shape: str, tokens_per_s: float) -> None:
        """Keep the speed of the last load of this kind; where there was none, nothing is kept."""
        for number, load in reversed(list(enumerate(self._loads))):
            if _key(load) == (machine, kind, shape):
                self._loads[number] = replace(load, tokens_per_s=tokens_per_s)
                self._write()
                return

    def correction_bytes(self, machine: str, kind: str, shape: str) -> int:
        """Return what to add to a promise: of loads of this shape, else of any on this device."""
        here = [load for load in self._loads if (load.machine, load.kind) == (machine, kind)]
        alike = [load for load in here if load.shape == shape] or here
        differences = [
            load.actual_bytes - load.promised_bytes + load.correction_bytes for load in alike
        ]
        return round(statistics.median(differences[-_FOR_CORRECTION:])) if differences else 0

    def tokens_per_s(self, machine: str, kind: str, shape: str) -> float | None:
        """Return the speed that was measured last, None where there was none."""
        for load in reversed(self._loads):
            if _key(load) == (machine, kind, shape) and load.tokens_per_s:
                return load.tokens_per_s
        return None

    def _read(self) -> list[Load]:
        try:
            value = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        if not isinstance(value, dict) or value.get("version") != _VERSION:
            return []
        loads: list[Load] = []
        for item in value.get("loads", ()):
            with suppress(TypeError):
                load = Load(**item)
                if _sound(load):
                    loads.append(load)
        return loads

    def _write(self) -> None:
        fields = Load.__slots__
        loads: list[dict[str, Any]] = [
            {name: getattr(load, name) for name in fields} for load in self._loads
        ]
        text = json.dumps({"version": _VERSION, "loads": loads}, indent=1)
        with suppress(OSError):
            files.replace(self._path, text)


def _key(load: Load) -> tuple[str, str, str]:
    return load.machine, load.kind, load.shape


def _sound(load: Load) -> bool:
    """Return whether a record from the file is one: someone may have edited it."""
    texts = (load.machine, load.kind, load.shape)
    sizes = (load.promised_bytes, load.actual_bytes)
    speed = load.tokens_per_s
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(size, int) and size > 0 for size in sizes)
        and isinstance(load.correction_bytes, int)
        and (speed is None or isinstance(speed, int | float))
    )
