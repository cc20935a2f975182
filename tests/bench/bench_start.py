"""How soon the window has painted, against the least that Qt can do, and what it costs.

    python tests/bench/bench_start.py [--rounds 15] [--idle 30]

Starts alternate between a bare QApplication with an empty QMainWindow and `ponder --smoke`, both
timed by the same clock from the beginning of their process to their first paint, so that a busy
machine is busy for both. Then a window with a chat answered by the demo model is left alone for
`--idle` seconds, and the CPU that it and its engine used is counted. The bars: 2.0 times, 150 MB,
0.5 % of one core.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]

BARE = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, done)

def done():
    from ui.smoke import process_age_ms, report
    print(report(process_age_ms()), flush=True)
    app.exit(0)

app = QApplication(sys.argv)
window = Window()
window.resize(1280, 840)
window.show()
app.exec()
"""

CHAT = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from app import paths
from app.settings import Settings
from ui import theme
from ui.application import assemble
from ui.main_window import MainWindow

def main():
    app = QApplication(["bench"])
    theme.install(app)
    window = MainWindow()
    window.show()
    presenter = assemble(window, Settings())
    presenter.load_model(sys.argv[1] or str(paths.demo_model()))
    window.composer.send_requested.emit("What is 12 + 30?")

    def look():
        if presenter.session.busy():
            QTimer.singleShot(200, look)
        else:
            print(presenter.session.state.conversation.branch()[-1].status, flush=True)

    look()
    app.exec()

if __name__ == "__main__":
    main()
"""


def start(command: list[str], home: str) -> dict[str, float]:
    """Run one start and return its report."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment(home), capture_output=True, check=True, timeout=120
    )
    report: dict[str, float] = json.loads(done.stdout)
    return report


def environment(home: str) -> dict[str, str]:
    """Return the environment of a start: files of its own, and compiled modules, as installed."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    own = {"PONDER_HOME": home, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": f"{home}/pyc"}
    return {**kept, **own}


def starts(rounds: int, home: str) -> dict[str, object]:
    """Alternate the two starts; return medians, their ratio and the memory."""
    bare, ours = [], []
    for command in ([sys.executable, "-c", BARE], [sys.executable, "-m", "ui", "--smoke"]):
        start(command, home)  # compiles, and warms the disk's cache
    for _ in range(rounds):
        bare.append(start([sys.executable, "-c", BARE], home))
        ours.append(start([sys.executable, "-m", "ui", "--smoke"], home))
    bare_ms = statistics.median(each["painted_ms"] for each in bare)
    ours_ms = statistics.median(each["painted_ms"] for each in ours)
    ratios = [b["painted_ms"] / a["painted_ms"] for a, b in zip(bare, ours, strict=True)]
    return {
        "rounds": rounds,
        "bare_ms": bare_ms,
        "ponder_ms": ours_ms,
        "ratio_of_medians": round(ours_ms / bare_ms, 2),
        "median_of_ratios": round(statistics.median(ratios), 2),
        "bare_mb": round(max(each["rss_bytes"] for each in bare) / 1e6, 1),
        "ponder_mb": round(max(each["rss_bytes"] for each in ours) / 1e6, 1),
        "modules": ours[-1]["modules"],
    }


def idle(seconds: float, model: str, home: str) -> dict[str, object]:
    """Leave a window with an answered chat alone; return the CPU used, in percent of one core."""
    script = Path(home) / "chat.py"
    script.write_text(CHAT, encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, str(script), model],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    status = child.stdout.readline().strip()
    window = psutil.Process(child.pid)
    family = [window, *window.children(recursive=True)]
    time.sleep(3)  # the last writes, the caret of the composer
    before = {process: sum(process.cpu_times()[:2]) for process in family}
    time.sleep(seconds)
    used = {process: sum(process.cpu_times()[:2]) - before[process] for process in family}
    found = {
        "answer": status,
        "processes": len(family),
        "window_percent": round(100 * used[window] / seconds, 3),
        "all_percent": round(100 * sum(used.values()) / seconds, 3),
        "window_mb": round(window.memory_info().rss / 1e6, 1),
    }
    child.terminate()
    child.wait()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--idle", type=float, default=30, help="seconds; 0 leaves it out")
    parser.add_argument("--model", default="", help="a model file instead of the demo")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        print(json.dumps(starts(asked.rounds, home)))
        if asked.idle:
            print(json.dumps(idle(asked.idle, asked.model, home)))


if __name__ == "__main__":
    main()
