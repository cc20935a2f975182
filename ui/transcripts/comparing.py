"""The window that runs a transcript's answers again and shows what came of each, side by side.

The run goes on in an engine of its own (`app.transcript.rerun`); this window shows its news as they
come. Closing it ends the run.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.errors import Problem
from app.transcript import told
from app.transcript.replay import Compared, Progress
from app.transcript.rerun import Rerun
from ui.notices import announce
from ui.picker.small import Progress as Bar
from ui.transcripts.answers import AnswerList
from ui.transcripts.sheet import Sheet
from ui.transcripts.side import SideText
from ui.widgets import muted

if TYPE_CHECKING:
    from app.transcript.record import Record


class CompareWindow(Sheet):
    """See the module.

    Signals:
        _news: from another thread: there is something to poll.
    """

    _news = Signal()

    def __init__(
        self,
        parent: QWidget,
        record: "Record",
        *,
        changed: Collection[int] = (),
        others: Callable[[str], str] = lambda _: "",
    ) -> None:
        """changed: as for `replay`. others: gives a model that is here for one that is not."""
        super().__init__(parent, "Run again and compare", QSize(960, 680))
        self._record = record
        self._changed = changed
        self._others = others
        self._messages = list(record.conversation.messages.values())
        self.found: list[Compared] = []
        self.problem: Problem | None = None
        self._run: Rerun | None = None
        self._news.connect(self._on_news, Qt.ConnectionType.QueuedConnection)
        self.bar = Bar("Answers run again")
        self.answers = AnswerList()
        self.answers.currentRowChanged.connect(self._on_chosen)
        self.why = muted(QLabel())
        self.why.setTextFormat(Qt.TextFormat.PlainText)
        self.why.setWordWrap(True)
        self.why.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.before = SideText("As it was recorded")
        self.now = SideText("As it came out now")
        self._lay_out()
        self.copy_report = self.add_button("Copy the report")
        self.copy_report.clicked.connect(self._on_copy)
        self.model = self.add_button("Choose the model…")
        self.model.clicked.connect(self._on_model)
        self.model.hide()
        self.stop = self.add_button("Stop")
        self.stop.clicked.connect(self._on_stop)
        self.closer = self.add_button("Close", primary=True)
        self.closer.clicked.connect(self.close)
        self.begin()

    def _lay_out(self) -> None:
        sides = QHBoxLayout()
        sides.setSpacing(12)
        sides.addWidget(self.before, 1)
        sides.addWidget(self.now, 1)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.why)
        right.addLayout(sides, 1)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.answers)
        row.addLayout(right, 1)
        self.body.addWidget(self.bar)
        self.body.addLayout(row, 1)

    # ------------------------------------------------------------ the run

    def begin(self, model: str = "") -> None:
        """Run all answers again, with a model in place of the recorded one if one is named."""
        self.end()
        self.found, self.problem = [], None
        self.answers.clear()
        self.model.hide()
        self.stop.show()
        self.bar.show()
        self.bar.show_share(0, 1)
        self.copy_report.setEnabled(False)
        self.why.setText("")
        self.before.show_side(None)
        self.now.show_side(None)
        self.say("Beginning…")
        self._run = Rerun(
            self._record,
            model=model or None,
            changed=self._changed,
            wakeup=self._news.emit,
            others=self._others,
        )

    def end(self) -> None:
        """End the run, if one is going on."""
        if self._run is not None:
            self._run.close()
            self._run = None

    def _on_news(self) -> None:
        run = self._run
        if run is None:
            return
        over = run.over
        for news in run.poll():
            match news:
                case Progress():
                    self._show_progress(news)
                case Compared():
                    self._show_compared(news)
                case Problem():
                    self.problem = news
        if over:
            stopped = run.stopped
            self.end()
            self._show_end(stopped=stopped)

    def _show_progress(self, news: Progress) -> None:
        share = (news.answer - 1) / news.answers
        self.bar.show_share(round(share * 1000) + 1, 1000)
        if news.loaded is not None:
            self.say(f"Loading the model: {news.loaded * 100:.0f} %")
            return
        tokens = f" · {told.count(news.tokens, 'token')}" if news.tokens else ""
        self.say(f"Answer {news.answer:,} of {news.answers:,}{tokens}")

    def _show_compared(self, compared: Compared) -> None:
        self.found.append(compared)
        self.answers.add(compared, told.outcome(compared))
        if self.answers.currentRow() < 0:
            self.answers.setCurrentRow(0)

    def _show_end(self, *, stopped: bool) -> None:
        self.bar.hide()
        self.stop.hide()
        self.copy_report.setEnabled(bool(self.found))
        if self.problem is not None:
            self.model.setVisible(self.problem.key == "replay-no-model")
            self.say(
                self.problem.title
                if self.problem.key == "replay-no-model"
                else self.problem.sentence()
            )
        elif not self.found:
            self.say("Stopped." if stopped else "There is no answer in this chat.")
        else:
            self.say(f"{'Stopped. ' if stopped else ''}{told.summary(self.found)}")
            first = next((n for n, one in enumerate(self.found) if one.outcome == "different"), 0)
            self.answers.setCurrentRow(first)
        announce(self, self.said.text())

    # ------------------------------------------------------------ what is looked at

    def _on_chosen(self, row: int) -> None:
        if not 0 <= row < len(self.found):
            return
        compared = self.found[row]
        before, now = told.sides(self._messages[compared.number - 1], compared)
        why = "; ".join(compared.why)
        self.why.setText(f"{told.outcome(compared)}{f': {why}' if why else ''}.")
        self.before.show_side(before)
        self.now.show_side(now)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(told.report(self.found))

    def _on_stop(self) -> None:
        if self._run is not None:
            self._run.stop()

    def _on_model(self) -> None:
        dialog = QFileDialog(self, "The model the answers were made with", "", "Models (*.gguf)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.begin)
        dialog.open()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """End the run with the window."""
        self.end()
        super().closeEvent(event)
