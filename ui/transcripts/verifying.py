"""The window that says whether an exported transcript is as it was written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.errors import WorldError
from ui import theme
from ui.server.parts import Finding
from ui.transcripts.details import Lines
from ui.transcripts.sheet import Sheet
from ui.widgets import muted

if TYPE_CHECKING:
    from app.transcript.chain import Verdict
    from app.transcript.record import Record

_SHOWN_FAULTS = 40
_PROVES = (
    "The chain shows that nothing was changed since. Whoever could write the file could have "
    "written all of it anew: a head that was kept apart tells that too."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was checked. record: the chat in it, None where it cannot be read as one."""

    path: Path
    verdict: "Verdict"
    record: "Record | None"


def check(path: Path) -> Checked:
    """Read and check a file. Raises WorldError where it cannot be read at all."""
    from app.transcript import chain, importing, lossless

    data = importing.bytes_of(path)
    verdict = chain.verify(data)
    try:
        record = lossless.loads(data).record
    except WorldError:
        # What a changed file says may be beyond reading; that it was changed is known all the same.
        if not verdict.messages:
            raise
        record = None
    return Checked(path, verdict, record)


class VerifyWindow(Sheet):
    """See the module. again: runs the answers again; take_in: puts the chat among the others."""

    def __init__(
        self,
        parent: QWidget,
        checked: Checked,
        *,
        again: Callable[[], None],
        take_in: Callable[[], None],
    ) -> None:
        from app.transcript import told

        super().__init__(parent, "Verify a transcript", QSize(620, 520))
        verdict, record = checked.verdict, checked.record
        self.say(checked.path.name)
        self.finding = Finding()
        faults = [told.fault(one, record) for one in verdict.faults[:_SHOWN_FAULTS]]
        more = len(verdict.faults) - len(faults)
        faults += [f"And {more:,} more."] if more > 0 else []
        dot = "good" if verdict.intact else "warn" if verdict.same_content else "bad"
        self.finding.say(dot, told.headline(verdict), faults)
        self.lines = Lines(self)
        self.lines.setAccessibleName("What was checked")
        self.lines.show_lines(
            [
                *([("Chat", record.title)] if record is not None else []),
                ("Messages", f"{verdict.messages:,}"),
                ("Head", verdict.head or "none"),
            ]
        )
        self.head = QLineEdit()
        self.head.setProperty("kind", "field")
        self.head.setFont(theme.mono_font(12))
        self.head.setPlaceholderText("A head that was kept apart, to compare")
        self.head.setAccessibleName("A head that was kept apart, to compare")
        self.head.textChanged.connect(lambda text: self._compare(text, verdict.head))
        self.match = muted(QLabel())
        note = muted(QLabel(_PROVES))
        note.setWordWrap(True)
        self.body.addWidget(self.finding)
        self.body.addWidget(self.lines, 1)
        for widget in (self.head, self.match, note):
            self.body.addWidget(widget)
        self.again = self.add_button("Run again and compare…")
        self.taker = self.add_button("Import")
        self.closer = self.add_button("Close", primary=True)
        for one, does in ((self.again, again), (self.taker, take_in)):
            one.setVisible(record is not None)
            one.clicked.connect(self.close)
            one.clicked.connect(does)
        self.closer.clicked.connect(self.close)

    def _compare(self, text: str, head: str) -> None:
        kept = text.strip().lower()
        same = bool(head) and kept == head
        said = "This is the very transcript." if same else "The heads differ: it is another one."
        self.match.setText(said if kept else "")
        self.match.setAccessibleName(self.match.text())
