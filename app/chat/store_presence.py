"""Who has the chats open: so that one window does not end another's running answer.

Each open store holds a shared lock on an empty SQLite database beside the real one. SQLite's locks
work on every system and go with the process, however it ends. Whoever can lock it exclusively is
alone, and only who is alone may change the schema or end messages still marked as running.
"""

import sqlite3
from pathlib import Path


class Presence:
    """The lock, held from construction to `close`. Raises sqlite3.Error where it cannot be had.

    alone: no other process has the database open. It holds until `settle`, because everyone else
    waits in the constructor until then.
    """

    def __init__(self, path: Path, *, wait_s: float) -> None:
        self._lock = sqlite3.connect(
            path.with_name(f"{path.name}-lock"), timeout=0, isolation_level=None
        )
        self._wait_s = wait_s
        try:
            self.alone = self._try_alone()
            if not self.alone:
                self._share()
        except BaseException:
            self.close()
            raise

    def _try_alone(self) -> bool:
        try:
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    def _share(self) -> None:
        self._lock.execute(f"PRAGMA busy_timeout = {int(self._wait_s * 1000)}")
        self._lock.execute("BEGIN")
        # A read transaction takes its lock with its first read.
        self._lock.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def settle(self) -> None:
        """Let others in: what had to be done alone is done."""
        if self.alone:
            self._lock.execute("COMMIT")
            self._share()

    def close(self) -> None:
        """Give the lock back."""
        self._lock.close()
