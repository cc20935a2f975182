"""What the formats share: the list of what was left out, attachments by hash, times, odd values.

A file from elsewhere may hold anything anywhere. So nothing here trusts a type: what is no text is
no text, a time that no clock shows is no time, and a picture is one only if its bytes are.
"""

import binascii
import math
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from app.chat import attached_image, attached_text
from app.chat.message import File, Image
from app.errors import WorldError
from app.transcript.imports.pixels import size_of

LATEST = 253_402_300_799.0
"""The last second of the year 9999, since the epoch: what dates can say."""

_DATA = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)


class Gathering:
    """Collects, over one file, what is left out, and over one chat its attachments.

    now: seconds since the epoch, for chats that name no time at all.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self._left_out: Counter[str] = Counter()
        self._attachments: dict[str, bytes] = {}

    def leave_out(self, what: str, count: int = 1) -> None:
        """Note that something was not taken. what: in the plural ("calls of tools")."""
        self._left_out[what] += count

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return what was left out, how often in brackets."""
        return tuple(f"{what} ({count:,})" for what, count in self._left_out.items())

    def taken(self) -> dict[str, bytes]:
        """Return the attachments met since the last call, by their hash."""
        found, self._attachments = self._attachments, {}
        return found

    def picture(self, address: Any, name: Any = "") -> Image | None:
        """Return the picture of a data: address; None, and said, where there is none."""
        data = data_of(address)
        if data is None:
            self.leave_out("pictures that are not in the file")
            return None
        mime = attached_image.mime_of(data)
        size = size_of(data)
        if mime is None or size is None:
            self.leave_out("pictures that are damaged or of an unknown kind")
            return None
        ending = mime.removeprefix("image/")
        made = attached_image.found(string(name) or f"picture.{ending}", data, mime, *size)
        try:
            attached_image.check_size(made.name, made.width, made.height)
        except WorldError:
            self.leave_out("pictures that are too large")
            return None
        self._attachments[made.sha256] = data
        return made

    def text_file(self, name: Any, text: Any) -> File | None:
        """Return a text file of what it says; None, and said, where that is no text."""
        if not isinstance(text, str) or "\0" in text:
            self.leave_out("attached files that are not in the file")
            return None
        data = text.encode("utf-8", "replace")
        try:
            made = attached_text.found(string(name) or "file.txt", data)
        except WorldError:
            self.leave_out("attached files that are too large")
            return None
        self._attachments[made.sha256] = data
        return made


def data_of(address: Any) -> bytes | None:
    """Return the bytes of a data: address, None where it is none."""
    found = _DATA.match(address) if isinstance(address, str) else None
    if found is None or not isinstance(address, str):
        return None
    rest = address[found.end() :]
    try:
        if found[2].lower().endswith(";base64"):
            return b64decode("".join(rest.split()), validate=True)
        return unquote_to_bytes(rest)
    except (binascii.Error, ValueError):
        return None


def string(value: Any) -> str:
    """Return a text, "" for everything else."""
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """Return a list, an empty one for everything else."""
    return value if isinstance(value, list) else []


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list."""
    return (item for item in listing(value) if isinstance(item, dict))


def seconds(value: Any) -> float | None:
    """Return a time in seconds since the epoch; None for what is none.

    Programs write seconds, milliseconds, micro- or nanoseconds (told by their size: 10^11 seconds
    are in the year 5138) or a date as ISO 8601 has it.
    """
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            at = found.replace(tzinfo=found.tzinfo or UTC).timestamp()
        except (ValueError, OverflowError):
            return None
        return at if 0 <= at <= LATEST else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    for unit in (1, 1e3, 1e6, 1e9):
        if 0 < value < 1e11 * unit:
            return value / unit
    return None
