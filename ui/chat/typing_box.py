"""The box that messages are typed into: plain text that grows with what is in it.

Qt lays a paragraph out as a whole, and a megabyte without a space takes it a minute. So a line that
is too long is kept in several paragraphs, of which those after the first are marked as
continuations; `text()` joins them again, and nobody sees the difference in wrapped text.
"""

from collections.abc import Iterator
from math import ceil

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QColor, QPalette, QTextBlock, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from ui import theme

LONGEST_LINE = 2000
"""Characters of one paragraph. 2,000 lay out in under a millisecond, 64,000 in half a second."""

_CONTINUES = 7
_BREAKS = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\0": "\ufffd"})


class TypingBox(QPlainTextEdit):
    """A QPlainTextEdit that takes only plain text, of any size, and says how tall it would be.

    Signals:
        height_wanted: `wanted_height()` may be another one.
    """

    height_wanted = Signal()

    def __init__(self, parent: QWidget, *, most_lines: int) -> None:
        super().__init__(parent)
        self._most_lines = most_lines
        self._last_wanted = 0
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFont(theme.body_font())
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # By palette: the first widget that Qt hands out, such as viewport(), has PySide build 70
        # classes, which costs the start of the window 30 ms.
        see_through = self.palette()
        see_through.setColor(QPalette.ColorRole.Base, QColor(0, 0, 0, 0))
        self.setPalette(see_through)
        self.document().setDocumentMargin(0)
        self.textChanged.connect(self._on_changed)

    def text(self) -> str:
        """Return what was typed and pasted, character for character."""
        said: list[str] = []
        block = self.document().begin()
        while block.isValid():
            if said and block.userState() != _CONTINUES:
                said.append("\n")
            said.append(block.text())
            block = block.next()
        return "".join(said).replace("\u00a0", " ") if said else ""

    def set_text(self, text: str) -> None:
        """Replace all text and put the cursor at its end."""
        self.clear()
        self._insert(text)
        self.moveCursor(QTextCursor.MoveOperation.End)

    def empty(self) -> bool:
        """Whether nothing is typed."""
        return self.document().isEmpty()

    def wanted_height(self) -> int:
        """Return the height in pixels that shows all lines, at most `most_lines` of them."""
        layout = self.document().documentLayout()
        lines = 0
        block = self.document().begin()
        while block.isValid() and lines < self._most_lines:
            layout.blockBoundingRect(block)
            lines += max(1, block.layout().lineCount())
            block = block.next()
        line = ceil(self.fontMetrics().lineSpacing())
        return line * max(1, min(lines, self._most_lines)) + 4

    def _on_changed(self) -> None:
        wanted = self.wanted_height()
        if wanted != self._last_wanted:
            self._last_wanted = wanted
            self.height_wanted.emit()

    def _insert(self, text: str) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_BREAKS)
        lines = text.split("\n")
        cursor = self.textCursor()
        if all(len(line) <= LONGEST_LINE for line in lines):
            cursor.insertText(text)
        else:
            # Undo would lose the marks and with them put line breaks into the text: better none.
            self.document().setUndoRedoEnabled(False)
            cursor.beginEditBlock()
            marked: list[QTextBlock] = []
            for number, line in enumerate(lines):
                for at, piece in enumerate(_pieces(line)):
                    if number or at:
                        cursor.insertBlock()
                    if at:
                        marked.append(cursor.block())
                    cursor.insertText(piece)
            for block in marked:
                block.setUserState(_CONTINUES)
            cursor.endEditBlock()
            self.document().setUndoRedoEnabled(True)
            self.textChanged.emit()
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 - Qt's name
        """Take whatever has a plain text."""
        return source.hasText()

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        """Take the plain text of what is pasted, and nothing of its looks."""
        self._insert(source.text())


def _pieces(line: str) -> Iterator[str]:
    """Cut a line into pieces that lay out quickly; never between the halves of a character."""
    yield line[:LONGEST_LINE]
    for at in range(LONGEST_LINE, len(line), LONGEST_LINE):
        yield line[at : at + LONGEST_LINE]
