"""Verdicts in sentences, for the picker and the command line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.fit import quality

if TYPE_CHECKING:
    from app.fit.devices import Machine
    from app.fit.memory import Parts
    from app.fit.plan import Row

GB = 2**30
"""Bytes in what is called a GB of memory: as cards and computers are sold ("24 GB")."""
FILE_GB = 1e9
"""Bytes in a GB of a file: as disks and the hub count."""


def memory(size: int) -> str:
    """Return an amount of memory as it is shown: GB with one digit, MB below one."""
    return f"{size / GB:.1f} GB" if abs(size) >= GB else f"{size / 2**20:.0f} MB"


def file_size(size: int) -> str:
    """Return a file's size as it is shown: GB with one digit, MB below one."""
    return f"{size / FILE_GB:.1f} GB" if abs(size) >= FILE_GB else f"{size / 1e6:.0f} MB"


def row(row: "Row", machine: "Machine") -> str:
    """Return the verdict on a placement that fits."""
    speed = _speed(row)
    if row.verdict == "fits":
        return f"Fits with {memory(row.spare_bytes)} to spare{speed}; {_quality(row)}."
    if row.placement.cpu_experts:
        where = "Fits with the experts in main memory"
    else:
        layers = len(row.shape.layers)
        where = f"Fits with {row.placement.gpu_layers} of {layers} layers on the GPU"
    return f"{where}{speed}; {_quality(row)}."


def _speed(row: "Row") -> str:
    if row.tokens_per_s is None:
        return ""
    about = f"{row.tokens_per_s:.0f}" if row.tokens_per_s >= 10 else f"{row.tokens_per_s:.1f}"
    return f", {about} tokens a second " + ("measured" if row.measured else "(estimate)")


def _quality(row: "Row") -> str:
    return quality.in_words(row.quantization, row.placement.kv)


def too_big(parts: "Parts", spare_bytes: int) -> str:
    """Return the verdict on what does not fit."""
    return f"Needs {memory(parts.total)}, which is {memory(-spare_bytes)} too much."


def no_mlx() -> str:
    """Return the verdict on an MLX model where there is no Mac."""
    return "MLX models run on Macs with Apple silicon: choose a GGUF of the same model."


def choice(chosen: "Row | None", rows: Sequence["Row"], machine: "Machine", context: int) -> str:
    """Return why a row was chosen, or what would fit where none was."""
    if chosen is not None:
        begin = f"{chosen.quantization}, KV cache {chosen.placement.kv}, {context:,} tokens"
        rest = chosen.reason[0].lower() + chosen.reason[1:]
        return f"{begin}: {rest}"
    if not rows:
        return "There is nothing to choose from."
    smallest = min(rows, key=lambda row: row.parts.total)
    advice = f"The smallest, {smallest.quantization}, needs {memory(smallest.parts.total)}"
    return (
        f"Nothing fits: {memory(machine.budget_bytes)} are free for a model. {advice}; choose a "
        f"smaller context than {context:,} tokens, a smaller model, or connect to a server."
    )
