"""One window over one folder of chats: who starts a second one is led to the first.

The first holds a lock on a file beside the chats. The system gives it back when the process ends,
however it ends, so a lock never outlives its window. The second start finds the lock taken, rings
at the first (a socket beside the lock, on Windows a pipe), says which files it was given, and ends.
Nothing of it leaves the machine, and only the same user can ring.
"""

import json
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from app import paths
from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LOCK = "window.lock"
_SOCKET = "window.socket"
_MOST_PATH_BYTES = 90
"""The name of a socket has at most 104 bytes on macOS, 108 on Linux."""
_MOST_BYTES = 1 << 16
_WAITING = 16
"""Callers that may wait: with the one that is usual, a call to a window that hangs would hang."""
_HEARD_S = 5.0
_ANSWERED_S = 20.0
"""How long the second start waits for the first: it may be starting itself, on a busy machine."""
_AGAIN_S = 0.05


class Claim:
    """The lock. first: nobody else has a window over these chats, or that cannot be known."""

    def __init__(self, folder: Path) -> None:
        self.first = True
        self._file: IO[bytes] | None = None
        # Where no lock can be had (a folder that cannot be written to, a file system without
        # locks) the window opens all the same: the store has locks of its own.
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / LOCK).open("ab")
        if self._file is not None:
            self.first = _locked(self._file)

    def close(self) -> None:
        """Give the lock back; the end of the process does the same."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True, slots=True)
class Ring:
    """What a second start says. token: by which Wayland lets the first come to the front, or ""."""

    files: tuple[str, ...]
    token: str


if sys.platform == "win32":

    def _locked(file: IO[bytes]) -> bool:
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _locked(file: IO[bytes]) -> bool:
        import fcntl

        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def _address() -> str:
    """Return where the first window listens: a path, or the name of a pipe."""
    import hashlib

    folder = paths.data_dir().resolve()
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    if sys.platform == "win32":
        return rf"\\.\pipe\ponder-{mark}"
    beside = folder / _SOCKET
    if len(os.fsencode(beside)) <= _MOST_PATH_BYTES:
        return str(beside)
    return str(_private_folder() / f"{mark}.socket")


def _private_folder() -> Path:
    """Return a folder with a short name that nobody else can write to. Raises OSError."""
    import tempfile

    folder = Path(tempfile.gettempdir()) / f"ponder-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not ours or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is open to others")
    return folder


class Doorbell:
    """The first window's side. rung: called on another thread with what a caller said."""

    def __init__(self, rung: Callable[[Ring], None]) -> None:
        """Begin to listen. Raises OSError where that cannot be."""
        from multiprocessing.connection import Listener

        address = _address()
        if sys.platform != "win32":
            # Whoever holds the lock is alone: what lies there is of a window that is gone.
            Path(address).unlink(missing_ok=True)
        self._rung = rung
        self._closing = False
        self._listener = Listener(address, backlog=_WAITING)
        if sys.platform != "win32":
            Path(address).chmod(0o600)
        self._thread = threading.Thread(target=self._listen, name="doorbell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._closing = True
        # The thread waits for a caller: be one. Where the way to it is gone (someone tidied the
        # folder), nobody else can call either, and the thread ends with the process.
        with suppress(OSError, EOFError):
            _call(b"").close()
            self._thread.join()
        with suppress(FileNotFoundError):
            self._listener.close()

    def _listen(self) -> None:
        while not self._closing:
            # A caller that hangs up, or says what is no message, is none.
            with (
                suppress(OSError, EOFError, ValueError, LookupError, TypeError),
                self._listener.accept() as caller,
            ):
                if caller.poll(_HEARD_S):
                    self._hear(caller)

    def _hear(self, caller: "Connection[bytes, bytes]") -> None:
        said = caller.recv_bytes(_MOST_BYTES)
        if not said:
            return
        given = json.loads(said)
        files, token = given["files"], given["token"]
        if not all(isinstance(one, str) for one in (*files, token)):
            raise ValueError("no names of files")
        self._rung(Ring(tuple(files), token))
        caller.send_bytes(b"ok")


def first_or_ring(files: Sequence[str]) -> Claim | None:
    """Return the lock, or None once the first window has taken over these files.

    Raises WorldError where there is a first window that does not answer.
    """
    ends = time.monotonic() + _ANSWERED_S
    while True:
        claim = Claim(paths.data_dir())
        # The other may be just ending: then this is the first one from now on.
        if claim.first:
            return claim
        claim.close()
        if _ring(files):
            return None
        if time.monotonic() > ends:
            break
        time.sleep(_AGAIN_S)
    raise WorldError(
        Problem(
            "window-silent",
            "Ponder is open already, but its window does not answer.",
            "Close that window, or end it with the system's means, and start Ponder again.",
        )
    )


def _ring(files: Sequence[str]) -> bool:
    given = [str(Path(one).absolute()) for one in files]
    said = {"files": given, "token": os.environ.get("XDG_ACTIVATION_TOKEN", "")}
    _let_come_to_the_front()
    with suppress(OSError, EOFError), _call(json.dumps(said).encode()) as caller:
        return caller.poll(_HEARD_S) and caller.recv_bytes(16) == b"ok"
    return False


def _call(said: bytes) -> "Connection[bytes, bytes]":
    from multiprocessing.connection import Client

    caller: Connection[bytes, bytes] = Client(_address())
    caller.send_bytes(said)
    return caller


def _let_come_to_the_front() -> None:
    """On Windows only who was started last may bring a window to the front: pass that on."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.AllowSetForegroundWindow(-1)
