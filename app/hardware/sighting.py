"""What one probe says of one device, before the probes' words are put together."""

from dataclasses import dataclass


class ProbeError(Exception):
    """Raised by a probe that cannot look; its text says why, as half a sentence."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One device as one probe sees it. name: "" where the probe knows only the maker.

    integrated: inside the processor, sharing the computer's memory; None where the probe cannot
    tell. carved_bytes: the free part of what the firmware set aside for it, which no other program
    has. device: llama.cpp's name for it. gpu_cores: Apple's count.
    """

    probe: str
    vendor: str
    name: str
    pci_id: str = ""
    total_bytes: int | None = None
    free_bytes: int | None = None
    integrated: bool | None = None
    driver: str = ""
    device: str = ""
    carved_bytes: int = 0
    gpu_cores: int | None = None
