"""Figures and verdicts as the picker says them: short, because they stand in the cells of a table.

Memory is told in units of 2**30 bytes, as cards and computers are sold ("24 GB"); files in units of
10**9, as the hub and file managers tell them. Both are called GB, which is what people call them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.fit import quality
from app.hardware import explain, names

if TYPE_CHECKING:
    from app.fit.plan import Row
    from app.hardware.types import Gpu, Hardware
    from app.models.catalogue import Entry
    from app.models.hub import Repository

Tone = Literal["good", "warn", "bad", "muted"]

DOTS = 5
_QUALITY = (
    # Points lost by the weights alone, up to which these words hold; dots; words.
    (0.10, 5, "indistinguishable"),
    (0.20, 5, "near-lossless"),
    (0.50, 4, "very good"),
    (1.20, 3, "long proofs may slip"),
    (2.20, 2, "hard tasks show a loss"),
    (4.00, 2, "noticeable loss"),
)
_SCORES = 2
"""How many scores a title line has room for."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a quantization keeps of the model. dots: of DOTS."""

    dots: int
    words: str


def quality_of(quantization: str) -> Quality:
    """Return dots and words for the weights; the evidence was measured on other models."""
    if not quality.advisable(quantization):
        return Quality(1, "too few bits for reasoning")
    lost = quality.points_lost(quantization, "f16")
    for most, dots, words in _QUALITY:
        if lost <= most:
            return Quality(dots, words)
    return Quality(1, "clear loss")


def memory(size_bytes: int) -> str:
    """Return a size of memory: "22.9 GB", "64 GB", "480 MB"."""
    gb = size_bytes / 2**30
    if abs(gb) < 0.95:
        return f"{size_bytes / 2**20:.0f} MB"
    return f"{gb:.0f} GB" if gb >= 100 else f"{gb:.1f} GB"


def nominal(size_bytes: int) -> str:
    """Return the memory of a computer as it was sold: "64 GB", "23.5 GB"."""
    gb = size_bytes / 2**30
    return f"{gb:.0f} GB" if gb >= 32 or abs(gb - round(gb)) < 0.05 else f"{gb:.1f} GB"


def file_size(size_bytes: int) -> str:
    """Return the size of a file: "19.3 GB", "6.4 MB"."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e7 else f"{size_bytes / 1e6:.1f} MB"


def tokens(context: int) -> str:
    """Return a number of tokens in a word: "40k" for 40,960."""
    return f"{context // 1024}k" if context >= 1024 else str(context)


def speed(tokens_per_s: float) -> str:
    """Return a rate with as many digits as it deserves: "38", "3.4"."""
    return f"{tokens_per_s:.0f}" if tokens_per_s >= 10 else f"{tokens_per_s:.1f}"


def rate(row: "Row") -> str:
    """Return "~38 tok/s", without the "~" where this machine measured it, "" if nobody knows."""
    if row.tokens_per_s is None:
        return ""
    return f"{'' if row.measured else '~'}{speed(row.tokens_per_s)} tok/s"


def verdict(row: "Row", *, macs_only: bool = False) -> tuple[str, Tone]:
    """Return a row's verdict in a few words, and how glad to be of it."""
    if macs_only:
        return "Runs on Macs with Apple silicon", "muted"
    if row.verdict == "no":
        return f"Does not fit: {memory(max(0, -row.spare_bytes))} too much", "bad"
    if not quality.advisable(row.quantization):
        fits = "Fits" if row.verdict == "fits" else "Fits in part"
        return f"{fits} · not advised for reasoning", "muted"
    if row.verdict == "fits":
        fits = f"Fits, {memory(row.spare_bytes)} to spare"
    elif row.placement.cpu_experts:
        fits = "Fits with the experts in main memory"
    else:
        layers = len(row.shape.layers)
        fits = f"{min(row.placement.gpu_layers, layers)} of {layers} layers on GPU"
    said = " · ".join(part for part in (fits, rate(row)) if part)
    return said, "good" if row.verdict == "fits" else "warn"


