"""Looking at what is to be attached: reading, decoding to see that it is whole, describing.

All of it runs on a job's thread (`ui.jobs`): nothing here touches a widget. An image is decoded by
Qt's own readers, and by that of its own kind only, after its size was checked.
"""

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader, QImageWriter

from app.chat import attached_image, attached_text
from app.chat.attachments import Found, read

PASTED = "Pasted image.png"
_PROBE_PX = 64
"""Looked at this small, an image is still decoded to its last row."""


def look(path: str) -> Found:
    """Look at a file. Slow: disk and decoder. Raises WorldError where it cannot be attached."""
    return of(Path(path).name, read(Path(path)))


def look_at_image(image: QImage) -> Found:
    """Look at an image that was pasted or dropped as pixels; it becomes a PNG. As `look`."""
    attached_image.check_size(PASTED, image.width(), image.height())
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"png")).write(image):
        raise attached_image.broken(PASTED)
    return of(PASTED, bytes(data.data()))


def of(name: str, data: bytes) -> Found:
    """Return what bytes are as an attachment. Raises WorldError where they cannot be one."""
    mime = attached_image.mime_of(data)
    if mime is None:
        return Found(attached_text.found(name, data), data)
    size, _ = decoded(name, data, mime, QSize(_PROBE_PX, _PROBE_PX))
    return Found(attached_image.found(name, data, mime, size.width(), size.height()), data)


def decoded(name: str, data: bytes, mime: str, most: QSize | None) -> tuple[QSize, QImage]:
    """Return an image's size as it is shown, and its pixels, scaled down to fit into `most`.

    The first frame, turned as the camera says. Raises WorldError for one too large or broken.
    """
    buffer = QBuffer()
    buffer.setData(data)
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer, QByteArray(mime.removeprefix("image/").encode()))
    reader.setAutoDetectImageFormat(False)
    reader.setAutoTransform(True)
    stored = reader.size()
    if stored.isEmpty():
        raise attached_image.broken(name, reader.errorString())
    pixel_bytes = max(4, QImage.toPixelFormat(reader.imageFormat()).bitsPerPixel() // 8)
    attached_image.check_size(name, stored.width(), stored.height(), pixel_bytes)
    turned = reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90
    size = stored.transposed() if turned else stored
    if most is not None and (size.width() > most.width() or size.height() > most.height()):
        fitted = size.scaled(most, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        reader.setScaledSize(fitted.transposed() if turned else fitted)
    image = reader.read()
    if image.isNull():
        raise attached_image.broken(name, reader.errorString())
    return size, image
