"""Why the engine will or will not use a card, in a sentence, and what to do about it.

llama.cpp puts layers on every card that its build can drive; graphics inside a processor only where
there is no other. So it is a question of what was built and of what the driver shows to it.
"""

from dataclasses import dataclass

from app.hardware.names import short
from app.hardware.types import Gpu, Hardware

_AGAIN = "run python3 run.py again"
_NEEDED = {
    "NVIDIA": ("CUDA", "the CUDA toolkit"),
    "AMD": ("Vulkan", "the Vulkan SDK (glslc and Vulkan's headers)"),
    "Intel": ("Vulkan", "the Vulkan SDK (glslc and Vulkan's headers)"),
    "Apple": ("Metal", "Xcode's command line tools"),
}
_ANY_CARD = {"Vulkan", "OpenCL", "WebGPU"}
_OWN = {"CUDA": "NVIDIA", "ROCm": "AMD", "Metal": "Apple", "SYCL": "Intel", "OPENVINO": "Intel"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one card. used: None where that is not known. advice: "" where none helps."""

    gpu: Gpu
    used: bool | None
    reason: str
    advice: str = ""


def verdicts(hardware: Hardware) -> tuple[Verdict, ...]:
    """Return a verdict for each card, in the cards' order."""
    return tuple(_verdict(gpu, hardware) for gpu in hardware.gpus)


def _verdict(gpu: Gpu, hardware: Hardware) -> Verdict:
    name, engine = short(gpu.name), hardware.engine
    if engine is None:
        why = next((one.problem for one in hardware.probes if one.name == "llama.cpp"), "")
        return Verdict(
            gpu,
            None,
            f"Your {name} was found, but the engine could not be asked about it: {why}.",
            f"If models do not load either, {_AGAIN}.",
        )
    if gpu.devices:
        better = next((one for one in hardware.gpus if one.devices and not one.integrated), None)
        if gpu.integrated and better is not None:
            return Verdict(
                gpu,
                False,
                f"The engine leaves your {name} alone: your {short(better.name)} has memory of its "
                "own and is faster.",
            )
        return Verdict(gpu, True, f"The engine uses your {name} ({', '.join(gpu.devices)}).")
    found = f"Your {name} was found, but"
    suited = [one for one in engine.backends if one in _ANY_CARD or _OWN.get(one) == gpu.vendor]
    if suited and engine.hidden:
        return Verdict(
            gpu,
            False,
            f"{found} the environment hides it from the engine: {', '.join(engine.hidden)}.",
            f"Start Ponder without {' and '.join(one.partition('=')[0] for one in engine.hidden)}.",
        )
    if suited:
        return Verdict(
            gpu,
            False,
            f"{found} the engine, built for {suited[0]}, does not see it: its driver is missing, "
            "too old, or lacks that part.",
            f"Install the newest driver from {gpu.vendor}, start the computer anew and look again.",
        )
    needed, kit = _NEEDED.get(gpu.vendor, ("Vulkan", "the Vulkan SDK"))
    built = " and ".join(engine.backends) if engine.backends else "the CPU"
    if gpu.integrated and gpu.vendor != "Apple":
        return Verdict(
            gpu,
            False,
            f"{found} the engine is built for {built}. Being part of the processor, it would "
            "hardly be faster than that.",
        )
    return Verdict(
        gpu,
        False,
        f"{found} the engine is built for {built}.",
        f"{_AGAIN[0].upper()}{_AGAIN[1:]} with {kit} installed: it builds the engine for {needed}.",
    )
