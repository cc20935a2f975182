"""How large a picture is, read from its first bytes, for chats that say nothing of it.

Decoding is the window's; what is imported by the command line has none. Each format keeps its size
near the beginning: PNG (ISO/IEC 15948, 11.2.2), GIF89a (18), BMP (BITMAPINFOHEADER), JPEG (ITU-T
T.81, B.2.2, the frame header) with its orientation in Exif (CIPA DC-008, tag 274), and WebP (RFC
9649, 2.5 to 2.7).
"""

import struct

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset([0x01, *range(0xD0, 0xD8)])
_ORIENTATION = 274
_TURNED = range(5, 9)


def size_of(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels as it is shown; None where they cannot be read."""
    try:
        size = _size(data)
    except (struct.error, IndexError):
        return None
    return size if size is not None and min(size) > 0 else None


def _size(data: bytes) -> tuple[int, int] | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return _two(">II", data, 16)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return _two("<HH", data, 6)
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:2] == b"BM":
        if data[14] == 12:
            return _two("<HH", data, 18)
        wide, tall = _two("<ii", data, 18)
        return wide, abs(tall)
    return None


def _two(form: str, data: bytes, at: int) -> tuple[int, int]:
    wide, tall = struct.unpack_from(form, data, at)
    return int(wide), int(tall)


def _webp(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8 ":
            wide, tall = _two("<HH", data, 26)
            return wide & 0x3FFF, tall & 0x3FFF
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return (
                int.from_bytes(data[24:27], "little") + 1,
                int.from_bytes(data[27:30], "little") + 1,
            )
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at, turned = 2, False
    while data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:  # a filling byte
            at += 1
            continue
        if kind in _ALONE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if kind in _FRAMES:
            tall, wide = _two(">HH", data, at + 5)
            return (tall, wide) if turned else (wide, tall)
        if kind == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            turned = _orientation(data[at + 10 : at + 2 + length]) in _TURNED
        at += 2 + length
    return None


def _orientation(tiff: bytes) -> int:
    """Return Exif's orientation, 1 where it says none."""
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * number)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:
        return 1
    return 1
