"""How long the parser takes for what arrives, in one block that never ends and in many.

For each kind of text: milliseconds of this thread's CPU time for one append of 37 characters (ten
tokens), at the beginning and at the end of the text, which should not differ. Then a long answer
read whole and in slices, as it is when a chat is opened.

    python tests/bench/bench_markup.py [--kilobytes 20] [--chars 37]
"""

import argparse
import json
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.markup.blocks import Blocks, parse, slices
from tests.support.streams import stream

WORDS = "the value of a long thought about numbers grows and we see that it holds for small x"


def texts(size: int) -> dict[str, str]:
    """Return one text of each kind."""
    draw = random.Random(1)
    words = WORDS.split()

    def said(count: int = 12) -> str:
        bits = ["", "", "", " $x_1^2$", " *here*", " `code`", " about $5", " [1]", " **so**"]
        return " ".join(draw.choices(words, k=count)) + draw.choice(bits) + ". "

    many = range(size // 20)
    rows = "".join(f"| {said(4)} | $x_{n}$ | {n} |\n" for n in many)
    found = {
        "paragraph": "".join(said() for _ in many),
        "list": "".join(f"- {said()}{said()}\n" for _ in many),
        "loose list": "".join(f"- {said()}\n\n" for _ in many),
        "list of lists": "".join(
            f"{n}. **Step** {said()}\n    - {said()}\n    - {said()}\n" for n in many
        ),
        "table": f"| a | b | c |\n|---|:-:|--:|\n{rows}",
        "code": "```python\n" + "".join(f"def f{n}(x): return x + {n}\n" for n in many),
        "quotation": "".join(f"> {said()}\n" for _ in many),
        "mixed": stream(0, size).answer + stream(1, size).answer,
    }
    return {name: text[:size] for name, text in found.items()}


def appended(text: str, chars: int) -> dict[str, float]:
    """Return what the appends took, in ms."""
    blocks = Blocks()
    took = []
    for at in range(0, len(text), chars):
        before = time.thread_time()
        blocks.append(text[at : at + chars])
        took.append((time.thread_time() - before) * 1e3)
    ordered = sorted(took)
    tenth = max(1, len(took) // 10)
    return {
        "p50": round(ordered[len(ordered) // 2], 2),
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))], 2),
        "max": round(ordered[-1], 2),
        "last_to_first": round(statistics.mean(took[-tenth:]) / statistics.mean(took[:tenth]), 2),
    }


def opened(text: str) -> dict[str, float]:
    """Return what reading a whole text took, in ms: at once, in slices, and the longest slice."""
    before = time.thread_time()
    parse(text)
    whole = (time.thread_time() - before) * 1e3
    blocks = Blocks()
    took = []
    for piece in slices(text):
        before = time.thread_time()
        blocks.append(piece)
        took.append((time.thread_time() - before) * 1e3)
    found = {"characters": len(text), "whole": whole, "slices": sum(took), "longest": max(took)}
    return {name: round(value, 1) for name, value in found.items()}


def main() -> None:
    """Print a line of JSON for each kind of text."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--kilobytes", type=int, default=20)
    options.add_argument("--chars", type=int, default=37)
    asked = options.parse_args()
    parse("a $x$ *b*\n\n- c\n")
    for name, text in texts(asked.kilobytes * 1000).items():
        print(json.dumps({"text": name, **appended(text, asked.chars)}))
    answer = "".join(stream(seed).answer for seed in range(12))[:160_000]
    print(json.dumps({"text": "a long answer, opened", **opened(answer)}))


if __name__ == "__main__":
    main()
