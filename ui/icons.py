"""Ponder's icons, drawn: strokes in a box of 16 units, so that they are crisp at every scale.

No image files and no icon font: an icon takes the colour it is asked for. No QIcon either: whoever
shows an icon paints itself, and Qt's QIcon alone would cost the start of the window 2 ms.
"""

from collections.abc import Callable
from functools import cache
from math import cos, pi, sin

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

Draw = Callable[[QPainterPath], None]
_BOX = 16.0
_STROKE = 1.35
_FILLED = frozenset({"stop", "more"})


def names() -> tuple[str, ...]:
    """Return the names there are."""
    return tuple(_DRAWINGS)


def paint(painter: QPainter, name: str, color: str, rect: QRectF) -> None:
    """Paint an icon in a colour ("#RRGGBB") into a rectangle. KeyError for an unknown name."""
    path = _path(name)
    side = min(rect.width(), rect.height())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(rect.center() - QPointF(side / 2, side / 2))
    painter.scale(side / _BOX, side / _BOX)
    if name in _FILLED:
        painter.fillPath(path, QColor(color))
    else:
        pen = QPen(QColor(color), _STROKE)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(path, pen)
    painter.restore()


@cache
def _path(name: str) -> QPainterPath:
    made = QPainterPath()
    _DRAWINGS[name](made)
    return made


def _line(path: QPainterPath, *points: tuple[float, float]) -> None:
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)


def _copy(path: QPainterPath) -> None:
    path.addRoundedRect(QRectF(5.5, 5.5, 8, 8), 1.5, 1.5)
    path.moveTo(3.5, 10.5)
    path.cubicTo(2.8, 10.4, 2.5, 9.8, 2.5, 9.2)
    path.lineTo(2.5, 4)
    path.cubicTo(2.5, 3.1, 3.1, 2.5, 4, 2.5)
    path.lineTo(9.2, 2.5)
    path.cubicTo(9.8, 2.5, 10.4, 2.8, 10.5, 3.5)


def _retry(path: QPainterPath) -> None:
    box = QRectF(2.7, 2.7, 10.6, 10.6)
    path.arcMoveTo(box, 28)
    path.arcTo(box, 28, 304)
    _line(path, (12.9, 2.4), (12.9, 5.7), (9.6, 5.7))


def _edit(path: QPainterPath) -> None:
    _line(path, (3, 13), (3.5, 10.3), (10.8, 3), (13, 5.2), (5.7, 12.5))
    path.closeSubpath()
    _line(path, (9.3, 4.5), (11.5, 6.7))


def _branch(path: QPainterPath) -> None:
    path.addEllipse(QPointF(4.5, 3.7), 1.7, 1.7)
    path.addEllipse(QPointF(11.5, 3.7), 1.7, 1.7)
    path.addEllipse(QPointF(8, 12.3), 1.7, 1.7)
    path.moveTo(4.5, 5.4)
    path.cubicTo(4.5, 8.5, 8, 7, 8, 10.6)
    path.moveTo(11.5, 5.4)
    path.cubicTo(11.5, 8.5, 8, 7, 8, 10.6)


def _sliders(path: QPainterPath) -> None:
    for y, knob in ((4.2, 10.0), (8.0, 5.4), (11.8, 9.0)):
        _line(path, (2.5, y), (knob - 1.6, y))
        _line(path, (knob + 1.6, y), (13.5, y))
        path.addEllipse(QPointF(knob, y), 1.6, 1.6)


def _send(path: QPainterPath) -> None:
    _line(path, (8, 13), (8, 3.5))
    _line(path, (4, 7.3), (8, 3.3), (12, 7.3))


def _stop(path: QPainterPath) -> None:
    path.addRoundedRect(QRectF(3.5, 3.5, 9, 9), 1.2, 1.2)


def _chevron_down(path: QPainterPath) -> None:
    _line(path, (4, 6.2), (8, 10.2), (12, 6.2))


def _chevron_up(path: QPainterPath) -> None:
    _line(path, (4, 9.8), (8, 5.8), (12, 9.8))


def _wrap(path: QPainterPath) -> None:
    _line(path, (2.5, 3.5), (13.5, 3.5))
    _line(path, (2.5, 12.5), (5.5, 12.5))
    path.moveTo(2.5, 8)
    path.lineTo(11, 8)
    path.cubicTo(14.2, 8, 14.2, 12.5, 11, 12.5)
    path.lineTo(8, 12.5)
    _line(path, (9.8, 10.7), (8, 12.5), (9.8, 14.3))


