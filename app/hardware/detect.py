"""Detection: ask every probe there is, say which one answered, never fail.

Each probe is a short-lived program or a file of the system, so that the window holds no GPU context
and a crashing driver cannot take it down. It can take a second (nvidia-smi wakes the card): call it
off the window's thread.
"""

import contextlib
import os
import platform
import subprocess
import sys
from pathlib import Path

from app import paths
from app.hardware import parse
from app.hardware.types import Cpu, Disk, Gpu, Hardware, Ram

_PROBE_TIMEOUT_S = 10.0


def detect() -> Hardware:
    """Return what this machine has. A probe that fails leaves a note, never an exception."""
    notes: list[str] = []
    gpus = _nvidia(notes)
    if sys.platform == "linux":
        gpus += _sysfs(skip_nvidia=bool(gpus))
    elif sys.platform == "darwin":
        gpus += _apple()
    if not gpus:
        notes.append("No graphics card was found that runs models: they run on the processor.")
    return Hardware(gpus, _cpu(), _ram(), _disk(), tuple(notes))


def _run(*command: str) -> str | None:
    """Return a program's output, None where it is missing; its failure is its output's business."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _nvidia(notes: list[str]) -> tuple[Gpu, ...]:
    text = _run(
        "nvidia-smi", f"--query-gpu={parse.NVIDIA_SMI_QUERY}", "--format=csv,noheader,nounits"
    )
    if text is None:
        if Path("/proc/driver/nvidia/version").exists():
            notes.append("An NVIDIA driver is loaded, but nvidia-smi did not answer.")
        return ()
    return parse.nvidia_smi(text)


def _sysfs(*, skip_nvidia: bool) -> tuple[Gpu, ...]:
    wanted = ("vendor", "device", "product_name", "mem_info_vram_total", "mem_info_vram_used")
    found: list[Gpu] = []
    for card in sorted(Path("/sys/class/drm").glob("card[0-9]*")):
        folder = card / "device"
        if "-" in card.name or not (folder / "vendor").exists():
            continue  # card0-HDMI-A-1 and the like are outputs, not cards
        files: dict[str, str] = {}
        for name in wanted:
            try:
                files[name] = (folder / name).read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
        driver = folder / "driver"
        files["driver"] = driver.resolve().name if driver.exists() else ""
        gpu = parse.drm_card(files)
        if gpu is not None and not (skip_nvidia and gpu.vendor == "NVIDIA"):
            found.append(gpu)
    return tuple(found)


def _apple() -> tuple[Gpu, ...]:
    if platform.machine() != "arm64":
        return ()
    chip = _run("sysctl", "-n", "machdep.cpu.brand_string")
    memory = _run("sysctl", "-n", "hw.memsize")
    limit = _run("sysctl", "-n", "iogpu.wired_limit_mb")
    if not chip or not memory:
        return ()
    return (parse.apple(chip.strip(), int(memory), int(limit or 0)),)


def _cpu() -> Cpu:
    import psutil

    name = platform.processor()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            name = parse.cpu_model(Path("/proc/cpuinfo").read_text(encoding="utf-8")) or name
    elif sys.platform == "darwin":
        name = (_run("sysctl", "-n", "machdep.cpu.brand_string") or name).strip()
    elif sys.platform == "win32":
        name = os.environ.get("PROCESSOR_IDENTIFIER", name)
    threads = psutil.cpu_count(logical=True) or 1
    return Cpu(
        name or "processor",
        psutil.cpu_count(logical=False) or threads,
        threads,
        platform.machine(),
    )


def _ram() -> Ram:
    import psutil

    memory = psutil.virtual_memory()
    return Ram(total_bytes=memory.total, available_bytes=memory.available)


def _disk() -> Disk:
    import psutil

    folder = paths.data_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = psutil.disk_usage(str(folder))
    return Disk(str(folder), usage.total, usage.free)
