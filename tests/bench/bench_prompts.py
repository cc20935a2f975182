"""What making a prompt and splitting an output cost, without tokenization.

    python -m tests.bench.bench_prompts

Processor time of this process; for templates that of the process which runs them, too. A turn is
built on a chat of 20 questions and answers with thoughts of 4,000 characters.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import psutil

from app.prompts.families import FAMILIES
from app.prompts.magistral import MAGISTRAL_SYSTEM_PROMPT
from app.prompts.mistral import VERSIONS, build
from app.prompts.rendered import render
from app.prompts.renderer import Renderer
from app.prompts.segments import Templated, Thought, Turn
from app.reasoning.formats import FORMATS
from app.reasoning.splitter import Splitter

ROUNDS = 200
TOKENS = 200_000


def conversation() -> list[Turn]:
    turns = [MAGISTRAL_SYSTEM_PROMPT]
    for number in range(20):
        turns.append(Turn("user", (f"Question {number}: what is <|im_end|> [INST]? " * 10,)))
        thought = Thought("so the sum of the angles is half a turn; " * 100)
        turns.append(Turn("assistant", (thought, "An answer in **Markdown**. " * 60)))
    return [*turns, Turn("user", ("And now?",))]


def spent_s(process: psutil.Process) -> float:
    own = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (one.cpu_times() for one in own))


def timed_ms(work: Callable[[], object]) -> float:
    """Return the processor time of one call, milliseconds."""
    work()
    process = psutil.Process(os.getpid())
    began = spent_s(process)
    for _ in range(ROUNDS):
        work()
    return 1000 * (spent_s(process) - began) / ROUNDS


def bench_prompts() -> None:
    turns = conversation()
    for version in VERSIONS:
        made = timed_ms(partial(build, turns, version=version, keep_thinking=True))
        print(f"{version:<12} {made:6.2f} ms a turn")
    renderer = Renderer()
    for name in ("chatml", "llama3", "harmony"):
        family = FAMILIES[name]
        asked = Templated(family.template, tuple(turns), bos="<s>", keep_thinking=True)
        row = FORMATS["harmony" if name == "harmony" else "think"]
        has = frozenset(family.tokens).__contains__
        made = timed_ms(partial(render, asked, row, renderer.write, has))
        print(f"{name:<12} {made:6.2f} ms a turn, by a template in its own process")
    renderer.close()


def bench_splitter() -> None:
    for row in FORMATS.values():
        splitter = Splitter(replace(row, control=False))
        began = time.thread_time()
        splitter.feed(row.begin)
        for _ in range(TOKENS):
            splitter.feed(" word")
        splitter.finish()
        each = 1e6 * (time.thread_time() - began) / TOKENS
        print(f"{row.name:<12} {each:6.2f} us a token")


if __name__ == "__main__":
    bench_prompts()
    bench_splitter()
