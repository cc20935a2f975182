"""The engine's log: everything the child and its libraries print, in one file that stays small.

llama.cpp prints from C, also while it aborts, so the child's file descriptors themselves point at
the file. The parent reads the last lines back when the child has died.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 1_000_000
"""A load logs about 20 kB, so this keeps the last 50 or so, twice."""

_TAIL_BYTES = 8192
# A traceback's lines must not push out what llama.cpp said before.
_TAIL_LINES = 40


def redirect(path: Path) -> None:
    """Point stdin at nothing and stdout and stderr at the log, as file descriptors.

    Where the log cannot be written (a full disk, a read-only home) the engine works without one.
    """
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_size > MAX_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        log = os.open(path, flags, 0o600)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for descriptor in {nothing, log} - {0, 1, 2}:
        os.close(descriptor)
    # A window's process on Windows has no streams at all; a traceback needs one.
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115 (lives as long as the process)
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)  # noqa: SIM115 (lives as long as the process)


def size(path: Path) -> int:
    """Return the log's length in bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def tail(path: Path, since: int) -> tuple[str, ...]:
    """Return the last lines written after byte `since` (earlier where the log was begun anew)."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            start = max(since if since <= end else 0, end - _TAIL_BYTES)
            file.seek(start)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-_TAIL_LINES:]
