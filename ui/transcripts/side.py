"""One side of a comparison: an answer, its thought in the ink of thoughts, what differs marked."""

from itertools import pairwise

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QColor, QFont, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QLabel, QTextEdit, QVBoxLayout, QWidget

from app.transcript.told import Side
from ui import theme

_AROUND = 20_000
"""Characters shown before and after the place where two sides part: more is read nowhere."""


class SideText(QWidget):
    """See the module."""

    def __init__(self, title: str) -> None:
        super().__init__()
        heading = QLabel(title)
        bold = theme.ui_font()
        bold.setWeight(QFont.Weight.DemiBold)
        heading.setFont(bold)
        self.text = _Text()
        self.text.setAccessibleName(title)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(6)
        rows.addWidget(heading)
        rows.addWidget(self.text, 1)
        self._side: Side | None = None
        theme.notifier().changed.connect(self._on_theme)
        self.show_side(None)

    def _on_theme(self) -> None:
        self.show_side(self._side)

    def show_side(self, side: Side | None) -> None:
        """Show a side, scrolled to where it parts from the other; None shows an empty one."""
        self._side = side
        colours = theme.current()
        self.text.setStyleSheet(
            f"QTextEdit {{ background: {colours.card}; border: 1px solid {colours.line};"
            " border-radius: 10px; padding: 8px 10px; }"
        )
        self.text.clear()
        if side is None:
            return
        first, last = max(0, side.parts - _AROUND), min(len(side.text), side.parts + _AROUND)
        cursor = QTextCursor(self.text.document())
        plain = self._ink(thought=False, other=False)
        cursor.insertText("…" if first else "", plain)
        bounds = sorted({first, last, side.thought, side.parts})
        for begin, end in pairwise(one for one in bounds if first <= one <= last):
            if first < begin == side.thought:
                cursor.insertText("\n\n", plain)
            ink = self._ink(thought=begin < side.thought, other=begin >= side.parts)
            cursor.insertText(side.text[begin:end], ink)
        cursor.insertText("…" if last < len(side.text) else "", plain)
        self._scroll_to(side, first)

    def _ink(self, *, thought: bool, other: bool) -> QTextCharFormat:
        colours = theme.current()
        made = QTextCharFormat()
        made.setForeground(QColor(colours.thinking_ink if thought else colours.ink))
        if other:
            made.setBackground(QColor(colours.accent_soft))
        return made

    def _scroll_to(self, side: Side, first: int) -> None:
        cursor = QTextCursor(self.text.document())
        gap = 2 if first < side.thought <= side.parts else 0
        at = side.parts - first + gap + (1 if first else 0)
        cursor.setPosition(min(at, self.text.document().characterCount() - 1))
        self.text.setTextCursor(cursor)
        self.text.ensureCursorVisible()


class _Text(QTextEdit):
    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setFont(theme.ui_font())

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 - Qt's name
        """Copy words alone."""
        made = QMimeData()
        made.setText(self.textCursor().selection().toPlainText())
        return made
