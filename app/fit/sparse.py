"""Lays a model's header in a file of the model's full size that takes no room on the disk.

llama.cpp reads the header and checks that the tensors' data lies inside the file; with no_alloc it
never reads the data. So a few MB of header are all it takes to ask it what it would allocate.
"""

import os
import struct
import sys
from pathlib import Path
from typing import BinaryIO

from app.models.gguf import Header, Value


def write(path: Path, header: Header) -> Path:
    """Write a planned header (app.fit.blueprint) and stretch the file to its full size."""
    with path.open("wb") as file:
        _mark_sparse(file)
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(header.tensors), len(header.metadata)))
        for key, value in header.metadata.items():
            file.write(_string(key) + _value(value))
        for tensor in header.tensors:
            dimensions = len(tensor.shape)
            file.write(_string(tensor.name))
            layout = f"<I{dimensions}QIQ"
            file.write(struct.pack(layout, dimensions, *tensor.shape, tensor.type, tensor.offset))
        file.truncate(-(-file.tell() // 32) * 32 + header.data_end)
    return path


def copy(path: Path, header: Header) -> Path:
    """Copy the header of a file that is here, or only begun, and stretch the copy to full size."""
    with header.path.open("rb") as source, path.open("wb") as file:
        _mark_sparse(file)
        file.write(source.read(header.data_start))
        file.truncate(max(header.data_end, header.data_start))
    return path


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _string(value)
        case (bool(), *_):
            return struct.pack(f"<IIQ{len(value)}?", 9, 7, len(value), *value)
        case (int(), *_):
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    raise TypeError(f"a planned header has no {value!r}")


def _mark_sparse(file: BinaryIO) -> None:
    """Ask NTFS for a sparse file; other file systems make holes without being asked."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        set_sparse = 0x900C4  # FSCTL_SET_SPARSE
        handle = msvcrt.get_osfhandle(file.fileno())
        done = ctypes.c_ulong()
        if not ctypes.windll.kernel32.DeviceIoControl(
            ctypes.c_void_p(handle), set_sparse, None, 0, None, 0, ctypes.byref(done), None
        ):
            raise OSError(ctypes.get_last_error(), "no sparse files here", os.fspath(file.name))
