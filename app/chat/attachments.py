"""What a person attaches: read from where it lies, and kept once under the hash of its bytes.

The bytes are files in a folder beside the database, the database only names them. Measured with 25
pictures of 4 MB (tests/bench/bench_attachments.py): inside the database every byte is written twice
(log, then database: 2.02 times against 1.00), for 3.5 times the processor's time, under the one
lock that the running answer's checkpoints wait for; and the copy before a migration takes 105 MB
more. Text files are kept in the same way, so that "save a copy" gives back the very bytes.

The row that names a file is written before the file, and taken away after it: what lies in the
folder is always known, so it is never left behind, and nothing unknown is ever deleted (a damaged
database that was set aside still names its files).
"""

import errno
import hashlib
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from app import files
from app.chat.message import Attachment, File
from app.errors import Problem, WorldError

FOLDER = "attachments"

IMAGE_MOST_BYTES = 32 << 20
"""A picture file's largest size: a camera's best JPEG has some 20 MB."""

MOST_AT_ONCE = 50
"""Attachments of one message: a folder's worth dropped by mistake is not one."""

_HASH = re.compile(r"[0-9a-f]{64}")
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that no name shows: controls, directions, halves, line ends."""
_LONGEST_NAME = 120
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Found:
    """Something to attach, looked at and found good: what it is, and its bytes."""

    part: Attachment
    data: bytes


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def clean_name(name: str) -> str:
    """Return a file's name as it is shown and told to models: one line, nothing unseen in it.

    Controls and overrides of the text direction go; a very long name loses its middle.
    """
    name = name.encode("utf-8", "replace").decode().replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(c for c in name if unicodedata.category(c) not in UNSEEN).strip()
    if len(seen) > _LONGEST_NAME:
        seen = f"{seen[: _LONGEST_NAME - 20]}…{seen[-19:]}"
    return seen or "unnamed"


def read(path: Path) -> bytes:
    """Return the bytes of a file to be attached. Raises WorldError in one sentence.

    Never more than `IMAGE_MOST_BYTES`; only regular files: a pipe or a device would never end.
    """
    name = clean_name(path.name)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise refused(name, "is a folder", "Attach the files in it instead.")
        if not stat.S_ISREG(status.st_mode):
            raise refused(name, "is not a file", "Attach an image or a text file.")
        if status.st_size <= IMAGE_MOST_BYTES:
            with path.open("rb") as file:
                data = file.read(IMAGE_MOST_BYTES + 1)
            if len(data) <= IMAGE_MOST_BYTES:
                return data
    except OSError as error:
        raise refused(
            name, "cannot be read", "Check that it is still there and that you may read it.", error
        ) from error
    raise refused(
        name,
        f"is {in_words(status.st_size)}, and {in_words(IMAGE_MOST_BYTES)} is the most",
        "Attach a smaller copy or a part of it.",
    )


def refused(name: str, why: str, advice: str, error: object = "") -> WorldError:
    """Return the error of something that cannot be attached. why: completes "“name” …"."""
    return WorldError(Problem("attachment", f"“{name}” {why}.", advice, str(error)))


def too_many() -> Problem:
    """Return what is said where more is given than one message can have."""
    return Problem(
        "attachment",
        f"{MOST_AT_ONCE} files are the most that one message can have.",
        "Send some first, or put several files together into one.",
    )


def in_words(size_bytes: int) -> str:
    """Return a file's size as people say it ("612 kB"), in powers of ten as the system does."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes" if size_bytes != 1 else "1 byte"
    if size_bytes < 999_500:
        return f"{size_bytes / 1000:.{0 if size_bytes >= 9950 else 1}f} kB"
    return f"{size_bytes / 1_000_000:.{0 if size_bytes >= 9_950_000 else 1}f} MB"


def together(problems: list[Problem], of: int) -> Problem:
    """Return one problem that tells of all; of: how many things were to be attached."""
    if len(problems) == 1:
        return problems[0]
    return Problem(
        "attachment",
        f"{len(problems)} of {of} files could not be attached.",
        "Images (PNG, JPEG, WebP, GIF, BMP) and text files can.",
        "\n".join(problem.sentence() for problem in problems),
    )


class Kept:
    """The folder of what was attached. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Return where bytes are kept. Raises ValueError for what is no hash: a name is no path."""
        if not _HASH.fullmatch(sha256):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self.folder / sha256[:2] / sha256

    def put(self, data: bytes, name: str = "") -> str:
        """Keep bytes, once; return their hash. name: for the WorldError if the disk refuses."""
        sha256 = digest(data)
        path = self.path(sha256)
        try:
            if not path.exists() or path.stat().st_size != len(data):
                files.replace(path, data)
        except OSError as error:
            raise self._unkept(name, error) from error
        return sha256

    def _unkept(self, name: str, error: OSError) -> WorldError:
        if error.errno in _NO_ROOM:
            return WorldError(
                Problem(
                    "disk-full",
                    f"The disk is full, so “{name}” could not be attached.",
                    f"Free some space on the disk that holds {self.folder}, then attach it again.",
                    str(error),
                )
            )
        return WorldError(
            Problem(
                "attachment",
                f"“{name}” could not be attached, because its copy could not be saved.",
                f"Check that you may write to {self.folder}.",
                str(error),
            )
        )

    def get(self, sha256: str) -> bytes | None:
        """Return kept bytes; None where the file is gone, unreadable, or not what it was."""
        if not _HASH.fullmatch(sha256):
            return None
        try:
            data = self.path(sha256).read_bytes()
        except OSError:
            return None
        return data if digest(data) == sha256 else None

    def drop(self, sha256: str) -> None:
        """Delete kept bytes that nothing names any more. Raises OSError."""
        path = self.path(sha256)
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()


def save_copy(kept: Kept, part: Attachment, path: Path) -> None:
    """Write the very bytes that were attached into a file. Raises WorldError."""
    data = kept.get(part.sha256)
    if data is None:
        raise gone(part)
    try:
        files.replace(path, data)
    except OSError as error:
        raise WorldError(
            Problem(
                "save-copy",
                f"A copy could not be saved as {path}.",
                "Choose another folder, or free some space on its disk.",
                str(error),
            )
        ) from error


def gone(part: Attachment) -> WorldError:
    """Return the error of kept bytes that are no longer there, or no longer what they were."""
    return WorldError(
        Problem(
            "attachment-gone",
            f"The file of “{part.name}” is missing from the folder where Ponder kept it.",
            "Attach it again if you still have it.",
            part.sha256,
        )
    )


def described(part: Attachment) -> str:
    """Return what an attachment is, in words for a caption or a screen reader."""
    size = in_words(part.size_bytes)
    if isinstance(part, File):
        return f"{part.name}, text file, {size}"
    return f"{part.name}, image, {part.width:,} × {part.height:,}, {size}"
