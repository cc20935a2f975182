"""The small window that says how an answer was made: every line of it, to be read and copied.

One text rather than a label a line: the keyboard walks and selects in it, a screen reader reads it
line by line, and what is copied is what is seen, label and value with a tab between.
"""

import re
from collections.abc import Sequence

from PySide6.QtCore import QMimeData, QPoint, QRect, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QTextEdit, QVBoxLayout, QWidget

from ui import theme
from ui.card import Card
from ui.chat.controls import QuietButton

WIDTH_PX = 520
MOST_PX = 560
EDGE_PX = 8
_GAP_PX = 16
_LABEL_PX = 220
_HASH = re.compile("[0-9a-f]{64}")
_BREAK = "\u2028"
"""Within a hash, so that it is broken in its middle; not copied."""


class Lines(QTextEdit):
    """Labels and values, one below the other; a long value goes on below its own beginning."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setTabChangesFocus(True)
        self.setFont(theme.ui_font())
        self.document().setDocumentMargin(0)
        self.setStyleSheet("QTextEdit { background: transparent; }")

    def show_lines(self, lines: Sequence[tuple[str, str]]) -> None:
        """Show labels with their values."""
        self.clear()
        colours = theme.current()
        metrics = QFontMetrics(self.font())
        cut = Qt.TextElideMode.ElideMiddle
        names = [metrics.elidedText(name, cut, _LABEL_PX) for name, _ in lines]
        column = max((metrics.horizontalAdvance(name) for name in names), default=0) + _GAP_PX
        block = QTextBlockFormat()
        block.setLeftMargin(column)
        block.setTextIndent(-column)
        block.setTabPositions([QTextOption.Tab(column, QTextOption.TabType.LeftTab)])
        block.setBottomMargin(5)
        label, value, code = QTextCharFormat(), QTextCharFormat(), QTextCharFormat()
        label.setForeground(QColor(colours.muted))
        value.setForeground(QColor(colours.ink))
        code.setForeground(QColor(colours.ink))
        code.setFont(theme.mono_font(12))
        cursor = QTextCursor(self.document())
        for number, (name, (_, said)) in enumerate(zip(names, lines, strict=True)):
            if number:
                cursor.insertBlock()
            cursor.setBlockFormat(block)
            cursor.insertText(f"{name}\t", label)
            done = 0
            for found in _HASH.finditer(said):
                before = said[done : found.start()]
                cursor.insertText(f"{before}{_BREAK}" if before else "", value)
                cursor.insertText(f"{found[0][:32]}{_BREAK}{found[0][32:]}", code)
                done = found.end()
            cursor.insertText(said[done:], value)
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def wanted_height(self, width: int) -> int:
        """Return the height of all lines at a width."""
        self.document().setTextWidth(width)
        return round(self.document().size().height()) + 2

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 - Qt's name
        """Copy words alone: a mail is not to come in our colours."""
        made = QMimeData()
        # In a selection Qt gives the ends of paragraphs as U+2029.
        words = self.textCursor().selectedText().replace(_BREAK, "")
        made.setText(words.replace("\u2029", "\n"))
        return made


class Details(Card):
    """Closes by Esc or a click elsewhere, and takes itself away then."""

    def __init__(self, parent: QWidget, lines: Sequence[tuple[str, str]]) -> None:
        super().__init__(parent, "How this answer was made")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._words = "\n".join(f"{name}: {said}" for name, said in lines)
        self.setAccessibleDescription(self._words)
        title = QLabel("How this answer was made")
        bold = theme.ui_font()
        bold.setWeight(QFont.Weight.DemiBold)
        title.setFont(bold)
        self.copy_button = QuietButton(
            self, "Copy", "copy", self._on_copy, name="Copy how this answer was made"
        )
        self.copy_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        head = QHBoxLayout()
        head.addWidget(title, 1)
        head.addWidget(self.copy_button)
        self.lines = Lines(self)
        self.lines.setAccessibleName("How this answer was made")
        self.lines.show_lines(lines)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(16, 10, 10, 14)
        rows.setSpacing(6)
        rows.addLayout(head)
        rows.addWidget(self.lines)

    def open_beside(self, place: QRect) -> None:
        """Show it above or below a rectangle of the screen, wherever there is more room."""
        screen = QGuiApplication.screenAt(place.center()) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry() if screen is not None else QRect(0, 0, 1280, 840)
        width = min(WIDTH_PX, room.width() - 2 * EDGE_PX)
        head = self.copy_button.sizeHint().height() + 30
        wanted = head + self.lines.wanted_height(width - 38)
        above, below = place.top() - room.top(), room.bottom() - place.bottom()
        upwards = above >= min(wanted, MOST_PX) or above > below
        height = min(wanted, MOST_PX, (above if upwards else below) - EDGE_PX)
        self.setFixedSize(width, max(height, head + 60))
        y = place.top() - self.height() - 4 if upwards else place.bottom() + 4
        x = max(room.left() + EDGE_PX, min(place.right() - width, room.right() - width - EDGE_PX))
        self.move(QPoint(x, max(room.top(), y)))
        self.show()
        self.lines.setFocus(Qt.FocusReason.PopupFocusReason)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._words)
        self.copy_button.show_done("Copied")
