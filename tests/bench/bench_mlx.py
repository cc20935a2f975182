"""What the MLX engine costs over mlx_lm itself, on whatever MLX computes with here.

    python -m tests.bench.bench_mlx [speed] [cancel] [--repeats N] [--tokens N]

speed: tokens a second through worker, pipe and client against mlx_lm's generate_step in a process
of its own, same model, taking turns: the demo model, and a synthetic one with 131,072 tokens.
Wanted: 0.97. Greedy, and drawn (top_k 40, top_p 0.95, min_p 0.05, temperature 0.7).
cancel: milliseconds from the cancel to its answer, while writing and while reading.
Both processes share the machine with whatever else runs: trust the ratios.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from app.engine.protocol import (
    Cancel,
    Delta,
    Finished,
    Loaded,
    LoadOptions,
    PromptProgress,
    Sampling,
    Started,
)
from tests.support import mlx_bare, synthetic, synthetic_mlx
from tests.support.engine import Engine

DEMO = Path(__file__).parents[2] / "resources" / "demo" / "mlx"
GREEDY, DRAWN = 0.0, 0.7


class Bare:
    """The reference in its own process."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.mlx_bare", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.pid = self._process.pid

    def run(self, count: int, seed: int, temperature: float) -> list[float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{count} {seed} {temperature}\n")
        self._process.stdin.flush()
        times: list[float] = json.loads(self._process.stdout.readline())
        return times

    def close(self) -> None:
        self._process.communicate()


def through_engine(engine: Engine, count: int, seed: int, temperature: float) -> list[float]:
    """Return the seconds after the first token at which each was in the client's queue."""
    sampling = Sampling(temperature, 40, 0.95, 0.05, seed)
    # Another prompt each time, so that nothing is reused, as in the bare loop.
    prompt = synthetic.words(mlx_bare.PROMPT_TOKENS, first=seed * 20)
    engine.generate(prompt, max_tokens=count, ignore_end=True, sampling=sampling)
    times: list[float] = []
    began = 0.0
    for at, event in engine.until_timed(lambda e: isinstance(e, Finished)):
        if isinstance(event, Started):
            began = 0.0
        elif isinstance(event, Delta):
            began = began or at
            times += [at - began] * event.tokens
        elif isinstance(event, Finished):
            assert event.usage.answer_tokens == count, event
    return times


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def speed(engine: Engine, bare: Bare, repeats: int, tokens: int, temperature: float) -> None:
    pid = engine.client.pid
    assert pid is not None
    rates: dict[str, list[float]] = {"bare": [], "engine": []}
    cpu: dict[str, list[float]] = {"bare": [], "engine": []}
    for seed in range(repeats + 1):
        began = cpu_seconds(bare.pid), cpu_seconds(pid)
        once = {"bare": bare.run(tokens, seed, temperature)}
        once["engine"] = through_engine(engine, tokens, seed, temperature)
        ended = cpu_seconds(bare.pid), cpu_seconds(pid)
        if seed == 0:
            continue  # the first of each warms up
        for number, (name, times) in enumerate(once.items()):
            rates[name].append(len(times) / times[-1])
            cpu[name].append(ended[number] - began[number])
    pairs = [e / b for e, b in zip(rates["engine"], rates["bare"], strict=True)]
    each = {name: statistics.median(values) / tokens * 1e6 for name, values in cpu.items()}
    kind = "drawn " if temperature else "greedy"
    print(
        f"  {kind} bare {statistics.median(rates['bare']):7.1f} tokens/s,"
        f" engine {statistics.median(rates['engine']):7.1f}:"
        f" median of pairs {statistics.median(pairs):.3f},"
        f" best of each {max(rates['engine']) / max(rates['bare']):.3f};"
        f" processor time a token {each['bare']:.0f} and {each['engine']:.0f} us,"
        f" {each['bare'] / each['engine']:.3f}",
        flush=True,
    )


def cancel(engine: Engine, repeats: int) -> None:
    moments = random.Random(1)
    reading: list[float] = []
    writing: list[float] = []
    for turn in range(repeats):
        prompt = synthetic.words(1, first=turn + 5) + synthetic.words(3000)
        stop_at = moments.randrange(100, 2000)
        request = engine.generate(prompt)
        engine.until(lambda e, at=stop_at: isinstance(e, PromptProgress) and e.done >= at)
        reading.append(latency(engine, request))
        request = engine.generate(synthetic.words(20, first=turn * 20), ignore_end=True)
        engine.until(lambda e: isinstance(e, Delta))
        time.sleep(moments.random() * 0.3)
        engine.client.poll()
        writing.append(latency(engine, request))
    for name, values in (("reading", reading), ("writing", writing)):
        print(
            f"  {name}: median {1e3 * statistics.median(values):.0f} ms,"
            f" longest {1e3 * max(values):.0f} ms of {len(values)}"
        )


def latency(engine: Engine, request: int) -> float:
    asked = time.monotonic()
    engine.client.send(Cancel(request))
    at, last = engine.until_timed(lambda e: isinstance(e, Finished))[-1]
    assert isinstance(last, Finished)
    assert last.reason == "cancelled", last
    return at - asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["speed", "cancel"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        large = synthetic_mlx.write(Path(name) / "large", synthetic.BENCH)
        for title, folder in (("the demo model", DEMO), ("131,072 tokens", large)):
            print(title)
            engine = Engine(Path(name) / "engine.log")
            engine.patience_s = 300.0
            with engine.client:
                options = LoadOptions(str(folder), backend="mlx", context=4096)
                loaded = engine.load(options)
                assert isinstance(loaded, Loaded), loaded
                if "speed" in arguments.what:
                    bare = Bare(folder)
                    for temperature in (GREEDY, DRAWN):
                        speed(engine, bare, arguments.repeats, arguments.tokens, temperature)
                    bare.close()
                if "cancel" in arguments.what and folder == large:
                    cancel(engine, arguments.repeats)


if __name__ == "__main__":
    main()
