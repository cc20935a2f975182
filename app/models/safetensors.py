"""The header of a safetensors file: which tensors it holds, of what type, and whether all is here.

The file begins with the length of its header and the header as JSON, so all that is known without
reading one tensor. Its users tell what is wrong in sentences of their own, for their own purposes.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_HEADER = 1 << 28


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor. dtype: as the file names it ("F16", "BF16", "U32"); bytes: in the file."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int


class DamagedError(Exception):
    """The file is not a whole safetensors file. what: half a sentence; detail: for the curious."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(what, detail)
        self.what = what
        self.detail = detail


def tensors(path: Path, *, whole: bool = True) -> dict[str, Tensor]:
    """Return the tensors of a file by their names. Raises DamagedError.

    whole: the file has to be as long as its header says; a header alone may have been fetched.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header: dict[str, Any] = json.loads(file.read(min(length, _LONGEST_HEADER)))
            here = file.seek(0, 2)
        header.pop("__metadata__", None)
        found = {name: _tensor(entry) for name, entry in header.items()}
        ends = [int(entry["data_offsets"][1]) for entry in header.values()]
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise DamagedError("its header is damaged", str(error)) from error
    end = 8 + length + max(ends, default=0)
    if whole and here < end:
        raise DamagedError(
            f"only {here // 10**6:,} of {end // 10**6:,} MB are here", f"{here:,} of {end:,} bytes"
        )
    return found


def _tensor(entry: Any) -> Tensor:
    start, end = entry["data_offsets"]
    return Tensor(str(entry["dtype"]), tuple(entry["shape"]), end - start)