def gpu(found: "Gpu") -> str:
    """Return a card's name as its owner knows it: "NVIDIA RTX 4090"."""
    short = names.short(found.name)
    return short if short.startswith(found.vendor) else f"{found.vendor} {short}"


def gpu_memory(found: "Gpu") -> str:
    """Return "24.0 GB, 22.9 free", "shared memory" where it has none of its own, or ""."""
    if found.unified:
        free = "" if found.free_bytes is None else f", {memory(found.free_bytes)} free"
        return f"shared memory{free}"
    if found.total_bytes is None:
        return ""
    free = "" if found.free_bytes is None else f", {found.free_bytes / 2**30:.1f} free"
    return f"{memory(found.total_bytes)}{free}"


def pills(hardware: "Hardware") -> tuple[str, ...]:
    """Return what the picker says of the machine: its cards (or its processor), memory, disk."""
    used = [one for one in hardware.gpus if not one.integrated] or list(hardware.gpus)
    cards = [" · ".join(filter(None, (gpu(one), gpu_memory(one)))) for one in used[:2]]
    ram = f"{nominal(hardware.ram.total_bytes)} RAM"
    if not cards:
        free = hardware.ram.available_bytes / 2**30
        cards = [hardware.cpu.name]
        ram = f"{ram}, {free:.1f} free"
    return (*cards, ram, f"{hardware.disk.free_bytes / 1e9:.0f} GB disk")


def unused_card(hardware: "Hardware") -> str:
    """Return why the engine leaves the computer's own card alone, and what helps; "" if not."""
    found = explain.verdicts(hardware)
    if any(verdict.used for verdict in found):
        return ""
    left = next((each for each in found if not each.gpu.integrated and each.used is False), None)
    return f"{left.reason} {left.advice}".strip() if left is not None else ""


def parameters(entry: "Entry") -> str:
    """Return "24B", "21B MoE", or "" where it is not known."""
    if not entry.parameters:
        return ""
    mixture = " MoE" if entry.dimensions and entry.dimensions.get("experts") else ""
    return f"{entry.parameters / 1e9:.0f}B{mixture}"


def subtitle(entry: "Entry") -> str:
    """Return the line below a name in the list: "24B · reasoning · Apache-2.0"."""
    if entry.where == "API only":
        return f"{entry.publisher} · API only"
    if entry.where == "bigger machine":
        return " · ".join(filter(None, (parameters(entry), "connect to a server")))
    thinks = "reasoning" if entry.format not in ("", "none") else ""
    return " · ".join(filter(None, (parameters(entry), thinks, entry.licence)))


def facts(entry: "Entry") -> str:
    """Return what stands beside a model's name above the table."""
    thinks = "thinks before it answers" if entry.format not in ("", "none") else ""
    scores = [f"{name} {value:.0f} %" for name, value in (entry.scores or {}).items()][:_SCORES]
    return " · ".join(filter(None, (entry.publisher, thinks, *scores)))


def repository_facts(repository: "Repository") -> str:
    """Return what stands beside a repository's name above the table."""
    updated = f"updated {repository.updated}" if repository.updated else ""
    fetched = f"{repository.downloads:,} downloads" if repository.downloads else ""
    return " · ".join(filter(None, (repository.publisher, updated, fetched)))


def repository_licence(repository: "Repository") -> str:
    """Return what is said of a repository's licence, and of what it asks for before a download."""
    said = f"Licence: {repository.licence or 'not stated'}"
    if repository.gated:
        said += ". Gated: accept its terms on its page and save a token first"
    return f"{said} · {repository.page}"


def duration(seconds: float) -> str:
    """Return a time to wait: "2 min 16 s", "1 h 05 min", "8 s"."""
    left = max(0, round(seconds))
    if left < 60:
        return f"{left} s"
    if left < 3600:
        return f"{left // 60} min {left % 60:02d} s"
    return f"{left // 3600} h {left % 3600 // 60:02d} min"
