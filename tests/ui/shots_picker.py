"""Takes the pictures of the picker and of the first screen that are compared with the design.

    python -m tests.ui.shots_picker OUT [--scale 1|2] [--mode light|dark] [--size 1280x840]

The real window on a recorded machine (an RTX 4090): its hardware is what that machine's probes
said, everything behind it is real. Each scale is a process of its own, as Qt takes it at its start.
"""

import json
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from app import paths
from app.hardware import detect
from app.hardware.types import Disk, Hardware, Ram
from tests.support import shots

ROOT = Path(__file__).parents[2]
MACHINES = ROOT / "tests" / "fixtures" / "machines"
SIZES = ("1280x840", "900x600")
GIB = 2**30
LONG = "A-Remarkably-Long-Name-Of-A-Reasoning-Model-2509-Instruct-Abridged-UD-Q4_K_XL"


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
        long = Path(home) / "data" / "models" / "publisher" / "repository" / f"{LONG}.gguf"
        long.parent.mkdir(parents=True)
        shutil.copy(paths.demo_model(), long)
        QTest.keyClick(picker, Qt.Key.Key_Escape)
        window.actions_["model"].trigger()
        driven.until(lambda: picker.list.items.index_of(str(long)).isValid())
        picker.list.setCurrentIndex(picker.list.items.index_of(str(long)))
        driven.until(lambda: picker.detail.take.text() == "Use")
        take("picker-long-name")
        driven.close()
    downloading(out, f"{mode}-{size}-{scale}x", width, height)


def downloading(out: Path, name: str, width: int, height: int) -> None:
    """Take the pictures of a download that is under way, from a local hub."""
    import pytest
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from tests.ui import hub_scene
    from tests.ui.drive import Driven

    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        os.environ["PONDER_HOME"] = home
        with hub_scene.scene(patch, Path(home), bytes_per_s=150_000, look=of_the_picture):
            driven = Driven(Path(home))
            window = driven.window
            window.resize(width, height)
            driven.until(window.first_run.download.isVisible)
            QTest.mouseClick(window.first_run.download, Qt.MouseButton.LeftButton)
            driven.until(lambda: "left" in window.first_run.card.facts.text())
            window.grab().save(str(out / f"first-run-downloading-{name}.png"))
            window.actions_["model"].trigger()
            picker = driven.presenter.models.picker
            driven.until(lambda: "left" in picker.detail.card.facts.text())
            window.grab().save(str(out / f"picker-downloading-{name}.png"))
            QTest.mouseClick(picker.detail.card.cancel, Qt.MouseButton.LeftButton)
            driven.close()


if __name__ == "__main__":
    shots.main("tests.ui.shots_picker", __doc__, SIZES, shoot)
