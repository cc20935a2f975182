"""How much sooner an old chat goes on from its kept state than by being read again.

    python -m tests.bench.bench_resume [--tokens 20000] [--layers 1] [--kv f16] [--threads N]

A model of Magistral Small's widths and so many of its layers reads a chat of so many tokens, is
unloaded, which keeps the sequence on disk, and is loaded in a process of its own again. Told is the
time from the question to its first token, both times; the second from a file that the system was
asked to forget. Both grow with the layers alike. Wanted: 10 times.
"""

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil

from app import paths
from app.engine.protocol import Finished, Loaded, LoadOptions, Sampling, Unload, Unloaded, Usage
from tests.support import synthetic
from tests.support.engine import Engine


def read(engine: Engine, options: LoadOptions, prompt: str) -> Usage:
    """Load the model and ask; return what it took."""
    assert isinstance(engine.load(options), Loaded)
    greedy = Sampling(temperature=0.0)
    events = engine.ask(prompt, max_tokens=1, ignore_end=True, sampling=greedy, chat="bench")
    last = events[-1]
    assert isinstance(last, Finished), last
    return last.usage


def unload(engine: Engine) -> float:
    """Unload the model, which keeps the sequence; return the seconds."""
    began = time.monotonic()
    engine.client.send(Unload(engine.client.next_request()))
    engine.until(lambda event: isinstance(event, Unloaded))
    return time.monotonic() - began


def forget_cached(path: Path) -> None:
    """Ask the system to read a file from the disk next time."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--kv", choices=("f16", "q8_0", "q4_0"), default="f16")
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["PONDER_HOME"] = str(folder / "home")
        shape = replace(synthetic.TRUE, layers=arguments.layers)
        options = LoadOptions(
            str(synthetic.write(folder / "model.gguf", shape)),
            context=arguments.tokens + 1024,
            kv_type=arguments.kv,
            threads=arguments.threads,
        )
        known = shape.vocabulary - synthetic.FIRST_WORD
        prompt = "".join(
            synthetic.words(min(known, arguments.tokens - at))
            for at in range(0, arguments.tokens, known)
        )
        usages = []
        for turn in range(2):
            engine = Engine(folder / f"{turn}.log")
            engine.patience_s = 3600.0
            with engine.client:
                usages.append(read(engine, options, prompt))
                took = usages[-1]
                print(
                    f"  {took.first_token_s:8.2f} s to the first token,"
                    f" {took.cached_tokens:,} of {took.prompt_tokens:,} tokens not read again",
                    flush=True,
                )
                if turn == 0:
                    seconds = unload(engine)
                    (path,) = (paths.cache_dir() / "states").glob("*.kv")
                    size = path.stat().st_size
                    print(f"  {seconds:8.2f} s to unload, {size / 1e6:.0f} MB kept", flush=True)
                    forget_cached(path)
        again, resumed = usages
        print(f"  {again.first_token_s / resumed.first_token_s:.0f} times sooner (wanted: 10)")


if __name__ == "__main__":
    main()
