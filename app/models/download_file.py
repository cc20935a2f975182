"""Fetches one file of the hub so that no break costs more than a chunk, and no bad file is used.

The bytes go straight into a part file beside the place of the file, named after the content's hash;
what is in it is the beginning of the file, always, because it only grows. So its size is all there
is to know for going on, even after kill -9. When it is whole its sha256 is compared with the
hub's own, and only then does it get its name. One that differs is set aside as .bad.

The hub's own download function is not used: it begins each file anew, under a new name.
"""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Problem, WorldError
from app.models.download_types import BAD, ELSEWHERE, PART, Item, Patience

if TYPE_CHECKING:
    import httpx2

CHUNK_BYTES = 1 << 20
"""What a break costs at most. With this a gigabyte takes 2.5 s of a core, its hash included."""

_SYNC_BYTES = 64 << 20  # a power cut then costs at most this, found by the hash
_LARGEST_HTTP = 50_000_000_000  # the hub's own limit of a file by plain HTTP
_TELL_EVERY_S = 0.1
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
_LONGEST_WAIT_S = 300.0

Tell = Callable[[int, bool], None]
"""Told how many bytes of the file are here, and whether they are being checked."""


def part_of(target: Path, item: Item) -> Path:
    """Return the part file: bound to the content, so that another version is another part."""
    return target.with_name(f"{target.name}.{hash_of(item)[:8]}{PART}")


def bad_of(target: Path) -> Path:
    """Return where a damaged download is set aside."""
    return target.with_name(target.name + BAD)


def hash_of(item: Item) -> str:
    """Return the hub's own hash of a file: sha256 of large ones, git's blob id of small ones."""
    return item.sha256 or item.blob_id


def hash_for(item: Item) -> "hashlib._Hash":
    """Return the beginning of the hash that `hash_of` is."""
    if item.sha256:
        return hashlib.sha256()
    return hashlib.sha1(f"blob {item.bytes}\0".encode(), usedforsecurity=False)


def is_whole(path: Path, item: Item, tell: Tell) -> bool:
    """Return whether a file that is here is the hub's. Raises OSError."""
    if not path.exists() or path.stat().st_size != item.bytes or not hash_of(item):
        return False
    digest = hash_for(item)
    done = 0
    with path.open("rb") as file:
        while data := file.read(_SYNC_BYTES):
            digest.update(data)
            done += len(data)
            tell(done, True)
    return digest.hexdigest() == hash_of(item)


