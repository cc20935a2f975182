"""What llama.cpp can compute on: the devices it reports, and what it was built for.

Asking starts the drivers and, with CUDA, takes some 300 MB on each card for a context. So this is
only for a child that ends right after; the bindings have none of it, ggml's own library does.
"""

import ctypes
import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.engine.backends.llama_library import build, library

_KINDS = ("cpu", "gpu", "igpu", "accel", "meta")  # enum ggml_backend_dev_type of ggml-backend.h
_HIDES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES")


@dataclass(frozen=True, slots=True)
class Device:
    """One device. backend: "CUDA", "Vulkan", "MTL", "CPU"… pci_id: "0000:01:00.0", "" if unknown.

    kind: "gpu" has memory of its own, "igpu" shares the computer's. free_bytes and total_bytes are
    the driver's words; the CPU's free is its total.
    """

    backend: str
    name: str
    description: str
    kind: str
    pci_id: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Build:
    """The library. backends: what it was built for; hidden: variables that hide devices from it."""

    version: str
    gpu_offload: bool
    backends: tuple[str, ...]
    devices: tuple[Device, ...]
    hidden: tuple[str, ...]


class _Props(ctypes.Structure):
    """struct ggml_backend_dev_props; caps has five flags so far, and room for more to come."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("description", ctypes.c_char_p),
        ("memory_free", ctypes.c_size_t),
        ("memory_total", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("device_id", ctypes.c_char_p),
        ("caps", ctypes.c_bool * 64),
    )


def examine() -> Build:
    """Ask the library. Raises WorldError where it does not load; a bad driver ends the process."""
    api = library()
    ggml = _ggml()
    registries = [ggml.ggml_backend_reg_get(at) for at in range(ggml.ggml_backend_reg_count())]
    return Build(
        version=build(),
        gpu_offload=bool(api.llama_supports_gpu_offload()),
        backends=tuple(_text(ggml.ggml_backend_reg_name(registry)) for registry in registries),
        devices=tuple(_devices(ggml)),
        hidden=tuple(f"{name}={os.environ[name]}" for name in _HIDES if name in os.environ),
    )


def _ggml() -> Any:
    """Return ggml's library with the signatures of what is called."""
    ggml = importlib.import_module("llama_cpp._ggml").libggml
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    for name, result, arguments in (
        ("ggml_backend_reg_count", size, []),
        ("ggml_backend_reg_get", pointer, [size]),
        ("ggml_backend_reg_name", ctypes.c_char_p, [pointer]),
        ("ggml_backend_dev_count", size, []),
        ("ggml_backend_dev_get", pointer, [size]),
        ("ggml_backend_dev_backend_reg", pointer, [pointer]),
        ("ggml_backend_dev_get_props", None, [pointer, ctypes.POINTER(_Props)]),
    ):
        function = getattr(ggml, name)
        function.restype, function.argtypes = result, arguments
    return ggml


def _devices(ggml: Any) -> Iterator[Device]:
    for at in range(ggml.ggml_backend_dev_count()):
        device = ggml.ggml_backend_dev_get(at)
        props = _Props()
        ggml.ggml_backend_dev_get_props(device, ctypes.byref(props))
        yield Device(
            backend=_text(ggml.ggml_backend_reg_name(ggml.ggml_backend_dev_backend_reg(device))),
            name=_text(props.name),
            description=_text(props.description),
            kind=_KINDS[props.type] if 0 <= props.type < len(_KINDS) else "other",
            pci_id=_text(props.device_id),
            free_bytes=props.memory_free,
            total_bytes=props.memory_total,
        )


def _text(data: bytes | None) -> str:
    return data.decode("utf-8", "replace") if data else ""
