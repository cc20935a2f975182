"""What this process takes beside llama.cpp's buffers: so that a promise is held against the truth.

The driver's context, the kernels and the vocabulary are in no buffer. What the system cannot tell
is None, and stays the assumption that it was.
"""

import ctypes
import importlib
import os
from collections.abc import Iterable

import psutil

from app.engine.backends.buffers import Buffers
from app.engine.protocol import DeviceMemory


def anonymous_bytes() -> int | None:
    """Return the memory of this process that is no file's, None where the system cannot tell."""
    memory = psutil.Process().memory_info()
    shared: int | None = getattr(memory, "shared", None)  # Linux
    private: int | None = getattr(memory, "private", None)  # Windows
    return private if shared is None else memory.rss - shared


def nvidia_bytes() -> int | None:
    """Return what this process has on NVIDIA's cards, its contexts included, by the driver's count.

    None where the driver does not count by process: on Windows, and in containers that hide ids.
    """
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
        mine = [
            process.usedGpuMemory
            for at in range(nvml.nvmlDeviceGetCount())
            for process in nvml.nvmlDeviceGetComputeRunningProcesses(
                nvml.nvmlDeviceGetHandleByIndex(at)
            )
            if process.pid == os.getpid()
        ]
    except nvml.NVMLError:
        return None
    return sum(mine) if mine and all(mine) else None


def allocated(buffers: Buffers, *, weights_bytes: int, tied_bytes: int) -> tuple[DeviceMemory, ...]:
    """Return what a load took, main memory first, then the cards.

    weights_bytes: of all tensors in the file; tied_bytes: of the embedding where it is the output
    too.
    """
    names = {name for part in _parts(buffers) for name in part}
    cards = sorted({name.partition("_")[0] for name in names if is_card(name)})
    mapped = _mapped(buffers, weights_bytes, tied_bytes)
    host = mapped + sum(
        size
        for part in _parts(buffers)
        for name, size in part.items()
        if not is_card(name) and not name.endswith("_Mapped")
    )
    found = [
        DeviceMemory("CPU", False, host, mapped, _beside_host(buffers)),
    ]
    sizes = {card: _on_card(buffers, card) for card in cards}
    nvidia = nvidia_bytes() if any(card.startswith("CUDA") for card in cards) else None
    for card in cards:
        beside = None if nvidia is None else 0
        if nvidia is not None and card == cards[0]:
            beside = max(0, nvidia - sum(sizes.values()))
        found.append(DeviceMemory(card, True, sizes[card], 0, beside))
    return tuple(found)


def is_card(buffer: str) -> bool:
    """Return whether a buffer of this name is a graphics device's."""
    return not buffer.startswith(("CPU", "AMX", "BLAS")) and not buffer.endswith("_Host")


def give_back() -> None:
    """Hand freed memory back to the system where the C library would keep it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def _parts(buffers: Buffers) -> Iterable[dict[str, int]]:
    return buffers.weights, buffers.kv, buffers.compute, buffers.output


def _on_card(buffers: Buffers, card: str) -> int:
    return sum(
        size
        for part in _parts(buffers)
        for name, size in part.items()
        if is_card(name) and name.partition("_")[0] == card
    )


def _mapped(buffers: Buffers, weights_bytes: int, tied_bytes: int) -> int:
    """Return the bytes of the file that stay in use in main memory.

    llama.cpp tells the whole range from the first tensor to the last, also where most of those
    between were copied to other buffers.
    """
    told = sum(
        size
        for name, size in buffers.weights.items()
        if name.endswith("_Mapped") and not is_card(name)
    )
    others = sum(buffers.weights.values()) - told
    copied = tied_bytes if others + tied_bytes > weights_bytes else 0
    return min(told, max(0, weights_bytes - others) + copied)


def _beside_host(buffers: Buffers) -> int | None:
    """Return what main memory holds beside the buffers: this program, and llama.cpp's vocabulary.

    Compute buffers are not touched before the first token.
    """
    now = anonymous_bytes()
    if now is None:
        return None
    touched = sum(
        size
        for part in (buffers.weights, buffers.kv)
        for name, size in part.items()
        if not is_card(name) and not name.endswith("_Mapped")
    )
    return max(0, now - touched)
