"""The rows of a damaged SQLite file, page by page, as far as they can be read.

Every page is looked at by itself, in whatever tree it hangs or hung: a row is lost only with the
page that holds it. The file is only read, and never given to SQLite. What its write-ahead log
has of whole transactions stands above it. (Format: sqlite.org/fileformat2.html.)
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from app import given

Value = str | int | float | bytes | None

_MAGIC = b"SQLite format 3\0"
_PAGE = 4096
"""Bytes of a page of ours; said by the header too, where that is whole."""

_LEAF = 0x0D
_OTHERS = (0x00, 0x02, 0x05, 0x0A)
"""First bytes of pages without rows: those that a long text goes on in (they begin with the number
of the next such page), inner pages, and pages of indices. Anything else may have been a leaf."""

_FRAME = 24
_MOST_COLUMNS = 64
_LONGEST = 1 << 30


class Pages:
    """The pages of a file and its log. Raises WorldError where they cannot be read at all."""

    def __init__(self, path: Path) -> None:
        self._data = given.read(path)
        self.size = _page_size(self._data)
        reserved = self._data[20] if self._data[:16] == _MAGIC else 0
        self.usable = self.size - (reserved if reserved < 64 else 0)
        self._above: dict[int, bytes] = {}
        log = path.with_name(path.name + "-wal")
        if log.is_file():
            self._read_log(given.read(log))
        last = max(self._above, default=0)
        self.count = max(-(-len(self._data) // self.size), last)

    def _read_log(self, log: bytes) -> None:
        """Take over the frames of all transactions that were ended."""
        if len(log) < 32 or log[:3] != b"\x37\x7f\x06":
            return
        salts = log[16:24]
        waiting: dict[int, bytes] = {}
        for at in range(32, len(log) - self.size - _FRAME + 1, self.size + _FRAME):
            number, ends = struct.unpack(">II", log[at : at + 8])
            if log[at + 8 : at + 16] != salts:
                return
            waiting[number] = log[at + _FRAME : at + _FRAME + self.size]
            if ends:
                self._above |= waiting
                waiting = {}

    def page(self, number: int) -> bytes:
        """Return a page, numbered from 1; filled up with zeros where the file ends before it."""
        if number in self._above:
            return self._above[number]
        data = self._data[(number - 1) * self.size : number * self.size]
        return data.ljust(self.size, b"\0")

    def rows(self) -> Iterator[tuple[int, list[Value]]]:
        """Yield every row that can be read, with its row id; what is not a row is skipped."""
        for number in range(1, self.count + 1):
            page = self.page(number)
            start = 100 if number == 1 else 0
            if page[start] in _OTHERS:
                continue
            yield from self._rows_of(page, start)

    def _rows_of(self, page: bytes, start: int) -> Iterator[tuple[int, list[Value]]]:
        # The count of cells may be what was overwritten: then all that point into the page count.
        count = min(struct.unpack(">H", page[start + 3 : start + 5])[0], self.size // 4)
        if page[start] != _LEAF:
            count = self.size // 4
        first = start + 8
        for at in range(first, min(first + 2 * count, self.usable - 1), 2):
            (cell,) = struct.unpack(">H", page[at : at + 2])
            if not first <= cell < self.usable - 3:
                continue
            try:
                row = self._row(page, cell)
            except (IndexError, ValueError, struct.error):
                continue
            if row is not None:
                yield row

    def _row(self, page: bytes, cell: int) -> tuple[int, list[Value]] | None:
        length, at = _varint(page, cell)
        rowid, at = _varint(page, at)
        if not 2 <= length <= _LONGEST:
            return None
        values = _record(self._payload(page, at, length))
        return None if values is None else (rowid, values)

    def _payload(self, page: bytes, at: int, length: int) -> bytes:
        """Return what a cell holds, or as much of it as can still be had."""
        most = self.usable - 35
        if length <= most:
            return page[at : min(at + length, self.usable)]
        least = (self.usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (self.usable - 4)
        here = here if here <= most else least
        found = [page[at : at + here]]
        (follows,) = struct.unpack(">I", page[at + here : at + here + 4])
        left, seen = length - here, set[int]()
        while left > 0 and 1 < follows <= self.count and follows not in seen:
            seen.add(follows)
            more = self.page(follows)
            found.append(more[4 : 4 + min(left, self.usable - 4)])
            left -= self.usable - 4
            (follows,) = struct.unpack(">I", more[:4])
        return b"".join(found)


def _page_size(data: bytes) -> int:
    if data[:16] == _MAGIC:
        (size,) = struct.unpack(">H", data[16:18].ljust(2, b"\0"))
        size = 65536 if size == 1 else size
        if size >= 512 and size & (size - 1) == 0:
            return int(size)
    return _PAGE


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(8):
        byte = data[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    value = value << 8 | data[at + 8]
    return (value - (1 << 64) if value >> 63 else value), at + 9


_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)


def _record(payload: bytes) -> list[Value] | None:
    """Return the values of a record, the end of a text missing where the payload ends early."""
    head, at = _varint(payload, 0)
    if not 2 <= head <= min(len(payload), 9 * _MOST_COLUMNS):
        return None
    kinds: list[int] = []
    while at < head:
        kind, at = _varint(payload, at)
        if kind < 0 or kind in (10, 11):
            return None
        kinds.append(kind)
    values: list[Value] = []
    at = head
    for kind in kinds:
        size = _SIZES[kind] if kind < 10 else (kind - 12) // 2
        values.append(_value(kind, payload[at : at + size]))
        at += size
    return values if at <= _LONGEST else None


def _value(kind: int, data: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return float(struct.unpack(">d", data)[0]) if len(data) == 8 else None
    if kind < 7:
        return int.from_bytes(data, "big", signed=True)
    return data.decode("utf-8", "replace") if kind % 2 else data
