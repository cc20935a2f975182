"""What every test is held to: its own folder for Ponder's files, and nothing left behind.

A test fails that leaves a thread, a process, a running Qt timer, a busy thread pool or a top-level
widget, or that logs a warning without asking for `caplog`. What it left is ended, so that the next
test is judged alone.
"""

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest

# Before any test imports Qt. A test that wants a display starts a child with its own.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# No test may fail by the clock: the machine may be busy with something else.
hypothesis.settings.register_profile("ponder", deadline=None)
hypothesis.settings.load_profile("ponder")

GRACE_S = 3.0  # threads and children that were told to end may take this long


@pytest.fixture(autouse=True)
def ponder_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that this test's Ponder keeps its files in."""
    home = tmp_path_factory.mktemp("ponder-home")
    monkeypatch.setenv("PONDER_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves something running or showing. Torn down after its own fixtures."""
    threads = set(threading.enumerate())
    children = set(_children())
    widgets = set(_widgets())
    warnings = _Warnings()
    logging.getLogger().addHandler(warnings)
    yield
    logging.getLogger().removeHandler(warnings)
    left = [
        *_wait(lambda: [thread for thread in _threads() if thread not in threads]),
        *_wait(lambda: [child for child in _children() if child not in children]),
    ]
    for child in left:
        if isinstance(child, psutil.Process):
            child.kill()
    # Whoever shows anything has the application from this fixture. (The search for timers goes
    # through every object there is: a tenth of a second that the other tests need not spend.)
    if "qapp" in request.fixturenames and "PySide6.QtWidgets" in sys.modules:
        left += _qt_leftovers(widgets)
    if "caplog" not in request.fixturenames:
        left += [f"logged: {text}" for text in warnings.texts]
    assert not left, f"left behind: {left}"


class _Warnings(logging.Handler):
    """Keeps what is logged as a warning or worse."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.name}: {record.getMessage()}")


def _wait(left: Callable[[], list[Any]]) -> list[Any]:
    deadline = time.monotonic() + GRACE_S
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def _threads() -> list[threading.Thread]:
    # A Qt thread that ran Python once stays listed as a "dummy" for ever.
    kind = threading._DummyThread  # type: ignore[attr-defined]
    return [thread for thread in threading.enumerate() if not isinstance(thread, kind)]


def _children() -> list[psutil.Process]:
    """Return the living children but multiprocessing's own helper, which serves the whole run."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() == psutil.STATUS_ZOMBIE:
                continue
            if any("resource_tracker" in word for word in child.cmdline()):
                continue
        except psutil.NoSuchProcess:
            continue
        found.append(child)
    return found


def _widgets() -> list[Any]:
    if "PySide6.QtWidgets" not in sys.modules:
        return []
    from PySide6.QtWidgets import QApplication

    return QApplication.topLevelWidgets() if QApplication.instance() else []


def _kinds(base: type) -> set[type]:
    """Return a class and all below it."""
    return {base}.union(*(_kinds(below) for below in base.__subclasses__()))


def _qt_leftovers(known: set[Any]) -> list[str]:
    """End and name the top-level widgets that are new, the running timers and the busy pool."""
    import shiboken6
    from PySide6.QtCore import QCoreApplication, QEvent, QThreadPool, QTimer

    left = []
    if not QThreadPool.globalInstance().waitForDone(int(GRACE_S * 1000)):
        left.append("a job in the thread pool")
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    if [widget for widget in _widgets() if widget not in known]:
        gc.collect()  # a closed widget in a reference cycle is no leak
    for widget in _widgets():
        if widget not in known:
            left.append(f"the widget {widget!r}")
            widget.close()
            widget.deleteLater()
    kinds = _kinds(QTimer)
    for thing in gc.get_objects():
        if type(thing) in kinds and shiboken6.isValid(thing) and thing.isActive():
            left.append(f"the timer {thing!r}")
            thing.stop()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return left
