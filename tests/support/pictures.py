"""Images to attach: drawn, so that none has to be kept in the repository."""

from pathlib import Path

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QLinearGradient, QPainter, QPolygonF


def landscape(path: Path, width: int, height: int, number: int = 0) -> QImage:
    """Draw a sun over hills, save it in the format of the file's name, and return it."""
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    sky = QLinearGradient(0, 0, 0, height)
    sky.setColorAt(0, QColor.fromHsv((200 + 37 * number) % 360, 120, 230))
    sky.setColorAt(1, QColor.fromHsv((30 + 37 * number) % 360, 60, 255))
    painter.fillRect(image.rect(), sky)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 236, 150))
    painter.drawEllipse(QPointF(width * 0.7, height * 0.3), height * 0.1, height * 0.1)
    for step, shade in enumerate((120, 90, 60)):
        painter.setBrush(QColor.fromHsv((110 + 37 * number) % 360, 90, shade))
        base = height * (0.55 + 0.15 * step)
        points = [
            QPointF(width * at / 12, base - height * 0.12 * ((at * (step + 2)) % 3))
            for at in range(13)
        ]
        hills = QPolygonF([*points, QPointF(width, height), QPointF(0, height)])
        painter.drawPolygon(hills)
    painter.end()
    if not image.save(str(path)):
        raise OSError(f"{path} could not be written")
    return image
