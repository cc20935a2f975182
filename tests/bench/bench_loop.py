"""What Ponder's own code costs a token, the model apart: at the beginning and at 20,000 tokens.

    python -m tests.bench.bench_loop [--far 20000] [--repeats 5] [--vocabulary 131072]

The child's loop runs as it does in the child (`app.engine.generation`, the llama.cpp back end, the
pipe), in this process; of the library only llama_decode and the sampling are left out, and tokens
come from a list, another one each time. So attention is apart without being reckoned away: at
20,000 tokens it is a hundred times what is looked for. Beside it stands what a token of the bare
loop takes on the same model here and now. Wanted: far over near within 1.1.

answer: of a model that does not think. thought: inside a thought, with budget and loop breaker.
"""

import argparse
import itertools
import multiprocessing
import os
import random
import statistics
import tempfile
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app.engine.backends.llama_cpp import LlamaCppBackend
from app.engine.flags import Flags
from app.engine.generation import generate
from app.engine.outbox import Outbox
from app.engine.prefill import Pace
from app.engine.protocol import Event, Generate, LoadOptions, Sampling
from app.prompts.renderer import Renderer
from app.prompts.segments import Text
from tests.support import bare_loop, synthetic

SAMPLING = Sampling(temperature=0.7, top_k=40, top_p=0.95, min_p=0.05, seed=1)
MARK = 100
"""Tokens between two looks at the clock."""
NEAR, WINDOW = 100, 500
BARE_TOKENS = 200


class Listed:
    """llama.cpp's functions, of which two do nothing: tokens come from a list.

    marks: this thread's processor time after each MARK tokens.
    """

    def __init__(self, api: Any, ids: list[int]) -> None:
        self._api = api
        self._ids = iter(ids)
        self._drawn = 0
        self.marks: list[float] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._api, name)
        setattr(self, name, found)
        return found

    def llama_decode(self, _context: Any, _batch: Any) -> int:
        return 0

    def llama_sampler_sample(self, _chain: Any, _context: Any, _row: int) -> int:
        if self._drawn % MARK == 0:
            self.marks.append(time.thread_time())
        self._drawn += 1
        return next(self._ids)


def stream(backend: LlamaCppBackend, count: int, seed: int, *, thought: bool) -> list[float]:
    """Run the loop; return the processor time of a token, in seconds, for each MARK of them."""
    ours, theirs = multiprocessing.Pipe()
    threading.Thread(target=_drain, args=(ours,), daemon=True).start()
    source = random.Random(seed)
    ids = [source.randrange(400, backend.vocabulary_size) for _ in range(count + 1)]
    api = backend._api
    backend._api = listed = Listed(api, ids)
    command = Generate(
        seed,
        (Text(synthetic.words(bare_loop.PROMPT_TOKENS, first=3)),),
        SAMPLING,
        reasoning="think" if thought else "none",
        thinking_open=thought,
        max_tokens=count,
        thinking_budget=2 * count if thought else None,
        ignore_end=True,
    )
    generate(
        backend,
        command,
        context=bare_loop.CONTEXT,
        pace=Pace(512),
        flags=Flags(),
        outbox=Outbox(theirs),
        received=time.monotonic(),
        renderer=Renderer(),
    )
    backend._api = api
    theirs.close()
    marks = listed.marks
    return [(after - before) / MARK for before, after in itertools.pairwise(marks)]


def _drain(connection: "Connection[object, Event]") -> None:
    while True:
        try:
            connection.recv()
        except EOFError:
            return


class Sized(LlamaCppBackend):
    """The back end, which says how many words it knows."""

    @property
    def vocabulary_size(self) -> int:
        return self._vocabulary.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--far", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--vocabulary", type=int, default=131_072)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        shape = replace(synthetic.BENCH, vocabulary=chosen.vocabulary, context=bare_loop.CONTEXT)
        path = synthetic.write(Path(name) / "model.gguf", shape)
        # llama.cpp says on standard error what it loads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        backend = Sized()
        backend.load(LoadOptions(str(path), context=bare_loop.CONTEXT, threads=1), lambda _: True)
        bare_loop.use_plain_buffers(backend._api)
        bare = bare_loop.Bare(backend._api, str(path), 1)
        bare.run(20, 0, time.thread_time)
        token_us = bare.run(BARE_TOKENS, 1, time.thread_time)[-1] / BARE_TOKENS * 1e6
        for kind in ("answer", "thought"):
            runs = [
                stream(backend, chosen.far, seed, thought=kind == "thought")
                for seed in range(1, chosen.repeats + 1)
            ]
            marks = WINDOW // MARK
            near = statistics.median(t for run in runs for t in run[NEAR // MARK :][:marks]) * 1e6
            far = statistics.median(t for run in runs for t in run[-marks:]) * 1e6
            print(
                f"{kind}: {near:.1f} us a token at {NEAR}, {far:.1f} at {chosen.far}: "
                f"{far / near:.3f} times (wanted: 1.1); {near / token_us:.3%} of the "
                f"{token_us:.0f} us that a token of the bare loop takes",
                flush=True,
            )
        backend.unload()


if __name__ == "__main__":
    main()
