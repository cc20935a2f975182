"""What formulas cost in memory: the window before the first, then window and typesetter together.

    python tests/bench/bench_formula_memory.py

A long answer full of formulas is streamed into the transcript at 1,000 tokens a second; then the
corpora of formulas go through the window's typesetter, those that models write and those that are
meant to hurt. All the while a thread adds up what the window's process and its children take: as
PSS, in which a page that several processes share is counted by its share in each (Linux; elsewhere
the resident size), and the sum of their resident sizes beside it. The bars: 150 MB before the first
formula, neither V8 nor MathJax loaded; 350 MB at the peak of everything. The chat is then shown
again from what is kept on disk: no V8 is loaded for that.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from ui.chat.view import ChatView

WINDOW_MB = 150
TOGETHER_MB = 350
TICK_S = 1 / 30
CHARACTERS_A_TICK = 124
"""At 1,000 tokens a second."""


class Memory(threading.Thread):
    """Watches what this process and its children take: the most of it, in bytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.pss = self.rss = self.child_pss = 0
        self.over = threading.Event()

    def run(self) -> None:
        """Look twenty times a second."""
        while not self.over.wait(0.05):
            self.look()

    def look(self) -> None:
        """Look once."""
        pss, rss = taken(psutil.Process())
        child_pss = 0
        for child in psutil.Process().children(recursive=True):
            try:
                one, whole = taken(child)
            except psutil.NoSuchProcess:
                continue
            child_pss += one
            rss += whole
        self.child_pss = max(self.child_pss, child_pss)
        self.pss, self.rss = max(self.pss, pss + child_pss), max(self.rss, rss)

    def said(self) -> str:
        """Return the peaks in words, and begin anew."""
        words = (
            f"together {self.pss / 1e6:.0f} MB PSS ({self.rss / 1e6:.0f} RSS), "
            f"of it the typesetter at most {self.child_pss / 1e6:.0f}"
        )
        self.pss = self.rss = self.child_pss = 0
        return words


def taken(process: psutil.Process) -> tuple[int, int]:
    """Return a process's PSS (its resident size where there is none) and resident size in bytes."""
    info = process.memory_full_info()
    return getattr(info, "pss", 0) or info.rss, info.rss


def stream(app: "QApplication", view: "ChatView", text: str) -> None:
    """Write an answer into the transcript at 1,000 tokens a second."""
    from dataclasses import replace

    from app.chat.message import Message, Text
    from app.chat.turn import TurnState

    asked = [Message("q", None, "user", (Text("Go on."),), 0.0)]
    view.show_conversation(asked, lambda _at: (0, 1), {})
    turn = TurnState(0.0, phase="answering", total=100, now=0.5)
    for end in range(CHARACTERS_A_TICK, len(text) + CHARACTERS_A_TICK, CHARACTERS_A_TICK):
        until = time.perf_counter() + TICK_S
        turn = replace(turn, now=turn.now + TICK_S, answer=text[:end])
        view.show_turn("a", turn)
        app.processEvents()
        while view.formulas.waiting and time.perf_counter() < until:
            time.sleep(0.001)
            app.processEvents()


def typeset(app: "QApplication", view: "ChatView", wishes: list[tuple[str, bool]]) -> None:
    """Have formulas typeset as the window does."""
    from ui.formulas.desk import Wish

    for tex, display in wishes:
        view.formulas.find(Wish(tex, display, 48.0 if display else 0.0))
        while view.formulas.waiting:
            time.sleep(0.002)
            app.processEvents()


def verdict(name: str, met: bool, words: str) -> bool:
    """Print a bar's line."""
    print(f"{'pass' if met else 'FAIL'}  {name}: {words}", flush=True)
    return met


def main() -> int:
    """Measure; 1 where a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kilobytes", type=int, default=160, help="of the streamed answer")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        return measure(chosen.kilobytes * 1000)


def measure(size: int) -> int:
    """Measure with an empty cache on disk. size: of the streamed answer in characters."""
    from PySide6.QtWidgets import QApplication

    from tests.bench.bench_view import text_of
    from tests.support.formulas import hostile, well_formed
    from ui import theme
    from ui.chat import view as view_module
    from ui.chat.view import ChatView

    view_module.SLOW_MS = float("inf")
    app = QApplication([])
    theme.install(app, "light")
    view = ChatView()
    view.resize(1016, 700)
    view.show()
    stream(app, view, "No *formula* in `here`, only **words**.\n\n" * 40)
    alone = taken(psutil.Process())
    heavy = [name for name in ("py_mini_racer",) if name in sys.modules]
    met = [
        verdict(
            "the window before the first formula",
            alone[0] / 1e6 < WINDOW_MB and not heavy and not psutil.Process().children(),
            f"{alone[0] / 1e6:.0f} MB PSS ({alone[1] / 1e6:.0f} RSS), bar {WINDOW_MB}",
        )
    ]
    memory = Memory()
    memory.start()

    def peak(name: str) -> None:
        memory.look()
        fits = memory.pss / 1e6 < TOGETHER_MB
        met.append(verdict(name, fits, f"{memory.said()}, bar {TOGETHER_MB}"))

    stream(app, view, text_of("mixed", size))
    peak(f"a stream of {size // 1000} kB")
    typeset(app, view, well_formed())
    peak("what models write")
    typeset(app, view, [(one.tex, True) for one in hostile(slow=True)])
    peak("what is meant to hurt")
    view.close()
    again = ChatView()
    again.show()
    stream(app, again, text_of("mixed", size // 8))
    memory.said()
    memory.look()
    met.append(
        verdict(
            "the same again from disk, without V8",
            memory.child_pss / 1e6 < 60,
            f"{memory.said()}, bar 60 for the typesetter",
        )
    )
    again.close()
    memory.over.set()
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
