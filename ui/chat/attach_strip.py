"""What will be sent with the message, above its text: chips to look at and to take away again.

Below them one line says what stands in the way: a model that cannot see the images, or files larger
than its context. The composer asks `holds` before it sends.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QWidget

from app.chat.attached_text import about_tokens
from app.chat.attachments import described, in_words
from app.chat.message import Attachment, File, Image
from ui import icons, theme
from ui.chat.attach_card import title
from ui.chat.controls import Control, FilledButton, focus_ring
from ui.chat.picture import Pictures
from ui.notices import announce
from ui.widgets import rounded

CHIP = QSize(212, 48)
CHIP_MOST_PX = 260
SCROLL_PX = 10
GAP_PX = 8
THUMB_PX = 34
MOST_ROWS = 2.5
"""Rows of chips that are seen; more are scrolled. The half says that there are more."""
BOTTOM_PX = 12
_REMOVE_PX = 26
_RULE_PX = 12


class _Remove(Control):
    """The small cross of a chip."""

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the cross."""
        colours = theme.current()
        painter = QPainter(self)
        lit = self.underMouse() or self.ringed
        box = QRectF(self.rect()).adjusted(7, 7, -7, -7)
        icons.paint(painter, "close", colours.ink if lit else colours.muted, box)
        if self.ringed:
            focus_ring(painter, QRectF(self.rect()), 6)
        painter.end()


