"""An attachment shown whole, in a window of its own: Esc closes it, a copy can be saved.

An image is fitted to the window, or shown in its own size to be moved about in. It is decoded off
the window's thread, as large as the screen can show; all of its pixels only for "Actual size".
"""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.chat.attachments import Kept, described, save_copy
from app.chat.message import Attachment, File
from app.errors import Problem
from ui import jobs
from ui.chat.attach_bodies import ImageBody, TextBody
from ui.widgets import button, muted


class Viewer(QWidget):
    """One attachment, whole."""

    def __init__(self, parent: QWidget, part: Attachment, kept: Kept) -> None:
        super().__init__(parent, Qt.WindowType.Dialog)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(part.name)
        self.setAccessibleName(described(part))
        self.part = part
        self._kept = kept
        self.body: ImageBody | TextBody
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 12)
        rows.setSpacing(10)
        self.said = muted(QLabel())
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.say(described(part))
        self.extra = button("", "ghost")
        if isinstance(part, File):
            self.body = TextBody(self, part)
            self.extra.setText("Copy all")
            self.extra.clicked.connect(self._on_copy)
        else:
            self.body = ImageBody(self, part, kept, self.show_problem)
            self.extra.setText("Actual size")
            self.extra.setCheckable(True)
            self.extra.toggled.connect(self.body.show_actual)
        self.save = button("Save a copy…", "plain")
        self.save.clicked.connect(self._on_save)
        self.closer = button("Close", "plain")
        self.closer.clicked.connect(self.close)
        rows.addWidget(self.body, 1)
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 16, 0)
        row.addWidget(self.said, 1)
        for one in (self.extra, self.save, self.closer):
            row.addWidget(one)
        rows.addLayout(row)
        room = parent.window().size()
        self.resize(min(960, room.width() - 80), min(760, room.height() - 80))
        self.body.setFocus()

    def say(self, text: str) -> None:
        """Say something in the row of the buttons; too long a name loses its middle."""
        metrics = QFontMetricsF(self.said.font())
        self.said.setText(metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, 420))
        self.said.setToolTip(text)
        self.said.setMinimumWidth(40)

    def show_problem(self, problem: Problem) -> None:
        """Say in place of the size what is wrong."""
        self.say(problem.sentence())

    def _on_copy(self) -> None:
        if isinstance(self.part, File):
            QGuiApplication.clipboard().setText(self.part.text or "")

    def _on_save(self) -> None:
        dialog = QFileDialog(self, "Save a copy", self.part.name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(self.part.name)
        dialog.fileSelected.connect(self.save_to)
        dialog.open()

    def save_to(self, path: str) -> None:
        """Write the very bytes that were attached into a file."""
        jobs.run(
            partial(save_copy, self._kept, self.part, Path(path)),
            then=lambda _: self.say(f"Saved as {path}"),
            failed=self.show_problem,
            owner=self,
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)
