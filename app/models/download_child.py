"""One download, in a process of its own: ask what it is, see that it fits, fetch file after file.

Nothing is asked of this process but to be killed: a pause, a cancel and a power cut are the same.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Problem, WorldError
from app.models import download_manifest as manifest
from app.models.download_file import (
    FileDownload,
    bad_of,
    hash_of,
    is_whole,
    lock_of,
    part_of,
)
from app.models.download_records import Record
from app.models.download_types import (
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
        with suppress(WorldError):  # a name that was refused
            target = place(record.folder, record.wanted.repository, item.name)
            part = part_of(target, item)
            for path in (part, lock_of(part), bad_of(target)):
                with suppress(OSError):
                    path.unlink()
    with suppress(OSError, WorldError):  # not empty: somebody's
        home = place(record.folder, record.wanted.repository)
        home.rmdir()
        home.parent.rmdir()


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
        known = manifest.read(self._home)
        missing = []
        for item in agreed.items:
            target = self._target(item)
            noted = known.get(item.name, {}).get("hash") == hash_of(item)
            here = target.stat().st_size if target.exists() else -1
            # A child that was killed before it could note a file has left it whole.
            if noted and here == item.bytes:
                self._before += item.bytes
            elif is_whole(target, item, self._tell):
                self._before += item.bytes
                self._note(item, agreed.commit)
            else:
                missing.append(item)
        return missing

    def _check_room(self, agreed: Agreed, missing: list[Item]) -> None:
        """Raise WorldError where the disk has no room for what is still to come."""
        wanted = 0
        here = 0
        for item in missing:
            part = part_of(self._target(item), item)
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

        url = hub_fetch.url_of(self._job.wanted.repository, item.name, commit)
        target, patience = self._target(item), self._job.patience
        FileDownload(item, target, url, headers, patience, self._tell).run()
        self._before += item.bytes
        self._note(item, commit)
        self._send(Progress(self._before))

    def _target(self, item: Item) -> Path:
        return place(self._job.folder, self._job.wanted.repository, item.name)

    def _tell(self, size: int, checking: bool) -> None:
        self._send(Progress(self._before + size, checking))

    def _note(self, item: Item, commit: str) -> None:
        entry = {"bytes": item.bytes, "hash": hash_of(item), "commit": commit}
        with manifest.changing(self._home) as files:
            files[item.name] = entry
