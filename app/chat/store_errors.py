"""What SQLite says when the world is at fault, in sentences.

A full disk, a folder that may not be written, a damaged file, another program holding the
database: each becomes a `WorldError`. Everything else SQLite raises (wrong SQL, a broken
constraint) is our bug and passes through.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import Problem, WorldError

_NO_ROOM_BYTES = 1 << 20
"""An I/O error with less than this free is a full disk: SQLite reports ENOSPC as one where it was
growing the shared memory file and not the log."""


class NewerDatabaseError(WorldError):
    """The database was written by a later Ponder."""


class DamagedDatabaseError(WorldError):
    """The database cannot be read. Nothing has been changed in it."""


def disk_full(path: Path, detail: str = "") -> WorldError:
    """Return the error of a full disk below the database at `path`."""
    return WorldError(
        Problem(
            "disk-full",
            "The disk is full, so the chats cannot be saved.",
            f"Free some space on the disk that holds {path.parent}: what is being written is "
            "kept in memory and saved as soon as there is room.",
            detail,
        )
    )


def damaged(path: Path, detail: str = "") -> DamagedDatabaseError:
    """Return the error of a database that cannot be read."""
    return DamagedDatabaseError(
        Problem(
            "chats-damaged",
            "The file with your chats is damaged and cannot be read.",
            f"It is still where it was ({path}): put a backup of it in its place, or move it away.",
            detail,
        )
    )


def busy(path: Path, detail: str = "") -> WorldError:
    """Return the error of a database that another program holds."""
    return WorldError(
        Problem(
            "chats-busy",
            "Another program is using the file with your chats.",
            f"Close other windows of Ponder and programs that read {path}, then try again.",
            detail,
        )
    )


def unreachable(path: Path, detail: str = "") -> WorldError:
    """Return the error of a database that cannot be opened where it should be."""
    return WorldError(
        Problem(
            "chats-unreachable",
            "The file with your chats cannot be opened.",
            f"Check that the folder {path.parent} is there and that you may write to it.",
            detail,
        )
    )


def _read_only(path: Path, detail: str) -> WorldError:
    return WorldError(
        Problem(
            "chats-read-only",
            "The chats cannot be saved, because their file is read-only.",
            f"Allow writing to {path} and to its folder, then try again.",
            detail,
        )
    )


def _disk_error(path: Path, detail: str) -> WorldError:
    try:
        if shutil.disk_usage(path.parent).free < _NO_ROOM_BYTES:
            return disk_full(path, detail)
    except OSError:  # the folder itself is gone: the disk error is the better sentence
        pass
    return WorldError(
        Problem(
            "disk-error",
            "The disk reported an error while the chats were being read or saved.",
            f"Check the disk that holds {path.parent}: what is being written is kept in memory "
            "and saved as soon as the disk works again.",
            detail,
        )
    )


_BY_CODE = {
    sqlite3.SQLITE_FULL: disk_full,
    sqlite3.SQLITE_IOERR: _disk_error,
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_BUSY: busy,
    sqlite3.SQLITE_LOCKED: busy,
    sqlite3.SQLITE_CANTOPEN: unreachable,
    sqlite3.SQLITE_PERM: unreachable,
    sqlite3.SQLITE_CORRUPT: damaged,
    sqlite3.SQLITE_NOTADB: damaged,
}


@contextmanager
def world_errors(path: Path) -> Iterator[None]:
    """Turn the world's faults among SQLite's errors inside the block into `WorldError`."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the kind, the rest SQLite's finer distinction. Errors of Python's own
        # module (a closed connection, a wrong thread) carry no code: they are bugs.
        code = getattr(error, "sqlite_errorcode", None)
        make = _BY_CODE.get(code & 0xFF) if isinstance(code, int) else None
        if "Could not decode to UTF-8" in str(error):  # Python's own, of a text in a row
            make = damaged
        if make is None:
            raise
        raise make(path, f"{getattr(error, 'sqlite_errorname', '')}: {error}") from error
    except UnicodeDecodeError as error:  # a name within the file, quoted in SQLite's own message
        raise damaged(path, str(error)) from error


@contextmanager
def sound_or_damaged(path: Path) -> Iterator[None]:
    """Turn what goes wrong in the block into damage: rows that are no longer what was written."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise damaged(path, f"{type(error).__name__}: {error}") from error
