"""How fast a model will write: an estimate from what is read per token, until it is measured.

Writing a token reads every weight that takes part once, and the KV cache: the time is bytes over
bandwidth, over a share of it that is reached in practice.
"""

from app.fit.devices import Device, Machine
from app.fit.memory import Placement, kv_bytes
from app.fit.shape import Layer, ModelShape

EFFICIENCY = 0.75
"""Of the bandwidth. 47.7 tokens/s of a 16.5 GB model on an RTX 4090 (1,008 GB/s) are 0.78 of it;
others report 70 to 80 %."""
EXPERT_EFFICIENCY = 0.55
"""Experts are read in small pieces: 222 tokens/s of gpt-oss-20b on an RTX 4090 are 0.56."""
TOKEN_S = 0.0005
"""A token's cost beside the reading: a graph's start, and 0.24 ms to draw from 131,072 words."""
AT_TOKENS = 2048
"""The tokens in the cache for which a speed is told; each 10,000 more cost a 24B model 10 %."""


def tokens_per_s(shape: ModelShape, placement: Placement, machine: Machine) -> float | None:
    """Return the estimated speed, None where a device's bandwidth is not known."""
    count = len(shape.layers)
    on_gpu = min(placement.gpu_layers, count + 1) if machine.gpus else 0
    if shape.engine == "mlx":
        on_gpu = count + 1
    card = machine.gpus[0] if machine.gpus else machine.host
    first = count + 1 - on_gpu
    gpu_bytes = host_bytes = 0.0
    used = min(AT_TOKENS / max(placement.context, 1), 1.0)
    caches = kv_bytes(shape, placement)
    for number, layer in enumerate(shape.layers):
        cache = caches[number] * used
        experts = _experts_read(shape, layer)
        rest = layer.bytes - layer.expert_bytes
        if number < first:
            host_bytes += rest + experts + cache
        elif placement.cpu_experts:
            gpu_bytes += rest + cache
            host_bytes += experts
        else:
            gpu_bytes += rest + experts + cache
    if on_gpu:
        gpu_bytes += shape.output_bytes
    else:
        host_bytes += shape.output_bytes
    seconds = TOKEN_S
    for size, device in ((gpu_bytes, card), (host_bytes, machine.host)):
        if not size:
            continue
        if not device.bandwidth_bytes_s:
            return None
        seconds += size / (_efficiency(shape, device) * device.bandwidth_bytes_s)
    return 1 / seconds


def _experts_read(shape: ModelShape, layer: Layer) -> float:
    if not shape.experts:
        return layer.expert_bytes
    return layer.expert_bytes * shape.experts_used / shape.experts


def _efficiency(shape: ModelShape, device: Device) -> float:
    return EXPERT_EFFICIENCY if shape.experts and device.kind != "cpu" else EFFICIENCY
