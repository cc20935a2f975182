"""What is installed, what works, and what to do about the rest.

Each check does the real thing once: the engine is started and loads the demo model, the database
is opened and examined, a file is written. A check never raises; it says what it saw.
"""

import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from app import paths
from app.errors import WorldError

_DETECTION_S = 10.0
"""The window gives a probe 2.5 s; here someone wants to know why a card was not found."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. needed: Ponder cannot do its work without it."""

    name: str
    ok: bool
    detail: str
    advice: str = ""
    needed: bool = True


_REQUIREMENTS = (
    ("llama-cpp-python", True),
    ("PySide6-Essentials", False),
    ("markdown-it-py", False),
    ("pygments", False),
    ("platformdirs", True),
    ("psutil", True),
)


def examine() -> list[Check]:
    """Return all checks, in the order a person would look."""
    checks = [_python()]
    checks += [_package(name, needed) for name, needed in _REQUIREMENTS]
    looks: tuple[Callable[[], Check], ...] = (_display, _folders, _database, _demo)
    checks += [look() for look in looks]
    return checks + _graphics()


def _python() -> Check:
    version = platform.python_version()
    return Check(
        "Python",
        sys.version_info >= (3, 11),
        f"{version} on {platform.system()} {platform.machine()}",
        "Install Python 3.11 or later.",
    )


def _package(name: str, needed: bool) -> Check:
    advice = "Run `python3 run.py`: it installs what is missing."
    try:
        return Check(name, True, metadata.version(name), needed=needed)
    except metadata.PackageNotFoundError:
        return Check(name, False, "not installed", advice, needed)


def _display() -> Check:
    if sys.platform != "linux":
        return Check("Display", True, "the system's own", needed=False)
    found = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    return Check(
        "Display",
        bool(found),
        found or "none",
        "Without a display `ponder chat` talks in the terminal.",
        needed=False,
    )


def _folders() -> Check:
    for folder in (paths.data_dir(), paths.config_dir(), paths.log_dir()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"ponder")
        except OSError as error:
            return Check(
                "Folders",
                False,
                f"{folder}: {error.strerror or error}",
                "Make room on the disk, or make the folder writable.",
            )
    return Check("Folders", True, f"{paths.data_dir()} can be written")


def _database() -> Check:
    path = paths.database()
    if not path.exists():
        return Check("Chats", True, "none yet")
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (count,) = connection.execute("SELECT count(*) FROM chats").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        verdict, count = str(error), 0
    return Check(
        "Chats",
        verdict == "ok",
        f"{count} chats, database intact" if verdict == "ok" else f"{path}: {verdict}",
        "Move the file aside and start Ponder again: it begins a new one.",
    )


def _demo() -> Check:
    from app.cli.engine import engine, loaded

    path = paths.demo_model()
    if not path.is_file():
        return Check("Engine", False, "the demo model is missing", "Get Ponder again.")
    try:
        with engine() as opened:
            info = loaded(opened, path, context=512)
    except WorldError as error:
        return Check("Engine", False, error.problem.title, error.problem.advice)
    return Check("Engine", True, f"{info.build} on {info.device} loaded {info.name}")


def _graphics() -> list[Check]:
    """Say which probe found which card, and why the engine will or will not use it."""
    from app.hardware.detect import detect
    from app.hardware.explain import verdicts

    hardware = detect(_DETECTION_S)
    checks = [
        Check(
            f"Probe {probe.name}",
            not probe.problem,
            probe.problem
            or ("found " + ", ".join(probe.found) if probe.found else "found no card"),
            needed=False,
        )
        for probe in hardware.probes
    ]
    checks += [
        Check(verdict.gpu.name, bool(verdict.used), verdict.reason, verdict.advice, needed=False)
        for verdict in verdicts(hardware)
    ]
    failures = {f"{probe.name}: {probe.problem}." for probe in hardware.probes}
    notes = [note for note in hardware.notes if note not in failures]
    return checks + [Check("Hardware", True, note, needed=False) for note in notes]
