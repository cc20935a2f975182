"""Streams long texts into the transcript and measures the window's thread, tick by tick.

A tick is what the window does 30 times a second: take the turn's state, lay out, paint, and put in
the formulas that have come. What it costs is told twice: in this thread's processor time, which
other work on the machine disturbs least, and by the clock. Ticks must not grow with what is already
there: the last tenth is compared with the first in one run. Beside it stands the longer of a tick's
two stretches, layout and drawing: between them the loop takes clicks and keys. Formulas are typeset
by the real process; a tick lasts at most 33 ms and ends early once none is waited for.

    python tests/bench/bench_view.py [--kilobytes 160] [--tokens 100 1000] [--kinds mixed …]
        [--repeat 1] [--browser] [--katex node_modules] [--stop]

The bars: p50 4 ms, p99 16 ms, max 50 ms, last over first 1.1, 40 MB, Stop within 100 ms. Every run
is a process of its own. The default is what the bars speak of; a table ends it.

--repeat: streams the same several times, and takes the least that each tick has cost: on a machine
that does other things too, that is what the tick costs itself.
--browser, --katex: also what else could show the same stream (tests/bench/others.py), as ratios;
the first also tells what Qt's own widget for plain text takes a tick.
--stop: also how soon a click on Stop stops (tests/bench/bench_stop.py).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from array import array
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QEvent, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from app.chat.message import Message, Text
from app.chat.turn import TurnState
from tests.bench import others
from ui import collecting, theme
from ui.chat import view as view_module
from ui.chat.view import ChatView

BARS = {"p50 ms": 4.0, "p99 ms": 16.0, "max ms": 50.0, "last/first": 1.1, "grown MB": 40.0}

TICKS_PER_S = 30
TICK_S = 1 / TICKS_PER_S
CHARACTERS = 3.72
"""To a token, as in 160 kB for 43,000."""
THOUGHT_KB = 744
"""200,000 tokens."""

SECTION = r"""## Step {n}: what follows

The derivative of $f_{n}(x) = x^{n}$ is **found by the limit** $\lim_{h \to 0}$ of the quotient,
and `f({n})` is what the code below prints. A sentence more, so that the paragraph has lines.

$$f_{n}'(x) = \lim_{h \to 0} \frac{(x + h)^{n} - x^{n}}{h} = {n} x^{{n} - 1}$$

- first, expand the power,
- then cancel what is equal,
  1. divide by $h$,
  2. let it go to zero.

```python
def derivative(x: float, n: int = {n}) -> float:
    # the power rule
    return n * x ** (n - 1)
```

| x | f(x) | f'(x) |
|---|-----:|------:|
| 1 | 1 | {n} |
| 2 | {n} | {n} |

