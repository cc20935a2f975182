"""Random pairs of a model's shape and a budget of memory: promised by the plan, then loaded.

What a child reserves but never touches (graphs' tables, stacks: 8 MB and more a thread) is no
memory, but RLIMIT_DATA counts it. It depends on the architecture and the number of layers only, so
it is measured once for each, on a model of the same layers and the least widths, and added to the
child's limit: `Reserve`. What the process takes for itself is promised as part of the model.
"""

import functools
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.fit import blueprint, gguf_shape
from app.fit.candidates import Candidate, from_path
from app.fit.devices import RAM_RESERVE_BYTES, Device, Machine, has_amx
from app.fit.dimensions import Dimensions
from app.fit.memory import Placement, estimate
from app.fit.plan import best_row
from tests.support import whole_models

ROOT = Path(__file__).resolve().parents[2]
SPARE = 0.03
"""Of the budget. A "does not fit" is wrong where it would have fitted with more to spare."""
_MB = 10**6
_ARCHITECTURES = ("llama", "mistral3", "qwen3", "qwen3moe", "gemma3", "gpt-oss")
_QUANTIZATIONS = ("Q8_0", "Q4_K_M", "Q6_K", "F16")
_MEMORY = ("memory", "alloc", "thread creation failed")
"""What a refused allocation sounds like; a thread's is its stack."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A model, how it is loaded, and the budget as a share of what was promised for it."""

    dimensions: Dimensions
    quantization: str
    context: int
    kv: str
    share: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a pair. fits: the verdict; limit_bytes: of the load; used_bytes: where it
    loaded, without the reserve; why: it did not."""

    pair: Pair
    promised_bytes: int
    budget_bytes: int
    fits: bool
    limit_bytes: int
    used_bytes: int | None
    why: str

    @property
    def wrong(self) -> bool:
        """Return whether the verdict was wrong. The load's limit is chosen so that this tells."""
        return self.fits != (self.used_bytes is not None)

    @property
    def inconclusive(self) -> bool:
        """Return whether the load failed for another reason than memory."""
        return self.used_bytes is None and not any(word in self.why.lower() for word in _MEMORY)


def pairs(count: int, seed: int, heaviest_bytes: int = 350 * _MB) -> Iterator[Pair]:
    """Yield random pairs: half of the budgets anywhere near, half within a few percent.

    heaviest_bytes: of weights; with fewer, reading the prompt takes less time.
    """
    chance = random.Random(seed)
    machine = limited(1 << 40)
    made = 0
    while made < count:
        dimensions = _dimensions(chance, _ARCHITECTURES[made % len(_ARCHITECTURES)])
        plain = _QUANTIZATIONS if dimensions.architecture != "gpt-oss" else ("MXFP4", "Q8_0")
        quantization = chance.choice(plain)
        context = 256 * round(2 ** chance.uniform(2, 8))
        kv = chance.choice(("f16", "q8_0", "q4_0"))
        share = chance.uniform(0.7, 1.4) if made % 2 else chance.gauss(1.012, 0.025)
        shape = gguf_shape.from_header(blueprint.header(dimensions, quantization), quantization)
        parts = estimate(shape, Placement(context, kv), machine).host
        if 20 * _MB < parts.weights < heaviest_bytes and 100 * _MB < parts.total < 800 * _MB:
            made += 1
            yield Pair(dimensions, quantization, context, kv, share)


def _dimensions(chance: random.Random, architecture: str) -> Dimensions:
    head = chance.choice((64, 128))
    heads = chance.choice((4, 6, 8, 12))
    experts = chance.choice((8, 16)) if architecture in ("qwen3moe", "gpt-oss") else 0
    layers = chance.choice((6, 12)) if architecture == "gemma3" else 2 * chance.randint(1, 6)
    return Dimensions(
        architecture,
        layers,
        256 * chance.randint(2, 6),
        heads,
        heads // chance.choice((1, 2)),
        head,
        256 * (chance.randint(1, 4) if experts else chance.randint(3, 16)),
        chance.choice((4096, 32_768, 65_536, 131_072)),
        131_072,
        experts=experts,
        experts_used=4 if experts else 0,
        window={"gemma3": 512, "gpt-oss": 128}.get(architecture, 0),
        window_period={"gemma3": 6, "gpt-oss": 2}.get(architecture, 0),
        tied=architecture == "gemma3" or (architecture != "gpt-oss" and chance.random() < 0.2),
    )


def limited(budget_bytes: int) -> Machine:
    """Return a machine without a card, with this budget behind the usual reserve."""
    free = budget_bytes + RAM_RESERVE_BYTES
    host = Device("limited", "cpu", free, RAM_RESERVE_BYTES, None, repacks=not has_amx())
    return Machine("limited", (), host)


def judge(pair: Pair, folder: Path, threads: int = 2) -> Outcome:
    """Return what the plan promises for a pair, and what a real load under the limit says.

    "Fits" is loaded under the whole budget, "does not fit" under the budget less SPARE: loading
    there would have been more than that to spare.
    """
    path = whole_models.write(folder / "model.gguf", pair.dimensions, pair.quantization)
    candidate = from_path(path)
    promised = best_row(candidate, limited(1 << 40), pair.context, pair.kv).parts.total
    budget = round(promised * pair.share)
    row = best_row(candidate, limited(budget), pair.context, pair.kv)
    fits = row.verdict == "fits"
    reserve = reserve_bytes(pair.dimensions.architecture, pair.dimensions.layers, folder, threads)
    limit = (budget if fits else round(budget * (1 - SPARE))) + reserve
    used, why = load(path, row.placement.context, pair.kv, limit, threads)
    used = None if used is None else used - reserve
    return Outcome(pair, promised, budget, fits, limit - reserve, used, why)


@functools.cache
def reserve_bytes(architecture: str, layers: int, folder: Path, threads: int = 2) -> int:
    """Return what a child reserves beside all that is promised, in bytes."""
    chance = random.Random(0)
    dimensions = replace(
        _dimensions(chance, architecture),
        layers=layers,
        embedding=256,
        heads=4,
        kv_heads=2,
        head=64,
        feed_forward=256,
        vocabulary=4096,
        tied=False,
    )
    path = whole_models.write(folder / "least.gguf", dimensions, "Q8_0")
    candidate: Candidate = from_path(path)
    promised = best_row(candidate, limited(1 << 40), 1024, "f16").parts.total
    used, why = load(path, 1024, "f16", 0, threads)
    if used is None:
        raise RuntimeError(why)
    return used - promised


def load(
    path: Path, context: int, kv: str, limit_bytes: int, threads: int = 2
) -> tuple[int | None, str]:
    """Return what a child used of its limit, or None and why it failed. limit_bytes 0: none."""
    command = [sys.executable, "-m", "tests.support.limited_child", str(path)]
    done = subprocess.run(
        [*command, str(context), kv, str(limit_bytes), str(threads)],
        cwd=ROOT,
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        capture_output=True,
        check=False,
        timeout=300,
    )
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode or not lines:
        log = done.stderr.decode("utf-8", "replace")[-600:]
        return None, f"the child ended with {done.returncode}: {log}"
    answer = json.loads(lines[-1])
    return answer.get("used"), answer.get("why", "")