def _chevron_right(path: QPainterPath) -> None:
    _line(path, (6.2, 4), (10.2, 8), (6.2, 12))


def _attach(path: QPainterPath) -> None:
    path.moveTo(11.3, 5)
    path.lineTo(6.3, 10)
    path.cubicTo(5.2, 11.1, 6.6, 12.5, 7.7, 11.4)
    path.lineTo(12.4, 6.7)
    path.cubicTo(14.6, 4.5, 11.6, 1.5, 9.4, 3.7)
    path.lineTo(4.4, 8.7)
    path.cubicTo(1.3, 11.8, 5.6, 16, 8.7, 13)
    path.lineTo(12.6, 9.1)


def _file(path: QPainterPath) -> None:
    _line(path, (9.5, 2), (4, 2), (4, 14), (12.5, 14), (12.5, 5), (9.5, 2), (9.5, 5), (12.5, 5))
    _line(path, (6.2, 8), (10.3, 8))
    _line(path, (6.2, 10.8), (10.3, 10.8))


def _image(path: QPainterPath) -> None:
    path.addRoundedRect(QRectF(2, 3, 12, 10), 2, 2)
    path.addEllipse(QPointF(5.4, 6.3), 1.1, 1.1)
    _line(path, (2.4, 11.8), (6.3, 8.6), (8.6, 10.6), (10.8, 8), (13.7, 11))


def _clock(path: QPainterPath) -> None:
    path.addEllipse(QPointF(8, 8), 5.5, 5.5)
    _line(path, (8, 4.8), (8, 8), (10.3, 9.4))


def _plus(path: QPainterPath) -> None:
    _line(path, (8, 3), (8, 13))
    _line(path, (3, 8), (13, 8))


def _search(path: QPainterPath) -> None:
    path.addEllipse(QPointF(7, 7), 4.3, 4.3)
    _line(path, (10.3, 10.3), (13.5, 13.5))


def _gear(path: QPainterPath) -> None:
    teeth = 8
    for step in range(teeth):
        for turn, radius in ((-0.32, 4.9), (-0.2, 6.5), (0.2, 6.5), (0.32, 4.9)):
            angle = (step + turn) * 2 * pi / teeth
            point = QPointF(8 + radius * cos(angle), 8 + radius * sin(angle))
            if path.elementCount() == 0:
                path.moveTo(point)
            else:
                path.lineTo(point)
    path.closeSubpath()
    path.addEllipse(QPointF(8, 8), 2.1, 2.1)


def _trash(path: QPainterPath) -> None:
    _line(path, (2.8, 4.3), (13.2, 4.3))
    _line(path, (6, 4), (6.3, 2.5), (9.7, 2.5), (10, 4))
    _line(path, (4.2, 4.5), (4.8, 13.5), (11.2, 13.5), (11.8, 4.5))
    _line(path, (6.8, 7), (6.9, 11))
    _line(path, (9.2, 7), (9.1, 11))


def _close(path: QPainterPath) -> None:
    _line(path, (4, 4), (12, 12))
    _line(path, (12, 4), (4, 12))


def _more(path: QPainterPath) -> None:
    for x in (3.3, 8.0, 12.7):
        path.addEllipse(QPointF(x, 8), 1.35, 1.35)


def _sidebar(path: QPainterPath) -> None:
    path.addRoundedRect(QRectF(2, 3, 12, 10), 2, 2)
    _line(path, (6.3, 3), (6.3, 13))


_DRAWINGS: dict[str, Draw] = {
    "copy": _copy,
    "retry": _retry,
    "edit": _edit,
    "branch": _branch,
    "send": _send,
    "sliders": _sliders,
    "stop": _stop,
    "chevron-down": _chevron_down,
    "chevron-up": _chevron_up,
    "chevron-right": _chevron_right,
    "wrap": _wrap,
    "attach": _attach,
    "file": _file,
    "image": _image,
    "clock": _clock,
    "plus": _plus,
    "search": _search,
    "gear": _gear,
    "trash": _trash,
    "close": _close,
    "more": _more,
    "sidebar": _sidebar,
}
