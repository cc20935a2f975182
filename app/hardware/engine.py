"""The devices that llama.cpp itself reports: the only probe that knows what the engine can use."""

import dataclasses
import json
from typing import Any

from app.hardware import names
from app.hardware.sighting import ProbeError, Sighting
from app.hardware.types import Engine

PROBE = "llama.cpp"
_NAMES = {"MTL": "Metal"}  # as people call them
_NOT_A_GPU = ("CPU", "BLAS", "RPC")
_MAKERS = {"CUDA": "NVIDIA", "MUSA": "Moore Threads", "CANN": "Huawei", "Metal": "Apple"}


def ask_engine() -> str:
    """Return what llama.cpp says, as JSON. In a child only: it starts the drivers.

    Raises ProbeError where the library does not load.
    """
    from app.engine.backends.devices import examine
    from app.errors import WorldError

    try:
        return json.dumps(dataclasses.asdict(examine()))
    except WorldError as error:
        raise ProbeError(f"its library could not be loaded: {error.problem.detail}") from error


def build(text: str) -> Engine:
    """Read the JSON of `ask_engine`: what the library was built for."""
    said = json.loads(text)
    backends = [_NAMES.get(name, name) for name in said["backends"]]
    return Engine(
        version=said["version"],
        backends=tuple(name for name in backends if name not in _NOT_A_GPU),
        gpu_offload=said["gpu_offload"],
        hidden=tuple(said["hidden"]),
    )


def devices(text: str) -> tuple[Sighting, ...]:
    """Read the JSON of `ask_engine`: the devices that are graphics cards."""
    return tuple(
        _sighting(device)
        for device in json.loads(text)["devices"]
        if device["kind"] in ("gpu", "igpu") and not names.is_software(device["description"])
    )


def _sighting(device: dict[str, Any]) -> Sighting:
    backend = _NAMES.get(device["backend"], device["backend"])
    vendor = names.vendor_of(device["description"]) or _MAKERS.get(backend, "")
    name = names.clean(device["description"])
    total, free = device["total_bytes"], device["free_bytes"]
    return Sighting(
        probe=PROBE,
        vendor=vendor,
        name=name,
        pci_id=device["pci_id"].lower(),
        total_bytes=total or None,
        # A driver that cannot tell says that all is free.
        free_bytes=free if total and free < total else None,
        # Metal calls every device a card with memory of its own.
        integrated=device["kind"] == "igpu" or vendor == "Apple" or bool(names.integrated(name)),
        device=device["name"],
    )