"""
SENTENCE = "So the sum of the *angles* in step {n} is `180` degrees, as $x_{n}$ says, and more. "
ENDLESS = {
    "paragraph": ("", SENTENCE),
    "list": ("", "- " + SENTENCE + "\n"),
    "quotation": ("", "> " + SENTENCE + "\n"),
    "code": ("```python\n", "value_{n} = derivative(x={n}, n=3)  # the power rule, step {n}\n"),
    "table": ("| x | f(x) | words |\n|--:|---|---|\n", "| {n} | $x_{n}$ | a few words in {n} |\n"),
}


KINDS = ("mixed", "thinking", *ENDLESS)


def text_of(kind: str, size: int) -> str:
    """Return Markdown of a size as models write it, or one block without an end."""
    begins, repeated = ENDLESS.get(kind, ("", SECTION))
    parts = [begins]
    length = len(begins)
    while length < size:
        parts.append(repeated.replace("{n}", str(len(parts))))
        length += len(parts[-1])
    return "".join(parts)[:size]


def step_of(tokens_per_s: int) -> int:
    """Return the characters that come in a tick."""
    return max(1, round(tokens_per_s / TICKS_PER_S * CHARACTERS))


def percentiles(times: list[float]) -> dict[str, float]:
    """Return p50, p90, p99 and the maximum in milliseconds."""
    ordered = sorted(times)
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    found = {name: ordered[int(share * (len(ordered) - 1))] * 1e3 for name, share in at.items()}
    return {name: round(value, 2) for name, value in (found | {"max": ordered[-1] * 1e3}).items()}


def stream(app: QApplication, kind: str, size: int, tokens_per_s: int) -> dict[str, object]:
    """Stream a text into a window; return what its ticks took."""
    text = text_of(kind, size)
    chars = step_of(tokens_per_s)
    view = ChatView()
    view.resize(1016, 700)
    view.show()
    view.show_conversation(
        [Message("q", None, "user", (Text("Go on."),), 0.0)], lambda _at: (0, 1), {}
    )
    app.processEvents()
    thinking = kind == "thinking"
    turn = TurnState(0.0, phase="reading", total=100, now=0.5)
    view.show_turn("a", turn)
    until = time.perf_counter() + 1.0
    while time.perf_counter() < until:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 10)
    # As the window does when it has started.
    collecting.begin()
    ends = range(chars, len(text) + chars, chars)
    # Written to once before it begins: 62,000 ticks' own figures would else be 6 MB of its growth.
    spent, walls, stretches = (array("d", [1.0]) * len(ends) for _ in range(3))
    # What its figures are read with takes memory itself the first time.
    grown = psutil.Process().memory_info().rss
    grown = psutil.Process().memory_info().rss
    for tick, end in enumerate(ends):
        turn = replace(
            turn,
            phase="thinking" if thinking else "answering",
            now=turn.now + TICK_S,
            thinking=text[:end] if thinking else "",
            answer="" if thinking else text[:end],
        )
        start, cpu = time.perf_counter(), time.thread_time()
        view.show_turn("a", turn)
        shown = time.thread_time()
        app.processEvents()
        # What was given up goes when a loop runs, which here none does: else it would all stay.
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        walls[tick] = time.perf_counter() - start
        stretches[tick] = max(shown - cpu, time.thread_time() - shown)
        _rest(view, start + TICK_S)
        spent[tick] = time.thread_time() - cpu
    grown = psutil.Process().memory_info().rss - grown
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    # Each page that several processes share is counted once: by its share in each.
    full = [process.memory_full_info() for process in family]
    whole = sum(getattr(info, "pss", info.rss) for info in full)
    view.close()
    return {
        "kind": kind,
        "kilobytes": len(text) // 1000,
        "tokens_per_s": tokens_per_s,
        "ticks": len(spent),
        "spent": list(spent),
        "stretches": list(stretches),
        "wall_ms": percentiles(list(walls)),
        "grown_mb": round(grown / 1e6, 1),
        "window_and_typesetter_mb": round(whole / 1e6, 1),
    }


def _rest(view: ChatView, until: float) -> None:
    """Let the event loop run until all formulas are shown that are waited for, or the tick ends."""
    loop = QEventLoop()
    while view.formulas.waiting and (left_s := until - time.perf_counter()) > 0:
        timer = QTimer(singleShot=True)
        timer.timeout.connect(loop.quit)
        view.formulas.known.connect(loop.quit)
        timer.start(ceil(left_s * 1000))
        loop.exec()
        view.formulas.known.disconnect(loop.quit)
        QApplication.processEvents()


def one(kind: str, kilobytes: int, tokens: int) -> None:
    """Make one run in this process, and print its line."""
    app = QApplication([])
    theme.install(app, "light")
    # Ticks follow each other without a pause here: a view that rests would show next to nothing.
    view_module.SLOW_MS = float("inf")
    print(json.dumps(stream(app, kind, kilobytes * 1000, tokens)), flush=True)


def measured(kind: str, kilobytes: int, tokens: int, repeat: int) -> dict[str, Any]:
    """Stream in processes of their own; return the figures, of each tick the least."""
    runs: list[dict[str, Any]] = []
    for _ in range(repeat):
        given = ["--one", "--kinds", kind, "--tokens", str(tokens), "--kilobytes", str(kilobytes)]
        run = [sys.executable, __file__, *given]
        runs.append(json.loads(subprocess.run(run, check=True, stdout=subprocess.PIPE).stdout))
    spent = [min(tick) for tick in zip(*(run.pop("spent") for run in runs), strict=True)]
    stretches = [min(tick) for tick in zip(*(run.pop("stretches") for run in runs), strict=True)]
    tenth = max(1, len(spent) // 10)
    found = runs[0] | {
        "runs": repeat,
        "cpu_ms": percentiles(spent),
        "stretch_ms": percentiles(stretches),
        "cpu_s": round(sum(spent), 2),
        "last_over_first": round(
            statistics.fmean(spent[-tenth:]) / statistics.fmean(spent[:tenth]), 2
        ),
        "grown_mb": min(run["grown_mb"] for run in runs),
    }
    print(json.dumps(found), flush=True)
    return found


def verdict(found: dict[str, Any]) -> tuple[list[str], bool]:
    """Return the cells of a line of the table, and whether all bars hold."""
    cpu = found["cpu_ms"]
    figures = [cpu["p50"], cpu["p99"], cpu["max"], found["last_over_first"], found["grown_mb"]]
    held = [figure < bar for figure, bar in zip(figures, BARS.values(), strict=True)]
    cells = [f"{one:g}{'' if ok else ' !'}" for one, ok in zip(figures, held, strict=True)]
    return cells, all(held)


def table(lines: list[dict[str, Any]]) -> str:
    """Return what was measured against the bars, "!" where one does not hold."""
    names = [f"{name} < {bar:g}" for name, bar in BARS.items()]
    rows = [["stream", *names, "holds"]]
    for found in lines:
        cells, held = verdict(found)
        named = f"{found['kind']}, {found['kilobytes']} kB, {found['tokens_per_s']} tokens/s"
        rows.append([named, *cells, "yes" if held else "no"])
    wide = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip()
        for row in rows
    )


def main() -> None:
    """Run all that was asked for; a JSON line for each, and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kilobytes", type=int, default=160)
    parser.add_argument("--tokens", type=int, nargs="*", default=[100, 1000], help="a second")
    parser.add_argument("--kinds", nargs="*", default=["mixed", "thinking"], help=", ".join(KINDS))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--browser", action="store_true", help="compare with QTextBrowser")
    parser.add_argument("--katex", type=Path, help="the folder with katex and markdown-it")
    parser.add_argument("--chromium", default="chromium")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--one", action="store_true", help="in this process")
    chosen = parser.parse_args()
    lines = []
    for kind in chosen.kinds:
        for tokens in chosen.tokens:
            size = THOUGHT_KB if (kind, chosen.kilobytes) == ("thinking", 160) else chosen.kilobytes
            if chosen.one:
                one(kind, size, tokens)
                return
            lines.append(measured(kind, size, tokens, chosen.repeat))
    print(table(lines))
    if chosen.browser or chosen.katex:
        for line in lines:
            text = text_of(line["kind"], line["kilobytes"] * 1000)
            others.compare(line, text, step_of(line["tokens_per_s"]), chosen.katex, chosen.chromium)
    if chosen.stop:
        clicks = Path(__file__).with_name("bench_stop.py")
        subprocess.run([sys.executable, str(clicks)], check=True)


if __name__ == "__main__":
    main()
