"""kill -9 of a process that streams into the store, at random moments; then open and count.

    PONDER_KILLS=50 python -m pytest tests/faults/test_store_kill.py

The ordinary run kills ten times. All kills hit one database, so that each finds what the ones
before it left.
"""

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from app.chat import migrations
from app.chat.migrations import backup_path, schema_version
from app.chat.store import INTERRUPTED_NOTE, Store
from tests.support.store_writer import STEPS, message, question

KILLS = int(os.environ.get("PONDER_KILLS", "10"))
IN_STARTING = 0.2
"""Share of the kills that come while the process is still starting."""


def run_and_kill(database: Path, log: Path, chat: str, chance: random.Random) -> None:
    command = [sys.executable, "-m", "tests.support.store_writer", str(database), str(log), chat]
    with subprocess.Popen(command) as child:
        if chance.random() < IN_STARTING:
            time.sleep(chance.uniform(0.0, 0.5))
        else:
            deadline = time.monotonic() + 60
            while not log.exists() or not log.stat().st_size:
                assert child.poll() is None, "the writer ended by itself"
                assert time.monotonic() < deadline
                time.sleep(0.005)
            time.sleep(chance.uniform(0.0, 0.5))
        child.kill()


def check(store: Store, chat: str, log: Path) -> tuple[int, int]:
    """Compare a killed writer's chat with its log; return the finished turns and the steps kept."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if chat not in {summary.id for summary in store.list_chats()}:
        assert not lines, "a chat that was said to be saved is gone"
        return 0, 0
    found = store.load(chat).conversation.messages
    finished = sum(line.startswith("done") for line in lines)
    for turn in range(finished):
        assert found.pop(f"{chat}-q{turn}") == question(chat, turn)
        assert found.pop(f"{chat}-a{turn}") == message(chat, turn, STEPS, over=True)
    saved = [line.split() for line in lines if line.startswith("saved")]
    steps = max((int(step) for _, turn, step in saved if int(turn) == finished), default=None)
    if not found:
        assert steps is None, "the running answer is gone"
        return finished, 0
    # One call was on its way when the kill came; it may have been done or not.
    assert found.pop(f"{chat}-q{finished}") == question(chat, finished)
    last = found.pop(f"{chat}-a{finished}")
    assert not found
    if last.status == "done":
        assert steps == STEPS
        assert last == message(chat, finished, STEPS, over=True)
        return finished + 1, 0
    assert (last.status, last.note) == ("interrupted", INTERRUPTED_NOTE)
    possible = [0] if steps is None else [steps, min(steps + 1, STEPS)]
    assert last.parts in [message(chat, finished, step).parts for step in possible]
    return finished, steps or 0


def test_kill_at_random_moments(tmp_path: Path) -> None:
    database = tmp_path / "chats.sqlite3"
    chance = random.Random(1)
    kept: dict[str, tuple[int, int]] = {}
    for number in range(KILLS):
        chat = f"run{number}"
        run_and_kill(database, tmp_path / f"{chat}.log", chat, chance)
        with closing(Store(database)) as store:
            kept[chat] = check(store, chat, tmp_path / f"{chat}.log")
        with closing(sqlite3.connect(database)) as seen:
            assert seen.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert seen.execute("PRAGMA foreign_key_check").fetchall() == []
            assert seen.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
    with closing(Store(database)) as store:
        for chat, before in kept.items():
            assert check(store, chat, tmp_path / f"{chat}.log") == before
    print(f"finished answers and steps of the running one kept, by kill: {list(kept.values())}")
    assert any(finished for finished, _ in kept.values()), "nothing was ever finished"
    assert any(steps for _, steps in kept.values()), "no kill came in the middle of an answer"


KILLED_IN_A_MIGRATION = """
import os, signal, sys
from pathlib import Path
from app.chat.migrations import STEPS, Step
from app.chat.store import Store

def second(database):
    database.execute("ALTER TABLE chats ADD COLUMN pinned INTEGER")

def third(database):
    database.execute("DELETE FROM parts")
    database.execute("PRAGMA cache_size = 0")  # what is changed goes to the disk before the kill
    database.execute("CREATE TABLE half AS SELECT * FROM messages")
    os.kill(os.getpid(), signal.SIGKILL)

now = len(STEPS)
steps = (*STEPS, Step(now + 1, "Whole.", second), Step(now + 2, "Killed.", third))
Store(Path(sys.argv[1]), steps=steps)
"""


def test_kill_in_the_middle_of_a_migration(tmp_path: Path) -> None:
    """The step that was cut short never happened; the one before it did; the copy is there."""
    database = tmp_path / "chats.sqlite3"
    answer = message("c", 0, STEPS)
    with closing(Store(database)) as store:
        store.create_chat("c", title="Kept", messages=(question("c", 0), answer))
    now = len(migrations.STEPS)
    for again in (now, now + 1):  # the second time it begins at the step that kills
        child = subprocess.run(
            [sys.executable, "-c", KILLED_IN_A_MIGRATION, database], timeout=60, check=False
        )
        assert child.returncode != 0
        with closing(sqlite3.connect(database)) as seen:
            assert schema_version(seen) == now + 1
            assert seen.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert not seen.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall()
            assert seen.execute("SELECT count(pinned), count(*) FROM chats").fetchone() == (0, 1)
            assert seen.execute("SELECT count(*) FROM parts").fetchone() == (3,)
        assert backup_path(database, again).exists()
    with closing(Store(backup_path(database, now))) as store:
        assert store.load("c").conversation.messages["c-a0"].parts == answer.parts
