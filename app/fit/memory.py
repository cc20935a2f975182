"""The formula: what the engine will allocate for a model, per device, before it is asked.

Weights are the header's; the KV cache follows from the layers; the compute buffer is laid out as
ggml does it (app.fit.graph). The rules of who gets what are llama.cpp's (load_tensors): the
embedding stays in main memory, layers go to the devices from the last one back, the output first.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter

from app.fit.devices import OVERHEAD_BYTES, Device, Machine
from app.fit.graph import compute_bytes
from app.fit.overhead import process_bytes
from app.fit.shape import ModelShape

CELL_STEP = 256
"""llama.cpp pads contexts and caches to this many tokens."""
KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Bytes of a value in the cache. MLX's groups of 64 cost bits/8 + 4/64: the same figures."""
_MLX_GROUPS = (64, 32)
"""Values that share a scale and an offset of two bytes each; heads of other widths stay f16."""
_MLX_FUSED_HEADS = (64, 80, 128)
"""Widths of heads for which Metal's attention over a plain cache keeps no scores."""
MLX_STEP = 256
"""Tokens that MLX reads at once: with a quantized cache it holds two score matrices of them."""
_NEVER_REPACKED = ("F32", "F16", "BF16")
MLX_OVERHEAD_BYTES = 256 << 20
"""Python, the tokenizer of 131,072 words and Metal's own kernels: assumed where not measured."""
_window = attrgetter("window")


@dataclass(frozen=True, slots=True)
class Placement:
    """How a model is loaded. gpu_layers: of layers + 1, the output being the last.

    cpu_experts: the experts of all layers stay in main memory. batch: tokens read at once.
    swa_full: layers with a sliding window keep all of the context, as the engine loads them: the
    start of a conversation could not be kept for the next answer otherwise.
    """

    context: int
    kv: str = "f16"
    gpu_layers: int = 1 << 20
    cpu_experts: bool = False
    batch: int = 512
    swa_full: bool = True


@dataclass(frozen=True, slots=True)
class Parts:
    """Bytes on one device."""

    weights: int = 0
    kv: int = 0
    compute: int = 0
    output: int = 0
    projector: int = 0
    overhead: int = 0

    @property
    def total(self) -> int:
        """Return their sum."""
        return self.weights + self.kv + self.compute + self.output + self.projector + self.overhead

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(
            self.weights + other.weights,
            self.kv + other.kv,
            self.compute + other.compute,
            self.output + other.output,
            self.projector + other.projector,
            self.overhead + other.overhead,
        )


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a model takes: on each graphics device, and in main memory."""

    gpus: tuple[Parts, ...]
    host: Parts

    @property
    def main(self) -> Parts:
        """Return the parts on the devices that the model is meant for: all cards, or the memory."""
        return sum(self.gpus, Parts()) if self.gpus else self.host

    def spare(self, machine: Machine) -> int:
        """Return the bytes left of the tightest device's budget; negative where it does not fit."""
        left = [
            gpu.budget_bytes - parts.total
            for gpu, parts in zip(machine.gpus, self.gpus, strict=False)
        ]
        if not machine.unified:
            left.append(machine.host.budget_bytes - self.host.total)
        return min(left)


