"""The picker's right-hand side: one model, its contexts, its table, its licence, its download."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.picker import words
from app.picker.table import Table
from ui import theme
from ui.picker.card import DownloadCard
from ui.picker.lines import Lines
from ui.picker.small import Cut, Legend, Step
from ui.widgets import button, muted


class Detail(QWidget):
    """See the module.

    Signals:
        context_chosen: tokens.
        line_chosen: another line is the current one.
        consent_changed: the tick below a licence that restricts use.
        unload_requested, prompt_requested, cancelled: their buttons.
        taken: the blue button, or Enter on a line.
    """

    context_chosen = Signal(int)
    line_chosen = Signal()
    consent_changed = Signal(bool)
    unload_requested = Signal()
    prompt_requested = Signal()
    cancelled = Signal()
    taken = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._title_text = self._facts_text = ""
        self.title = QLabel()
        font = theme.body_font()
        font.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(font)
        self.facts = muted(QLabel())
        self.facts.setFont(theme.body_font())
        for label in (self.title, self.facts):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.steps: list[Step] = []
        self._group = QButtonGroup(self)
        self.legend = Legend()
        self.lines = Lines()
        self.lines.chosen.connect(lambda _at: self.line_chosen.emit())
        self.lines.taken.connect(self.taken)
        self.message = muted(_wrapped())
        self.message.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.reason = muted(_wrapped())
        self.licence = muted(_wrapped())
        self._licence_text = ""
        self.consent = QCheckBox("I have read the licence on the model's page and accept its terms")
        self.consent.toggled.connect(self.consent_changed)
        self.card = DownloadCard()
        self.card.hide()
        self.note = Cut()
        muted(self.note)
        self.unload = button("Unload", "plain")
        self.unload.setAccessibleName("Unload the model")
        self.unload.clicked.connect(self.unload_requested)
        self.prompt = button("Prompt…", "plain")
        self.prompt.setAccessibleName("The exact prompt it gets")
        self.prompt.setToolTip("What it is sent, where that comes from, and whether it thinks")
        self.prompt.clicked.connect(self.prompt_requested)
        self.cancel = button("Cancel", "plain")
        self.cancel.clicked.connect(self.cancelled)
        self.take = button("Download and use", "primary")
        self.take.clicked.connect(self.taken)
        self._lay_out()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(5)
        head.addWidget(self.title)
        head.addWidget(self.facts, 1)
        self._contexts = QHBoxLayout()
        self._contexts.setSpacing(10)
        self._word = QLabel("Context")
        self._contexts.addWidget(self._word)
        self._contexts.addStretch(1)
        self._contexts.addWidget(self.legend)
        feet = QHBoxLayout()
        feet.setSpacing(10)
        feet.addWidget(self.unload)
        feet.addWidget(self.prompt)
        feet.addWidget(self.note, 1)
        feet.addWidget(self.cancel)
        feet.addWidget(self.take)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 18)
        column.setSpacing(12)
        column.addLayout(head)
        column.addLayout(self._contexts)
        column.addWidget(self.lines, 1)
        column.addWidget(self.message, 1)
        column.addWidget(self.reason)
        column.addWidget(self.licence)
        column.addWidget(self.consent)
        column.addWidget(self.card)
        column.addLayout(feet)

    def show_model(self, title: str, facts: str, licence: str, *, consent: bool) -> None:
        """Name a model. licence: "" says nothing. consent: its tick is asked for."""
        self._facts_text = facts
        self.title.setToolTip(title)
        self.title.setAccessibleName(title)
        self._title_text = title
        self._licence_text = licence
        # What must be accepted is shown whole.
        self.licence.setWordWrap(consent)
        self.licence.setToolTip(licence)
        self.licence.setAccessibleName(licence)
        self.licence.setVisible(bool(licence))
        self.consent.setVisible(consent)
        self._elide()

    def show_note(self, text: str) -> None:
        """Say something beside the buttons, in a line; it may be cut, its tip is not."""
        self.note.setText(text)
        self.note.setToolTip(text)

    def show_message(self, text: str) -> None:
        """Show words in place of the table."""
        self.message.setText(text)
        self._show_table(shown=False)

    def show_table(self, table: Table, chosen: int) -> None:
        """Show the table of the model that was named."""
        self.lines.show_table(table, chosen)
        self.reason.setText(table.reason)
        self._show_steps(table)
        self._show_table(shown=True)

    def add_reason(self, text: str) -> None:
        """Say something more below the table; "" adds nothing."""
        if text:
            self.reason.setText(f"{self.reason.text()} {text}")

    def _show_table(self, *, shown: bool) -> None:
        for part in (self.lines, self.reason, self.legend, self._word, *self.steps):
            part.setVisible(shown)
        self.message.setVisible(not shown)
        if not shown:
            self.lines.show_table(None, 0)

    def _show_steps(self, table: Table) -> None:
        labels = [
            f"{words.tokens(step)} recommended" if step == table.advised else words.tokens(step)
            for step in table.steps
        ]
        if [step.text() for step in self.steps] != labels:
            had_focus = any(step.hasFocus() for step in self.steps)
            for step in self.steps:
                self._group.removeButton(step)
                self._contexts.removeWidget(step)
                step.deleteLater()
            self.steps = []
            before: QWidget = self._word
            for at, (tokens, label) in enumerate(zip(table.steps, labels, strict=True), 1):
                step = Step(label, f"{tokens:,} tokens of context")
                step.clicked.connect(lambda _on=False, tokens=tokens: self._on_step(tokens))
                self._group.addButton(step)
                self._contexts.insertWidget(at, step)
                QWidget.setTabOrder(before, step)
                self.steps.append(step)
                before = step
            QWidget.setTabOrder(before, self.lines)
            if had_focus:
                self.lines.setFocus(Qt.FocusReason.OtherFocusReason)
        for step, tokens in zip(self.steps, table.steps, strict=True):
            step.setChecked(tokens == table.context)

    def _on_step(self, tokens: int) -> None:
        self.context_chosen.emit(tokens)

    def _elide(self) -> None:
        title, room = self._title_text, self.width() - 44
        bold = QFontMetrics(self.title.font())
        self.title.setText(bold.elidedText(title, Qt.TextElideMode.ElideRight, room))
        said = self._licence_text
        if not self.licence.wordWrap():
            metrics = QFontMetrics(self.licence.font())
            said = metrics.elidedText(said, Qt.TextElideMode.ElideRight, room)
        self.licence.setText(said)
        left = max(0, room - bold.horizontalAdvance(self.title.text()) - 8)
        plain = QFontMetrics(self.facts.font())
        cut = plain.elidedText(self._facts_text, Qt.TextElideMode.ElideRight, left)
        self.facts.setText(cut)
        self.facts.setToolTip(self._facts_text)
        self.facts.setAccessibleName(self._facts_text)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Cut the title line to the room there is."""
        super().resizeEvent(event)
        self._elide()


def _wrapped() -> QLabel:
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
