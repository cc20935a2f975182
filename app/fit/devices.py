"""The memory a model may take: per device, free now, less a reserve that is stated.

Named devices ("rtx4090", "mac32") stand for machines that are not here. Their memory is what the
driver reports for the card, or Metal's recommended working set: two thirds of a Mac's memory up to
32 GB (21,845 of 32,768 MiB in llama.cpp's logs), three quarters above.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from app.errors import Problem, WorldError
from app.fit.graph import CPU, Scratch
from app.fit.overhead import PROCESS_BYTES
from app.hardware.types import Gpu, Hardware

Kind = Literal["cuda", "rocm", "vulkan", "metal", "cpu"]

MIB = 1 << 20
GPU_RESERVE_BYTES = 1024 * MIB
"""Left free on a card: what llama.cpp's own fitting leaves (`--fit-target`), for a desktop."""
RAM_RESERVE_BYTES = 2048 * MIB
"""Left free of main memory, for the window, the system's caches and a browser."""
DEFAULT_RAM_BANDWIDTH = 60_000_000_000
"""Two channels of DDR4-3200 to DDR5-4800 read 50 to 70 GB/s."""

# What a back end takes of a device's memory beside llama.cpp's buffers, before anything was
# learned: the driver's context, kernels and scratch pools. Assumed, but the processor's, which is
# app.fit.overhead's share that does not depend on the model.
OVERHEAD_BYTES: dict[Kind, int] = {
    "cuda": 448 * MIB,
    "rocm": 448 * MIB,
    "vulkan": 192 * MIB,
    "metal": 96 * MIB,
    "cpu": PROCESS_BYTES,
}
_SCRATCH: dict[Kind, Scratch] = {
    # ggml_cuda_flash_attn_ext_get_alloc_size and ggml_metal_op_flash_attn_ext_extra_*.
    "cuda": Scratch(alignment=128, kv_f16="quantized"),
    "rocm": Scratch(alignment=128, kv_f16="quantized"),
    "vulkan": CPU,
    "metal": Scratch(kv_f16="always", partial_attention=True),
    "cpu": CPU,
}


@dataclass(frozen=True, slots=True)
class Device:
    """One device's memory. unified: it is the computer's main memory.

    free_bytes: now; budget_bytes: of it, without the reserve. repacks: the engine lays out weights
    anew for this processor, so that an output tied to the embedding is there twice.
    """

    name: str
    kind: Kind
    free_bytes: int
    reserve_bytes: int
    bandwidth_bytes_s: int | None
    unified: bool = False
    repacks: bool = True

    @property
    def budget_bytes(self) -> int:
        """Return what a model may take."""
        return max(0, self.free_bytes - self.reserve_bytes)

    @property
    def scratch(self) -> Scratch:
        """Return what the device lays beside the results of a graph."""
        return _SCRATCH[self.kind]


@dataclass(frozen=True, slots=True)
class Machine:
    """The devices a model is planned for: graphics devices, and main memory (kind "cpu").

    host is ignored where the graphics device is unified: it is the same memory.
    """

    name: str
    gpus: tuple[Device, ...]
    host: Device

    @property
    def unified(self) -> bool:
        """Return whether all memory is one."""
        return bool(self.gpus) and self.gpus[0].unified

    @property
    def budget_bytes(self) -> int:
        """Return what a model may take of the devices that it is meant for."""
        return sum(gpu.budget_bytes for gpu in self.gpus) or self.host.budget_bytes

    def given_back(self, gpu_bytes: int, host_bytes: int) -> "Machine":
        """Return the machine after a loaded model is gone from it: its bytes are free again."""
        gpus = self.gpus
        if gpus:
            gpus = (replace(gpus[0], free_bytes=gpus[0].free_bytes + gpu_bytes), *gpus[1:])
        host = replace(self.host, free_bytes=self.host.free_bytes + host_bytes)
        return Machine(self.name, gpus, host)


def from_hardware(hardware: Hardware) -> Machine:
    """Return this machine, with the memory that is free now."""
    host = Device(
        hardware.cpu.name,
        "cpu",
        hardware.ram.available_bytes,
        RAM_RESERVE_BYTES,
        DEFAULT_RAM_BANDWIDTH,
        repacks=not has_amx(),
    )
    gpus = tuple(device for gpu in hardware.gpus if (device := _from_gpu(gpu, host)) is not None)
    dedicated = tuple(gpu for gpu in gpus if not gpu.unified)
    return Machine("this", dedicated or gpus[:1], host)


