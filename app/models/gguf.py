"""Reads a GGUF file's header: quick, pure Python, and precise about what is wrong with a file.

llama.cpp aborts on some damaged headers and says "failed to load model" for most others. Reading
the header first (59 ms for a vocabulary of 131,072, because token lists are skipped over) turns a
broken download into a sentence that says how much of it is missing. The layout is that of
ggml/docs/gguf.md: magic, version, counts, key-value pairs, tensor descriptions, aligned data.
"""

import math
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.errors import Problem, WorldError

Value = int | float | bool | str | tuple[int | float | bool | str, ...]

_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
# Elements and bytes of a block of each ggml type, by its number (ggml_blck_size, ggml_type_size).
BLOCKS: dict[int, tuple[int, int]] = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
    42: (64, 18),
}
_KEPT_ITEMS = 1024
"""Longer arrays (tokens, merges) are skipped; per-layer figures are shorter than this."""
_LONGEST_STRING = 1 << 26
_LARGEST_ALIGNMENT = 1 << 20
_MOST_ITEMS = 1 << 28
_MOST_BYTES = 1 << 60

# Files that people take for models, by their first bytes.
_OTHERS = (
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"version https://git-lfs", "a pointer to a file"),
)
_DOWNLOAD_AGAIN = "Download it again."


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor's description. shape: innermost dimension first. offset: bytes from data_start.

    bytes: its size, None for a ggml type that is not known here.
    """

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Header:
    """What a GGUF file says of itself.

    metadata: the values but long arrays, whose lengths are in `lengths`. data_start: where the
    tensors' data begins. data_end: the least size of a whole file. file_bytes: its size now.
    """

    path: Path
    version: int
    metadata: dict[str, Value]
    lengths: dict[str, int]
    tensors: tuple[Tensor, ...]
    data_start: int
    data_end: int
    file_bytes: int

    @property
    def architecture(self) -> str:
        """Return the name of the architecture, "" where there is none."""
        return str(self.metadata.get("general.architecture", ""))

    def number(self, key: str) -> int | None:
        """Return an integer of the metadata; "{arch}" in the key is the architecture."""
        value = self.metadata.get(key.replace("{arch}", self.architecture))
        return value if isinstance(value, int) else None

    def check(self) -> None:
        """Raise WorldError unless the file is whole and its figures are possible."""
        if not self.architecture or not self.tensors:
            raise WorldError(_damaged(self.path, "its header names no architecture or no tensors"))
        blocks = self.number("{arch}.block_count")
        tensors = self.number("split.tensors.count") or len(self.tensors)
        if blocks is not None and not 0 <= blocks <= tensors:
            detail = f"{blocks:,} layers are announced, with {tensors:,} tensors"
            raise WorldError(_damaged(self.path, detail))
        if self.file_bytes < self.data_end:
            raise WorldError(_incomplete(self.path, self.file_bytes, self.data_end))


def read_header(path: Path) -> Header:
    """Return the header of a GGUF file. Raises WorldError where it cannot be read or is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size == 0:
                raise WorldError(_problem(f"{path.name} is empty.", _DOWNLOAD_AGAIN))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(path, data, size).header()
    except FileNotFoundError as error:
        raise WorldError(
            _problem(
                f"{path.name} is no longer where it was.",
                "Choose another file, or put it back.",
                str(path),
            )
        ) from error
    except OSError as error:
        raise WorldError(
            _problem(
                f"{path.name} cannot be read.",
                "Check the disk, and that you may read the file.",
                str(error),
            )
        ) from error


