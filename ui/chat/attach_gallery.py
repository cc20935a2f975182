"""What is attached to one message of the user: images, then cards, in rows above its text.

It makes the widgets and says where they lie; the message places them. One image is shown large,
several smaller, so that twenty are still a group and not a page each.
"""

from functools import partial

from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from app.chat.message import Attachment, File, Image
from ui import theme
from ui.chat.attach_card import FileCard
from ui.chat.controls import Control
from ui.chat.picture import Picture, Pictures, fitted

GAP_PX = 8
LARGE_PX = 360
MEDIUM_PX = 172
SMALL_PX = 120
FEW = 4
"""Up to so many attachments are shown with room; more are shown small."""

CAPTION_PX = 22


class Gallery(QObject):
    """The attachments of one message. Its widgets are children of the message's.

    Signals:
        opened: the number of the attachment that is to be shown whole.
    """

    opened = Signal(int)

    def __init__(self, parent: QWidget, parts: tuple[Attachment, ...], pictures: Pictures) -> None:
        super().__init__(parent)
        self.parts = parts
        self.caption = caption(parts)
        self.size = QSize()
        self._places: list[QRect] = []
        self._box = LARGE_PX if len(parts) == 1 else MEDIUM_PX if len(parts) <= FEW else SMALL_PX
        # Images side by side leave fewer holes than images among cards.
        self._order = sorted(range(len(parts)), key=lambda at: isinstance(parts[at], File))
        self.widgets: list[Control] = [
            self._widget(parent, number, parts[number], pictures) for number in self._order
        ]

    def _widget(
        self, parent: QWidget, number: int, part: Attachment, pictures: Pictures
    ) -> Control:
        show = partial(self.opened.emit, number)
        if isinstance(part, Image):
            return Picture(parent, part, pictures, show)
        return FileCard(parent, part, show, small=len(self.parts) > FEW)

    def lay_out(self, width: int) -> QSize:
        """Arrange for a width; return the size that is needed."""
        self._places = []
        x = y = tall = wide = 0
        for number, widget in zip(self._order, self.widgets, strict=True):
            part = self.parts[number]
            size = widget.sizeHint()
            if isinstance(part, Image):
                size = fitted(part, QSize(min(self._box, width), self._box))
            size.setWidth(min(size.width(), width))
            if x and x + size.width() > width:
                x, y, tall = 0, y + tall + GAP_PX, 0
            self._places.append(QRect(QPoint(x, y), size))
            x += size.width() + GAP_PX
            tall = max(tall, size.height())
            wide = max(wide, x - GAP_PX)
        self.size = QSize(wide, y + tall + (CAPTION_PX if self.caption else 0))
        return self.size

    def place(self, at: QPoint) -> None:
        """Put the widgets where they were arranged to be."""
        for widget, place in zip(self.widgets, self._places, strict=True):
            widget.setGeometry(place.translated(at))

    def paint_caption(self, painter: QPainter, at: QPoint) -> None:
        """Say below the images what the model did not see of them."""
        if not self.caption:
            return
        painter.setFont(theme.caption_font())
        painter.setPen(QColor(theme.current().muted))
        top = at.y() + self.size.height() - CAPTION_PX + 4
        room = QRectF(at.x(), top, max(self.size.width(), 240), CAPTION_PX)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft, self.caption)

    def close(self) -> None:
        """Take the widgets away."""
        for widget in self.widgets:
            widget.hide()
            widget.deleteLater()
        self.deleteLater()


def caption(parts: tuple[Attachment, ...]) -> str:
    """Return what is said of images that were withheld from the model, "" where none were."""
    withheld = sum(isinstance(part, Image) and part.withheld for part in parts)
    if not withheld:
        return ""
    return (
        "Not shown to the model" if withheld == 1 else f"{withheld} images not shown to the model"
    )


def estimated(parts: tuple[Attachment, ...]) -> int:
    """Return roughly how tall the group is, in pixels, before it is made."""
    if len(parts) == 1:
        only = parts[0]
        large = QSize(LARGE_PX, LARGE_PX)
        return fitted(only, large).height() if isinstance(only, Image) else MEDIUM_PX // 2
    return -(-len(parts) // 3) * (MEDIUM_PX if len(parts) <= FEW else SMALL_PX)


def kept_words(parts: tuple[Attachment, ...]) -> str:
    """Return what is said of attachments while their message is edited, "" for none."""
    if len(parts) > 1:
        return f"Its {len(parts)} attachments stay"
    return f"{parts[0].name} stays attached" if parts else ""
