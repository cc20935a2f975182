"""Takes the pictures of the picker and of the first screen that are compared with the design.

    python -m tests.ui.shots_picker OUT [--scale 1|2] [--mode light|dark] [--size 1280x840]

The real window on a recorded machine (an RTX 4090): its hardware is what that machine's probes
said, everything behind it is real. Each scale is a process of its own, as Qt takes it at its start.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from app.hardware import detect
from app.hardware.types import Disk, Hardware, Ram

ROOT = Path(__file__).parents[2]
MACHINES = ROOT / "tests" / "fixtures" / "machines"
SIZES = ("1280x840", "900x600")
GIB = 2**30


def recorded(name: str) -> Hardware:
    """Return the hardware of a recorded machine."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in (MACHINES / name).iterdir()}
    del files["expected"]
    return detect.interpret(files, json.loads(files.pop("problems", "{}")))


def of_the_picture() -> Hardware:
    """Return the machine of the design's picture: that card, as free as there, 64 GB, 811 GB."""
    found = recorded("rtx4090-linux")
    gpu = replace(found.gpus[0], free_bytes=round(23.4 * GIB))
    return replace(
        found,
        gpus=(gpu, *found.gpus[1:]),
        ram=Ram(64 * GIB, 50 * GIB),
        disk=Disk("/", 2 * 10**12, 811 * 10**9),
    )


def shoot(out: Path, mode: str, size: str, scale: str) -> None:
    """Drive one window and take its pictures."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from tests.ui.drive import Driven
    from ui import jobs, theme

    width, height = (int(part) for part in size.split("x"))
    app = QApplication(["shots", *theme.FUSION])
    theme.install(app, "dark" if mode == "dark" else "light")
    detect.detect = lambda patience_s=0.0: of_the_picture()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        driven = Driven(Path(home))
        window = driven.window
        window.resize(width, height)

        def take(name: str) -> None:
            settled = time.monotonic() + 0.4
            driven.until(lambda: time.monotonic() > settled and jobs.idle())
            window.grab().save(str(out / f"{name}-{mode}-{size}-{scale}x.png"))

        driven.until(lambda: bool(window.first_run.offer.text()))
        take("first-run")
        window.actions_["model"].trigger()
        models = driven.presenter.models
        picker = models.picker
        driven.until(lambda: picker.detail.lines.line() is not None)
        take("picker")
        for item in ("gemma-4-12b", "mistral-small-4"):
            picker.list.setCurrentIndex(picker.list.items.index_of(item))
            take(f"picker-{item}")
        QTest.keyClick(picker, Qt.Key.Key_Escape)
        driven.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--scale", choices=("1", "2"))
    parser.add_argument("--mode", choices=("light", "dark"))
    parser.add_argument("--size", choices=SIZES)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.scale and asked.mode and asked.size:
        shoot(asked.out, asked.mode, asked.size, asked.scale)
        return
    for scale in [asked.scale] if asked.scale else ["1", "2"]:
        for mode in [asked.mode] if asked.mode else ["light", "dark"]:
            for size in [asked.size] if asked.size else SIZES:
                one = ["--scale", scale, "--mode", mode, "--size", size]
                subprocess.run(
                    [sys.executable, "-m", "tests.ui.shots_picker", str(asked.out), *one],
                    cwd=ROOT,
                    env={"QT_QPA_PLATFORM": "offscreen", **os.environ, "QT_SCALE_FACTOR": scale},
                    check=True,
                )


if __name__ == "__main__":
    main()
