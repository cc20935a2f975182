"""What the first bytes of a picture's file say: its size, and how the camera was held.

Read without a decoder, because neither the command line nor the engine's process has one that knows
of turned pictures. The window's own decoder (Qt) turns JPEGs by their EXIF orientation; so do we.
"""

import struct
from dataclasses import dataclass

_NO_SIZE = frozenset({0xC4, 0xC8, 0xCC})  # JPEG markers among the frames' that are none
_TURNED = range(5, 9)  # EXIF orientations with width and height exchanged
_ORIENTATION = 0x0112
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Frame:
    """width, height: in pixels, as stored. orientation: of EXIF, 1 to 8; 1 is upright."""

    width: int
    height: int
    orientation: int = 1

    @property
    def shown(self) -> tuple[int, int]:
        """Return width and height as the picture is shown."""
        if self.orientation in _TURNED:
            return self.height, self.width
        return self.width, self.height


def frame(data: bytes, mime: str) -> Frame | None:
    """Return the frame of a PNG, JPEG, GIF or BMP; None where its first bytes do not tell."""
    try:
        match mime:
            case "image/png" if data.startswith(_PNG):
                return Frame(*struct.unpack_from(">II", data, 16))
            case "image/gif":
                return Frame(*struct.unpack_from("<HH", data, 6))
            case "image/bmp":
                return _bmp(data)
            case "image/jpeg":
                return _jpeg(data)
    except struct.error:
        pass  # cut off before its size
    return None


def _bmp(data: bytes) -> Frame:
    if struct.unpack_from("<I", data, 14)[0] == 12:
        return Frame(*struct.unpack_from("<HH", data, 18))
    width, height = struct.unpack_from("<ii", data, 18)
    return Frame(width, abs(height))  # a negative height tells that it is stored top down


def _jpeg(data: bytes) -> Frame | None:
    """Walk the segments up to the frame's; the orientation stands in one before it."""
    orientation, at = 1, 2
    while True:
        if data[at : at + 1] != b"\xff":
            return None
        (marker,) = struct.unpack_from(">B", data, at + 1)
        if marker == 0xFF:  # filling
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Frame(width, height, orientation)
        if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            orientation = _orientation(data[at + 10 : at + 2 + length])
        at += 2 + length


def _orientation(tiff: bytes) -> int:
    """Return the orientation of EXIF's first directory, 1 where it tells none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for number in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * number)
            if tag == _ORIENTATION:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass  # a cut or broken directory: upright, as every viewer shows it
    return 1
