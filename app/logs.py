"""Where Ponder writes what it does: a rotating file, and never the user's terminal.

`PONDER_LOG=debug` is for whoever looks for a fault: more detail, and the terminal too. What users
type and models answer is never logged.
"""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

from app import paths
from app.errors import Problem

MAX_BYTES = 1_000_000
"""Size of one file; with the three older ones that are kept, a report of 4 MB at most."""

_BLOCK_BYTES = 8192
_NAME = "ponder"
"""Tells our handlers from those that others have added."""
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _File(RotatingFileHandler):
    """A log file that cannot be written is not worth a word: logging would print a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        if logging.getLogger().isEnabledFor(logging.DEBUG):
            super().handleError(record)


def log_path() -> Path:
    """Return the path of the window's own log; the engine's is `paths.engine_log()`."""
    return paths.log_dir() / "ponder.log"


def set_up() -> Problem | None:
    """Send Python's logging to the file; return why not, where it cannot. Again is harmless."""
    debug = os.environ.get("PONDER_LOG", "").lower() == "debug"
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for handler in root.handlers[:]:
        if handler.name == _NAME:
            root.removeHandler(handler)
            handler.close()
    handlers: list[logging.Handler] = [logging.StreamHandler()] if debug else []
    problem = None
    try:
        paths.log_dir().mkdir(parents=True, exist_ok=True)
        handlers.append(_File(log_path(), maxBytes=MAX_BYTES, backupCount=3, encoding="utf-8"))
    except OSError as error:
        # Without any handler logging falls back to printing warnings on the terminal.
        handlers.append(logging.NullHandler())
        problem = Problem(
            "log-unwritable",
            "Ponder cannot write its log, so faults will be harder to find.",
            f"Check that there is room on the disk and that you may write to {paths.log_dir()}.",
            str(error),
        )
    for handler in handlers:
        handler.name = _NAME
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)
    return problem


def tail(path: Path, lines: int) -> tuple[str, ...]:
    """Return the last `lines` (1 or more) of a text file, without line ends; () without a file.

    Reads from the end, so that a long log costs no more than a short one.
    """
    try:
        with path.open("rb") as file:
            at = file.seek(0, os.SEEK_END)
            found = b""
            # One line end more than lines: the first line found may be cut.
            while at > 0 and found.count(b"\n") <= lines:
                step = min(_BLOCK_BYTES, at)
                at = file.seek(at - step)
                found = file.read(step) + found
    except FileNotFoundError:
        return ()
    text = found.decode("utf-8", "replace").removesuffix("\n")
    # Not splitlines(): it also cuts at form feeds and the like, which are no ends of log lines.
    return tuple(line.rstrip("\r") for line in text.split("\n")[-lines:]) if text else ()
