"""The open database: its opening, what a crash left behind, and its transactions.

Write-ahead log, one writer at a time. What a user did and a finished answer are written with
`synchronous = FULL`: in WAL mode the commit then returns only after the log has reached the disk,
so a power cut afterwards loses nothing. What is written often and may lag (checkpoints of the
running answer, drafts) is written with NORMAL: no waiting for the disk; a killed process loses none
of it, a power cut at most what came since the last full write.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from app.chat import attachments, migrations, search_index, store_attachments, store_rows
from app.chat.attachments import Kept
from app.chat.message import Part
from app.chat.store_errors import busy, unreachable, world_errors
from app.chat.store_presence import Presence
from app.errors import Problem, WorldError

BUSY_S = 5.0
"""How long to wait for another process's write: ours take milliseconds, a backup longer."""

KEEP_DELETED_S = 30 * 24 * 3600
"""How long a deleted chat can still be brought back."""

INTERRUPTED_NOTE = "Ponder was closed while this was being written. What came is kept."


class StoreBase:
    """The connection, and what is done to it before any chat is read.

    kept: what was attached. trouble: why nothing can be written for now, where the chats could only
    be opened to be read; None where all is well.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float] = time.time,
        steps: Sequence[migrations.Step] = migrations.STEPS,
    ) -> None:
        """Open or create the database, bring its schema up to date, and tidy what a crash left.

        now: seconds since the epoch. Raises WorldError; NewerDatabaseError and DamagedDatabaseError
        in particular, after which the file is as it was.
        """
        self.path = path
        self.kept = Kept(path.with_name(attachments.FOLDER))
        self.trouble: Problem | None = None
        self._now = now
        self._steps = steps
        # The chats are a copy in memory: their schema must be changed, for which there is no room.
        self._apart = False
        # What the rows of running answers say, so that a checkpoint can write only what is new.
        self._written: dict[str, tuple[Part, ...]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unreachable(path, str(error)) from error
        with world_errors(path), ExitStack() as undo:
            self._presence = Presence(path, wait_s=BUSY_S)
            undo.callback(self._presence.close)
            try:
                with world_errors(path):
                    self._open()
            except WorldError as error:
                if error.problem.key != "disk-full" or not self._presence.alone:
                    raise
                self.trouble = error.problem
                self._open()
            undo.callback(self._database.close)
            self._presence.settle()
            undo.pop_all()

    def _open(self) -> None:
        # isolation_level None: transactions begin and end where this module says so.
        self._database = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        try:
            if self.trouble is not None:
                # What several processes share of the log takes room; for one alone it is in memory.
                self._database.execute("PRAGMA locking_mode = EXCLUSIVE").fetchall()
            self._set_up()
        except BaseException:
            self._database.close()
            raise

    def _set_up(self) -> None:
        if migrations.check(self._database, self.path, self._steps):
            if not self._presence.alone:
                raise busy(self.path, "the schema must be changed, which needs it alone")
            if self.trouble is not None and migrations.schema_version(self._database):
                copy = migrations.in_memory(self._database, self.path, self._steps)
                self._database.close()
                self._database, self._apart = copy, True
                return
            migrations.migrate(self._database, self.path, self._steps)
        for pragma in (
            "journal_mode = WAL",
            "foreign_keys = ON",
            # A chat that was deleted for good shall not be found in the file's free pages.
            "secure_delete = ON",
            # On macOS fsync leaves the data in the drive's cache; elsewhere these do nothing.
            "fullfsync = ON",
            "checkpoint_fullfsync = ON",
        ):
            self._database.execute(f"PRAGMA {pragma}").fetchall()
        if self._presence.alone and self.trouble is None:
            self._tidy()

    def _settle_down(self) -> None:
        """Open the chats where they lie, now that there may be room. Raises WorldError."""
        copy, trouble = self._database, self.trouble
        with world_errors(self.path):
            self._presence.close()
            self._presence = Presence(self.path, wait_s=BUSY_S)
            self._apart, self.trouble = False, None
            try:
                self._open()
            except BaseException:
                self._database, self._apart, self.trouble = copy, True, trouble
                raise
            finally:
                self._presence.settle()
        copy.close()

    def _tidy(self) -> None:
        """End what a crash left running, and drop what was deleted long ago."""
        with self._write() as database:
            running = "SELECT id FROM messages WHERE status = 'running'"
            for (message_id,) in database.execute(running).fetchall():
                store_rows.note_change(database, message_id)
                database.execute(
                    "UPDATE messages SET status = 'interrupted', note = ? WHERE id = ?",
                    (INTERRUPTED_NOTE, message_id),
                )
        # The rest only makes the file smaller, and needs room to do it. Without room the chats are
        # there to be read all the same, and a later opening does it.
        with suppress(WorldError), self._write() as database:
            for (message_id,) in database.execute(
                "SELECT DISTINCT message_id FROM pieces"
            ).fetchall():
                store_rows.fold_pieces(database, message_id)
            gone = database.execute(
                "DELETE FROM chats WHERE deleted_at < ?", (self._now() - KEEP_DELETED_S,)
            )
            # Also those that an earlier Ponder left behind.
            store_rows.forget_options(database)
            if gone.rowcount:
                self._forget_words()
        with suppress(WorldError), self._write() as database:
            for sha256 in store_attachments.unnamed(database):
                # What cannot be deleted now keeps its row, and is tried again.
                with suppress(OSError):
                    self.kept.drop(sha256)
                    store_attachments.forget(database, sha256)

    def _forget_words(self) -> None:
        """Throw the search's index away: it has the words of what was deleted for good.

        It is made again in the background of the next search, at 5,000 messages a second. Where a
        system keeps open files, whoever has it open takes those words out of it.
        """
        with suppress(WorldError):
            search_index.drop(self.path)

    def close(self) -> None:
        """Close the database. The last one to leave folds the log into it."""
        self._database.close()
        self._presence.close()

    @contextmanager
    def _write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        if self._apart:
            self._settle_down()
        database = self._database
        with world_errors(self.path):
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # on a full disk SQLite has rolled back by itself
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """One view of the database for several queries, whatever another process writes."""
        with world_errors(self.path):
            self._database.execute("BEGIN")
            try:
                yield self._database
            finally:
                if self._database.in_transaction:
                    self._database.execute("COMMIT")
