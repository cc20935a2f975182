"""Taking chats in: files are read in the background, each chat goes to the store, then it is told.

One chat that came in whole is a notice with the way to it. More than that, and whatever was left
out or refused, is a list.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize
from PySide6.QtWidgets import QWidget

from app.errors import Problem
from ui import jobs
from ui.main_window import MainWindow
from ui.notices import Notice
from ui.transcripts.details import Lines
from ui.transcripts.sheet import Sheet

if TYPE_CHECKING:
    from app.chat.session import Session
    from app.transcript.importing import Imported

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
    stopped: bool = False
    told_at: float = 0.0


class TakingIn(QObject):
    """See the module. done: batches that are over, for whoever waits."""

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

    def begin(self, paths: Sequence[Path]) -> None:
        """Take the chats in some files in; behind those that are being taken in already."""
        if self._batch is not None:
            self._batch.waiting += paths
            return
        if not paths:
            return
        self._batch = Batch(deque(paths))
        self._read_next(self._batch)

    def stop(self) -> None:
        """Take no more in; what is in stays."""
        if self._batch is not None:
            self._batch.stopped = True

    def _read_next(self, batch: Batch) -> None:
        if not batch.waiting or batch.stopped:
            self._do(lambda: self._session.list_again(partial(self._finish, batch)))
            return
        path = batch.waiting.popleft()
        found = FileFound(path.name)
        batch.files.append(found)
        self._tell(batch, f"Reading {path.name}…", now=not batch.told_at)

        def op() -> "Imported":
            from app.transcript import importing

            return importing.read(path)

        jobs.run(
            op,
            then=partial(self._put, batch, found),
            failed=partial(self._refuse, batch, found),
            owner=self,
        )

    def _put(self, batch: Batch, found: FileFound, imported: "Imported") -> None:
        """Give the chats of a file to the store, one after the other."""
        found.kind, found.left_out = imported.kind, imported.left_out
        left = deque(imported.chats)

        def put_next() -> None:
            if not left or batch.stopped:
                self._read_next(batch)
                return
            from app.transcript import importing

            read = left.popleft()
            batch.title = read.record.title
            put = partial(importing.put, chat=read)
            refused = partial(self._refuse, batch, found)
            # Its answer comes with a later turn of the loop: ten thousand are no recursion.
            self._session.take_in(put, kept, refused)

        def kept(chat_id: str) -> None:
            found.chats += 1
            batch.ids.append(chat_id)
            whole = len(imported.chats)
            self._tell(batch, f"Importing chats: {found.chats:,} of {whole:,} from {found.name}")
            put_next()

        put_next()

    def _refuse(self, batch: Batch, found: FileFound, problem: Problem) -> None:
        found.refused = problem.sentence()
        self._read_next(batch)

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
        only = batch.files[0]
        if len(batch.ids) == 1 and len(batch.files) == 1 and not only.left_out:
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
        self.say(f"{said} Stopped before the end." if batch.stopped else said)
        self.lines = Lines(self)
        self.lines.setAccessibleName("What came of each file")
        self.lines.show_lines([(file.name, _told(file)) for file in batch.files])
        self.body.addWidget(self.lines, 1)
        self.closer = self.add_button("Close", primary=True)
        self.closer.clicked.connect(self.close)


def _told(file: FileFound) -> str:
    """Return what came of a file, in sentences."""
    said = [f"{_count(file.chats, 'chat')} from {file.kind}."] if file.chats else []
    said += [f"Left out: {what}." for what in file.left_out]
    said += [file.refused] if file.refused else []
    return " ".join(said) or "Nothing."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _short(title: str) -> str:
    words = " ".join(title.split())
    return words if len(words) <= 60 else f"{words[:59].rstrip()}…"
