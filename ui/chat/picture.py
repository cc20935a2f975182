"""Images as they are shown in the transcript: pixels only for those that are painted.

`Pictures` decodes them off the window's thread, one at a time, the one asked for last first, in
exactly the pixels that the screen has for them; what was not painted for longest is forgotten.
`Picture` is one of them: a button of known size from the start, so that nothing moves when its
pixels come.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from app.chat.attachments import Kept, described
from app.chat.message import Image
from ui import icons, jobs, theme
from ui.chat.attach_reading import decoded
from ui.chat.controls import Control, focus_ring

MOST_BYTES = 64 << 20
"""Of pixels held: an image 360 px wide takes 2 MB on a screen of double scale."""

MOST_WISHES = 40
"""Images waited for: more than a screen shows. Older wishes come again when they are painted."""

RADIUS_PX = 10
_NAMED_PX = 40
"""The least height in which a missing image is named; its tip and its voice name it always."""
_ROUNDING_PX = 1.5
"""What the proportions may be off by because sizes are whole pixels: no rim is left for that."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """An image in a size, both in the screen's own pixels."""

    image: Image
    size: QSize

    @property
    def key(self) -> tuple[str, int, int]:
        return self.image.sha256, self.size.width(), self.size.height()


class Pictures(QObject):
    """See the module. kept: where the bytes are; None until the session is there.

    Signals:
        come: the hash of an image that `find` answers from now on, or that is found missing.
    """

    come = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kept: Kept | None = None
        self.held_bytes = 0
        self._held: OrderedDict[tuple[str, int, int], QImage] = OrderedDict()
        self._missing: set[str] = set()
        self._wishes: OrderedDict[tuple[str, int, int], _Wish] = OrderedDict()
        self._busy = False

    def find(self, image: Image, size: QSize) -> QImage | None:
        """Return an image scaled to fit a size in the screen's pixels; None where it is to come."""
        wish = _Wish(image, size)
        held = self._held.get(wish.key)
        if held is not None:
            self._held.move_to_end(wish.key)
            return held
        if image.sha256 not in self._missing:
            self._wishes[wish.key] = wish
            self._wishes.move_to_end(wish.key)
            while len(self._wishes) > MOST_WISHES:
                self._wishes.popitem(last=False)
            self._next()
        return None

    def missing(self, image: Image) -> bool:
        """Whether an image was looked for and is gone or broken."""
        return image.sha256 in self._missing

    def look_again(self, image: Image) -> None:
        """Forget that an image was missing: its file may have been put back."""
        self._missing.discard(image.sha256)

    def _next(self) -> None:
        if self._busy or not self._wishes or self.kept is None:
            return
        _, wish = self._wishes.popitem()
        self._busy = True
        jobs.run(
            partial(_read, self.kept, wish),
            then=partial(self._take, wish),
            failed=lambda _: self._take(wish, None),
            owner=self,
        )

    def _take(self, wish: _Wish, image: QImage | None) -> None:
        self._busy = False
        if image is None:
            self._missing.add(wish.image.sha256)
        else:
            self._held[wish.key] = image
            self.held_bytes += image.sizeInBytes()
            while self.held_bytes > MOST_BYTES and len(self._held) > 1:
                self.held_bytes -= self._held.popitem(last=False)[1].sizeInBytes()
        self.come.emit(wish.image.sha256)
        self._next()


def _read(kept: Kept, wish: _Wish) -> QImage | None:
    """Return the pixels of a kept image, None where its file is gone. On a job's thread."""
    data = kept.get(wish.image.sha256)
    if data is None:
        return None
    _, image = decoded(wish.image.name, data, wish.image.mime, wish.size)
    # As the painter wants them: converting at every paint would cost more than decoding once.
    clear = image.hasAlphaChannel()
    kind = QImage.Format.Format_ARGB32_Premultiplied if clear else QImage.Format.Format_RGB32
    return image.convertToFormat(kind)


def fitted(image: Image, box: QSize) -> QSize:
    """Return the size in which an image is shown within a box: right in proportion, never enlarged.

    A very thin one is still something to click at.
    """
    size = QSize(image.width, image.height)
    if size.width() > box.width() or size.height() > box.height():
        size = size.scaled(box, Qt.AspectRatioMode.KeepAspectRatio)
    return size.expandedTo(QSize(32, 32)).boundedTo(box)


class Picture(Control):
    """An image in a message, as large as `resize` makes it; a click opens it large."""

    def __init__(
        self, parent: QWidget, image: Image, pictures: Pictures, does: Callable[[], None]
    ) -> None:
        super().__init__(parent, described(image), does)
        self.image = image
        self._pictures = pictures
        pictures.look_again(image)
        pictures.come.connect(self._on_come)
        self.setToolTip(described(image))
        self.setAccessibleDescription("Opens the image large.")

    @property
    def missing(self) -> bool:
        """Whether its file is gone."""
        return self._pictures.missing(self.image)

    def _on_come(self, sha256: str) -> None:
        if sha256 == self.image.sha256:
            if self.missing:
                said = f"{described(self.image)}: the file is missing"
                self.setAccessibleName(said)
                self.setToolTip(said)
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the image, or its ground until it has come, or a card that names the missing one."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        found = self._pictures.find(self.image, self.size() * self.devicePixelRatioF())
        if found is not None:
            draw(painter, found, rect)
        else:
            self._paint_ground(painter, rect)
        if self.ringed:
            focus_ring(painter, rect, RADIUS_PX)
        painter.end()

    def _paint_ground(self, painter: QPainter, rect: QRectF) -> None:
        colours = theme.current()
        pen = QPen(QColor(colours.muted), 1)
        if self.missing:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen if self.missing else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.code))
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_PX, RADIUS_PX)
        if not self.missing or rect.height() < _NAMED_PX:
            middle = QRectF(rect.center().x() - 8, rect.center().y() - 8, 16, 16)
            icons.paint(painter, "image", colours.muted, middle)
            return
        painter.setPen(QColor(colours.muted))
        painter.setFont(theme.caption_font())
        metrics = QFontMetricsF(painter.font())
        wide = rect.width() - 16
        top = rect.center().y() - metrics.lineSpacing()
        for number, words in enumerate(("Missing", self.image.name)):
            cut = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, wide)
            line = QRectF(8, top + number * metrics.lineSpacing(), wide, metrics.lineSpacing())
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, cut)


def draw(painter: QPainter, image: QImage, rect: QRectF) -> None:
    """Draw an image into the middle of a rectangle with round corners, on a line of its own."""
    painter.save()
    size = QSize(image.width(), image.height()).scaled(
        rect.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio
    )
    if image.width() < rect.width() and image.height() < rect.height():
        size = image.size()
    inside = QRectF(0, 0, size.width(), size.height())
    inside.moveCenter(rect.center())
    if max(rect.width() - inside.width(), rect.height() - inside.height()) < _ROUNDING_PX:
        inside = rect
    path = QPainterPath()
    path.addRoundedRect(rect, RADIUS_PX, RADIUS_PX)
    # Transparent images lie on white, as their makers see them, in the dark theme too.
    painter.fillPath(path, QColor("#FFFFFF" if image.hasAlphaChannel() else theme.current().code))
    painter.setClipPath(path)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(inside, image)
    painter.restore()
    line = QColor(theme.current().ink)
    line.setAlpha(30)
    painter.setPen(QPen(line, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_PX, RADIUS_PX)
