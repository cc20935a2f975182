"""One download, in a process of its own: ask what it is, see that it fits, fetch file after file.

Nothing is asked of this process but to be killed: a pause, a cancel and a power cut are the same.
"""

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import Problem, WorldError
from app.models.download_file import FileDownload, bad_of, lock_of, part_of
from app.models.download_records import Record
from app.models.download_types import (
    MANIFEST,
    Agreed,
    Ended,
    Item,
    Patience,
    Progress,
    Wanted,
    Word,
    check_name,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_ROOM_LEFT = 64 << 20
"""Bytes of the disk that a download leaves to everybody else."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a child has to do. promised: bytes of the disk that other downloads still need."""

    wanted: Wanted
    agreed: Agreed | None
    folder: str
    promised: int
    patience: Patience


def main(connection: "Connection[Word, None]", parent_pid: int, log_file: str, job: Job) -> None:
    """Run one download and send how it goes; never returns."""
    from app.models import hub_child

    hub_child.settle(parent_pid, Path(log_file), "Download a model")
    try:
        word = Ended(path=str(run(job, connection.send)))
    except WorldError as error:
        word = Ended(problem=error.problem)
    connection.send(word)
    os._exit(0)


def run(job: Job, send: Callable[[Word], None]) -> Path:
    """Do a job in this process, which has the door; return what to load. Raises WorldError."""
    return _Run(job, send).run()


def place(folder: str, repository: str, name: str = "") -> Path:
    """Return where a file of a repository belongs, or its folder. Raises WorldError."""
    home = Path(folder, *check_name(repository).parts)
    return home.joinpath(*check_name(name).parts) if name else home


def delete_parts(record: Record) -> None:
    """Delete what a download left that is no model: parts and what was set aside."""
    for item in record.agreed.items if record.agreed else ():
        target = place(record.folder, record.wanted.repository, item.name)
        part = part_of(target, item)
        for path in (part, lock_of(part), bad_of(target)):
            with suppress(OSError):
                path.unlink()
    home = place(record.folder, record.wanted.repository)
    for folder in (home, home.parent):
        with suppress(OSError):  # not empty: somebody's
            folder.rmdir()


class _Run:
    """The download of one job."""

    def __init__(self, job: Job, send: Callable[[Word], None]) -> None:
        self._job = job
        self._send = send
        self._home = place(job.folder, job.wanted.repository)
        self._before = 0
        """Bytes of the files that are done."""

    def run(self) -> Path:
        """Return what to load. Raises WorldError."""
        from app.models import hub_fetch
        from app.models.hub_errors import disk, told

        agreed = self._job.agreed
        if agreed is None:
            agreed = hub_fetch.agree(self._job.wanted)
            self._send(agreed)
        repository = self._job.wanted.repository
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            missing = self._missing(agreed)
            self._check_room(agreed, missing)
        except OSError as error:
            raise WorldError(disk(error)) from error
        headers = hub_fetch.headers() if missing else {}
        for item in missing:
            with told(repository, item.name):
                self._fetch(item, agreed.commit, headers)
        if not self._job.wanted.files:
            return self._home
        return place(self._job.folder, repository, agreed.items[0].name)

    def _missing(self, agreed: Agreed) -> list[Item]:
        """Return what is still to be fetched; what is whole already is counted as done."""
        manifest = read_manifest(self._home)
        missing = []
        for item in agreed.items:
            target = place(self._job.folder, self._job.wanted.repository, item.name)
            known = manifest.get(item.name, {})
            here = target.stat().st_size if target.exists() else -1
            same = item.sha256 or item.blob_id
            if here == item.bytes and same and known.get("hash") == same:
                self._before += item.bytes
            else:
                missing.append(item)
        return missing

    def _check_room(self, agreed: Agreed, missing: list[Item]) -> None:
        """Raise WorldError where the disk has no room for what is still to come."""
        wanted = 0
        here = 0
        for item in missing:
            target = place(self._job.folder, self._job.wanted.repository, item.name)
            part = part_of(target, item)
            got = part.stat().st_size if part.exists() else 0
            here += min(got, item.bytes)
            wanted += max(0, item.bytes - got)
        self._send(Progress(self._before + here))
        free = shutil.disk_usage(self._home).free
        lacking = wanted + self._job.promised + _ROOM_LEFT - free
        if wanted and lacking > 0:
            name = self._job.wanted.title or self._job.wanted.repository
            others = " beside the other downloads" if self._job.promised else ""
            raise WorldError(
                Problem(
                    "disk-room",
                    f"{name} needs {wanted / 1e9:.2f} GB more on the disk{others}, and "
                    f"{max(0, free) / 1e9:.2f} GB are free.",
                    f"Make {lacking / 1e9:.2f} GB of room, or choose another folder for models "
                    "in the settings.",
                    f"{self._home}: {agreed.total_bytes:,} bytes in all",
                )
            )

    def _fetch(self, item: Item, commit: str, headers: dict[str, str]) -> None:
        from app.models import hub_fetch

        target = place(self._job.folder, self._job.wanted.repository, item.name)
        url = hub_fetch.url_of(self._job.wanted.repository, item.name, commit)

        def tell(size: int, checking: bool) -> None:
            self._send(Progress(self._before + size, checking))

        run = FileDownload(item, target, url, headers, self._job.patience, tell)
        sha256 = run.run()
        self._before += item.bytes
        same = item.sha256 or item.blob_id or sha256
        _note(self._home, item, {"bytes": item.bytes, "sha256": sha256, "hash": same}, commit)
        self._send(Progress(self._before))


def read_manifest(home: Path) -> dict[str, dict[str, Any]]:
    """Return what was downloaded into a repository's folder: by name bytes, sha256 and commit."""
    try:
        value = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
        files = value["files"]
        return {str(name): dict(entry) for name, entry in files.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write_manifest(home: Path, files: dict[str, dict[str, Any]]) -> None:
    """Replace the list of what was downloaded. Raises OSError."""
    path = home / MANIFEST
    unfinished = path.with_name(f"{MANIFEST}.{os.getpid()}")
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump({"version": 1, "files": files}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _note(home: Path, item: Item, entry: dict[str, Any], commit: str) -> None:
    files = read_manifest(home)
    files[item.name] = {**entry, "commit": commit}
    write_manifest(home, files)
