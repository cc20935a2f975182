"""Reads llama.cpp's log: which buffers it made, on which device, of how many bytes.

llama.cpp tells its allocations nowhere else that the bindings reach. The same lines come from a
real load and from a simulated one (no_alloc), but that the second gives no sizes of weights and
tells the KV cache's layers one by one. Sizes are in MiB with two digits, so 5 kB of each are lost.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

_MIB = 1 << 20
_BUFFER = re.compile(r"(\S+)\s+(model|KV|RS|compute|output) buffer size =\s+([\d.]+) MiB")
_CACHE = re.compile(r"llama_kv_cache: size =\s+([\d.]+) MiB \(\s*(\d+) cells,\s+(\d+) layers")
_CACHE_LAYER = re.compile(r"llama_kv_cache: layer\s+\d+: dev = (\S+)")
_WEIGHT_LAYER = re.compile(r"load_tensors: layer\s+(\d+) assigned to device (\S+?),")
_RECURRENT = re.compile(r"llama_memory_recurrent: size =\s+([\d.]+) MiB")


@dataclass(slots=True)
class Buffers:
    """Bytes by the name of the buffer ("CPU", "CPU_Mapped", "CUDA0", "CUDA_Host").

    layers: the device of each layer's weights, the output being the last.
    """

    weights: dict[str, int] = field(default_factory=dict)
    kv: dict[str, int] = field(default_factory=dict)
    compute: dict[str, int] = field(default_factory=dict)
    output: dict[str, int] = field(default_factory=dict)
    layers: dict[int, str] = field(default_factory=dict)

    def total(self) -> int:
        """Return the bytes of all buffers."""
        parts = (self.weights, self.kv, self.compute, self.output)
        return sum(sum(part.values()) for part in parts)


def read(lines: Iterable[str], *, simulated: bool = False) -> Buffers:
    """Return the buffers that a log tells of: of one load and one context."""
    found = Buffers()
    parts = {
        "model": found.weights,
        "KV": found.kv,
        "RS": found.kv,
        "compute": found.compute,
        "output": found.output,
    }
    cache_layers: dict[str, int] = defaultdict(int)
    for line in lines:
        if buffer := _BUFFER.search(line):
            device, part, size = buffer.groups()
            if not (simulated and part in ("model", "KV", "RS")):
                _add(parts[part], device, float(size))
        elif layer := _WEIGHT_LAYER.search(line):
            found.layers[int(layer.group(1))] = layer.group(2)
        elif layer := _CACHE_LAYER.search(line):
            cache_layers[layer.group(1)] += 1
        elif simulated and (cache := _CACHE.search(line)):
            counted = sum(cache_layers.values()) or 1
            for device, layers in (cache_layers or {"CPU": 1}).items():
                _add(found.kv, device, float(cache.group(1)) * layers / counted)
            cache_layers.clear()
        elif simulated and (states := _RECURRENT.search(line)):
            _add(found.kv, "CPU", float(states.group(1)))
    return found


def _add(part: dict[str, int], device: str, mib: float) -> None:
    part[device] = part.get(device, 0) + round(mib * _MIB)