def cells(context: int) -> int:
    """Return the cells of the KV cache for a context."""
    return -(-context // CELL_STEP) * CELL_STEP


def window_cells(shape: ModelShape, placement: Placement) -> int:
    """Return the cells of a layer with a sliding window."""
    every = cells(placement.context)
    if placement.swa_full:
        return every
    window = max((layer.window for layer in shape.layers), default=0)
    if not window:
        return every
    return min(every, cells(window + min(placement.batch, every)))


def kv_bytes(shape: ModelShape, placement: Placement) -> list[int]:
    """Return the bytes of each layer's cache, or of its state."""
    mlx = shape.engine == "mlx"
    plain = cells(placement.context) * (
        _mlx_value_bytes(shape.head, placement.kv) if mlx else KV_BYTES[placement.kv]
    )
    # mlx_lm's rotating cache cannot be quantized.
    windowed = window_cells(shape, placement) * KV_BYTES["f16" if mlx else placement.kv]
    mla = shape.mla
    found: list[int] = []
    for layer in shape.layers:
        size = layer.head_k if mla else layer.head_k + layer.head_v
        value = windowed if layer.window else plain
        found.append(int(value * layer.kv_heads * size) + layer.state_bytes)
    return found


def _mlx_value_bytes(head: int, kv: str) -> float:
    """Return the bytes of a value in MLX's cache: as the engine makes it for heads of a width."""
    group = next((group for group in _MLX_GROUPS if head % group == 0), 0)
    if kv == "f16" or not group:
        return KV_BYTES["f16"]
    return {"q8_0": 1.0, "q4_0": 0.5}[kv] + 4 / group


def estimate(shape: ModelShape, placement: Placement, machine: Machine) -> Estimate:
    """Return what the engine will allocate, per device, by formula."""
    if shape.engine == "mlx":
        return _mlx(shape, placement)
    count = len(shape.layers)
    on_gpu = min(placement.gpu_layers, count + 1) if machine.gpus else 0
    owners = _owners(count, on_gpu, machine.gpus)
    here = len(machine.gpus)  # main memory, behind the cards
    weights, kv = [0] * (here + 1), [0] * (here + 1)
    caches = kv_bytes(shape, placement)
    for layer, cache, owner in zip(shape.layers, caches, owners, strict=False):
        moved = layer.expert_bytes if placement.cpu_experts else 0
        weights[here] += moved
        weights[owner] += layer.bytes - moved
        kv[owner] += cache
    weights[here] += shape.embedding_bytes
    # A tied output is the embedding itself, unless it has to be elsewhere, or laid out anew.
    if owners[-1] != here or not shape.tied or _repacked(shape, machine):
        weights[owners[-1]] += shape.output_bytes
    gpus = tuple(
        Parts(weights=weights[number], kv=kv[number])
        + _beside(shape, placement, machine, number, used=number in owners, whole=on_gpu > count)
        for number in range(here)
    )
    host = Parts(
        weights=weights[here],
        kv=kv[here],
        compute=_host_compute(shape, placement, on_gpu=bool(on_gpu)),
        output=4 * shape.vocabulary,
        projector=0 if gpus else shape.projector_bytes,
        overhead=_process(shape, placement, on_gpu=bool(on_gpu)),
    )
    if machine.unified:
        # One memory: what llama.cpp keeps for the processor takes from the same budget.
        return Estimate((gpus[0] + host,), Parts())
    return Estimate(gpus, host)


def _repacked(shape: ModelShape, machine: Machine) -> bool:
    """Return whether the processor's back end makes a copy of the output, laid out its own way."""
    return machine.host.repacks and shape.quantization not in _NEVER_REPACKED


def _owners(count: int, on_gpu: int, gpus: tuple[Device, ...]) -> list[int]:
    """Return the number of the device of each layer and of the output; main memory is the last."""
    start = max(count + 1 - on_gpu, 0)
    if len(gpus) < 2:
        return [len(gpus)] * start + [0] * (count + 1 - start)
    shares = list(accumulate(gpu.free_bytes for gpu in gpus))
    bounds = [share / (shares[-1] or 1) for share in shares]
    last = len(gpus) - 1
    shared = [min(bisect_right(bounds, step / on_gpu), last) for step in range(count + 1 - start)]
    return [len(gpus)] * start + shared


def _beside(
    shape: ModelShape,
    placement: Placement,
    machine: Machine,
    number: int,
    *,
    used: bool,
    whole: bool,
) -> Parts:
    """Return what a graphics device takes beside weights and cache."""
    device = machine.gpus[number]
    if not used:
        return Parts(overhead=OVERHEAD_BYTES[device.kind])
    compute = _compute(shape, placement, device)
    if not whole or placement.cpu_experts:
        # Long prompts are read on the card: a layer's weights are copied there for it.
        compute += max((layer.bytes for layer in shape.layers), default=0)
    elif len(machine.gpus) > 1:
        # Pipelining over several cards keeps four copies of the inputs.
        compute += 3 * _inputs(shape, placement)
    return Parts(
        compute=compute,
        projector=shape.projector_bytes if number == 0 else 0,
        overhead=OVERHEAD_BYTES[device.kind],
    )


def _compute(shape: ModelShape, placement: Placement, device: Device) -> int:
    every = cells(placement.context)
    return compute_bytes(
        shape,
        every,
        window_cells(shape, placement),
        min(placement.batch, every),
        placement.kv,
        device.scratch,
    )


def _host_compute(shape: ModelShape, placement: Placement, *, on_gpu: bool) -> int:
    """Return the compute buffer in main memory: all of it, or only the inputs of the cards."""
    if on_gpu:
        return _inputs(shape, placement)
    every = cells(placement.context)
    return compute_bytes(
        shape,
        every,
        window_cells(shape, placement),
        min(placement.batch, every),
        placement.kv,
    )


def _process(shape: ModelShape, placement: Placement, *, on_gpu: bool) -> int:
    """Return what the engine's process takes beside all buffers."""
    every = cells(placement.context)
    windowed = any(map(_window, shape.layers))
    batch = 0 if on_gpu else min(placement.batch, every)
    return process_bytes(shape, every, window_cells(shape, placement) if windowed else 0, batch)


def _inputs(shape: ModelShape, placement: Placement) -> int:
    """Return the bytes of the masks and of two states: what is handed to the cards."""
    batch = min(placement.batch, cells(placement.context))
    masks = cells(placement.context)
    if any(map(_window, shape.layers)):
        masks += window_cells(shape, placement)
    return batch * (2 * masks + 2 * 4 * shape.embedding)


def _mlx(shape: ModelShape, placement: Placement) -> Estimate:
    """Return what MLX takes: one memory, a bounded cache, activations of two bytes.

    The part of a folder that sees pictures is not loaded.
    """
    step = min(MLX_STEP, placement.context)
    compute = 2 * step * (3 * shape.feed_forward + 4 * shape.embedding)
    if placement.kv != "f16" or shape.head not in _MLX_FUSED_HEADS:
        # Attention that is not one kernel holds the scores before and after the softmax.
        compute += 2 * 2 * shape.heads * step * cells(placement.context)
    parts = Parts(
        weights=shape.weights_bytes,
        kv=sum(kv_bytes(shape, placement)),
        compute=compute,
        output=2 * shape.vocabulary,
        overhead=MLX_OVERHEAD_BYTES,
    )
    return Estimate((parts,), Parts())
