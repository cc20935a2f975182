"""What the engine costs over llama.cpp itself, and how quickly it stops.

    python -m tests.bench.bench_engine [speed] [cancel] [--repeats N] [--vocabulary N]

speed: tokens a second through worker, pipe and client against a bare loop over the same functions
in a process of its own, same synthetic model with 131,072 tokens, taking turns; wanted: 0.97.
cancel: milliseconds from the cancel to its answer, while decoding (wanted: 100) and while reading
8,000 tokens of prompt on a model that takes 30 s or more for it (wanted: 1,000).
Both processes share the machine with whatever else runs: trust the ratios, of many short pairs
(--tokens 150 --repeats 25). What the engine's own code costs, early and late in a long answer, is
tests/bench/bench_loop.py's.
"""

import argparse
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
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
from tests.support import bare_loop, synthetic
from tests.support.engine import Engine

SAMPLING = Sampling(temperature=0.7, top_k=40, top_p=0.95, min_p=0.05, seed=1)


class Bare:
    """The reference in its own process."""

    def __init__(self, model: Path, threads: int) -> None:
        command = [sys.executable, "-m", "tests.support.bare_loop", str(model), str(threads)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.pid = self._process.pid

    def run(self, what: str, count: int, seed: int) -> list[float]:
        """Return the seconds at which each token was there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what} {count} {seed}\n")
        self._process.stdin.flush()
        times: list[float] = json.loads(self._process.stdout.readline())
        return times

    def close(self) -> None:
        self._process.communicate()


def through_engine(engine: Engine, count: int, seed: int) -> list[float]:
    """Return the seconds after Started at which each token was in the client's queue."""
    sampling = Sampling(0.7, 40, 0.95, 0.05, seed)
    # Another prompt each time, so that nothing is reused, as in the bare loop.
    engine.generate(
        synthetic.words(bare_loop.PROMPT_TOKENS, first=seed * 20),
        max_tokens=count,
        ignore_end=True,
        sampling=sampling,
    )
    times: list[float] = []
    began = 0.0
    for at, event in engine.until_timed(lambda e: isinstance(e, Finished)):
        if isinstance(event, Started):
            began = at
        elif isinstance(event, Delta):
            times += [at - began] * event.tokens
        elif isinstance(event, Finished):
            assert event.usage.answer_tokens == count, event
    return times


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def median(values: list[float]) -> float:
    return statistics.median(values)


def speed(engine: Engine, bare: Bare, repeats: int, tokens: int) -> None:
    pid = engine.client.pid
    assert pid is not None
    rates: dict[str, list[float]] = {"bare": [], "engine": [], "chat": []}
    cpu: dict[str, list[float]] = {"bare": [], "engine": [], "client": []}
    for seed in range(repeats + 1):
        before = cpu_seconds(bare.pid)
        once = {"bare": bare.run("bare", tokens, seed)}
        middle = cpu_seconds(bare.pid), cpu_seconds(pid), time.process_time()
        once["engine"] = through_engine(engine, tokens, seed)
        after = cpu_seconds(pid), time.process_time()
        once["chat"] = bare.run("chat", tokens // 2, seed)
        if seed == 0:
            continue  # the first of each warms up
        for name, times in once.items():
            rates[name].append(len(times) / times[-1])
        cpu["bare"].append(middle[0] - before)
        cpu["engine"].append(after[0] - middle[1])
        cpu["client"].append(after[1] - middle[2])
    for name, values in rates.items():
        print(f"  {name:7} {median(values):8.1f} tokens/s (best {max(values):.1f})")
    pairs = [e / b for e, b in zip(rates["engine"], rates["bare"], strict=True)]
    print(f"  engine / bare: median of pairs {median(pairs):.3f}, best {best(rates):.3f}")
    for name, values in cpu.items():
        print(f"  {name:7} {median(values) / tokens * 1e6:8.0f} us of processor time a token")
    ratio = median(cpu["bare"]) / median(cpu["engine"])
    print(f"  engine / bare by processor time: {ratio:.3f}")
    chat = [c / b for c, b in zip(rates["chat"], rates["bare"], strict=True)]
    print(f"  create_chat_completion / bare: {median(chat):.3f} (at {tokens // 2} tokens)")


def best(rates: dict[str, list[float]]) -> float:
    return max(rates["engine"]) / max(rates["bare"])


def cancel(engine: Engine, repeats: int) -> None:
    prompt = synthetic.words(3700) + synthetic.words(3700) + synthetic.words(600)
    began = time.monotonic()
    request = engine.generate(prompt)
    engine.until(lambda e: isinstance(e, PromptProgress) and e.done >= 1000)
    # A token costs the more the more stand before it: the rest takes at least as long a thousand.
    least = 8 * (time.monotonic() - began)
    latency(engine, request)
    print(f"  the whole prompt of 8,000 tokens takes {least:.0f} s or more", flush=True)
    reading: list[float] = []
    moments = random.Random(1)
    for turn in range(repeats):
        stop_at = moments.randrange(100, 3000)
        fresh = synthetic.words(1, first=turn + 5) + prompt
        request = engine.generate(fresh)
        engine.until(lambda e, at=stop_at: isinstance(e, PromptProgress) and e.done >= at)
        reading.append(latency(engine, request))
        kept = engine.ask(fresh[: fresh.index(" ", 5 * 50)], max_tokens=1)[-1]
        assert isinstance(kept, Finished)
        assert kept.usage.cached_tokens == kept.usage.prompt_tokens - 1
    tell("reading", reading, 1000)
    decoding: list[float] = []
    for turn in range(repeats * 2):
        request = engine.generate(synthetic.words(20, first=turn * 20), ignore_end=True)
        engine.until(lambda e: isinstance(e, Delta))
        time.sleep(moments.random() * 0.3)
        engine.client.poll()
        decoding.append(latency(engine, request))
    tell("decoding", decoding, 100)


def latency(engine: Engine, request: int) -> float:
    asked = time.monotonic()
    engine.client.send(Cancel(request))
    at, last = engine.until_timed(lambda e: isinstance(e, Finished))[-1]
    assert isinstance(last, Finished)
    assert last.reason == "cancelled", last
    return at - asked


def tell(what: str, latencies: list[float], wanted_ms: int) -> None:
    values = [1000 * value for value in latencies]
    print(
        f"  {what}: median {median(values):.0f} ms, longest {max(values):.0f} ms"
        f" of {len(values)} (wanted: {wanted_ms})"
    )


@contextlib.contextmanager
def loaded(folder: Path, shape: synthetic.Shape, context: int, threads: int) -> Iterator[Engine]:
    path = synthetic.write(folder / "model.gguf", shape)
    engine = Engine(folder / "engine.log")
    with engine.client:
        options = LoadOptions(str(path), context=context, threads=threads)
        assert isinstance(engine.load(options), Loaded)
        yield engine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", default=["speed", "cancel"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=600)
    parser.add_argument("--vocabulary", type=int, default=synthetic.BENCH.vocabulary)
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "speed" in arguments.what:
            print("speed", flush=True)
            context, threads = bare_loop.CONTEXT, arguments.threads
            shape = replace(synthetic.BENCH, vocabulary=arguments.vocabulary, context=context)
            with loaded(folder, shape, context, threads) as engine:
                bare = Bare(folder / "model.gguf", threads)
                speed(engine, bare, arguments.repeats, arguments.tokens)
                bare.close()
        if "cancel" in arguments.what:
            print("cancel")
            with loaded(folder, synthetic.SLOW, 16384, arguments.threads) as engine:
                engine.patience_s = 300.0  # a prompt takes minutes on a small machine
                cancel(engine, arguments.repeats)


if __name__ == "__main__":
    main()