class Chip(Control):
    """One attachment; a click shows it whole, Delete takes it away."""

    def __init__(
        self,
        parent: QWidget,
        part: Attachment,
        pictures: Pictures,
        does: Callable[[], None],
        remove: Callable[[], None],
    ) -> None:
        super().__init__(parent, described(part), does)
        self.part = part
        self._pictures = pictures
        self._take_away = remove
        self.remove = _Remove(self, f"Remove {part.name}", remove)
        for one in (self, self.remove):
            one.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.remove.setToolTip("Remove")
        tokens = f", about {about_tokens(part):,} tokens" if isinstance(part, File) else ""
        self.setToolTip(described(part) + tokens)
        self.setAccessibleDescription("Shows it whole. Delete removes it.")
        if isinstance(part, Image):
            pictures.come.connect(self._on_come)

    def _on_come(self, sha256: str) -> None:
        if sha256 == self.part.sha256:
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the cross at the end."""
        super().resizeEvent(event)
        top = (self.height() - _REMOVE_PX) // 2
        self.remove.setGeometry(self.width() - _REMOVE_PX - 6, top, _REMOVE_PX, _REMOVE_PX)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the attachment away on Delete."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._take_away()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw ground, thumbnail or icon, name and size."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lit = self.underMouse() or self.ringed
        rect = QRectF(self.rect())
        rounded(painter, rect, 10, colours.background, colours.muted if lit else colours.line)
        square = QRectF(7, (CHIP.height() - THUMB_PX) / 2, THUMB_PX, THUMB_PX)
        self._paint_thumb(painter, square)
        room = QRectF(square.right() + 8, 0, 0, CHIP.height())
        room.setRight(self.remove.x() - 4)
        title(painter, self.part.name, in_words(self.part.size_bytes), room)
        if self.ringed:
            focus_ring(painter, rect, 10)
        painter.end()

    def _paint_thumb(self, painter: QPainter, square: QRectF) -> None:
        colours = theme.current()
        found = None
        if isinstance(self.part, Image):
            # Larger than the square, which its shorter side has to fill.
            size = QSize(2 * THUMB_PX, 2 * THUMB_PX) * self.devicePixelRatioF()
            found = self._pictures.find(self.part, size)
        path = QPainterPath()
        path.addRoundedRect(square, 6, 6)
        painter.fillPath(path, QColor("#FFFFFF" if found is not None else colours.code))
        if found is None:
            name = "image" if isinstance(self.part, Image) else "file"
            icons.paint(painter, name, colours.muted, square.adjusted(9, 9, -9, -9))
            return
        side = min(found.width(), found.height())
        middle = QRect(0, 0, side, side)
        middle.moveCenter(found.rect().center())
        painter.save()
        painter.setClipPath(path)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(square, found, QRectF(middle))
        painter.restore()


class AttachStrip(QWidget):
    """The chips and the line below them.

    Signals:
        removed: the number of the attachment to take away.
        opened: the number of the one to show whole.
        sent_without: the message is to be sent without showing its images.
        height_wanted: `wanted_height` may be another one.
    """

    removed = Signal(int)
    opened = Signal(int)
    sent_without = Signal()
    height_wanted = Signal()

    def __init__(self, parent: QWidget, pictures: Pictures) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self.parts: tuple[Attachment, ...] = ()
        self.chips: list[Chip] = []
        self.waiting = 0
        self._blocked = False
        self._wanted = 0
        self.area = QScrollArea(self)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.inner = QWidget()
        self.area.setWidget(self.inner)
        for ground in (self.area.viewport(), self.inner):
            ground.setAutoFillBackground(False)
        self.note = QLabel(self)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setFont(theme.caption_font())
        self.note.setWordWrap(True)
        self.without = FilledButton(self, "Send without the image", self.sent_without.emit)
        self.without.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.without.setFont(theme.caption_font())
        self.setAccessibleName("Attached")
        self.explain("", blocked=False)

    @property
    def empty(self) -> bool:
        """Whether nothing is attached, or about to be."""
        return not self.parts and not self.waiting

    @property
    def holds(self) -> bool:
        """Whether the message must not be sent as it is."""
        return self._blocked or self.waiting > 0

    def show_parts(self, parts: tuple[Attachment, ...], waiting: int = 0) -> None:
        """Show what is attached. waiting: how many more are being looked at and kept."""
        self.waiting = waiting
        if parts != self.parts:
            focused = next((n for n, chip in enumerate(self.chips) if chip.hasFocus()), None)
            self.parts = parts
            for chip in self.chips:
                chip.hide()
                chip.deleteLater()
            self.chips = [self._chip(number, part) for number, part in enumerate(parts)]
            if focused is not None and self.chips:
                self.chips[min(focused, len(self.chips) - 1)].setFocus()
        self.lay_out()
        self.height_wanted.emit()

    def _chip(self, number: int, part: Attachment) -> Chip:
        chip = Chip(
            self.inner,
            part,
            self._pictures,
            partial(self.opened.emit, number),
            partial(self.removed.emit, number),
        )
        chip.show()
        return chip

    def explain(self, words: str, *, blocked: bool) -> None:
        """Say what stands in the way, "" for nothing. blocked: only the button sends then."""
        images = sum(isinstance(part, Image) for part in self.parts)
        self._blocked = blocked
        self.without.setText(f"Send without the image{'s' if images > 1 else ''}")
        self.without.setAccessibleName(self.without.text())
        self.without.setVisible(blocked)
        if words != self.note.text():
            self.note.setText(words)
            announce(self, words)
        self.note.setVisible(bool(words))
        self.lay_out()
        self.height_wanted.emit()

    def insist(self) -> None:
        """Answer a try to send what must not be sent so: lead to what can be done."""
        if self._blocked:
            announce(self, self.note.text())
            self.without.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # ------------------------------------------------------------ layout

    def lay_out(self) -> None:
        """Arrange chips and line for the width."""
        width = self.width()
        inner = width - SCROLL_PX
        columns = max(1, (inner + GAP_PX) // (CHIP.width() + GAP_PX))
        wide = min(CHIP_MOST_PX, (inner + GAP_PX) // columns - GAP_PX)
        step = CHIP.height() + GAP_PX
        for number, chip in enumerate(self.chips):
            row, column = divmod(number, columns)
            chip.setGeometry(column * (wide + GAP_PX), row * step, wide, CHIP.height())
        rows = -(-len(self.chips) // columns)
        self.inner.resize(inner, rows * step)
        seen = min(rows * step, int(MOST_ROWS * step))
        self.area.setGeometry(0, 0, width, seen)
        button = self.without.sizeHint()
        room = width - _RULE_PX - (button.width() + 12 if self._blocked else 0)
        tall = max(self.note.heightForWidth(room), 28 if self._blocked else 18)
        top = seen + (GAP_PX if rows > MOST_ROWS else 0)
        self._wanted = top + (tall + 8 if self.note.text() else 0)
        self.note.setGeometry(_RULE_PX, top + 2, room, tall)
        self.without.setGeometry(width - button.width(), top + 1, button.width(), 30)

    def wanted_height(self) -> int:
        """Return the height in pixels that shows all that is to be seen."""
        return 0 if not self.parts and not self.note.text() else self._wanted + BOTTOM_PX

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Arrange for the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.lay_out()
            self.height_wanted.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Mark the line that says what stands in the way."""
        if self.note.text():
            place = self.note.geometry()
            painter = QPainter(self)
            bar = QRectF(0, place.top() + 1, 3, place.height() - 2)
            rounded(painter, bar, 1.5, theme.current().warn, None)
            painter.end()
