"""Detection: ask every probe there is, put their words together, say which one said what.

`detect` takes 0.3 to 3 s, since it starts processes and wakes drivers: call it off the window's
thread. `interpret` is all of it that thinks, and pure: machines that are not here are its tests.
"""

import json
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app import paths
from app.hardware import children, engine, linux, macos, nvidia, windows
from app.hardware.merge import merge
from app.hardware.sighting import ProbeError, Sighting
from app.hardware.types import Cpu, Disk, Hardware, Probe, Ram

PATIENCE_S = 2.5
"""With the start of a process (0.1 s) and its end a probe that hangs costs less than 3 s."""

_GIB = 1024**3
_READERS: dict[str, Callable[[str], tuple[Sighting, ...]]] = {
    # In the order in which they are believed.
    children.NVML: nvidia.nvml,
    children.SMI: nvidia.smi,
    children.SYSCTL: macos.sysctl,
    children.ENGINE: engine.devices,
    children.SYSFS: linux.sysfs,
    children.REGISTRY: windows.registry,
    children.PROFILER: macos.profiler,
}
_MISSING = ("not installed", "no registry")


def detect(patience_s: float = PATIENCE_S) -> Hardware:
    """Return what this machine has. A probe that fails leaves a note, never an exception.

    patience_s: how long a probe may take (they are asked at once), more on a machine so busy that
    starting a process takes a second. May be called on any thread.
    """
    texts, problems = children.ask(_probes(), patience_s)
    return interpret({"system": json.dumps(_system()), **texts}, problems)


def _probes() -> list[str]:
    names = [children.ENGINE]
    if sys.platform == "darwin":
        names += [children.SYSCTL, children.PROFILER]
    else:
        names.append(children.REGISTRY if sys.platform == "win32" else children.SYSFS)
        if nvidia.installed():
            names.append(children.NVML)
    return names


def _system() -> dict[str, Any]:
    """Return what needs no driver, and so no child."""
    import psutil

    folder = paths.data_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    disk = psutil.disk_usage(str(folder))
    memory = psutil.virtual_memory()
    linux_here = sys.platform == "linux"
    threads = psutil.cpu_count(logical=True) or 1
    return {
        "platform": sys.platform,
        "release": platform.release(),
        "machine": platform.machine(),
        "processor": windows.cpu_name() or platform.processor(),
        "cpuinfo": Path("/proc/cpuinfo").read_text(encoding="utf-8") if linux_here else "",
        "cores": psutil.cpu_count(logical=False) or threads,
        "threads": threads,
        "ram_total": memory.total,
        "ram_available": memory.available,
        "cgroups": linux.ask_cgroups() if linux_here else [],
        "disk_path": str(folder),
        "disk_total": disk.total,
        "disk_free": disk.free,
    }


def interpret(texts: Mapping[str, str], problems: Mapping[str, str]) -> Hardware:
    """Return the hardware from what the probes printed, and why others printed nothing.

    texts: by probe, as `children.ask` gives them, and "system", the JSON of what needs no driver.
    """
    system = json.loads(texts["system"])
    failed = dict(problems)
    seen: dict[str, tuple[Sighting, ...]] = {}
    for probe, read in _READERS.items():
        if probe in texts:
            try:
                seen[probe] = read(texts[probe])
            except ProbeError as error:
                failed[probe] = str(error)
    ram, notes = _ram(system)
    gpus, disagreements = merge(
        [one for some in seen.values() for one in some], ram.available_bytes
    )
    notes += [f"{probe}: {why}." for probe, why in failed.items() if _matters(why)]
    notes += disagreements
    notes += _hints(system, [one for some in seen.values() for one in some])
    if not gpus:
        notes.append("No graphics card was found that runs models: they run on the processor.")
    return Hardware(
        gpus,
        Cpu(_cpu_name(system, texts), system["cores"], system["threads"], system["machine"]),
        ram,
        Disk(system["disk_path"], system["disk_total"], system["disk_free"]),
        tuple(notes),
        engine.build(texts[children.ENGINE]) if children.ENGINE in seen else None,
        tuple(
            Probe(
                probe,
                tuple(one.name or f"{one.vendor} graphics" for one in seen.get(probe, ())),
                failed.get(probe, ""),
            )
            for probe in _READERS
            if probe in seen or probe in failed
        ),
    )


def _matters(why: str) -> bool:
    """Whether a probe's failure is worth a note: one that is not installed has others beside it."""
    return not any(words in why for words in _MISSING)


def _ram(system: Mapping[str, Any]) -> tuple[Ram, list[str]]:
    total, available = linux.within_limits(
        system["ram_total"], system["ram_available"], system["cgroups"]
    )
    if total == system["ram_total"]:
        return Ram(total, available), []
    physical = system["ram_total"]
    note = (
        f"This process may use {total / _GIB:.1f} GB of the computer's {physical / _GIB:.1f} GB "
        "of memory (a container's limit)."
    )
    return Ram(total, available), [note]


def _cpu_name(system: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """Return the processor's name: Linux's file, Mac's sysctl, or what Python knows."""
    mac = macos.values(texts.get(children.SYSCTL, "")).get("machdep.cpu.brand_string", "")
    return linux.cpu_name(system["cpuinfo"]) or mac or system["processor"] or "processor"


def _hints(system: Mapping[str, Any], seen: list[Sighting]) -> list[str]:
    hints = []
    if linux.is_wsl(system["release"]):
        hints.append(
            "This is Linux inside Windows (WSL2): the memory is the share that Windows gives it, "
            "half of the computer's unless .wslconfig says otherwise."
        )
    if any(one.driver == "nouveau" for one in seen):
        hints.append(
            "The NVIDIA card runs with the driver nouveau, which runs no models: "
            "install NVIDIA's own driver."
        )
    return hints
