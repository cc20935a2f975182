"""What was downloaded into a folder, noted in the folder itself: names, sizes, hashes, the commit.

It tells later which files are Ponder's, and whether they still are what was downloaded.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.files import replace
from app.models.download_file import lock
from app.models.download_records import records_folder
from app.models.download_types import MANIFEST

Files = dict[str, dict[str, Any]]
"""By name: "bytes", "hash" (the hub's own: sha256, or git's blob id of small files), "commit"."""


def read(home: Path) -> Files:
    """Return what was downloaded into a repository's folder; {} where nothing is noted."""
    try:
        value = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
        return {str(name): dict(entry) for name, entry in value["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


@contextmanager
def changing(home: Path) -> Iterator[Files]:
    """Give what is noted, to be changed, and write it; nothing left removes it. Raises OSError.

    Two downloads may end in one folder at once: one waits for the other.
    """
    records_folder().mkdir(parents=True, exist_ok=True)
    with (records_folder() / "manifest.lock").open("ab") as guard:
        lock(guard.fileno(), wait=True)
        files = read(home)
        yield files
        if files:
            text = json.dumps({"version": 1, "files": files}, indent=1)
            replace(home / MANIFEST, text)
        else:
            (home / MANIFEST).unlink(missing_ok=True)