class FileDownload:
    """One file on its way. url: at the commit. headers: with the token, if any."""

    def __init__(
        self,
        item: Item,
        target: Path,
        url: str,
        headers: dict[str, str],
        patience: Patience,
        tell: Tell,
    ) -> None:
        self._item = item
        self._target = target
        self._part = part_of(target, item)
        self._url = url
        self._headers = {**headers, "accept-encoding": "identity"}
        self._patience = patience
        self._tell = tell
        self._told_at = 0.0
        self._size = 0
        self._hash = hash_for(item)

    def run(self) -> None:
        """Fetch what is missing, check all, put it in its place.

        Raises WorldError; the part stays, unless it is wrong.
        """
        if self._item.bytes > _LARGEST_HTTP:
            raise WorldError(
                Problem(
                    "download-large",
                    f"{self._item.name} is larger than the 50 GB that the hub hands out in one.",
                    "Choose a version that is split into several files, or a smaller one.",
                )
            )
        self._target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(self._part):
            try:
                with self._part.open("ab", buffering=0) as file:
                    self._count(file.tell())
                    self._fetch(file.fileno())
                    os.fsync(file.fileno())
            finally:
                if self._size == 0 < self._item.bytes:  # refused: no trace of it
                    self._part.unlink(missing_ok=True)
            self._tell(self._size, True)
            self._check()
            self._part.replace(self._target)
            bad_of(self._target).unlink(missing_ok=True)

    def _count(self, here: int) -> None:
        """Take up what an earlier child left: its size, and its hash so far."""
        if here > self._item.bytes:
            self._reject(here)
        with self._part.open("rb") as file:
            while self._size < here and (data := file.read(CHUNK_BYTES)):
                self._take(data, checking=True)

    def _take(self, data: bytes, *, checking: bool = False) -> None:
        self._hash.update(data)
        self._size += len(data)
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self._tell(self._size, checking)

    def _fetch(self, descriptor: int) -> None:
        """Ask until all is here; give up after so many tries in a row that brought nothing."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError

        tries = 0
        while self._size < self._item.bytes:
            before = self._size
            wait_s = None
            try:
                self._ask(descriptor)
                failure: Exception | None = None
            except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.ProtocolError) as error:
                failure = error
            except HfHubHTTPError as error:
                status = error.response.status_code
                if status not in _TRANSIENT:
                    raise
                failure, wait_s = error, _retry_after(error.response.headers.get("retry-after"))
            if self._size > before:
                tries = 0
            if self._size >= self._item.bytes:
                return
            if tries >= len(self._patience.waits_s) or (wait_s or 0.0) > _LONGEST_WAIT_S:
                if failure is not None:
                    raise failure
                self._reject(self._size)
            time.sleep(self._patience.waits_s[tries] if wait_s is None else wait_s)
            tries += 1

    def _ask(self, descriptor: int) -> None:
        """Ask once for what is missing, and write what comes."""
        from huggingface_hub import get_session, hf_raise_for_status

        headers = dict(self._headers)
        if self._size:
            headers["range"] = f"bytes={self._size}-"
        timeout = self._patience.silence_s
        with get_session().stream("GET", self._url, headers=headers, timeout=timeout) as response:
            hf_raise_for_status(response)
            self._agree(response, descriptor)
            unsynced = 0
            for chunk in response.iter_bytes(CHUNK_BYTES):
                if self._size + len(chunk) > self._item.bytes:
                    self._reject(self._size + len(chunk))
                _write(descriptor, chunk)
                self._take(chunk)
                unsynced += len(chunk)
                if unsynced >= _SYNC_BYTES:
                    os.fsync(descriptor)
                    unsynced = 0

    def _agree(self, response: "httpx2.Response", descriptor: int) -> None:
        """See that the answer is the rest of this file; begin anew where it is the whole of it."""
        if response.status_code == 206:
            said = response.headers.get("content-range", "")
            first, _, whole = said.removeprefix("bytes ").partition("/")
            if whole.isdigit() and int(whole) != self._item.bytes:
                self._reject(int(whole))
            if first.partition("-")[0] != str(self._size):
                raise WorldError(_strange(self._item.name, f"content-range: {said}"))
            return
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) != self._item.bytes:
            self._reject(int(length))
        if self._size:  # a server (or a proxy) that does not know ranges
            os.ftruncate(descriptor, 0)
            self._size = 0
            self._hash = hash_for(self._item)

    def _check(self) -> None:
        wanted, got = hash_of(self._item), self._hash.hexdigest()
        if wanted and wanted != got:
            self._set_aside()
            raise WorldError(
                Problem(
                    "download-damaged",
                    f"{self._target.name} arrived damaged, so it is not used.",
                    "Download it again; what arrived is set aside.",
                    f"its hash is {got}, the hub says {wanted}",
                )
            )

    def _reject(self, found: int) -> None:
        """Refuse a file of another size than the hub said."""
        self._set_aside()
        raise WorldError(
            Problem(
                "download-size",
                f"{self._target.name} has another size than the hub says, so it is not used.",
                "Download it again; if that does not help, choose another file or mirror.",
                f"{found:,} bytes instead of {self._item.bytes:,}",
            )
        )

    def _set_aside(self) -> None:
        if self._part.stat().st_size:
            self._part.replace(bad_of(self._target))
        else:
            self._part.unlink()


def _write(descriptor: int, data: bytes) -> None:
    """Write all: one call writes less where the disk is full, and the next then says so."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a server asks to wait. It may give a date too: then we choose."""
    return float(value) if value and value.strip().isdigit() else None


def _strange(name: str, detail: str) -> Problem:
    return Problem(
        "download-answer",
        f"The server sent something else than the rest of {name}.",
        "Try again; if it stays so, a proxy or mirror in between is at fault.",
        detail,
    )


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Hold a lock that ends with the process: two Ponders must not write to one part."""
    path = lock_of(part)
    with path.open("ab") as file:
        if not lock(file.fileno()):
            raise WorldError(
                Problem(
                    ELSEWHERE,
                    f"Another Ponder is downloading {part.name.rsplit('.', 2)[0]} right now.",
                    "Wait until it is done, or end it there.",
                )
            )
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps what is open; it is empty, and used again
                path.unlink()


def lock_of(part: Path) -> Path:
    """Return the file whose lock a download of this part holds."""
    return part.with_name(f".{part.name}.lock")


def lock(descriptor: int, *, wait: bool = False) -> bool:
    """Lock an open file until it is closed; return whether it is ours. wait: for another's end."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
