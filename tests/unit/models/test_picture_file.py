"""What the first bytes of a picture say, held against Qt's own decoder."""

import struct
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QImage, QImageReader, QImageWriter

from app.models.picture_file import Frame, frame
from tests.support import drawn


def encoded(kind: str, width: int = 30, height: int = 20) -> bytes:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(0x336699)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert QImageWriter(buffer, QByteArray(kind.encode())).write(image)
    return bytes(data.data())


def turned(jpeg: bytes, orientation: int, order: str = "<") -> bytes:
    """Return a JPEG with an EXIF orientation put behind its first marker."""
    mark = b"II" if order == "<" else b"MM"
    tiff = mark + struct.pack(f"{order}HIH", 42, 8, 2)
    tiff += struct.pack(f"{order}HHIHH", 0x0103, 3, 1, 6, 0)
    tiff += struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0) + b"\0\0\0\0"
    body = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


@pytest.mark.parametrize(
    ("kind", "mime"), [("PNG", "image/png"), ("JPG", "image/jpeg"), ("BMP", "image/bmp")]
)
def test_the_size_is_read(kind: str, mime: str) -> None:
    assert frame(encoded(kind, 321, 123), mime) == Frame(321, 123)


def test_a_gif_tells_its_size() -> None:
    assert frame(b"GIF89a" + struct.pack("<HH", 640, 480) + bytes(20), "image/gif") == Frame(
        640, 480
    )


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_jpeg_is_as_large_as_qt_shows_it(orientation: int, order: str) -> None:
    data = turned(encoded("JPG"), orientation, order)
    found = frame(data, "image/jpeg")
    assert found == Frame(30, 20, orientation)
    buffer = QBuffer()
    buffer.setData(data)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(b"jpeg"))
    reader.setAutoTransform(True)
    image = reader.read()
    assert found.shown == (image.width(), image.height())


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_there_is_not_is_upright(orientation: int) -> None:
    found = frame(turned(encoded("JPG"), orientation), "image/jpeg")
    assert found == Frame(30, 20)


@pytest.mark.parametrize(
    ("kind", "mime"), [("PNG", "image/png"), ("JPG", "image/jpeg"), ("BMP", "image/bmp")]
)
def test_what_is_cut_or_something_else_tells_nothing_and_never_fails(kind: str, mime: str) -> None:
    data = turned(encoded(kind), 6) if kind == "JPG" else encoded(kind)
    whole = frame(data, mime)
    for length in range(400):
        assert frame(data[:length], mime) in (None, whole)
    assert frame(b"text" * 100, "image/png") is None
    assert frame(b"text" * 100, "image/jpeg") is None
    assert frame(data, "image/webp") is None


def test_what_tests_draw_is_a_png(tmp_path: Path) -> None:
    path = drawn.png(tmp_path / "it.png", 33, 44, 5)
    image = QImage(str(path))
    assert (image.width(), image.height()) == (33, 44)
    assert frame(path.read_bytes(), "image/png") == Frame(33, 44)
