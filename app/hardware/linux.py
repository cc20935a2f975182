"""Linux without any library: cards from /sys/class/drm, the processor, a container's limit, WSL.

AMD's driver reports its memory; Intel's xe driver its size, i915 only in Intel's own builds of it.
A card's name is not there: it is looked up in the tables that come with Mesa and pciutils.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from app.hardware import names
from app.hardware.sighting import Sighting

_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
_FILES = (
    "vendor",
    "device",
    "revision",
    "product_name",
    "mem_info_vram_total",
    "mem_info_vram_used",
    "mem_info_gtt_total",
    "mem_info_gtt_used",
    "mem_busy_percent",
    "tile0/physical_vram_size_bytes",
    "tile1/physical_vram_size_bytes",
)
_AMD_NAMES = ("/usr/share/libdrm/amdgpu.ids",)
_PCI_NAMES = ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids", "/usr/share/pci.ids")
# Always at this address inside Intel's processors, and never another card.
_INTEL_INTEGRATED = "0000:00:02.0"
# Vega 10 is the one card of AMD's without the file mem_busy_percent that is no part of a processor
# (default_attr_update in the kernel's amdgpu_pm.c).
_VEGA_10 = range(0x6860, 0x6880)
_NO_LIMIT = 1 << 60  # cgroup v1 writes "no limit" as a number near 2 to the power of 63


def ask_sysfs(root: Path = Path("/sys/class/drm")) -> str:
    """Return what the files say of each card, as JSON."""
    cards = [card for card in sorted(root.glob("card[0-9]*")) if "-" not in card.name]
    return json.dumps([_card(card) for card in cards if (card / "device" / "vendor").exists()])


def _card(card: Path) -> dict[str, str]:
    folder = card / "device"
    said = {name: _read(folder / name) for name in _FILES}
    said["lmem_total_bytes"] = _read(card / "lmem_total_bytes")
    said["pci"] = folder.resolve().name
    said["driver"] = (folder / "driver").resolve().name if (folder / "driver").exists() else ""
    device, vendor = said["device"].removeprefix("0x"), said["vendor"].removeprefix("0x")
    said["amdgpu.ids"] = _amd_entry(device, said["revision"].removeprefix("0x"))
    said["pci.ids"] = _pci_entry(vendor, device)
    return {name: text for name, text in said.items() if text}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _lines(paths: Iterable[str]) -> list[str]:
    return next((text.splitlines() for path in paths if (text := _read(Path(path)))), [])


def _amd_entry(device: str, revision: str) -> str:
    """Return the line "744C, C8, AMD Radeon RX 7900 XTX" of a device and its revision."""
    start = re.compile(rf"{device},\s*{revision},", re.IGNORECASE)
    return next((line for line in _lines(_AMD_NAMES) if start.match(line)), "")


def _pci_entry(vendor: str, device: str) -> str:
    """Return the device's name: its line is indented by one tab below that of its maker."""
    inside = False
    for line in _lines(_PCI_NAMES):
        if inside and line.startswith(f"\t{device}  "):
            return line.split("  ", 1)[1]
        if line and line[0] not in "#\t":
            inside = line.startswith(f"{vendor}  ")
    return ""


def sysfs(text: str) -> tuple[Sighting, ...]:
    """Read the JSON of `ask_sysfs`; cards of makers whose cards run no models are left out."""
    return tuple(
        _sighting(card, _VENDORS[card["vendor"]])
        for card in json.loads(text)
        if card["vendor"] in _VENDORS
    )


def _sighting(card: Mapping[str, str], vendor: str) -> Sighting:
    integrated: bool | None = None
    if vendor == "Intel":
        integrated = card["pci"] == _INTEL_INTEGRATED
    elif vendor == "AMD" and card.get("driver") == "amdgpu":
        vega = int(card["device"], 16) in _VEGA_10
        integrated = "mem_busy_percent" not in card and not vega
    elif vendor == "NVIDIA":
        integrated = False
    total, free, carved = _memory(card, integrated=bool(integrated))
    return Sighting(
        probe="sysfs",
        vendor=vendor,
        name=_name(card, vendor),
        pci_id=card["pci"],
        total_bytes=total,
        free_bytes=free,
        integrated=integrated,
        driver=card.get("driver", ""),
        carved_bytes=carved,
    )


def _memory(card: Mapping[str, str], *, integrated: bool) -> tuple[int | None, int | None, int]:
    """Return total and free bytes and, of the free, what is set aside for the card alone."""
    vram, used = _int(card, "mem_info_vram_total"), _int(card, "mem_info_vram_used")
    if vram is None or used is None:
        tiles = [_int(card, f"tile{n}/physical_vram_size_bytes") or 0 for n in (0, 1)]
        return sum(tiles) or _int(card, "lmem_total_bytes"), None, 0
    if not integrated:
        return vram, vram - used, 0
    # Inside a processor the firmware's share and the kernel's (GTT) are used alike.
    gtt, gtt_used = _int(card, "mem_info_gtt_total") or 0, _int(card, "mem_info_gtt_used") or 0
    return vram + gtt, vram - used + gtt - gtt_used, vram - used


def _name(card: Mapping[str, str], vendor: str) -> str:
    if "product_name" in card:
        return names.clean(card["product_name"])
    if "amdgpu.ids" in card:
        return names.clean(card["amdgpu.ids"].split(",", 2)[2])
    if "pci.ids" in card:
        return names.from_pci_table(vendor, card["pci.ids"])
    return ""


def _int(card: Mapping[str, str], name: str) -> int | None:
    text = card.get(name, "")
    return int(text) if text.isdigit() else None


def cpu_name(cpuinfo: str) -> str:
    """Return the processor's name from the text of /proc/cpuinfo, "" where it has none (Arm)."""
    match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return re.sub(r"\s+", " ", names.clean(match.group(1))) if match else ""


def is_wsl(kernel_release: str) -> bool:
    """Whether this Linux runs inside Windows."""
    return "microsoft" in kernel_release.lower()


def ask_cgroups(
    own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> list[dict[str, str]]:
    """Return the memory limits that hold for this process, its own group's first.

    Each has "limit", "used" and "inactive_file" (what the kernel would give back at once). A group
    is bound by those above it. Inside a container the folder's top may be the container's own.
    """
    found = []
    for line in _read(own).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names_of, folder = ("memory.max", "memory.current", "inactive_file"), root
        elif "memory" in controllers.split(","):
            names_of = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            folder = root / "memory"
        else:
            continue
        steps = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(steps), -1, -1):
            group = folder.joinpath(*steps[:depth])
            stat = re.search(rf"^{names_of[2]} (\d+)$", _read(group / "memory.stat"), re.MULTILINE)
            limit, used = _read(group / names_of[0]), _read(group / names_of[1])
            if limit:
                inactive = stat.group(1) if stat else "0"
                found.append({"limit": limit, "used": used, "inactive_file": inactive})
    return found


def within_limits(
    total: int, available: int, groups: Sequence[Mapping[str, str]]
) -> tuple[int, int]:
    """Return total and available bytes of memory under the limits of `ask_cgroups`."""
    for group in groups:
        limit = _int(group, "limit")  # "max": none
        if limit is None or limit >= min(total, _NO_LIMIT):
            continue
        used = (_int(group, "used") or 0) - (_int(group, "inactive_file") or 0)
        total, available = limit, min(available, max(0, limit - used))
    return total, available
