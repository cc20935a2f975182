"""The composer's text box: its keys, and what is pasted or dropped that is more than text."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from ui.chat.typing_box import TypingBox

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

MOST_LINES = 10
LEAVING = "leaving"
"""The property of what is dragged out of the window: looking into it would make it."""


class MessageBox(TypingBox):
    """The text itself; keys that are more than typing are the composer's.

    Signals:
        sent, stopped, edit_last: Enter, Esc, and Up in an empty box.
        given: files (a list of paths) or an image (QImage) were pasted or dropped.
    """

    sent = Signal()
    stopped = Signal()
    edit_last = Signal()
    given = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, most_lines=MOST_LINES)
        self._composing = False

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:  # noqa: N802 - Qt's name
        """Know whether a character is being composed: Enter then ends that, not the message."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Send on Enter; Shift+Enter breaks the line; Up in an empty box edits the last message."""
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self._composing:
            if plain:
                self.sent.emit()
            else:
                self.break_line()
        elif event.key() == Qt.Key.Key_Escape and plain:
            self.stopped.emit()
        elif event.key() == Qt.Key.Key_Up and plain and self.empty() and not self._composing:
            self.edit_last.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 - Qt's name
        """Take texts, images and files; what is dropped on it as a model is the window's."""
        return given_in(source) is not None or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        """Attach files and images; put text where the cursor is."""
        given = given_in(source)
        if given is not None:
            self.given.emit(given)
        else:
            super().insertFromMimeData(source)


def given_in(source: QMimeData) -> "list[str] | QImage | None":
    """Return what can be attached of what is pasted or dropped: paths, an image, or None.

    A spreadsheet gives its cells as text and as an image: text is what is meant then. Models are
    loaded, not attached; nor is what is on its way out of the window, which must not be looked at.
    """
    if source.property(LEAVING):
        return None
    paths = [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
    if paths:
        return None if any(path.lower().endswith(".gguf") for path in paths) else paths
    if source.hasImage() and not source.hasText():
        from PySide6.QtGui import QImage  # not before it is needed: the window paints sooner

        image = source.imageData()
        return image if isinstance(image, QImage) else None
    return None
