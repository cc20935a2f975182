"""kill -9 of a process that streams into the store, at random moments; then open and count.

    PONDER_KILLS=200 python -m pytest tests/faults/test_store_kill.py

The ordinary run kills ten times, in a store of 500 messages; with more kills it has 10,000. All
kills hit one database, so that each finds what the ones before it left. The same is done with a
disk whose writes fail now and then: what the store has said to be saved is there all the same.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.chat import migrations
from app.chat.migrations import backup_path, schema_version
from app.chat.search import find
from app.chat.store import INTERRUPTED_NOTE, Store
from tests.support.store_writer import STEPS, message, question

KILLS = int(os.environ.get("PONDER_KILLS", "10"))
MESSAGES = 10_000 if KILLS > 10 else 500
IN_STARTING = 0.2
"""Share of the kills that come while the process is still starting."""


def fill(database: Path) -> None:
    """Make a store that has been in use for long."""
    with closing(Store(database)) as store:
        for number in range(MESSAGES // 50):
            asked = [question(f"old{number}.{turn}", 0) for turn in range(50)]
            store.create_chat(f"old{number}", title=f"Old {number}", messages=asked)


def run_and_kill(
    database: Path,
    log: Path,
    chat: str,
    chance: random.Random,
    environment: dict[str, str] | None = None,
) -> None:
    command = [sys.executable, "-m", "tests.support.store_writer", str(database), str(log), chat]
    with subprocess.Popen(command, env={**os.environ, **(environment or {})}) as child:
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
    said = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    lines = [line for line in said if not line.startswith("failed")]
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


def kill_often(tmp_path: Path, times: int, faults: Callable[[int], dict[str, str]]) -> list[str]:
    """Kill so often, check what is there each time and all of it in the end; return the failures.

    faults: the environment of a run, by its number.
    """
    database = tmp_path / "chats.sqlite3"
    fill(database)
    chance = random.Random(1)
    kept: dict[str, tuple[int, int]] = {}
    failures: list[str] = []
    for number in range(times):
        chat = f"run{number}"
        log = tmp_path / f"{chat}.log"
        run_and_kill(database, log, chat, chance, faults(number))
        with closing(Store(database)) as store:
            kept[chat] = check(store, chat, log)
        if log.exists():
            lines = log.read_text(encoding="utf-8").splitlines()
            failures += [line for line in lines if line.startswith("failed")]
        with closing(sqlite3.connect(database)) as seen:
            assert seen.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert seen.execute("PRAGMA foreign_key_check").fetchall() == []
            assert seen.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
    with closing(Store(database)) as store:
        for chat, before in kept.items():
            assert check(store, chat, tmp_path / f"{chat}.log") == before
        assert len(store.list_chats()) >= MESSAGES // 50
        for number in range(MESSAGES // 50):
            assert len(store.load(f"old{number}").conversation.messages) == 50
    assert not list(tmp_path.glob("*damaged*"))
    found = {place.chat_id for place in find(database, '"Question 0"', 10 * times + 100)}
    assert {chat for chat, (turns, _) in kept.items() if turns} <= found
    print(f"finished answers and steps of the running one kept, by kill: {list(kept.values())}")
    assert any(finished for finished, _ in kept.values()), "nothing was ever finished"
    assert any(steps for _, steps in kept.values()), "no kill came in the middle of an answer"
    return failures


def test_kill_at_random_moments(tmp_path: Path) -> None:
    assert kill_often(tmp_path, KILLS, lambda number: {}) == []


@pytest.fixture(scope="module")
def faulty_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes writes fail, compiled."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("making a disk fail from outside needs a C compiler on Linux")
    library = tmp_path_factory.mktemp("faulty") / "faulty_disk.so"
    source = Path(__file__).parents[1] / "support" / "faulty_disk.c"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True, timeout=60)
    return library


def test_kill_while_the_disk_fails(tmp_path: Path, faulty_disk: Path) -> None:
    """Every third kill comes to a process whose disk fails often, the others to one like most."""

    def faults(number: int) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(faulty_disk),
            "FAULTY_NAME": "chats.sqlite3",
            "FAULTY_EVERY": "40" if number % 3 else "7",
            "FAULTY_SEED": str(number + 1),
            # From the first answer on: before, there is no chat to be kept.
            "FAULTY_FROM": str(tmp_path / f"run{number}.log"),
        }

    failures = kill_often(tmp_path, max(3, KILLS // 3), faults)
    print(f"{len(failures)} calls failed: {Counter(failures)}")
    keys = {line.split(":")[0].removeprefix("failed ") for line in failures}
    assert keys
    assert keys <= {"disk-full", "disk-error", "chats-unreachable"}


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
