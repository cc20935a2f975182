"""The windows of this folder: a heading, a sentence below it, a body, a row of buttons."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ui import theme
from ui.widgets import button, muted

_EDGE_PX = 40


class Sheet(QWidget):
    """A window over another one that Esc closes; it takes itself away then."""

    def __init__(self, parent: QWidget, title: str, size: QSize) -> None:
        super().__init__(parent, Qt.WindowType.Dialog)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setAccessibleName(title)
        self.heading = QLabel(title)
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setWordWrap(True)
        font = theme.body_font()
        font.setPointSizeF(font.pointSizeF() * 17 / 15)
        font.setWeight(QFont.Weight.Bold)
        self.heading.setFont(font)
        self.said = muted(QLabel())
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.said.hide()
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        self.buttons = QHBoxLayout()
        self.buttons.setSpacing(10)
        self.buttons.addStretch(1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(24, 20, 24, 20)
        rows.setSpacing(10)
        rows.addWidget(self.heading)
        rows.addWidget(self.said)
        rows.addLayout(self.body, 1)
        rows.addLayout(self.buttons)
        room = parent.window().size() - QSize(_EDGE_PX, _EDGE_PX)
        self.resize(size.boundedTo(room))

    def say(self, text: str) -> None:
        """Say something below the heading; "" leaves the line out."""
        self.said.setText(text)
        self.said.setVisible(bool(text))
        self.setAccessibleDescription(text)

    def add_button(self, text: str, *, primary: bool = False) -> QPushButton:
        """Return a new button at the right of those that are there."""
        made = button(text, "primary" if primary else "plain")
        self.buttons.addWidget(made)
        if primary:
            # Not a text that is only read: a cursor would blink in it.
            made.setFocus(Qt.FocusReason.OtherFocusReason)
        return made

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)
