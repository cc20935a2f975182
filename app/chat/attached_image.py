"""Which images can be attached, told by their first bytes, and how large they may be.

Decoding is the window's (it has the decoders); here is what it must not be asked to decode.
"""

from app.chat.attachments import clean_name, digest, refused
from app.chat.message import Image
from app.errors import WorldError

MOST_BYTES = 240_000_000
"""Decoded. A camera's largest pictures have 50 million pixels of four bytes each, and Qt's readers
take 256 MiB at most. A file of a few kilobytes can claim 30,000 by 30,000 pixels: 3.6 GB."""

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)
_BMP_HEADERS = (12, 40, 52, 56, 108, 124)


def mime_of(data: bytes) -> str | None:
    """Return the kind of image that bytes begin as, whatever the file is called; None for none."""
    for magic, at, mime in _KINDS:
        if data[at : at + len(magic)] == magic and (at == 0 or data[:4] == b"RIFF"):
            return mime
    # "BM" begins many a text: its header's size must be one of a BMP too.
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    return None


def check_size(name: str, width: int, height: int, pixel_bytes: int = 4) -> None:
    """Refuse an image that would take too much memory. width, height: pixels. Raises WorldError."""
    if width * height * pixel_bytes > MOST_BYTES:
        most = MOST_BYTES // pixel_bytes // 1_000_000
        raise refused(
            clean_name(name),
            f"has {width:,} × {height:,} pixels, more than the {most} million that Ponder opens",
            "Attach a smaller copy of it.",
        )


def broken(name: str, detail: str = "") -> WorldError:
    """Return the error of an image that cannot be decoded."""
    return refused(
        clean_name(name), "is damaged or not a whole image", "Attach another copy of it.", detail
    )


def found(name: str, data: bytes, mime: str, width: int, height: int) -> Image:
    """Return the image that bytes are. width, height: as it is shown, in pixels."""
    return Image(digest(data), clean_name(name), len(data), mime, width, height)
