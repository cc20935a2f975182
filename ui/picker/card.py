"""The card of one download: how far it is, how fast, how long yet; pause, resume, cancel."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.picker import progress
from ui import theme
from ui.picker.small import Cut, Progress
from ui.widgets import Card, button, muted

if TYPE_CHECKING:
    from app.models.downloads import Download


class DownloadCard(Card):
    """See the module.

    Signals:
        pause_requested, resume_requested, cancel_requested: the id of the download.
    """

    pause_requested = Signal(str)
    resume_requested = Signal(str)
    cancel_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, radius=10)
        self._download: Download | None = None
        self.title = Cut()
        bold = theme.ui_font()
        bold.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(bold)
        self.facts = muted(QLabel())
        self.problem = muted(QLabel())
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.toggle = button("Pause", "plain")
        self.toggle.clicked.connect(self._on_toggle)
        self.cancel = button("Cancel", "plain")
        self.cancel.setAccessibleName("Cancel the download")
        self.cancel.clicked.connect(self._on_cancel)
        self.bar = Progress("Download")
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.title, 1)
        row.addWidget(self.facts)
        row.addWidget(self.toggle)
        row.addWidget(self.cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.problem)
        column.addWidget(self.bar)

    def show_download(self, download: "Download | None") -> None:
        """Show a download as it stands; hidden without one, and once it is done."""
        self._download = download
        if download is None or download.state == "done":
            self.hide()
            return
        self.facts.setText(progress.facts(download))
        self.bar.show_share(download.done_bytes, download.total_bytes)
        self.bar.setAccessibleDescription(progress.facts(download))
        goes_on = download.state in ("running", "waiting", "checking")
        self.toggle.setText("Pause" if goes_on else "Resume")
        self.toggle.setAccessibleName(f"{self.toggle.text()} the download")
        self.toggle.setEnabled(download.state != "checking")
        # What is made here cannot rest in the middle.
        self.toggle.setVisible(download.id != progress.MAKING)
        said = "" if download.problem is None else download.problem.sentence()
        self.problem.setText(said)
        self.problem.setVisible(bool(said))
        self.title.setText(progress.title(download))
        self.title.setToolTip(progress.title(download))
        self.show()

    def _on_toggle(self) -> None:
        if self._download is None:
            return
        paused = self._download.state in ("paused", "failed")
        (self.resume_requested if paused else self.pause_requested).emit(self._download.id)

    def _on_cancel(self) -> None:
        if self._download is not None:
            self.cancel_requested.emit(self._download.id)
