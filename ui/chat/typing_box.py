"""The box that messages are typed into: plain text that grows with what is in it.

Qt lays a paragraph out as a whole, and a megabyte without a space takes it a minute. So a line that
is too long is kept in several paragraphs, of which all but the last are marked as going on;
`text()` joins them again, and nobody sees the difference in wrapped text.

The mark is a paragraph's user state. Where two paragraphs become one, Qt keeps the second's, which
is right; where one becomes two, it leaves the mark with the first, so lines are broken only here.
Undoing would lose marks and put line breaks into the text: there is none while there are marks.
"""

from collections.abc import Iterator
from math import ceil

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPalette, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from ui import theme

LONGEST_LINE = 10_000
"""Characters of one paragraph. 10,000 lay out in some 20 ms, 64,000 in half a second."""

_ENDS = -1
_GOES_ON = 7
_BREAKS = str.maketrans({"\r": "\n", "\u2028": "\n", "\u2029": "\n", "\0": "\ufffd"})


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
            said.append(block.text())
            if block.userState() != _GOES_ON and block.next().isValid():
                said.append("\n")
            block = block.next()
        return "".join(said)

    def set_text(self, text: str) -> None:
        """Replace all text and put the cursor at its end."""
        self.clear()
        self.document().setUndoRedoEnabled(True)
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

    def break_line(self) -> None:
        """Begin a new line at the cursor."""
        self._insert("\n")

    def _insert(self, text: str) -> None:
        """Put text in the place of what is selected."""
        lines = text.replace("\r\n", "\n").translate(_BREAKS).split("\n")
        cursor = self.textCursor()
        cursor.beginEditBlock()
        cursor.removeSelectedText()
        after = cursor.block().userState()
        marked = False
        for number, line in enumerate(lines):
            for at, piece in enumerate(_pieces(line)):
                if number or at:
                    cursor.block().setUserState(_GOES_ON if at else _ENDS)
                    marked = marked or at > 0
                    cursor.insertBlock()
                cursor.insertText(piece)
        cursor.block().setUserState(after)
        cursor.endEditBlock()
        if marked:
            self.document().setUndoRedoEnabled(False)
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Break lines by our own hand; leave Enter with Ctrl to others."""
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.break_line()
        elif enter:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 - Qt's name
        """Take whatever has a plain text; files are the window's."""
        return source.hasText() and not any(url.isLocalFile() for url in source.urls())

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        """Take the plain text of what is pasted, and nothing of its looks."""
        self._insert(source.text())


def _pieces(line: str) -> Iterator[str]:
    """Cut a line into pieces that lay out quickly; never between the halves of a character."""
    yield line[:LONGEST_LINE]
    for at in range(LONGEST_LINE, len(line), LONGEST_LINE):
        yield line[at : at + LONGEST_LINE]
