"""Files that people name: read whole, or refused in one sentence.

A pipe would be waited for without end, a device may have none: neither is a file.
"""

import stat
from pathlib import Path

from app.errors import Problem, WorldError

CHAT_ENDINGS = (".json", ".jsonl", ".zip")
"""Of the names of files that may hold chats; what is in one tells the rest."""


def size_of(path: Path) -> int:
    """Return how many bytes a file has. Raises WorldError where it cannot be read, or is none."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise OSError("a folder, a pipe or a device is no file")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    return found.st_size


def read(path: Path, most: int = -1) -> bytes:
    """Return what a file holds, so many bytes at most. Raises WorldError as `size_of`."""
    size_of(path)
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> WorldError:
    return WorldError(
        Problem(
            "file-unreadable",
            f"The file {path} cannot be read.",
            "Check its name, that it is a file, and that you may read it.",
            str(error),
        )
    )
