"""Files that are replaced as a whole: after a crash or a power cut the old one is there or the new.

What Ponder keeps outside its database (settings, plans, downloads under way, what was attached) is
small enough.
"""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

_CHUNK = 1 << 20


def replace(path: Path, content: str | bytes) -> None:
    """Put bytes, or a text (UTF-8), in the place of a file; its folder is made. Raises OSError.

    Several processes and threads may: the last one's text stays, and nothing unfinished.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with unfinished.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def sha256(path: Path, stopped: Callable[[], bool] = lambda: False) -> str | None:
    """Return the SHA-256 of a file in hex, None if stopped on the way. Raises OSError."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if stopped():
                return None
            found.update(chunk)
    return found.hexdigest()
