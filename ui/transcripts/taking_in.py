"""Taking chats in: one file after the other, in the background, with word of how far it is.

One chat that came in whole is a notice with the way to it. More than that, and whatever was left
out or refused, is a list.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QWidget

from app import paths
from app.errors import Problem
from ui import jobs
from ui.main_window import MainWindow
from ui.notices import Notice
from ui.transcripts.details import Lines
from ui.transcripts.sheet import Sheet

if TYPE_CHECKING:
    from app.chat.session import Session
    from app.transcript.importing_child import Step, Taken

_KEY = "importing"
_TELL_S = 0.5
_SHOWN_MS = 10_000


@dataclass(slots=True)
class FileFound:
    """What came of a file. kind: the program that wrote it. refused: why nothing came of it."""

    name: str
    chats: int = 0
    kind: str = ""
    left_out: tuple[str, ...] = ()
    refused: str = ""


@dataclass(slots=True)
class Batch:
    """The files of one go."""

    waiting: deque[Path]
    files: list[FileFound] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    title: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)
    told_at: float = 0.0


class TakingIn(QObject):
    """See the module.

    Signals:
        _step: from another thread: a `Step`.
    """

    _step = Signal(object)

    def __init__(
        self,
        window: MainWindow,
        session: "Session",
        *,
        do: Callable[[Callable[[], object]], None],
        failed: Callable[[Problem], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._do = do
        self._failed = failed
        self._batch: Batch | None = None
        self._step.connect(self._on_step, Qt.ConnectionType.QueuedConnection)
        self._closed = False
        window.closing.connect(self._on_closing)

    def begin(self, files: Sequence[Path]) -> None:
        """Take the chats in some files in; behind those that are being taken in already."""
        if self._batch is not None:
            self._batch.waiting += files
            return
        if not files:
            return
        self._batch = Batch(deque(files))
        self._read_next(self._batch)

    def stop(self) -> None:
        """Take no more in; what is in stays."""
        if self._batch is not None:
            self._batch.stopped.set()
            self._batch.waiting.clear()

    def _on_closing(self) -> None:
        """Stop; what comes of the file that is being read is not told to a session that is over."""
        self.stop()
        self._closed = True

    def _read_next(self, batch: Batch) -> None:
        if self._closed:
            return
        if not batch.waiting or batch.stopped.is_set():
            self._do(lambda: self._session.list_again(partial(self._finish, batch)))
            return
        path = batch.waiting.popleft()
        found = FileFound(path.name)
        batch.files.append(found)
        self._tell(batch, f"Reading {path.name}…", now=not batch.told_at)

        def op() -> "Taken":
            from app.transcript.importing_child import take_in

            return take_in(
                path, paths.database(), told=self._step.emit, stopped=batch.stopped.is_set
            )

        jobs.run(
            op,
            then=partial(self._taken, batch, found),
            failed=partial(self._refuse, batch, found),
            owner=self,
        )

    def _taken(self, batch: Batch, found: FileFound, taken: "Taken") -> None:
        found.chats, found.kind, found.left_out = len(taken.ids), taken.kind, taken.left_out
        batch.ids += taken.ids
        batch.title = taken.title
        self._read_next(batch)

    def _refuse(self, batch: Batch, found: FileFound, problem: Problem) -> None:
        found.refused = problem.sentence()
        self._read_next(batch)

    def _on_step(self, step: "Step") -> None:
        if self._batch is not None:
            name = self._batch.files[-1].name
            so_far = f"{step.number:,} of {step.count:,}"
            self._tell(self._batch, f"Importing chats: {so_far} from {name}")

    def _tell(self, batch: Batch, what: str, *, now: bool = False) -> None:
        """Say how far it is, not more often than anybody reads."""
        if not now and time.monotonic() - batch.told_at < _TELL_S:
            return
        batch.told_at = time.monotonic()
        self._window.notices.show_notice(Notice(_KEY, what, action="Stop", run=self.stop))

    # ------------------------------------------------------------ the end

    def _finish(self, batch: Batch) -> None:
        self._batch = None
        self._window.notices.dismiss(_KEY)
        self._show_end(batch)
        # What was given after Stop, while the file before it came to its end.
        self.begin(batch.waiting)

    def _show_end(self, batch: Batch) -> None:
        only = batch.files[0]
        whole = not only.left_out and not batch.stopped.is_set()
        if len(batch.ids) == 1 and len(batch.files) == 1 and whole:
            chat = batch.ids[0]
            self._window.notices.show_notice(
                Notice(
                    "imported",
                    f"“{_short(batch.title)}” was imported from {only.kind}.",
                    action="Open it",
                    run=lambda: self._do(lambda: self._session.open_chat(chat)),
                    timeout_ms=_SHOWN_MS,
                )
            )
        elif batch.stopped.is_set() and not batch.ids:
            return
        elif not batch.ids and len(batch.files) == 1 and only.refused:
            self._window.notices.show_notice(
                Notice("imported", f"{only.name}: {only.refused}", kind="warn")
            )
        else:
            ImportReport(self._window, batch).show()


class ImportReport(Sheet):
    """What came of several files, or of one of which not all came."""

    def __init__(self, parent: QWidget, batch: Batch) -> None:
        super().__init__(parent, "Imported chats", QSize(640, 440))
        count = len(batch.ids)
        said = "No chat was imported." if not count else _count(count, "chat") + " imported."
        self.say(f"{said} Stopped before the end." if batch.stopped.is_set() else said)
        self.lines = Lines(self)
        self.lines.setAccessibleName("What came of each file")
        self.lines.show_lines([(file.name, _told(file)) for file in batch.files])
        self.body.addWidget(self.lines, 1)
        self.closer = self.add_button("Close", primary=True)
        self.closer.clicked.connect(self.close)


def _told(file: FileFound) -> str:
    """Return what came of a file, in sentences."""
    origin = f" from {file.kind}" if file.kind else ""
    said = [f"{_count(file.chats, 'chat')}{origin}."] if file.chats else []
    said += [f"Left out: {what}." for what in file.left_out]
    said += [file.refused] if file.refused else []
    return " ".join(said) or "Nothing."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _short(title: str) -> str:
    words = " ".join(title.split())
    return words if len(words) <= 60 else f"{words[:59].rstrip()}…"
