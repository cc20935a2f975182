"""A box with rounded corners and a thin border, drawn where it is seen and no dearer than need be.

Smoothing a rounded path costs with its area: 0.55 ms for the box of a few lines of code. Only the
corners need it; the stretch between them is two plain rectangles.
"""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from ui.chat.style import RADIUS_PX

_CORNER_PX = RADIUS_PX + 2


def framed(painter: QPainter, box: QRectF, clip: QRectF, ground: QColor, line: QColor) -> None:
    """Draw a box's ground and its border, which is one pixel wide and lies within the box."""
    if box.height() <= 2 * _CORNER_PX or not _on_pixels(painter):
        _rounded(painter, box, ground, line)
        return
    top = QRectF(box.left(), box.top(), box.width(), _CORNER_PX)
    bottom = top.translated(0, box.height() - _CORNER_PX)
    between = QRectF(box.left(), top.bottom(), box.width(), box.height() - 2 * _CORNER_PX)
    for end in (top, bottom):
        if end.intersects(clip):
            painter.save()
            painter.setClipRect(end, Qt.ClipOperation.IntersectClip)
            _rounded(painter, box, ground, line)
            painter.restore()
    if between.intersects(clip):
        painter.fillRect(between, line)
        painter.fillRect(between.adjusted(1, 0, -1, 0), ground)


def _on_pixels(painter: QPainter) -> bool:
    """Whether whole units end where pixels end, so that no seam is seen where parts meet."""
    transform = painter.worldTransform()
    return (
        not transform.isScaling()
        and not transform.isRotating()
        and painter.device().devicePixelRatio().is_integer()
        and transform.dx().is_integer()
        and transform.dy().is_integer()
    )


def _rounded(painter: QPainter, box: QRectF, ground: QColor, line: QColor) -> None:
    painter.setPen(QPen(line, 1))
    painter.setBrush(ground)
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_PX, RADIUS_PX)
