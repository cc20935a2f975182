"""One list of cards from what the probes saw: each card once, whoever saw it.

The probes come in the order in which they are believed. Two sightings are one card where their
places in the computer (PCI) are the same; where one has no place, where their makers, names and
sizes agree. A probe never sees one card twice (each back end of llama.cpp counts as a probe).
"""

from collections.abc import Sequence

from app.hardware import names
from app.hardware.bandwidth import bandwidth
from app.hardware.engine import PROBE as ENGINE
from app.hardware.sighting import Sighting
from app.hardware.types import Gpu

_GIB = 1024**3
# CUDA's total lacks what the driver keeps (2 % of an RTX 4090), Vulkan's has the window to the
# processor added (1 %); two sizes of one card's name differ by a fifth at least.
_SAME_SIZE = 0.12
_SAME_FREE_BYTES = _GIB  # what programs take and give back between two probes
_REGISTRY = "registry"

_Card = list[Sighting]
"""The sightings of one card, the most believed first."""


def merge(sightings: Sequence[Sighting], available_bytes: int) -> tuple[tuple[Gpu, ...], list[str]]:
    """Return the cards, the one to use first, and sentences on what the probes disagree about.

    available_bytes: of main memory, which bounds what graphics without memory of its own can have.
    """
    cards: list[_Card] = []
    for seen in sightings:
        card = next((card for card in cards if _is(card, seen)), None)
        if card is None:
            cards.append([seen])
        else:
            card.append(seen)
    confirmed = {seen.vendor for seen in sightings if seen.probe != _REGISTRY}
    gpus: list[Gpu] = []
    notes: list[str] = []
    for card in cards:
        if len(card) == 1 and card[0].probe == _REGISTRY and card[0].vendor in confirmed:
            notes.append(
                f"Windows' registry also lists {card[0].name}, which nothing else found: "
                "it may have been taken out."
            )
            continue
        gpu = _gpu(card, available_bytes)
        gpus.append(gpu)
        notes += _disagreements(gpu, card)
    # A card of its own before graphics inside the processor, then the largest; equal ones stay in
    # the order of the computer's slots, which the drivers keep.
    gpus.sort(key=lambda gpu: (gpu.integrated, -(gpu.total_bytes or 0)))
    return tuple(gpus), notes


def _is(card: _Card, seen: Sighting) -> bool:
    """Whether the sighting is of this card."""
    source = _source(seen)
    if any(_source(one) == source for one in card):
        return False
    places = {one.pci_id for one in card if one.pci_id}
    if places and seen.pci_id:
        return seen.pci_id in places
    first = card[0]
    if first.vendor != seen.vendor or not names.alike(first.name, seen.name):
        return False
    kinds = {one.integrated for one in (*card, seen) if one.integrated is not None}
    if len(kinds) > 1:
        return False
    total = next((one.total_bytes for one in card if one.total_bytes), None)
    if True in kinds or total is None or seen.total_bytes is None:
        return True
    return _close(total, seen.total_bytes)


def _source(seen: Sighting) -> str:
    """Return the probe, and for llama.cpp the back end: "llama.cpp CUDA" for CUDA0 and CUDA1."""
    return f"{seen.probe} {seen.device.rstrip('0123456789')}".strip()


def _close(one: int, other: int) -> bool:
    return abs(one - other) <= _SAME_SIZE * max(one, other)


def _gpu(card: _Card, available_bytes: int) -> Gpu:
    unified = _unified(card)
    total = _total(card, unified=unified)
    name = next((one.name for one in card if one.name), f"{card[0].vendor} graphics")
    return Gpu(
        name=name,
        vendor=card[0].vendor,
        total_bytes=total,
        free_bytes=_free(card, total, available_bytes if unified else None),
        bandwidth_bytes_s=bandwidth(
            name, total, next((one.gpu_cores for one in card if one.gpu_cores), None)
        ),
        unified=unified,
        driver=next((one.driver for one in card if one.driver), ""),
        probe=", ".join(dict.fromkeys(one.probe for one in card)),
        integrated=unified,
        pci_id=next((one.pci_id for one in card if one.pci_id), ""),
        devices=tuple(one.device for one in card if one.device),
    )


def _unified(card: _Card) -> bool:
    """Whether the card shares the computer's memory: by the most believed probe that can tell."""
    return next((one.integrated for one in card if one.integrated is not None), False)


def _by_engine_first(card: _Card) -> _Card:
    return sorted(card, key=lambda one: one.probe != ENGINE)


def _total(card: _Card, *, unified: bool) -> int | None:
    """Return the memory. Of shared memory only llama.cpp's driver knows how much one may have."""
    order = _by_engine_first(card) if unified else card
    return next((one.total_bytes for one in order if one.total_bytes is not None), None)


def _free(card: _Card, total: int | None, available_bytes: int | None) -> int | None:
    """Return what can be had now. available_bytes: of main memory, where the card shares it."""
    free = next((one.free_bytes for one in card if one.free_bytes is not None), None)
    if available_bytes is None:
        return free
    bound = free if free is not None else total
    if bound is None:
        return None
    carved = max(one.carved_bytes for one in card)
    return min(bound, carved + available_bytes)


def _disagreements(gpu: Gpu, card: _Card) -> list[str]:
    """Return sentences on sizes that do not agree; of shared memory each probe means another."""
    if gpu.unified:
        return []
    said = []
    totals = [(one.probe, one.total_bytes) for one in card if one.total_bytes is not None]
    frees = [(one.probe, one.free_bytes) for one in card if one.free_bytes is not None]
    for what, sizes in (("memory", totals), ("free memory", frees)):
        for probe, size in sizes[1:]:
            first_probe, first = sizes[0]
            same = _close(first, size) if what == "memory" else abs(first - size) < _SAME_FREE_BYTES
            if not same:
                said.append(
                    f"{gpu.name}: {first_probe} says {first / _GIB:.1f} GB of {what}, "
                    f"{probe} {size / _GIB:.1f} GB; the first is used."
                )
    return said
