"""Ponder's own icon, drawn: a bubble that thinks, on the accent and the colour of thoughts.

Drawn where it is shown, at every size, so that nothing has to be kept in step with a file. Whoever
needs files (a desktop entry, an installer) runs `python -m ui.app_icon FOLDER` and gets a PNG a
size.
"""

import sys
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QIcon, QImage, QLinearGradient, QPainter, QPixmap

from ui.tokens import LIGHT

SIZES_PX = (16, 24, 32, 48, 64, 128, 256, 512)
_UNITS = 128.0


def icon() -> QIcon:
    """Return the icon in every size."""
    made = QIcon()
    for side in SIZES_PX:
        made.addPixmap(QPixmap.fromImage(image(side)))
    return made


def image(side: int) -> QImage:
    """Return the icon as a square of `side` pixels on a clear ground."""
    made = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.scale(side / _UNITS, side / _UNITS)
    ground = QLinearGradient(16, 8, 112, 120)
    ground.setColorAt(0, QColor(LIGHT.accent))
    ground.setColorAt(1, QColor(LIGHT.thinking_rule))
    painter.setBrush(QBrush(ground))
    painter.drawRoundedRect(QRectF(6, 6, 116, 116), 28, 28)
    painter.setBrush(QColor(LIGHT.on_accent))
    painter.drawRoundedRect(QRectF(28, 27, 74, 53), 26, 26)
    painter.drawEllipse(QPointF(41, 89), 8.5, 8.5)
    painter.drawEllipse(QPointF(29, 104), 5, 5)
    # Three dots of 16 pixels' width would be a smear: there the bubble is enough.
    if side >= 24:
        painter.setBrush(QBrush(ground))
        for x in (48, 65, 82):
            painter.drawEllipse(QPointF(x, 53.5), 5.5, 5.5)
    painter.end()
    return made


def write(folder: Path) -> list[Path]:
    """Write a PNG of each size; return the files. Raises OSError where one cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for side in SIZES_PX:
        path = folder / f"ponder-{side}.png"
        if not image(side).save(str(path)):
            raise OSError(f"{path} could not be written")
        written.append(path)
    return written


if __name__ == "__main__":
    for one in write(Path(sys.argv[1])):
        print(one)
