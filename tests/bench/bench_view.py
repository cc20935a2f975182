"""Streams a long answer into the transcript and times each frame, early against late.

A frame is what the window does 30 times a second: take the turn's state, lay out, paint. Frames
must not grow with what is already there: the last tenth is compared with the first in one run,
in this thread's CPU time, which other work on the machine does not disturb.

    QT_QPA_PLATFORM=offscreen python tests/bench/bench_view.py [--kilobytes 160] [--chars 37]
"""

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtWidgets import QApplication

from app.chat.message import Message, Text
from app.chat.turn import TurnState
from ui import theme
from ui.chat import view as view_module
from ui.chat.view import ChatView

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


def text_of(size: int) -> str:
    """Return Markdown of a size as models write it."""
    parts: list[str] = []
    while sum(map(len, parts)) < size:
        parts.append(SECTION.replace("{n}", str(len(parts) + 1)))
    return "".join(parts)[:size]


def percentiles(times: list[float]) -> dict[str, float]:
    """Return p50, p90, p99 and the maximum in milliseconds."""
    ordered = sorted(times)
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    found = {name: ordered[int(share * (len(ordered) - 1))] * 1e3 for name, share in at.items()}
    return {name: round(value, 2) for name, value in (found | {"max": ordered[-1] * 1e3}).items()}


def stream(app: QApplication, text: str, chars: int, channel: str) -> dict[str, object]:
    """Stream a text into a window and return the frame times."""
    view = ChatView()
    view.resize(1016, 700)
    view.show()
    view.show_conversation(
        [Message("q", None, "user", (Text("Go on."),), 0.0)], lambda _at: (0, 1), {}
    )
    turn = TurnState(0.0, phase="thinking" if channel == "thinking" else "answering", now=1.0)
    times: list[float] = []
    spent: list[float] = []
    before = psutil.Process().memory_info().rss
    for end in range(chars, len(text) + chars, chars):
        thinking = channel == "thinking"
        turn = replace(
            turn,
            now=turn.now + 0.033,
            thinking=text[:end] if thinking else "",
            answer="" if thinking else text[:end],
        )
        start, cpu = time.perf_counter(), time.thread_time()
        view.show_turn("a", turn)
        app.processEvents()
        times.append(time.perf_counter() - start)
        spent.append(time.thread_time() - cpu)
    grown = psutil.Process().memory_info().rss - before
    view.close()
    tenth = max(1, len(times) // 10)
    return {
        "channel": channel,
        "frames": len(times),
        "all_ms": percentiles(times),
        "cpu_first_tenth_ms": percentiles(spent[:tenth]),
        "cpu_last_tenth_ms": percentiles(spent[-tenth:]),
        "late_over_early": round(
            statistics.median(spent[-tenth:]) / statistics.median(spent[:tenth]), 2
        ),
        "rss_grown_mb": round(grown / 1e6, 1),
    }


def main() -> None:
    """Run it and print one JSON line per channel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kilobytes", type=int, default=160)
    parser.add_argument("--chars", type=int, default=37, help="a frame; 10 tokens are about 37")
    parser.add_argument("--channels", nargs="*", default=["answer", "thinking"])
    parser.add_argument("--plain", action="store_true", help="one paragraph without an end")
    chosen = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.install(app, "light")
    # Frames follow each other without a pause here: a view that rests would show next to nothing.
    view_module.SLOW_MS = float("inf")
    size = chosen.kilobytes * 1000
    text = ("and then some more " * (size // 19 + 1))[:size] if chosen.plain else text_of(size)
    for channel in chosen.channels:
        print(json.dumps(stream(app, text, chosen.chars, channel)), flush=True)


if __name__ == "__main__":
    main()
