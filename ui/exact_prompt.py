"""The exact prompt of the open chat: its control tokens marked, where it came from, if it thinks.

What a chat's template made of the messages decides much of how good an answer is, and no one sees
it elsewhere. It is made in a process of its own, from the model's vocabulary alone.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QKeyEvent,
    QTextCharFormat,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.errors import Problem
from ui import jobs, theme
from ui.widgets import button, muted

if TYPE_CHECKING:
    from app.chat.examine import Examined

MOST_RUNS = 20_000
"""Pieces of a prompt that are drawn one by one; a longer one is cut, and says so."""


class ExactPrompt(QWidget):
    """See the module. Esc closes it."""

    def __init__(self, parent: QWidget, examine: "Callable[[], Examined]") -> None:
        """examine: run on a thread of its own."""
        super().__init__(parent, Qt.WindowType.Dialog)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("The exact prompt")
        self.setAccessibleName("The exact prompt of this chat")
        self.facts = QLabel("Asking the model's vocabulary…")
        self.facts.setTextFormat(Qt.TextFormat.PlainText)
        self.facts.setWordWrap(True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Prompt, control tokens between ⟦ and ⟧")
        self.text.setFont(theme.mono_font())
        self.text.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.legend = muted(QLabel("⟦…⟧ is a control token; all else is text, whatever it says."))
        self.legend.setFont(theme.caption_font())
        self.copy = button("Copy", "plain")
        self.copy.setEnabled(False)
        self.copy.clicked.connect(self._on_copy)
        close = button("Close", "primary")
        close.clicked.connect(self.close)
        feet = QHBoxLayout()
        feet.addWidget(self.legend, 1)
        feet.addWidget(self.copy)
        feet.addWidget(close)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(22, 18, 22, 18)
        rows.setSpacing(12)
        rows.addWidget(self.facts)
        rows.addWidget(self.text, 1)
        rows.addLayout(feet)
        self.resize(min(760, parent.width()), min(560, parent.height()))
        jobs.run(examine, then=self.show_found, failed=self.show_problem, owner=self)

    def show_found(self, found: "Examined") -> None:
        """Show what was found."""
        said = [
            f"{found.info.name} · {found.format}: {found.origin}",
            f"{found.verdict()} Its thoughts are read as: {found.reasoning}.",
            *found.notes,
            f"{len(found.ids):,} tokens.",
        ]
        self.facts.setText("\n".join(said))
        runs = found.runs()
        plain = QTextCharFormat()
        control = QTextCharFormat()
        control.setForeground(QColor(theme.current().thinking_rule))
        control.setBackground(QColor(theme.current().thinking_ground))
        cursor = QTextCursor(self.text.document())
        cursor.beginEditBlock()
        for text, marked in runs[:MOST_RUNS]:
            cursor.insertText(text, control if marked else plain)
        cursor.endEditBlock()
        if len(runs) > MOST_RUNS:
            self.legend.setText("The prompt is longer than is shown here.")
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)
        self.copy.setEnabled(True)

    def show_problem(self, problem: Problem) -> None:
        """Say why there is no prompt to show."""
        self.facts.setText("\n".join(one for one in (problem.title, problem.advice) if one))
        self.legend.hide()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)
