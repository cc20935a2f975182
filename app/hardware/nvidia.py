"""NVIDIA's cards: through NVML, and through nvidia-smi where that is missing or fails.

NVML version 2 of the memory's figures: version 1 counts what the driver keeps for itself as used by
programs, or not at all, depending on the driver.
"""

import csv
import importlib
import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from app.hardware.sighting import ProbeError, Sighting

_MIB = 1024 * 1024
_QUERY = "name,pci.bus_id,memory.total,memory.free,driver_version"
_WSL = "/usr/lib/wsl/lib/nvidia-smi"  # not always on the PATH
_CAUSES = ("driver", "nvml", "library", "gpu", "device", "fail", "insufficient")


def installed() -> bool:
    """Whether a driver of NVIDIA's is there to be asked. Looks at files only."""
    if sys.platform == "win32":
        system = Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32"
        return (system / "nvml.dll").exists() or program() is not None
    return Path("/proc/driver/nvidia").exists() or program() is not None


def program() -> str | None:
    """Return the path of nvidia-smi."""
    found = shutil.which("nvidia-smi")
    return found or (_WSL if sys.platform == "linux" and Path(_WSL).exists() else None)


def ask_nvml() -> str:
    """Return what NVML says, as JSON. In a child only: it loads the driver's library.

    Raises ProbeError.
    """
    try:
        pynvml: Any = importlib.import_module("pynvml")
    except ImportError as error:  # nvidia-smi serves without it
        raise ProbeError("the package nvidia-ml-py is not installed") from error
    try:
        pynvml.nvmlInit()
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(at) for at in range(pynvml.nvmlDeviceGetCount())
        ]
        devices = [
            {
                "name": _str(pynvml.nvmlDeviceGetName(handle)),
                "pci": _str(pynvml.nvmlDeviceGetPciInfo(handle).busId),
                **_memory(pynvml, handle),
            }
            for handle in handles
        ]
        return json.dumps({"driver": _str(pynvml.nvmlSystemGetDriverVersion()), "devices": devices})
    except pynvml.NVMLError_LibraryNotFound as error:
        raise ProbeError("NVIDIA's driver is not installed (it brings NVML's library)") from error
    except pynvml.NVMLError_DriverNotLoaded as error:
        raise ProbeError("NVIDIA's driver is there but not loaded: restart the computer") from error
    except pynvml.NVMLError as error:
        raise ProbeError(f"it said: {error}") from error


def _memory(pynvml: Any, handle: Any) -> dict[str, int | None]:
    """Return total, free and reserved bytes; None each for a card without memory of its own."""
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    except pynvml.NVMLError_FunctionNotFound:  # drivers before 510
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError_NotSupported:
        return {"total": None, "free": None, "reserved": None}
    return {
        "total": memory.total,
        "free": memory.free,
        "reserved": getattr(memory, "reserved", None),
    }


def _str(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


def nvml(text: str) -> tuple[Sighting, ...]:
    """Read the JSON of `ask_nvml`."""
    said = json.loads(text)
    return tuple(
        Sighting(
            probe="NVML",
            vendor="NVIDIA",
            name=device["name"],
            pci_id=pci_id(device["pci"]),
            total_bytes=device["total"],
            free_bytes=device["free"],
            # Jetson and GB10 have no memory of their own, and the driver says so.
            integrated=device["total"] is None,
            driver=said["driver"],
        )
        for device in said["devices"]
    )


def smi_command() -> tuple[str, ...]:
    """Return nvidia-smi's command line. Raises ProbeError where it is not installed."""
    found = program()
    if found is None:
        raise ProbeError("nvidia-smi is not installed")
    return (found, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits")


def smi(text: str) -> tuple[Sighting, ...]:
    """Read nvidia-smi's CSV (sizes in MiB). A size may be "[N/A]" or "[Not Supported]".

    Raises ProbeError with its words where they are no table (exit status 0 or not).
    """
    rows = [
        [field.strip() for field in row]
        for row in csv.reader(io.StringIO(text.replace("\0", "")), skipinitialspace=True)
        if len(row) == 5
    ]
    found = tuple(_smi_row(row) for row in rows if pci_id(row[1]))
    if not found and text.strip() and "no devices were found" not in text.lower():
        raise ProbeError(f"it said: {_first_line(text)}")
    return found


def _smi_row(fields: list[str]) -> Sighting:
    name, bus, total, free, driver = fields
    return Sighting(
        probe="nvidia-smi",
        vendor="NVIDIA",
        name=name,
        pci_id=pci_id(bus),
        total_bytes=_mib(total),
        free_bytes=_mib(free),
        integrated=_mib(total) is None,
        driver=driver,
    )


def _mib(field: str) -> int | None:
    return int(float(field) * _MIB) if re.fullmatch(r"\d+(\.\d+)?", field) else None


def _first_line(text: str) -> str:
    """Return the line of a failure that names a cause, else the first, cut to a readable length."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = (line for line in lines if any(word in line.lower() for word in _CAUSES))
    return next(telling, lines[0])[:200]


def pci_id(bus: str) -> str:
    """Return "0000:01:00.0" for NVML's "00000000:01:00.0", "" for what is no address."""
    match = re.fullmatch(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])", bus.lower())
    return f"{int(match.group(1) or '0', 16):04x}:{match.group(2)}" if match else ""
