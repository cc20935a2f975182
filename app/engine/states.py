"""What a model has read, kept on disk, so that an old chat goes on without being read again.

A sequence is found by its ids: whatever begins with the same tokens can go on from it, be it the
chat, a branch of it or the same system prompt. But it belongs to the chat it was read for, and goes
with it: what was deleted for good must not live on here. Each is two files: the engine's own
(`.kv`) and what we know of it (`.json`: the model, the chat, the ids, the checksum), written last;
one without the other is rubbish and is swept. Bounded: the least recently used goes first. A file
that is cut, changed or another model's is never given to the engine, which would trust it.
"""

import base64
import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from app import files, paths
from app.engine.prefix import common_prefix

MOST_BYTES = 8 << 30
"""Of all kept states together: two chats of 40,000 tokens with Magistral Small's 8-bit cache."""
FREE_SHARE = 0.2
"""Of the disk's free bytes, at most so much."""
KEEP_S = 30 * 24 * 3600.0
"""A state that nobody went on from for so long is dropped, as deleted chats are."""
WORTH_TOKENS = 512
"""Fewer are read again sooner than found."""
WRITING_S = 3600.0
"""Another process of ours may be writing a file that has no note yet: an hour is enough for any."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """A kept sequence: its ids, the engine's file of it, and the id of the chat it belongs to."""

    path: Path
    ids: tuple[int, ...]
    size_bytes: int
    sha256: str
    chat: str = ""


