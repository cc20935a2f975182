"""Downloads that survive: each in a child of its own, kept on the disk, two at a time.

One thread starts the children, listens to them and writes the records; the calls of the window only
say what is wanted and return. A child is ended by killing it: what it had written is kept, and the
next one goes on there (app/models/download_file.py). The thread that starts a child must live as
long: on Linux a child is killed with the thread that made it.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from app.errors import WorldError
from app.models import download_child, download_records, hub_child
from app.models.download_entry import Child, Entry
from app.models.download_records import Record, models_folder
from app.models.download_types import (
    ELSEWHERE,
    Agreed,
    Download,
    Ended,
    Patience,
    Progress,
    State,
    Wanted,
    Word,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["Download", "Downloads", "Patience", "State", "Wanted"]

AT_ONCE = 2
"""More would share the same line, and finish later."""

_LOOK_EVERY_S = 1.0
# After these the hub is asked again what the files are: what it said before may have been wrong.
_ASK_AGAIN = ("download-damaged", "download-size", "hub-no-file", "hub-no-revision")


class Downloads:
    """All downloads. Thread-safe; no call blocks but `close`, which takes a moment.

    One that failed for want of a connection is tried again by itself.

    wakeup: called from the thread whenever `all` has changed; quick, and not calling back. folder:
    where new downloads go, by default as the settings say. go_on: start what was running when
    Ponder last ended, and try again. patience: with a bad connection.
    """

    def __init__(
        self,
        wakeup: Callable[[], None] | None = None,
        *,
        folder: Path | None = None,
        go_on: bool = True,
        patience: Patience | None = None,
    ) -> None:
        self._wakeup = wakeup
        self._folder = folder
        self._go_on = go_on
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._gone: list[Entry] = []
        self._thread: threading.Thread | None = None
        self._nudges: Connection[None, None] | None = None
        self._nudged: Connection[None, None] | None = None
        self._closed = False
        for record in download_records.load_all():
            # What another process may still be running shows as paused to one that must not go on.
            state: State = "waiting" if record.state == "running" else record.state
            if state == "waiting" and not go_on:
                state = "paused"
            entry = Entry(record, state, done_bytes=record.done_bytes)
            self._entries[record.wanted.id] = entry
        entries = self._entries.values()
        if any(entry.state == "waiting" or (go_on and entry.passes) for entry in entries):
            self._nudge()

    # ------------------------------------------------------------ the caller's thread

    def all(self) -> tuple[Download, ...]:
        """Return every download of now, and those that this session has finished."""
        with self._lock:
            return tuple(entry.shown() for entry in self._entries.values())

    def start(self, wanted: Wanted) -> str:
        """Begin a download, or go on with it where it was begun before. Returns its id."""
        with self._lock:
            known = self._entries.get(wanted.id)
            if known is None:
                folder = str(self._folder or models_folder())
                entry = Entry(Record(wanted, folder), "waiting", dirty=True)
                self._entries[wanted.id] = entry
        if known is None:
            self._nudge()
        else:
            self.resume(wanted.id)
        return wanted.id

    def pause(self, download: str) -> None:
        """Stop a download; it stays as it is, also over a restart."""
        self._change(download, ("waiting", "running", "checking"), "paused")

    def resume(self, download: str) -> None:
        """Go on with what was paused or has failed; fetch again what is done but gone or bad."""
        self._change(download, ("paused", "failed", "done"), "waiting")

    def cancel(self, download: str) -> None:
        """Forget a download, and delete what has arrived of it; what is done stays."""
        with self._lock:
            entry = self._entries.pop(download, None)
            if entry is not None:
                self._gone.append(entry)
        if entry is not None:
            self._nudge()

    def close(self) -> None:
        """End the children. What ran goes on with the next Downloads."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._nudge()
            thread.join()
        for connection in (self._nudges, self._nudged):
            if connection is not None:
                connection.close()
        self._nudges = self._nudged = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _change(self, download: str, before: tuple[State, ...], after: State) -> None:
        with self._lock:
            entry = self._entries.get(download)
            if entry is None or entry.state not in before:
                return
            problem = entry.record.problem
            if after == "waiting" and problem is not None and problem.key in _ASK_AGAIN:
                entry.record = replace(entry.record, agreed=None)
            entry.set(after)
        self._nudge()

    def _nudge(self) -> None:
        """Have the thread look; start it with its first work."""
        import multiprocessing

        with self._lock:
            if self._nudges is None and not self._closed:
                self._nudged, self._nudges = multiprocessing.Pipe(duplex=False)
                self._thread = threading.Thread(target=self._run, name="downloads", daemon=True)
                self._thread.start()
            if self._nudges is not None:
                self._nudges.send(None)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._closed:
            self._bury_gone()
            self._stop_unwanted()
            self._try_again()
            self._start_waiting()
            self._save_changed()
            self._tell()
            self._listen()
        for entry in list(self._entries.values()):
            self._end_child(entry)
        self._bury_gone()
        with self._lock:
            for entry in self._entries.values():
                problem = entry.record.problem
                if problem is None or problem.key != ELSEWHERE:
                    entry.dirty |= entry.record.done_bytes != entry.done_bytes
        self._save_changed()

    def _tell(self) -> None:
        if self._wakeup is not None:
            self._wakeup()

    def _listen(self) -> None:
        """Wait for the next word or wish, and take all words that are there."""
        from multiprocessing.connection import wait

        assert self._nudged is not None
        children = {
            entry.child.connection: entry for entry in self._entries.copy().values() if entry.child
        }
        due = children or any(entry.passes for entry in self._entries.copy().values())
        # A download that has stalled shall be seen to, and one that may pass be tried again.
        ready = wait([self._nudged, *children], _LOOK_EVERY_S if due else None)
        while self._nudged.poll():
            self._nudged.recv()
        for connection, entry in children.items():
            if connection in ready:
                self._hear(entry, connection)

    def _hear(self, entry: Entry, connection: "Connection[None, Word]") -> None:
        try:
            word: Word | None = connection.recv()
        except (EOFError, OSError):
            word = None
        with self._lock:
            if entry.state not in ("running", "checking"):
                return  # it was paused while this was on its way
            match word:
                case Agreed():
                    entry.record = replace(entry.record, agreed=word)
                    entry.dirty = True
                case Progress():
                    entry.move(word)
                case Ended():
                    self._finish(entry, word)
                case None:
                    self._died(entry)

    def _finish(self, entry: Entry, word: Ended) -> None:
        if word.problem is not None:
            entry.set("failed", word.problem)
            return
        entry.state, entry.path = "done", word.path
        entry.done_bytes = entry.record.agreed.total_bytes if entry.record.agreed else 0

    def _died(self, entry: Entry) -> None:
        """Go on with a download whose child was killed; give up on one that never gets further."""
        assert entry.child is not None
        if entry.has_moved:
            entry.state = "waiting"
        else:
            entry.child.process.join(0.2)
            entry.set("failed", hub_child.lost(entry.child.process.exitcode))

    def _stop_unwanted(self) -> None:
        for entry in list(self._entries.values()):
            if entry.child is not None and entry.state not in ("running", "checking"):
                self._end_child(entry)
            if entry.state == "done":
                download_records.forget(entry.record.wanted)

    def _try_again(self) -> None:
        now = time.monotonic()
        with self._lock:
            for entry in self._entries.values() if self._go_on else ():
                if entry.passes and now - entry.failed_at >= self._patience.again_s:
                    entry.set("waiting")

    def _start_waiting(self) -> None:
        entries = list(self._entries.values())
        for entry in entries:
            if sum(other.child is not None for other in entries) >= AT_ONCE:
                return
            with self._lock:
                leaving = any(gone.record.wanted == entry.record.wanted for gone in self._gone)
                # Paused or cancelled, and wanted again, before the old child was ended.
                if entry.state != "waiting" or entry.child is not None or leaving:
                    continue
                entry.state = "running"
                entry.recent.clear()
            promised = sum(other.missing_bytes for other in entries if other.child is not None)
            try:
                entry.child = self._start(entry.record, promised)
            except WorldError as error:
                with self._lock:
                    entry.set("failed", error.problem)

    def _start(self, record: Record, promised: int) -> Child:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        job = download_child.Job(
            record.wanted, record.agreed, record.folder, promised, self._patience
        )
        process = context.Process(
            target=download_child.main,
            args=(theirs, os.getpid(), str(hub_child.log_path()), job),
            name="ponder-download",
            daemon=True,
        )
        try:
            hub_child.start(process.start)
        finally:
            theirs.close()  # our copy would keep the pipe open when the child dies
        return Child(process, ours)

    def _end_child(self, entry: Entry) -> None:
        child, entry.child = entry.child, None
        if child is None:
            return
        child.process.kill()
        child.process.join()
        child.process.close()
        child.connection.close()

    def _bury_gone(self) -> None:
        with self._lock:
            gone, self._gone = self._gone, []
        for entry in gone:
            self._end_child(entry)
            if entry.state != "done":
                download_child.delete_parts(entry.record)
            with self._lock:
                again = entry.record.wanted.id in self._entries
            if not again:
                download_records.forget(entry.record.wanted)

    def _save_changed(self) -> None:
        with self._lock:
            changed = [e for e in self._entries.values() if e.dirty and e.state != "done"]
            records = []
            for entry in changed:
                entry.dirty = False
                entry.record = replace(entry.record, done_bytes=entry.done_bytes)
                records.append(entry.record)
        for record in records:
            # A record that cannot be written is no reason to stop what is being fetched: the
            # download itself meets the same disk and says so.
            with suppress(WorldError):
                download_records.save(record)
