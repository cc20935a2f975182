"""The small window over the composer in which a chat's own system prompt is written."""

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ui import theme
from ui.card import Card
from ui.chat.controls import FilledButton
from ui.chat.typing_box import TypingBox
from ui.widgets import muted

WIDTH_PX = 420
MOST_LINES = 8
LEAST_BOX_PX = 96


class PromptPopover(Card):
    """Closes by Done, Esc or a click elsewhere; what was typed counts in each case.

    Signals:
        committed: the text, when the window closes and it is another one.
    """

    committed = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "System prompt of this chat")
        self._before = ""
        title = QLabel("System prompt of this chat")
        font = theme.ui_font()
        font.setBold(True)
        title.setFont(font)
        hint = muted(QLabel("Your text is added to the model's own prompt, which stays as it is."))
        hint.setFont(theme.caption_font())
        hint.setWordWrap(True)
        self.box = TypingBox(self, most_lines=MOST_LINES)
        self.box.setAccessibleName("Your addition to the system prompt")
        self.box.setPlaceholderText("Answer in French. Be brief. …")
        self.box.height_wanted.connect(self._fit)
        done = FilledButton(self, "Done", self.hide, primary=True)
        done.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(done)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(16, 14, 16, 14)
        rows.setSpacing(8)
        for widget in (title, hint, self.box):
            rows.addWidget(widget)
        rows.addLayout(row)
        self.setFixedWidth(WIDTH_PX)

    def open_above(self, point: QPoint, text: str) -> None:
        """Show the window with its lower left corner at a global point."""
        self._before = text
        self.box.set_text(text)
        self._fit()
        self.move(point.x(), point.y() - self.height())
        self.show()
        self.box.setFocus(Qt.FocusReason.PopupFocusReason)

    def _fit(self) -> None:
        bottom = self.geometry().bottom()
        self.box.setFixedHeight(max(LEAST_BOX_PX, self.box.wanted_height()))
        self.adjustSize()
        if self.isVisible():
            self.move(self.x(), bottom - self.height() + 1)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Say what was typed."""
        super().hideEvent(event)
        text = self.box.text()
        if text != self._before:
            self._before = text
            self.committed.emit(text)