class States:
    """The kept sequences of one model as it is loaded; the folder is every model's."""

    def __init__(
        self,
        folder: Path,
        model: str,
        *,
        most_bytes: int = MOST_BYTES,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Look through the folder. model: whatever tells it from all others that are not alike."""
        self._folder = folder
        self._model = hashlib.sha256(model.encode("utf-8", "replace")).hexdigest()
        self._most_bytes = most_bytes
        self._now = now
        self._found: list[State] = []
        self._sweep()

    def best(self, ids: Sequence[int]) -> tuple[State, int] | None:
        """Return the state that has most of the beginning of ids, and how much; None if none."""
        # Another process may have dropped some.
        self._found = [state for state in self._found if state.path.exists()]
        lengths = [(common_prefix(state.ids, ids), at) for at, state in enumerate(self._found)]
        length, at = max(lengths, default=(0, 0))
        return (self._found[at], length) if length else None

    def holds(self, ids: Sequence[int]) -> bool:
        """Whether a state begins with all of ids, give or take what is not worth keeping."""
        found = self.best(ids)
        return found is not None and found[1] >= len(ids) - WORTH_TOKENS

    def checked(self, state: State) -> Path | None:
        """Return the file to load, if it is as it was written; else forget it."""
        try:
            if files.sha256(state.path) == state.sha256:
                os.utime(_note(state.path))
                return state.path
        except OSError:
            pass  # gone: forgotten like one that was changed
        _log.info("a kept state is not as it was written: %s", state.path.name)
        self.forget(state)
        return None

    def forget(self, state: State) -> None:
        """Drop a state."""
        self._found = [other for other in self._found if other is not state]
        _drop(state.path)

    def forget_chats(self, chats: Collection[str]) -> None:
        """Drop all that belongs to some chats, every model's."""
        self._found = [state for state in self._found if state.chat not in chats]
        drop_chats(self._folder, chats)

    def keep(
        self,
        ids: Sequence[int],
        size_bytes: int,
        write: Callable[[Path], bool],
        *,
        chat: str = "",
    ) -> bool:
        """Keep a chat's sequence; return whether it is kept. write: makes the engine's file.

        What it goes on from is dropped, and as much of the oldest as its room takes.
        """
        if not self._make_room(size_bytes):
            return False
        path = self._folder / f"{self._model[:16]}-{uuid.uuid4().hex}.kv"
        unfinished = path.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not write(unfinished):
                return False
            checksum = files.sha256(unfinished) or ""
            state = State(path, tuple(ids), unfinished.stat().st_size, checksum, chat)
            unfinished.replace(path)
            files.replace(_note(path), self._written(state))
        except OSError as error:
            # Nothing is lost: it will be read again. A full disk is the usual reason.
            _log.info("a state could not be kept: %s", error)
            _drop(path)
            return False
        finally:
            unfinished.unlink(missing_ok=True)
        for other in list(self._found):
            if len(other.ids) <= len(ids) and common_prefix(other.ids, ids) == len(other.ids):
                self.forget(other)
        self._found.append(state)
        return True

    def _written(self, state: State) -> str:
        values = array("i", state.ids).tobytes()
        return json.dumps(
            {
                "model": self._model,
                "chat": state.chat,
                "size_bytes": state.size_bytes,
                "sha256": state.sha256,
                "ids": base64.b64encode(values).decode(),
            }
        )

    def _make_room(self, size_bytes: int) -> bool:
        """Drop the least recently used states, every model's, until there is room; False if not."""
        notes = sorted(self._folder.glob("*.json"), key=_used_at)
        taken = sum(_size(note.with_suffix(".kv")) for note in notes)
        most = min(self._most_bytes, taken + int(FREE_SHARE * _free(self._folder)))
        while taken + size_bytes > most:
            if not notes:
                return False
            oldest = notes.pop(0).with_suffix(".kv")
            taken -= _size(oldest)
            self._found = [state for state in self._found if state.path != oldest]
            _drop(oldest)
        return True

    def _sweep(self) -> None:
        """Read what is there; drop what is old, what is half there and what is not readable."""
        for path in [*self._folder.glob("*.part"), *self._folder.glob("*.kv")]:
            alone = path.suffix == ".part" or not _note(path).exists()
            if alone and self._now() - _used_at(path) > WRITING_S:
                path.unlink(missing_ok=True)
        for note in self._folder.glob("*.json"):
            path = note.with_suffix(".kv")
            state = self._read(note)
            if state is None or self._now() - _used_at(note) > KEEP_S:
                _drop(path)
            elif note.name.startswith(self._model[:16]):
                self._found.append(state)

    def _read(self, note: Path) -> State | None:
        try:
            said = json.loads(note.read_bytes())
            values = array("i")
            values.frombytes(base64.b64decode(said["ids"], validate=True))
            path = note.with_suffix(".kv")
            if path.stat().st_size != said["size_bytes"]:
                return None
            size_bytes, sha256 = int(said["size_bytes"]), str(said["sha256"])
            return State(path, tuple(values), size_bytes, sha256, str(said["chat"]))
        except (OSError, ValueError, TypeError, KeyError):
            # Whatever is in the way of reading it: it is only a copy of what can be read again.
            return None


def default_folder() -> Path:
    """Return where the sequences are kept."""
    return paths.cache_dir() / "states"


def drop_chats(where: Path, chats: Collection[str]) -> None:
    """Drop what is kept of some chats, in any process; whoever has such a file open keeps it."""
    _drop_where(where, lambda chat: chat in chats)


def keep_chats(where: Path, chats: Collection[str]) -> None:
    """Drop what is kept of all chats but these: of those that are no more."""
    _drop_where(where, lambda chat: chat not in chats)


def _drop_where(where: Path, gone: Callable[[str], bool]) -> None:
    for note in where.glob("*.json"):
        try:
            if gone(str(json.loads(note.read_bytes())["chat"])):
                _drop(note.with_suffix(".kv"))
        except (OSError, ValueError, TypeError, KeyError) as error:
            # Not readable: it is swept when the next model is loaded.
            _log.info("a kept state could not be looked at: %s", error)


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def _drop(path: Path) -> None:
    _note(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _used_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _free(folder: Path) -> int:
    there = next((one for one in (folder, *folder.parents) if one.exists()), None)
    return shutil.disk_usage(there).free if there is not None else 0
