"""The editor that takes a message's place while it is edited."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui import theme
from ui.chat.controls import FilledButton
from ui.chat.typing_box import TypingBox

PAD_PX = 12
BUTTON_ROW_PX = 36
MOST_LINES = 16
SAVE = {"user": "Save and send", "assistant": "Save", "thought": "Go on from here"}
NAME = {
    "user": "Edit your message",
    "assistant": "Edit the answer",
    "thought": "Edit the thinking",
}
"""The words of the editor for what is edited: a message by its role, or a thought."""


class Editor(QWidget):
    """A text box with Save and Cancel. Ctrl+Enter saves, Esc cancels.

    keeps: what is said, beside the buttons, of what stays with the message.

    Signals:
        saved: the new text.
        cancelled: leave the message as it is.
        resized: its height is another one.
    """

    saved = Signal(str)
    cancelled = Signal()
    resized = Signal()

    def __init__(
        self, parent: QWidget, text: str, *, save: str, name: str, keeps: str = ""
    ) -> None:
        super().__init__(parent)
        self._keeps = keeps
        self.box = TypingBox(self, most_lines=MOST_LINES)
        self.box.setAccessibleName(name)
        self.box.set_text(text)
        self.box.height_wanted.connect(self.resized)
        self.save = FilledButton(self, save, self._on_save, primary=True)
        self.save.setToolTip("Ctrl+Enter")
        self.cancel = FilledButton(self, "Cancel", self.cancelled.emit)
        self.cancel.setToolTip("Esc")

    def settle(self, width: int) -> int:
        """Lay out for a width; return the height."""
        inner = width - 2 * PAD_PX
        self.box.setFixedWidth(inner)
        tall = self.box.wanted_height()
        self.box.setGeometry(PAD_PX, PAD_PX, inner, tall)
        y = tall + PAD_PX + 8
        right = width - PAD_PX
        for button in (self.save, self.cancel):
            hint = button.sizeHint()
            right -= hint.width()
            button.setGeometry(right, y, hint.width(), hint.height())
            right -= 8
        return y + BUTTON_ROW_PX + PAD_PX

    def stops(self) -> list[QWidget]:
        """Return what the keyboard can reach, in order."""
        return [self.box, self.cancel, self.save]

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the keys the box leaves."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        elif enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._on_save()
        else:
            super().keyPressEvent(event)

    def _on_save(self) -> None:
        self.saved.emit(self.box.text())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the card it lies on."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent), 1))
        painter.setBrush(QColor(colours.card))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 14, 14)
        if self._keeps:
            place = QRectF(self.cancel.geometry())
            room = QRectF(PAD_PX + 4, place.top(), place.left() - PAD_PX - 16, place.height())
            painter.setPen(QColor(colours.muted))
            painter.setFont(theme.caption_font())
            words = QFontMetricsF(painter.font()).elidedText(
                self._keeps, Qt.TextElideMode.ElideMiddle, room.width()
            )
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()
