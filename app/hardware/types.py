"""The values of detection. Sizes in bytes, bandwidth in bytes a second; None means not known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics device. unified: it shares the computer's memory. probe: what found it."""

    name: str
    vendor: str
    total_bytes: int | None
    free_bytes: int | None
    bandwidth_bytes_s: int | None
    unified: bool
    driver: str
    probe: str


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor. cores are physical, threads logical."""

    name: str
    cores: int
    threads: int
    machine: str


@dataclass(frozen=True, slots=True)
class Ram:
    """Main memory. available_bytes: what a program can have without swapping, now."""

    total_bytes: int
    available_bytes: int


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that holds Ponder's data."""

    path: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Hardware:
    """All that was detected. notes: sentences for the person who wonders."""

    gpus: tuple[Gpu, ...]
    cpu: Cpu
    ram: Ram
    disk: Disk
    notes: tuple[str, ...]