class _Reader:
    """Walks through a header once."""

    def __init__(self, path: Path, data: mmap.mmap, size: int) -> None:
        self._path = path
        self._data = data
        self._size = size
        self._at = 0

    def header(self) -> Header:
        magic = self._data[:4]
        if magic != b"GGUF":
            raise WorldError(self._no_gguf())
        try:
            return self._header()
        except struct.error as error:
            detail = f"the file ends inside its header, at {self._size:,} bytes"
            raise WorldError(
                _problem(
                    f"{self._path.name} is incomplete: it ends inside its header.",
                    _DOWNLOAD_AGAIN,
                    detail,
                )
            ) from error
        except UnicodeDecodeError as error:
            raise WorldError(_damaged(self._path, str(error))) from error

    def _header(self) -> Header:
        self._at = 4
        version = self._number("<I")
        if version not in _VERSIONS:
            raise WorldError(self._wrong_version(version))
        tensors = self._count(self._number("<Q"), 24, "tensors")
        pairs = self._count(self._number("<Q"), 13, "entries")
        metadata: dict[str, Value] = {}
        lengths: dict[str, int] = {}
        for _ in range(pairs):
            key = self._string()
            kind = self._number("<I")
            if kind != _ARRAY:
                metadata[key] = self._value(kind)
                continue
            kind = self._number("<I")
            length = lengths[key] = self._number("<Q")
            items = self._array(kind, length)
            if items is not None:
                metadata[key] = items
        alignment = metadata.get("general.alignment", 32)
        if (
            not isinstance(alignment, int)
            or not 0 < alignment <= _LARGEST_ALIGNMENT
            or alignment & (alignment - 1)
        ):
            raise WorldError(_damaged(self._path, f"alignment {alignment}"))
        described = tuple(self._tensor() for _ in range(tensors))
        start = -(-self._at // alignment) * alignment
        end = max((start + t.offset + (t.bytes or 0) for t in described), default=start)
        return Header(self._path, version, metadata, lengths, described, start, end, self._size)

    def _number(self, layout: str) -> int:
        return int(self._scalar(layout))

    def _scalar(self, layout: str) -> int | float | bool:
        value: int | float | bool
        (value,) = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return value

    def _string(self) -> str:
        length = self._number("<Q")
        if length > _LONGEST_STRING:
            raise WorldError(_damaged(self._path, f"a text of {length:,} bytes in its header"))
        (text,) = struct.unpack_from(f"{length}s", self._data, self._at)
        self._at += length
        return str(text, "utf-8")

    def _value(self, kind: int) -> int | float | bool | str:
        if kind == _STRING:
            return self._string()
        layout = _SCALARS.get(kind)
        if layout is None:
            raise WorldError(_damaged(self._path, f"a value of the unknown kind {kind}"))
        return self._scalar(layout)

    def _array(self, kind: int, length: int) -> tuple[int | float | bool | str, ...] | None:
        """Read an array; return None where it was only skipped, because it is long."""
        if length > _MOST_ITEMS:
            raise WorldError(_damaged(self._path, f"a list of {length:,} items in its header"))
        if length <= _KEPT_ITEMS:
            return tuple(self._value(kind) for _ in range(length))
        if kind == _STRING:
            self._skip_strings(length)
            return None
        layout = _SCALARS.get(kind)
        if layout is None:
            raise WorldError(_damaged(self._path, f"a list of the unknown kind {kind}"))
        self._at += length * struct.calcsize(layout)
        if self._at > self._size:
            raise struct.error("the list goes past the end of the file")
        return None

    def _skip_strings(self, count: int) -> None:
        unpack: Callable[..., tuple[int]] = struct.Struct("<Q").unpack_from
        data, at = self._data, self._at
        for _ in range(count):
            (length,) = unpack(data, at)
            if length > _LONGEST_STRING:
                raise WorldError(_damaged(self._path, f"a token of {length:,} bytes"))
            at += 8 + length
        self._at = at

    def _tensor(self) -> Tensor:
        name = self._string()
        dimensions = self._number("<I")
        if not 1 <= dimensions <= 4:
            raise WorldError(_damaged(self._path, f"{name} has {dimensions:,} dimensions"))
        shape = tuple(self._number("<Q") for _ in range(dimensions))
        kind = self._number("<I")
        offset = self._number("<Q")
        elements = math.prod(shape)
        if max(elements, offset) > _MOST_BYTES:
            raise WorldError(
                _damaged(self._path, f"{name} has {elements:,} elements at {offset:,}")
            )
        block = BLOCKS.get(kind)
        size = None if block is None else -(-elements // block[0]) * block[1]
        return Tensor(name, shape, kind, offset, size)

    def _count(self, count: int, least_bytes: int, what: str) -> int:
        """Return a count of the header; things that cannot fit into the file are damage."""
        if count * least_bytes > max(self._size, _LONGEST_STRING):
            raise WorldError(_damaged(self._path, f"{count:,} {what} are announced"))
        return count

    def _no_gguf(self) -> Problem:
        if b"GGUF".startswith(self._data[:4]):
            return _incomplete(self._path, self._size, None)
        start = self._data[:32]
        for magic, what in _OTHERS:
            if start.startswith(magic):
                return _problem(
                    f"{self._path.name} is {what}, not a model.", "Choose a GGUF model file."
                )
        return _problem(
            f"{self._path.name} is not a GGUF model file.",
            "Choose another file; if it was downloaded as a model, download it again.",
            f"it begins with {start[:8]!r}",
        )

    def _wrong_version(self, version: int) -> Problem:
        if version and not version & 0xFFFF:
            return _problem(
                f"{self._path.name} was made for computers with another byte order.",
                "Choose the little-endian version of this model.",
            )
        if version == 1:
            return _problem(
                f"{self._path.name} has a form of GGUF that is no longer read (version 1).",
                "Download a newer version of this model.",
            )
        return _problem(
            f"{self._path.name} is damaged, or newer than this program (GGUF version {version}).",
            "Download it again, or update Ponder.",
        )


def _incomplete(path: Path, here: int, whole: int | None) -> Problem:
    if whole is None:
        return _problem(f"{path.name} is incomplete: {here:,} bytes are here.", _DOWNLOAD_AGAIN)
    unit, divisor = next(
        (unit, size)
        for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3), ("bytes", 1))
        if whole >= size or size == 1
    )
    digits = 1 if divisor > 1 else 0
    # Rounded down and up, so that a file that lacks one byte does not read as whole.
    scale = divisor // 10 if divisor > 1 else 1
    had = here // scale * scale / divisor
    wanted = -(-whole // scale) * scale / divisor
    return _problem(
        f"{path.name} is incomplete: {had:,.{digits}f} of {wanted:,.{digits}f} {unit} are here.",
        _DOWNLOAD_AGAIN,
        f"{here:,} of {whole:,} bytes",
    )


def _damaged(path: Path, detail: str) -> Problem:
    return _problem(f"{path.name} is damaged.", _DOWNLOAD_AGAIN, detail)


def _problem(title: str, advice: str, detail: str = "") -> Problem:
    return Problem("model-file", title, advice, detail)
