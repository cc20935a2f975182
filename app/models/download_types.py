"""What is said of downloads: to the window, between the app and its children, and on the disk."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from app.errors import Problem, WorldError

State = Literal["waiting", "running", "paused", "checking", "done", "failed"]

MANIFEST = ".ponder.json"
"""In each folder of a repository: what was downloaded into it, with sizes and hashes."""
PART = ".part"
BAD = ".bad"
ELSEWHERE = "download-elsewhere"
"""The key of the problem that another Ponder is at it already."""

_SPLIT = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\.[A-Za-z0-9]+)$")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to download. files: () is the whole repository (an MLX folder). revision: "" is main."""

    repository: str
    revision: str = ""
    files: tuple[str, ...] = ()
    title: str = ""

    @property
    def id(self) -> str:
        """Return the download's id: wanting the same again is the same download."""
        text = "\0".join((self.repository, self.revision, *self.files))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Download:
    """A download as it stands. path: what to load once it is done: the first file, or the folder.

    total_bytes: 0 until the hub has said it. bytes_per_s, seconds_left: None where not known.
    """

    id: str
    wanted: Wanted
    state: State
    done_bytes: int = 0
    total_bytes: int = 0
    bytes_per_s: float | None = None
    seconds_left: float | None = None
    path: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A file of a download. sha256: the hub's own, "" for small files, which have git's blob id."""

    name: str
    bytes: int
    sha256: str = ""
    blob_id: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the hub said that a download is: its commit, and its files in the order of fetching.

    Kept, so that a download that goes on fetches the same, whatever was uploaded since.
    """

    commit: str
    items: tuple[Item, ...]

    @property
    def total_bytes(self) -> int:
        """Return the bytes of all files."""
        return sum(item.bytes for item in self.items)


@dataclass(frozen=True, slots=True)
class Patience:
    """With a bad connection. waits_s: before each try that follows one which brought nothing.

    silence_s: how long a server may say nothing. again_s: after which a download that failed for
    want of a connection is tried again: the network of a laptop comes and goes.
    """

    waits_s: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    silence_s: float = 30.0
    again_s: float = 60.0


# ------------------------------------------------------------ from a child to the app


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes that are on the disk. checking: they are being compared with the hub's hash."""

    done_bytes: int
    checking: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The child's last word: what to load, or why there is nothing."""

    path: str | None = None
    problem: Problem | None = None


Word = Agreed | Progress | Ended


def siblings(name: str) -> tuple[str, ...]:
    """Return the names of all parts of a split file; the name alone where it is not split."""
    found = _SPLIT.match(name)
    if not found:
        return (name,)
    stem, _, count, suffix = found.groups()
    return tuple(f"{stem}-{part:05d}-of-{count}{suffix}" for part in range(1, int(count) + 1))


def is_later_part(name: str) -> bool:
    """Return whether it is a part of a split file, and not its first."""
    found = _SPLIT.match(name)
    return found is not None and int(found.group(2)) != 1


def check_name(name: str) -> PurePosixPath:
    """Return the name of a repository's file as a path that stays inside its folder.

    Raises WorldError for one that would not: names come from other people.
    """
    path = PurePosixPath(name)
    parts = name.split("/")
    if any(part in ("", ".", "..") or set(part) & set('\\:*?"<>|\0') for part in parts):
        raise WorldError(
            Problem(
                "download-name",
                "The repository has a file whose name is not safe here.",
                "Choose another file or another repository.",
                repr(name),
            )
        )
    return path