def has_amx() -> bool:
    """Return whether the processor has AMX: the engine leaves weights as they are there."""
    try:
        return "amx_int8" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _from_gpu(gpu: Gpu, host: Device) -> Device | None:
    free = gpu.free_bytes if gpu.free_bytes is not None else gpu.total_bytes
    if not free or not gpu.devices:
        return None  # the engine cannot use it, or nobody knows how much it has
    kind = _kind(gpu.devices[0])
    if gpu.unified:
        # The same memory serves the system: what is free of that counts too.
        free = min(free, host.budget_bytes)
    reserve = 0 if gpu.unified else GPU_RESERVE_BYTES
    return Device(gpu.name, kind, free, reserve, gpu.bandwidth_bytes_s, gpu.unified)


def _kind(device: str) -> Kind:
    """Return the back end of one of llama.cpp's device names, such as "CUDA0" or "MTL0"."""
    name = device.upper()
    if name.startswith(("MTL", "METAL")):
        return "metal"
    if name.startswith(("ROCM", "HIP")):
        return "rocm"
    return "cuda" if name.startswith("CUDA") else "vulkan"


def named(name: str) -> Machine:
    """Return a machine by its name. Raises WorldError with the names that there are."""
    wanted = name.lower()
    if wanted in _CARDS:
        label, mib, bandwidth, kind = _CARDS[wanted]
        gpu = Device(label, kind, mib * MIB, GPU_RESERVE_BYTES, bandwidth * 10**9)
        return Machine(wanted, (gpu,), _PC)
    if wanted in _MACS:
        gib, bandwidth = _MACS[wanted]
        working_set = gib * 1024 * MIB * 2 // 3 if gib <= 32 else gib * 1024 * MIB * 3 // 4
        gpu = Device(f"Mac with {gib} GB", "metal", working_set, 0, bandwidth * 10**9, unified=True)
        return Machine(wanted, (gpu,), replace(_PC, free_bytes=working_set, reserve_bytes=0))
    if wanted in _PROCESSORS:
        gib = _PROCESSORS[wanted]
        # A system with its programs takes about 4 GB before Ponder asks.
        free = (gib - 4) * 1024 * MIB
        return Machine(wanted, (), replace(_PC, name=f"{gib} GB of memory", free_bytes=free))
    raise WorldError(
        Problem(
            "unknown-device",
            f'There is no device called "{name}".',
            f"Choose one of: this, {', '.join(NAMES)}.",
        )
    )


# MiB as nvidia-smi or sysfs report them, and GB/s of the makers' data sheets.
_CARDS: dict[str, tuple[str, int, int, Kind]] = {
    "rtx4090": ("NVIDIA GeForce RTX 4090", 24_564, 1008, "cuda"),
    "rtx3090": ("NVIDIA GeForce RTX 3090", 24_576, 936, "cuda"),
    "rtx5090": ("NVIDIA GeForce RTX 5090", 32_607, 1792, "cuda"),
    "rtx4080": ("NVIDIA GeForce RTX 4080", 16_376, 717, "cuda"),
    "rtx4060-8gb": ("NVIDIA GeForce RTX 4060", 8_188, 272, "cuda"),
    "rtx3060-12gb": ("NVIDIA GeForce RTX 3060", 12_288, 360, "cuda"),
    "rx7900xtx": ("AMD Radeon RX 7900 XTX", 24_560, 960, "rocm"),
}
# GB of memory, and GB/s of the slowest chip sold with it that people run models on.
_MACS = {
    "mac16": (16, 120),
    "mac24": (24, 120),
    "mac32": (32, 200),
    "mac36": (36, 150),
    "mac64": (64, 400),
    "mac128": (128, 400),
}
_PROCESSORS = {"cpu16": 16, "cpu32": 32, "cpu64": 64}
_PC = Device("main memory", "cpu", 24 * 1024 * MIB, RAM_RESERVE_BYTES, DEFAULT_RAM_BANDWIDTH)
NAMES = (*_CARDS, *_MACS, *_PROCESSORS)
