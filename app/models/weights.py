"""Which weights exactly: the SHA-256 of a model's file, worked out once, and where it came from.

A file of 17 GB takes some ten seconds to hash, so it is done on a thread of its own, after the
model is loaded (the file is in the system's cache then), and kept by path, size and time of change.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import files, paths
from app.models import download_manifest
from app.models.download_types import siblings

_VERSION = 1
_KEPT = 500
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Weights:
    """What a model's weights are.

    sha256: of the file, in hex; of a split file or a folder that of the lines "sha256  name" of its
    files in order of their names, as sha256sum writes them. repository, revision: on the hub, ""
    where it was not downloaded by Ponder.
    """

    sha256: str
    repository: str = ""
    revision: str = ""


def known(path: str) -> Weights | None:
    """Return what is known of a model's weights without reading them."""
    parts = _parts(Path(path))
    mark = _mark(parts)
    entry = _read().get(path)
    if mark is None or not isinstance(entry, dict) or entry.get("mark") != mark:
        return None
    sha256 = entry.get("sha256")
    return _weights(Path(path), sha256) if isinstance(sha256, str) else None


def worked_out(path: str, stopped: Callable[[], bool] = lambda: False) -> Weights | None:
    """Return it, reading the weights if need be; None if stopped or unreadable."""
    found = known(path)
    if found is not None:
        return found
    parts = _parts(Path(path))
    mark = _mark(parts)
    if mark is None:
        return None
    try:
        sums = [(part.name, files.sha256(part, stopped)) for part in parts]
    except OSError:
        return None
    if any(one is None for _, one in sums) or _mark(parts) != mark:
        return None
    if len(sums) == 1:
        sha256 = str(sums[0][1])
    else:
        lines = "".join(f"{one}  {name}\n" for name, one in sorted(sums))
        sha256 = hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
    with _lock:
        entries = {other: entry for other, entry in _read().items() if other != path}
        entries[path] = {"mark": mark, "sha256": sha256}
        text = json.dumps({"version": _VERSION, "files": dict(list(entries.items())[-_KEPT:])})
        with suppress(OSError):  # it is worked out again then
            files.replace(_file(), text)
    return _weights(Path(path), sha256)


class WeightsDesk:
    """Works them out in the background, one model after the other."""

    def __init__(self, wakeup: Callable[[], None] | None = None) -> None:
        """wakeup: called on another thread when poll() has something."""
        self._wakeup = wakeup or (lambda: None)
        self._found: list[tuple[str, Weights]] = []
        self._asked: set[str] = set()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._queue: list[str] = []

    def ask(self, path: str) -> None:
        """Have it worked out, if it was not asked for already."""
        with _lock:
            if path in self._asked or self._closed.is_set():
                return
            self._asked.add(path)
            self._queue.append(path)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="weights", daemon=True)
                self._thread.start()

    def poll(self) -> list[tuple[str, Weights]]:
        """Return what was found since the last call."""
        with _lock:
            found, self._found = self._found, []
        return found

    def close(self) -> None:
        """Stop; what is not done is done another time."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with _lock:
                if not self._queue or self._closed.is_set():
                    self._thread = None
                    return
                path = self._queue.pop(0)
            found = worked_out(path, self._closed.is_set)
            with _lock:
                self._asked.discard(path)
                if found is not None:
                    self._found.append((path, found))
            if found is not None:
                self._wakeup()


def _parts(path: Path) -> list[Path]:
    """Return the files that hold a model, its description among them."""
    if path.is_dir():
        return sorted(
            part for part in path.iterdir() if part.suffix in (".safetensors", ".json", ".model")
        )
    return [path.with_name(name) for name in siblings(path.name)]


def _mark(parts: list[Path]) -> list[list[Any]] | None:
    """Return what changes when a file does; None where one is not there."""
    try:
        return [[part.name, part.stat().st_size, part.stat().st_mtime_ns] for part in parts] or None
    except OSError:
        return None


def _weights(path: Path, sha256: str) -> Weights:
    # A repository's folder notes what was downloaded into it; its files may lie a folder deeper.
    for home in (path,) if path.is_dir() else (path.parent, path.parent.parent):
        noted = download_manifest.read(home)
        name = next(iter(noted), "") if home == path else path.relative_to(home).as_posix()
        if name in noted:
            return Weights(sha256, "/".join(home.parts[-2:]), str(noted[name].get("commit", "")))
    return Weights(sha256)


def _file() -> Path:
    return paths.cache_dir() / "weights.json"


def _read() -> dict[str, Any]:
    try:
        value = json.loads(_file().read_text(encoding="utf-8"))
        entries = value["files"] if value["version"] == _VERSION else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}
    return entries if isinstance(entries, dict) else {}
