"""Kills itself at every statement of a migration, one fork after the other.

    python -m tests.support.migration_killer DATABASE FOLDER STRIDE

FOLDER/1, FOLDER/2, ... get what was left of a copy of DATABASE when its migration was killed before
the first, the second, ... statement, in steps of STRIDE; the last one is that of a migration that
came to its end.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from app.chat import migrations
from app.chat.store import Store


def main(database: str, folder: str, stride: str) -> None:
    number = 1 - int(stride)
    while True:
        number += int(stride)
        place = Path(folder) / str(number)
        place.mkdir()
        path = Path(shutil.copy(database, place / "chats.sqlite3"))
        child = os.fork()
        if child == 0:
            migrate(path, number)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


def migrate(path: Path, killed_before: int) -> None:
    """Open the store, and end the process at a statement of its migration, or after it."""
    whole = migrations.migrate
    left = [killed_before]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(database: sqlite3.Connection, path: Path, steps: Sequence[migrations.Step]) -> None:
        database.execute(
            "PRAGMA cache_size = 0"
        )  # what is changed goes to the disk before the kill
        database.set_trace_callback(count)
        whole(database, path, steps)
        database.set_trace_callback(None)

    migrations.migrate = traced
    with closing(Store(path)) as store:
        store.list_chats()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
