"""How right and how quick the plans are: `python -m tests.bench.bench_fit [--quick] [--speed]`.

Three parts. Real: models of true widths loaded and contexts made in truth, against what was planned
for them. Planned: models of true dimensions, where llama.cpp's simulation is the truth and the
formula is held against it. Speed: the bars of the issue, in wall and CPU time.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.engine.backends.buffers import Buffers
from app.engine.backends.simulate import ContextWish
from app.fit import blueprint, sparse
from app.fit.candidates import from_entry
from app.fit.devices import has_amx, named
from app.fit.gguf_shape import from_header
from app.fit.memory import Parts, Placement, estimate
from app.fit.plan import plan
from app.fit.shape import ModelShape
from app.fit.simulate import simulate
from app.models.catalogue import find
from app.models.gguf import read_header
from tests.support import synthetic
from tests.support.shapes import MODELS, cut, wishes

# The formula was made looking at these only; all other figures were never seen while making it.
SEEN_CONTEXTS = (2048, 8192, 40_960, 131_072)
SEEN_BATCHES = (64, 128, 512, 2048)


class Errors:
    """Relative errors of predictions, by what they are of."""

    def __init__(self) -> None:
        self.all: dict[str, list[float]] = {}

    def add(self, kind: str, predicted: int, actual: int) -> float:
        error = predicted / actual - 1
        self.all.setdefault(kind, []).append(error)
        return error

    def table(self) -> str:
        rows = [f"{'':<44}{'count':>6}{'worst':>9}{'median':>9}"]
        for kind, errors in self.all.items():
            worst = max(errors, key=abs)
            middle = statistics.median(map(abs, errors))
            rows.append(f"{kind:<44}{len(errors):>6}{100 * worst:>8.3f}%{100 * middle:>8.3f}%")
        return "\n".join(rows)


def formula(shape: ModelShape, wish: ContextWish) -> Parts:
    placement = Placement(wish.context, wish.kv, batch=wish.batch, swa_full=wish.swa_full)
    machine = named("cpu64")
    machine = replace(machine, host=replace(machine.host, repacks=not has_amx()))
    return estimate(shape, placement, machine).host


def beside_weights(buffers: Buffers) -> int:
    parts = (buffers.kv, buffers.compute, buffers.output)
    return sum(sum(part.values()) for part in parts)


def real(errors: Errors, each: int) -> None:
    print("\nReally loaded: true widths, 4 to 6 layers; sizes in MiB")
    for number, (name, dimensions) in enumerate(MODELS.items()):
        quantization = ("Q8_0", "Q4_K_M", "F16")[number % 3]
        small = cut(dimensions)
        header = blueprint.header(small, quantization)
        shape = from_header(header, quantization)
        asked = tuple(wishes(each, start=7 * number, longest=40_960))
        planned = simulate(header, asked, gpu_layers=0, timeout_s=600)
        with tempfile.TemporaryDirectory() as folder:
            path = sparse.write(Path(folder) / "model.gguf", header)
            there = read_header(path)
            loaded = simulate(there, asked, gpu_layers=0, timeout_s=600, allocate=True)
        worst = 0.0
        for wish, promised, actual in zip(asked, planned, loaded, strict=True):
            whole = actual.total()
            exact = shape.weights_bytes + beside_weights(promised)
            errors.add("real loads: exact, all", exact, whole)
            errors.add(
                "real loads: exact, without weights",
                beside_weights(promised),
                beside_weights(actual),
            )
            parts = formula(shape, wish)
            errors.add("real loads: formula, all", parts.total - parts.overhead, whole)
            mine = parts.kv + parts.compute + parts.output
            error = errors.add("real loads: formula, without weights", mine, beside_weights(actual))
            worst = max(worst, abs(error), abs(exact / whole - 1))
        weights = sum(loaded[0].weights.values())
        print(
            f"{name:<14} {quantization:<7} {len(asked):>3} contexts, weights "
            f"{shape.weights_bytes / 2**20:8.2f} promised {weights / 2**20:8.2f} used, "
            f"worst error {100 * worst:.3f} %",
            flush=True,
        )


def planned(errors: Errors, each: int) -> None:
    print("\nPlanned: true dimensions; KV cache, compute and output in MiB, formula : llama.cpp")
    for number, (name, dimensions) in enumerate(MODELS.items()):
        header = blueprint.header(dimensions, "Q8_0")
        shape = from_header(header, "Q8_0")
        asked = tuple(wishes(each, start=11 * number))
        truth = simulate(header, asked, gpu_layers=0, timeout_s=600)
        worst = 0.0
        for index, (wish, buffers) in enumerate(zip(asked, truth, strict=True)):
            parts = formula(shape, wish)
            mine, theirs = parts.kv + parts.compute + parts.output, beside_weights(buffers)
            seen = wish.context in SEEN_CONTEXTS and wish.batch in SEEN_BATCHES
            group = "seen" if seen and index % 3 else "held out"
            weights = shape.weights_bytes
            errors.add(f"true dimensions, {group}: all", weights + mine, weights + theirs)
            errors.add(f"true dimensions, {group}: without weights", mine, theirs)
            compute = sum(buffers.compute.values())
            errors.add(f"true dimensions, {group}: compute alone", parts.compute, compute)
            worst = max(worst, abs(parts.compute / compute - 1))
            if index < 2:
                print(
                    f"{name:<14} {wish.context:>7} {wish.kv:<5} batch {wish.batch:<5}"
                    f"{'full' if wish.swa_full else 'windows':<8}"
                    f"{parts.kv / 2**20:>10.2f} :{sum(buffers.kv.values()) / 2**20:>10.2f}"
                    f"{parts.compute / 2**20:>9.2f} :{compute / 2**20:>9.2f}",
                    flush=True,
                )
        print(f"{name:<14} {len(asked)} contexts, compute's worst error {100 * worst:.3f} %")


FIRST = """
import sys, time
from app.fit.candidates import from_entry
from app.fit.devices import named
from app.fit.plan import plan
from app.models.catalogue import find
wall, cpu = time.perf_counter(), time.process_time()
entry = find(sys.argv[1])
read = time.process_time()
rows = plan(from_entry(entry), named(sys.argv[2]), 40_960).rows
ended = time.process_time()
print(1e3 * (read - cpu), 1e3 * (ended - read), 1e3 * (time.perf_counter() - wall))
"""
"""A program whose first plan this is: nothing is cached, all is imported."""


def first_call(model: str, device: str) -> None:
    figures = []
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", FIRST, model, device], capture_output=True, text=True, check=True
        )
        figures.append([float(figure) for figure in done.stdout.split()])
    read, planned, wall = (statistics.median(column) for column in zip(*figures, strict=True))
    print(
        f"formula, first call for {model} on {device}: {planned:.1f} ms of CPU, and {read:.1f} to "
        f"read the catalogue ({wall:.1f} ms wall in all)"
    )


def speed() -> None:
    print("\nSpeed (median of 5; the wall includes waiting for other programs)")
    first_call("magistral-small-1.2", "rtx4090")
    first_call("magistral-small-1.2", "mac32")
    entry = find("magistral-small-1.2")
    assert entry is not None
    machine = named("rtx4090")
    walls, cpus = [], []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        rows = plan(from_entry(entry), machine, 40_960).rows
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(
        f"formula, {len(rows)} rows of {entry.name}, later calls: "
        f"{1e3 * statistics.median(cpus):.1f} ms of CPU ({1e3 * statistics.median(walls):.1f} wall)"
    )
    header = blueprint.header(MODELS["llama 24B"], "Q6_K")
    walls = []
    for _ in range(5):
        wall = time.perf_counter()
        simulate(header, [ContextWish(40_960, "q8_0", 512, True)], timeout_s=600)
        walls.append(time.perf_counter() - wall)
    print(f"exact, one context: {statistics.median(walls):.2f} s (best {min(walls):.2f})")
    with tempfile.TemporaryDirectory() as folder:
        path = synthetic.write(Path(folder) / "words.gguf", synthetic.BENCH)
        whole = read_header(path)
        walls = []
        for _ in range(5):
            wall = time.perf_counter()
            read_header(path)
            walls.append(time.perf_counter() - wall)
        print(f"header of 131,072 words: {1e3 * statistics.median(walls):.0f} ms")
        walls = []
        for _ in range(3):
            wall = time.perf_counter()
            simulate(whole, [ContextWish(8192, "f16", 512, True)], timeout_s=600)
            walls.append(time.perf_counter() - wall)
        print(f"exact, a file with 131,072 words: {min(walls):.2f} s at best")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few contexts of each model")
    parser.add_argument("--speed", action="store_true", help="the speed only")
    parsed = parser.parse_args(arguments)
    quick = parsed.quick
    errors = Errors()
    speed()
    if parsed.speed:
        return
    real(errors, 2 if quick else 6)
    planned(errors, 4 if quick else 24)
    print("\n" + errors.table())


if __name__ == "__main__":
    main(sys.argv[1:])
