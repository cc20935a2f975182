"""Pure readers of what the probes print, so that machines we do not have can be tested as text."""

import csv
import io
import re
from collections.abc import Mapping

from app.hardware.types import Gpu

_MIB = 1024 * 1024

NVIDIA_SMI_QUERY = "name,memory.total,memory.free,driver_version"


def nvidia_smi(text: str) -> tuple[Gpu, ...]:
    """Read `nvidia-smi --query-gpu=NVIDIA_SMI_QUERY --format=csv,noheader,nounits` (sizes in MiB).

    A field the driver does not support ("[N/A]", as memory on some integrated GPUs) becomes None.
    Lines that are not four fields (warnings, error texts) are skipped.
    """
    found: list[Gpu] = []
    for row in csv.reader(io.StringIO(text), skipinitialspace=True):
        if len(row) != 4:
            continue
        name, total, free, driver = (field.strip() for field in row)
        found.append(
            Gpu(
                name=name,
                vendor="NVIDIA",
                total_bytes=_mib(total),
                free_bytes=_mib(free),
                bandwidth_bytes_s=None,
                unified=False,
                driver=driver,
                probe="nvidia-smi",
            )
        )
    return tuple(found)


def _mib(field: str) -> int | None:
    return int(float(field) * _MIB) if re.fullmatch(r"\d+(\.\d+)?", field) else None


def cpu_model(cpuinfo: str) -> str:
    """Return the processor's name from the text of /proc/cpuinfo, "" where it has none (Arm)."""
    match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return re.sub(r"\s+", " ", match.group(1)).strip() if match else ""


_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


def drm_card(files: Mapping[str, str]) -> Gpu | None:
    """Read one /sys/class/drm/cardN/device folder, given as name -> text.

    AMD's driver reports its memory there (mem_info_vram_total, mem_info_vram_used, in bytes); the
    others give only who made the card. None where the vendor is not one that runs models.
    """
    vendor = _VENDORS.get(files.get("vendor", "").strip())
    if vendor is None:
        return None
    total = _int(files.get("mem_info_vram_total"))
    used = _int(files.get("mem_info_vram_used"))
    return Gpu(
        name=files.get("product_name", "").strip()
        or f"{vendor} graphics {files.get('device', '').strip()}".strip(),
        vendor=vendor,
        total_bytes=total,
        free_bytes=total - used if total is not None and used is not None else None,
        bandwidth_bytes_s=None,
        unified=False,
        driver=files.get("driver", "").strip(),
        probe="sysfs",
    )


def _int(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdigit() else None


def apple(chip: str, memory_bytes: int, wired_limit_mb: int) -> Gpu:
    """Return the GPU of an Apple chip from sysctl's values.

    The share of memory that Metal gives one process is two thirds up to 36 GB and three quarters
    above (facts of Metal's recommendedMaxWorkingSetSize); iogpu.wired_limit_mb, set by the user,
    goes before it.
    """
    share = memory_bytes * 2 // 3 if memory_bytes <= 36 * 1024**3 else memory_bytes * 3 // 4
    limit = wired_limit_mb * _MIB if wired_limit_mb > 0 else share
    return Gpu(
        name=chip,
        vendor="Apple",
        total_bytes=limit,
        free_bytes=None,
        bandwidth_bytes_s=None,
        unified=True,
        driver="Metal",
        probe="sysctl",
    )
