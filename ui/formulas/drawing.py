"""A display list as painter's paths: made once, painted at any size and in any colours.

Letters that follow each other in one colour are one path, so that a formula is a few calls. What
stands on a box of a colour of its own (\\colorbox) is made legible on that box, all else on the
ground of the text. Thin rules are put onto whole pixels: a fraction's bar is not to be a grey haze.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QTransform

from app.latex.display import CURRENT, Clip, DisplayList, Item, segments
from ui.formulas.colours import CONTRAST, contrast, legible, named

UNITS = 1000
"""To the em."""
_RUN_PX = 100
_PICTURE = re.compile("[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")
_THIN_PX = 3.0
_BLACK = 0.05  # lightness
_BOXES = 64  # looked at for what an item stands on
_NARROWEST = 0.88
_WIDEST = 1.06


@dataclass(slots=True)
class _Part:
    """What is painted in one go, in units. ground: of the box it stands on, "" for the page.

    rule: the path is this rectangle. run: a text that is not its outlines, at the matrix. is_box:
    something stands on it, so its colour is a ground and kept as it is.
    """

    path: QPainterPath
    item: Item
    ground: str
    rule: QRectF | None = None
    run: tuple[QFont, str, QTransform] | None = None
    is_box: bool = False

    def extent(self) -> QRectF:
        """Return about where it is."""
        if self.run is None:
            return self.path.boundingRect()
        font, text, matrix = self.run
        return matrix.mapRect(QFontMetricsF(font).boundingRect(text))


@dataclass(frozen=True, slots=True)
class Inks:
    """The colours around a formula: of the text, and of what it stands on."""

    text: QColor
    ground: QColor

    def of(self, name: str, box: str) -> QColor:
        """Return the colour that a name comes to on a box ("" for none)."""
        ground = (named(box) if box else None) or self.ground
        colour = None if name == CURRENT else named(name)
        if colour is not None:
            if not box and colour.lightnessF() < _BLACK and contrast(colour, ground) < CONTRAST:
                return self.text  # black is what the text has on the page it was written for
            return legible(colour.rgb(), ground.rgb())
        if not box or contrast(self.text, ground) >= CONTRAST:
            return self.text
        return max(QColor("black"), QColor("white"), key=lambda ink: contrast(ink, ground))


class Drawing:
    """A formula that can be painted. width, height, depth: in em, as in the display list."""

    def __init__(self, made: DisplayList) -> None:
        self.width, self.height, self.depth = made.width, made.height, made.depth
        self._parts: list[_Part] = []
        boxes: list[tuple[QRectF, _Part]] = []
        for item in made.items:
            self._add(item, made.paths, boxes)

    def _add(self, item: Item, paths: tuple[str, ...], boxes: list[tuple[QRectF, _Part]]) -> None:
        part = _part(item, paths)
        extent = part.extent()
        if not extent.isEmpty():
            # A frame is a box's own: it is seen against what is around it.
            around = extent.center() if item.fill != "none" else extent.topLeft()
            under = next(
                (box for area, box in reversed(boxes[-_BOXES:]) if area.contains(around)), None
            )
            if under is not None:
                under.is_box = True
                part.ground = under.item.fill
        last = self._parts[-1] if self._parts else None
        if last is not None and _joins(last, part):
            last.path.addPath(part.path)
        else:
            self._parts.append(part)
        if item.kind == "rect" and item.fill != CURRENT and named(item.fill):
            boxes.append((extent, part))

    def paint(self, painter: QPainter, at: QPointF, em_px: float, inks: Inks) -> None:
        """Draw with the left end of the baseline at a point."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        device = painter.deviceTransform()
        down = device.map(at).y()
        lift = (round(down) - down) / (device.m22() or 1.0)
        painter.translate(at.x(), at.y() + lift)
        painter.scale(em_px / UNITS, em_px / UNITS)
        for part in self._parts:
            _paint(painter, part, inks)
        painter.restore()


def _joins(one: _Part, two: _Part) -> bool:
    """Whether two parts can be one path: letters of a colour, nothing cut off or outlined."""
    return (
        one.item.kind == two.item.kind == "path"
        and one.item.fill == two.item.fill
        and one.ground == two.ground
        and one.item.stroke == two.item.stroke == "none"
        and one.item.clip is None
        and two.item.clip is None
    )


def _paint(painter: QPainter, part: _Part, inks: Inks) -> None:
    item = part.item
    clipped = item.clip is not None
    if item.clip is not None:
        painter.save()
        painter.setClipPath(_window(item.clip), Qt.ClipOperation.IntersectClip)
    fill = named(item.fill) if part.is_box else None
    if part.run is not None:
        font, text, matrix = part.run
        painter.save()
        painter.setTransform(matrix, combine=True)
        painter.setFont(font)
        painter.setPen(inks.of(item.fill, part.ground))
        painter.drawText(QPointF(0, 0), text)
        painter.restore()
    elif item.fill != "none":
        colour = fill or inks.of(item.fill, part.ground)
        if part.rule is not None:
            painter.fillRect(_snapped(painter, part.rule), colour)
        else:
            painter.fillPath(part.path, colour)
    if item.stroke != "none" and item.line_width > 0:
        pen = QPen(inks.of(item.stroke, part.ground), _pen_width(item))
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        if item.dash:
            pen.setDashPattern([max(0.1, length / item.line_width) for length in item.dash])
            if item.dash[0] < item.line_width:
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.strokePath(part.path, pen)
    if clipped:
        painter.restore()


