"""A migration that is killed at any of its statements is gone on with at the next opening.

    PONDER_MIGRATION_STRIDE=1 python -m pytest tests/faults/test_store_migrations.py

The ordinary run kills at every fifth statement.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.chat import migrations
from app.chat.migrations import STEPS, backup_path, schema_version
from app.chat.store import Store

FIXTURES = Path(__file__).parents[1] / "unit" / "chat"

STRIDE = int(os.environ.get("PONDER_MIGRATION_STRIDE", "5"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")


def made(folder: Path, number: int, *, empty: bool) -> Path:
    """Return a database as an earlier Ponder left it, with and without chats."""
    path = folder / "before.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        if empty:
            migrations.migrate(database, path, STEPS[:number])
            database.execute("PRAGMA journal_mode = WAL").fetchall()
        else:
            sql = (FIXTURES / f"database_{number}.sql").read_text(encoding="utf-8")
            database.executescript(sql)
    return path


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


@pytest.mark.parametrize("empty", [False, True], ids=["with chats", "empty"])
@pytest.mark.parametrize("number", range(1, len(STEPS)))
def test_killed_at_every_statement(tmp_path: Path, number: int, empty: bool) -> None:
    path = made(tmp_path, number, empty=empty)
    before = contents(path)
    folder = tmp_path / "killed"
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "tests.support.migration_killer",
        str(path),
        str(folder),
        str(STRIDE),
    ]
    subprocess.run(command, check=True, timeout=120)
    expected = Path(shutil.copy(path, tmp_path / "chats.sqlite3"))
    Store(expected).close()
    kills = sorted(int(one.name) for one in folder.iterdir())
    assert len(kills) * STRIDE > 10 * (len(STEPS) - number)
    versions = set[int]()
    for kill in kills:
        left = folder / str(kill) / "chats.sqlite3"
        with closing(sqlite3.connect(left)) as database:
            versions.add(schema_version(database))
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        Store(left).close()
        assert contents(left) == contents(expected)
        # Whenever there is a copy, it is a whole one.
        copy = backup_path(left, number)
        assert copy.exists()
        assert contents(copy) == before
    assert versions == set(range(number, len(STEPS) + 1))
