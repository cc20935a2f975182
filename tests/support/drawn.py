"""Pictures drawn without Qt or any decoder: PNG files of plain gradients."""

import struct
import zlib
from pathlib import Path

from app.engine.protocol import PictureFile


def png(path: Path, width: int, height: int, number: int = 1) -> Path:
    """Write a PNG; numbers give pictures that differ everywhere. Returns the path."""
    across = [number * 37 + 255 * x // width for x in range(width)]
    kinds = {
        down: _row(across, down, number) for down in {255 * y // height for y in range(height)}
    }
    rows = b"".join(kinds[255 * y // height] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))
    return path


def _row(across: list[int], down: int, number: int) -> bytes:
    row = bytearray(3 * len(across))
    row[0::3] = bytes((value + down) % 256 for value in across)
    row[1::3] = bytes((value * number) % 256 for value in across)
    row[2::3] = bytes([(down * number) % 256]) * len(across)
    return b"\0" + bytes(row)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def shown(path: Path, key: str = "") -> PictureFile:
    """Return a picture as the engine is told of it. key: by which the prompt calls it."""
    return PictureFile(key or path.stem, str(path), "image/png", path.stat().st_size)