def _pen_width(item: Item) -> float:
    a, b, c, d, _e, _f = item.matrix
    return item.line_width * sqrt(abs(a * d - b * c))


def _snapped(painter: QPainter, rule: QRectF) -> QRectF:
    """Return a thin rectangle on whole pixels, at least one of them thick; others as they are."""
    device = painter.deviceTransform()
    seen = device.mapRect(rule)
    x, y, wide, tall = seen.x(), seen.y(), seen.width(), seen.height()
    if tall < _THIN_PX < wide:
        thick = max(1, round(tall))
        y, tall = round(y + tall / 2 - thick / 2), thick
    elif wide < _THIN_PX < tall:
        thick = max(1, round(wide))
        x, wide = round(x + wide / 2 - thick / 2), thick
    else:
        return rule
    back, possible = device.inverted()
    return back.mapRect(QRectF(x, y, wide, tall)) if possible else rule


def _part(item: Item, paths: tuple[str, ...]) -> _Part:
    matrix = QTransform(*item.matrix)
    if item.kind == "text":
        return _text(item, matrix)
    numbers = [float(value) for value in item.values]
    if item.kind == "path":
        return _Part(matrix.map(_outline(paths[int(numbers[0])])), item, "")
    path = QPainterPath()
    rule: QRectF | None = None
    if item.kind == "rect":
        x, y, wide, tall, radius = numbers
        path.addRoundedRect(x, y, wide, tall, radius, radius)
        if not radius and item.stroke == "none":
            rule = matrix.mapRect(QRectF(x, y, wide, tall))
    elif item.kind == "line":
        path.moveTo(numbers[0], numbers[1])
        path.lineTo(numbers[2], numbers[3])
    else:
        path.addEllipse(QPointF(numbers[0], numbers[1]), numbers[2], numbers[3])
    return _Part(matrix.map(path), item, "", rule)


def _text(item: Item, matrix: QTransform) -> _Part:
    """Return a run of text in the system's faces: as outlines, where its face has any.

    Where MathJax kept more or less room than the face takes, the run is fitted into it, so that it
    neither runs into what follows nor leaves a hole.
    """
    said, size, bold, slanted, mono, wide = item.values
    font = QFont()
    font.setPixelSize(_RUN_PX)
    font.setBold(bool(bold))
    font.setItalic(bool(slanted))
    if mono:
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setFamily("monospace")
    scale = float(size) / _RUN_PX
    across, size_share, inset = _fitted(
        QFontMetricsF(font).horizontalAdvance(str(said)) * scale, float(wide)
    )
    matrix = QTransform.fromTranslate(inset, 0) * matrix
    matrix = QTransform.fromScale(scale * size_share * across, scale * size_share) * matrix
    path = QPainterPath()
    if _PICTURE.search(str(said)):
        # A picture in colours has no outlines.
        return _Part(path, item, "", run=(font, str(said), matrix))
    path.setFillRule(Qt.FillRule.WindingFill)
    path.addText(0, 0, font, str(said))
    return _Part(matrix.map(path), item, "")


def _fitted(real: float, kept: float) -> tuple[float, float, float]:
    """Return how a run of a width gets into the room there is: stretch, share of its size, inset.

    Letters may be a little narrower or wider than they are; beyond that they are made smaller, or
    stand in the middle.
    """
    if real <= 0 or kept <= 0:
        return 1.0, 1.0, 0.0
    across = min(max(kept / real, _NARROWEST), _WIDEST)
    share = min(1.0, kept / (real * across))
    return across, share, max(0.0, (kept - real * across * share) / 2)


def _window(clip: Clip) -> QPainterPath:
    path = QPainterPath()
    path.addRect(QRectF(*clip.box))
    return QTransform(*clip.matrix).map(path)


@lru_cache(maxsize=2048)
def _outline(steps: str) -> QPainterPath:
    """Return a letter's outline; what overlaps itself is filled, as SVG does."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    _draw(path, segments(steps))
    return path


def _draw(path: QPainterPath, steps: Iterable[tuple[str, tuple[float, ...]]]) -> None:
    for step, at in steps:
        if step == "M":
            path.moveTo(at[0], at[1])
        elif step == "L":
            path.lineTo(at[0], at[1])
        elif step == "Q":
            path.quadTo(at[0], at[1], at[2], at[3])
        elif step == "C":
            path.cubicTo(at[0], at[1], at[2], at[3], at[4], at[5])
        else:
            path.closeSubpath()
