"""Macs: the chip and its memory from sysctl, cards and GPU cores from system_profiler.

On Apple's chips the GPU uses the computer's memory. Metal lets one program have two thirds of it,
three quarters from 36 GB on (recommendedMaxWorkingSetSize: 21.33 GiB of 32, 16 of 24, 27 of 36);
`sudo sysctl iogpu.wired_limit_mb=N` sets another share.
"""

import json
import re

from app.hardware import names
from app.hardware.sighting import ProbeError, Sighting

SYSCTL = ("sysctl", "hw.memsize", "machdep.cpu.brand_string", "iogpu.wired_limit_mb")
SYSTEM_PROFILER = ("system_profiler", "SPDisplaysDataType", "-json")
_MIB = 1024**2
_GIB = 1024**3
_THREE_QUARTERS_FROM = 36 * _GIB
_UNITS = {"MB": _MIB, "GB": _GIB}


def values(text: str) -> dict[str, str]:
    """Read sysctl's lines ("hw.memsize: 34359738368"); one it does not know has no line."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def sysctl(text: str) -> tuple[Sighting, ...]:
    """Read sysctl's output: the GPU of an Apple chip, nothing on a Mac with an Intel processor.

    Raises ProbeError where it has not what it should.
    """
    said = values(text)
    chip, memory = said.get("machdep.cpu.brand_string", ""), said.get("hw.memsize", "")
    if not chip or not memory.isdigit():
        raise ProbeError(f"it said: {text.strip()[:200] or 'nothing'}")
    if not chip.startswith("Apple"):
        return ()
    limit = said.get("iogpu.wired_limit_mb", "0")
    return (
        Sighting(
            probe="sysctl",
            vendor="Apple",
            name=chip,
            total_bytes=working_set(int(memory), int(limit) if limit.isdigit() else 0),
            integrated=True,
            driver="Metal",
        ),
    )


def working_set(memory_bytes: int, wired_limit_mb: int) -> int:
    """Return what Metal lets one program have, in bytes; wired_limit_mb 0 is Apple's own share."""
    if wired_limit_mb > 0:
        return wired_limit_mb * _MIB
    if memory_bytes >= _THREE_QUARTERS_FROM:
        return memory_bytes * 3 // 4
    return memory_bytes * 2 // 3


def profiler(text: str) -> tuple[Sighting, ...]:
    """Read system_profiler's JSON. Raises ProbeError where it is none."""
    try:
        entries = json.loads(text)["SPDisplaysDataType"]
    except (ValueError, KeyError, TypeError) as error:
        raise ProbeError(f"it said: {text.strip()[:200] or 'nothing'}") from error
    found = []
    for entry in entries:
        name = entry.get("sppci_model") or entry.get("_name", "")
        vendor = names.vendor_of(f"{name} {entry.get('spdisplays_vendor', '')}")
        cores = str(entry.get("sppci_cores", ""))
        found.append(
            Sighting(
                probe="system_profiler",
                vendor=vendor,
                name=names.clean(name),
                total_bytes=_size(entry.get("spdisplays_vram", "")),
                integrated=entry.get("sppci_bus") == "spdisplays_builtin",
                driver="Metal" if "spdisplays_mtlgpufamilysupport" in entry else "",
                gpu_cores=int(cores) if cores.isdigit() else None,
            )
        )
    return tuple(found)


def _size(text: str) -> int | None:
    """Return the bytes of "8 GB" or "1536 MB"; a shared card has another key, and no size."""
    match = re.fullmatch(r"(\d+) (MB|GB)", text)
    return int(match.group(1)) * _UNITS[match.group(2)] if match else None
