"""kill -9 of the window at random moments of an answer; then open the chats and count.

    PONDER_KILLS=50 python -m pytest -s tests/faults/test_window_kill.py

The ordinary run kills four times. All kills hit one database, so that each finds what the ones
before it left. The engine child is not killed: it has to see that its parent is gone.
"""

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

from app.chat.message import Message
from app.chat.store import INTERRUPTED_NOTE, Store

KILLS = int(os.environ.get("PONDER_KILLS", "2"))
PROMISED_S = 1.0
ENDLESS = "and so on, "
ORPHAN_S = 5.0


def run_and_kill(folder: Path, log: Path, chance: random.Random) -> tuple[float, set[int]]:
    """Return when the window was killed and which children it left."""
    command = [sys.executable, "-m", "tests.support.window_writer", str(folder), str(log)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(command, env=environment) as window:
        deadline = time.monotonic() + 60
        while not log.exists() or not log.stat().st_size:
            assert window.poll() is None, "the window ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 3.0))
        children = {child.pid for child in psutil.Process(window.pid).children(recursive=True)}
        killed_at = time.time()
        window.kill()
    return killed_at, children


def test_kill_at_random_moments(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    database = Path(os.environ["PONDER_HOME"]) / "data" / "chats.sqlite3"
    chance = random.Random(int(os.environ.get("PONDER_SEED", "1")))
    worst_s = 0.0
    for number in range(KILLS):
        log = tmp_path / f"run{number}.log"
        killed_at, children = run_and_kill(folder, log, chance)
        assert children, "no engine was running"
        assert_gone(children)
        worst_s = max(worst_s, check(database, f"Chat run{number}", log, killed_at))
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(Store(database)) as store:
        assert len(store.list_chats()) == KILLS
    print(f"{KILLS} kills, at most {worst_s:.2f} s of the answer lost")


def assert_gone(pids: set[int]) -> None:
    """Wait for the window's children to end by themselves."""
    _, alive = psutil.wait_procs(
        [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=ORPHAN_S
    )
    assert not alive, f"orphans: {alive}"


def check(database: Path, title: str, log: Path, killed_at: float) -> float:
    """Check the killed chat; return how many seconds of its answer are missing."""
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with closing(Store(database)) as store:
        (chat,) = [chat for chat in store.list_chats() if chat.title == title]
        question, answer = store.load(chat.id).conversation.branch()
    assert question.text == title
    assert (answer.status, answer.note) == ("interrupted", INTERRUPTED_NOTE)
    assert_whole(answer)
    shown = [line.split() for line in log.read_text(encoding="ascii").splitlines()]
    missing = [float(at) for at, _, characters in shown if int(characters) > len(answer.text)]
    lost_s = killed_at - min(missing) if missing else 0.0
    assert lost_s <= PROMISED_S, f"{lost_s:.2f} s were lost"
    return max(lost_s, 0.0)


def assert_whole(answer: Message) -> None:
    """What is kept is the beginning of what was said, to the letter."""
    if answer.text:
        assert answer.thinking is not None
        assert answer.thinking.text == "I am thinking. "
    assert (ENDLESS * (len(answer.text) // len(ENDLESS) + 1)).startswith(answer.text)
