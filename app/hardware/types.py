"""The values of detection. Sizes in bytes, bandwidth in bytes a second; None means not known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics device.

    total_bytes: its own memory; where `unified` (it shares the computer's), what one program may
    use of that. free_bytes: what a program can have now. bandwidth_bytes_s: of its memory, by its
    maker's data sheet. probe: who found it. integrated: part of the processor. pci_id: its place
    in the computer ("0000:01:00.0"), "" if unknown. devices: llama.cpp's names for it ("CUDA0"),
    () where the engine cannot use it.
    """

    name: str
    vendor: str
    total_bytes: int | None
    free_bytes: int | None
    bandwidth_bytes_s: int | None
    unified: bool
    driver: str
    probe: str
    integrated: bool = False
    pci_id: str = ""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor. cores are physical, threads logical."""

    name: str
    cores: int
    threads: int
    machine: str


@dataclass(frozen=True, slots=True)
class Ram:
    """Main memory, as far as this process may use it (a container may have a limit).

    available_bytes: what a program can have without swapping, now.
    """

    total_bytes: int
    available_bytes: int


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that holds Ponder's data."""

    path: str
    total_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Engine:
    """What the engine's library was built for: backends "CUDA", "Metal", "Vulkan"… () for the CPU.

    gpu_offload: it sees a device to put layers on. hidden: settings of the environment that hide
    devices from it ("CUDA_VISIBLE_DEVICES=").
    """

    version: str
    backends: tuple[str, ...]
    gpu_offload: bool
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """One way of looking. found: the names of what it saw. problem: why it saw nothing, or ""."""

    name: str
    found: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Hardware:
    """All that was detected. gpus: the one to use first. notes: sentences for those who wonder.

    engine: None where its library did not answer.
    """

    gpus: tuple[Gpu, ...]
    cpu: Cpu
    ram: Ram
    disk: Disk
    notes: tuple[str, ...]
    engine: Engine | None = None
    probes: tuple[Probe, ...] = ()
