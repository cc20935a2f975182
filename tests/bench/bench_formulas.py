"""What formulas cost the typesetter: those that models write, and those that are meant to hurt.

    python tests/bench/bench_formulas.py

Prints for each corpus how many were refused and the slowest in seconds, and the most memory that
the process took. The two seconds that a formula may take are of the clock: measure on a computer
that has nothing else to do.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.latex.display import Refusal
from app.latex.typesetter import Formula, Typesetter
from tests.support.formulas import hostile, well_formed

WIDTH_EM = 48.0


class Memory(threading.Thread):
    """Watches the most memory that child processes take, in bytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self.over = threading.Event()

    def run(self) -> None:
        """Look a hundred times a second."""
        ours = psutil.Process()
        while not self.over.wait(0.01):
            for child in ours.children():
                try:
                    self.most = max(self.most, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue


def timed(typesetter: Typesetter, tex: str, *, display: bool) -> tuple[float, bool]:
    """Return how long a formula took in seconds, and whether it was typeset."""
    start = time.perf_counter()
    [found] = typesetter.all([Formula.of(tex, display=display, width_em=WIDTH_EM)])
    return time.perf_counter() - start, not isinstance(found, Refusal)


def main() -> None:
    """Measure."""
    memory = Memory()
    memory.start()
    with tempfile.TemporaryDirectory() as folder:
        typesetter = Typesetter(cache=Path(folder) / "formulas.db")
        took, _typeset = timed(typesetter, "x", display=False)
        print(f"the first formula, with its process and MathJax: {took:.2f} s")
        good = [(*timed(typesetter, tex, display=display), tex) for tex, display in well_formed()]
        times = sorted(took for took, _typeset, _tex in good)
        print(
            f"{len(good)} well-formed: {sum(1 for _, typeset, _ in good if not typeset)} refused, "
            f"median {times[len(times) // 2] * 1000:.1f} ms, slowest {times[-1] * 1000:.0f} ms; "
            f"{memory.most / 1e6:.0f} MB"
        )
        bad, after = [], []
        for number, formula in enumerate(hostile(slow=True)):
            took, typeset = timed(typesetter, formula.tex, display=True)
            bad.append((took, formula.name, typeset))
            next_took, next_typeset = timed(typesetter, f"x + {number}", display=False)
            after.append(next_took)
            assert next_typeset, formula.name
            assert not (formula.refused and typeset), formula.name
        typesetter.close()
    bad.sort(reverse=True)
    print(f"{len(bad)} hostile: {sum(1 for _, _, typeset in bad if typeset)} typeset; slowest:")
    for took, name, _typeset in bad[:8]:
        print(f"  {took:5.2f} s  {name}")
    print(f"the next formula, slowest: {max(after):.2f} s; {memory.most / 1e6:.0f} MB")
    memory.over.set()


if __name__ == "__main__":
    main()
