"""A disk that is full, limits a file, or may not be written: a sentence, and nothing is lost."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat import migrations
from app.chat.message import Message, Text, Thinking
from app.chat.migrations import Step
from app.chat.store import INTERRUPTED_NOTE, Store
from app.chat.store_presence import Presence
from app.chat.store_worker import StoreWorker
from app.errors import Problem, WorldError

QUESTION = Message("q", None, "user", (Text("Why?"),), 1.0)
ANSWER = Message("a", "q", "assistant", (), 2.0, "running")
A_SECOND = "é" * 10_000


def running(seconds: int) -> Message:
    return replace(ANSWER, parts=(Thinking("Hm", True), Text(A_SECOND * seconds)))


def mount(*arguments: str | Path) -> bool:
    """Run mount or umount; return whether the system lets us."""
    try:
        return subprocess.run(arguments, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder):
        pytest.skip("mounting a small file system needs root on Linux")
    yield folder
    assert mount("umount", "-l", folder)


@contextmanager
def few_pages(store: Store, pages: int) -> Iterator[None]:
    """SQLite's own limit, which fails as a full disk does, on every system."""
    store._database.execute(f"PRAGMA max_page_count = {pages}").fetchall()
    yield
    store._database.execute("PRAGMA max_page_count = 1073741823").fetchall()


@contextmanager
def short_files(size: int) -> Iterator[None]:
    """No file may grow beyond `size`: writes fail with an error that is not "no space"."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_until_it_fails(store: Store, first: int) -> tuple[int, Problem]:
    """Checkpoint a growing answer; return the last second saved, and what then went wrong."""
    for seconds in range(first, first + 1000):
        try:
            store.checkpoint(running(seconds))
        except WorldError as error:
            return seconds - 1, error.problem
    raise AssertionError("the disk never filled up")


def check_kept(path: Path, seconds: int, status: str) -> None:
    with closing(Store(path)) as store:
        found = store.load("c").conversation.messages["a"]
        assert found.parts == running(seconds).parts
        assert found.status == status
        assert store._database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_full_disk_and_then_room(small_disk: Path) -> None:
    path = small_disk / "chats.sqlite3"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1_200_000))
    with closing(Store(path)) as store:
        store.create_chat("c", title="Why", messages=(QUESTION, ANSWER))
        saved, problem = write_until_it_fails(store, 1)
        assert saved > 0
        assert problem.key == "disk-full"
        assert str(small_disk) in problem.advice
        with pytest.raises(WorldError, match="disk is full"):
            store.finish(replace(running(saved + 3), status="done"))
        assert store.load("c").conversation.messages["a"].parts == running(saved).parts
        ballast.unlink()
        store.checkpoint(running(saved + 3))
    check_kept(path, saved + 3, "interrupted")


def test_a_kill_on_a_full_disk_keeps_the_last_checkpoint(small_disk: Path) -> None:
    """Copied as it lies there, log and all, which is what a killed process leaves."""
    path = small_disk / "chats.sqlite3"
    with closing(Store(path)) as store:
        store.create_chat("c", title="Why", messages=(QUESTION, ANSWER))
        saved, _ = write_until_it_fails(store, 1)
        kept = small_disk.parent / "kept"
        kept.mkdir()
        for name in ("chats.sqlite3", "chats.sqlite3-wal"):
            (kept / name).write_bytes((small_disk / name).read_bytes())
    check_kept(kept / "chats.sqlite3", saved, "interrupted")


def test_opening_on_a_full_disk(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(bytes(4_000_000))
    with pytest.raises(WorldError) as raised:
        Store(small_disk / "chats.sqlite3")
    assert raised.value.problem.key == "disk-full"
    (small_disk / "ballast").unlink()
    Store(small_disk / "chats.sqlite3").close()


def test_a_full_disk_shows_the_chats_and_takes_more_once_there_is_room(small_disk: Path) -> None:
    path = small_disk / "chats.sqlite3"
    with closing(Store(path)) as store:
        store.create_chat("c", title="Why", messages=(QUESTION, running(1)))
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(bytes(4_000_000))
    told: list[Problem] = []
    found: list[Message] = []
    worker = StoreWorker(path, on_problem=told.append)
    worker.call(lambda store: store.load("c").conversation.messages["a"], found.append)
    worker.call(lambda store: store.rename("c", "Not now"))
    worker.call(lambda store: (small_disk / "ballast").unlink())
    worker.call(lambda store: store.rename("c", "Now"))
    worker.close()
    assert [problem.key for problem in told] == ["disk-full", "disk-full"]
    assert str(small_disk) in told[0].advice
    assert found == [replace(running(1), status="interrupted", note=INTERRUPTED_NOTE)]
    with closing(Store(path)) as store:
        assert store.trouble is None
        assert [chat.title for chat in store.list_chats()] == ["Now"]
    check_kept(path, 1, "interrupted")


def another_table(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE another (x TEXT) STRICT")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_schema_to_be_changed_on_a_full_disk(small_disk: Path, number: int) -> None:
    """The chats are shown all the same; the change is made once there is room for it."""
    path = small_disk / "chats.sqlite3"
    schema = Path(__file__).parents[1] / "unit" / "chat" / f"database_{number}.sql"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(schema.read_text(encoding="utf-8"))
    presence = Presence(path, wait_s=1.0)  # as whoever wrote it has left it
    presence.settle()
    presence.close()
    last = migrations.STEPS[-1].number
    later = Step(last + 1, "Another table.", another_table)
    steps = (*migrations.STEPS, later)
    before = path.read_bytes()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(bytes(4_000_000))
    with closing(Store(path, steps=steps)) as store:
        assert store.trouble is not None
        assert store.trouble.key == "disk-full"
        chats = store.list_chats()
        assert chats
        shown = [store.load(chat.id) for chat in chats]
        for _ in range(2):
            with pytest.raises(WorldError, match="disk is full"):
                store.rename(chats[0].id, "Not now")
        assert store.list_chats() == chats
        assert path.read_bytes() == before
        assert not list(small_disk.glob("*.part"))
        (small_disk / "ballast").unlink()
        store.rename(chats[0].id, "Now")
        assert not store.trouble
        assert [store.load(chat.id).conversation for chat in chats] == [
            one.conversation for one in shown
        ]
    with closing(Store(path, steps=steps)) as store:
        assert "Now" in [chat.title for chat in store.list_chats()]
        assert migrations.schema_version(store._database) == last + 1
    assert migrations.backup_path(path, number).exists()


def test_a_file_system_that_is_read_only(small_disk: Path) -> None:
    path = small_disk / "chats.sqlite3"
    with closing(Store(path)) as store:
        store.create_chat("c", title="Why", messages=(QUESTION,))
    assert mount("mount", "-o", "remount,ro", small_disk)
    with pytest.raises(WorldError) as raised:
        Store(path)
    assert raised.value.problem.key in {"chats-read-only", "chats-unreachable"}
    assert mount("mount", "-o", "remount,rw", small_disk)
    with closing(Store(path)) as store:
        assert [chat.title for chat in store.list_chats()] == ["Why"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(WorldError) as raised:
        Store(folder / "chats.sqlite3")
    assert raised.value.problem.key in {"chats-read-only", "chats-unreachable"}


def test_the_next_checkpoint_tries_again_with_everything(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    with closing(Store(path)) as store:
        store.create_chat("c", title="Why", messages=(QUESTION, ANSWER))
        store.checkpoint(running(2))
        with few_pages(store, 60):
            saved, problem = write_until_it_fails(store, 3)
            assert problem.key == "disk-full"
            with pytest.raises(WorldError):
                store.checkpoint(running(saved + 30))
        store.checkpoint(running(saved + 31))
        store.finish(replace(running(saved + 32), status="done"))
    check_kept(path, saved + 32, "done")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_disk_that_reports_an_error(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    with closing(Store(path)) as store:
        store.create_chat("c", title="Why", messages=(QUESTION, ANSWER))
        with short_files(200_000):
            saved, problem = write_until_it_fails(store, 1)
            assert problem.key == "disk-error"
            with pytest.raises(WorldError, match="disk reported an error"):
                store.finish(replace(running(saved + 1), status="done"))
        store.finish(replace(running(saved + 2), status="done"))
    check_kept(path, saved + 2, "done")


def test_through_the_worker_the_window_is_told_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    told: list[str] = []

    def tell(problem: Problem) -> None:
        told.append(problem.key)

    def limit(pages: int) -> Callable[[Store], object]:
        return lambda s: s._database.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    worker = StoreWorker(path, on_problem=tell)
    worker.call(lambda store: store.create_chat("c", title="Why", messages=(QUESTION, ANSWER)))
    worker.call(limit(60))
    worker.call(lambda store: store.checkpoint(running(100)), failed=tell, key=None)
    worker.call(lambda store: store.checkpoint(running(101)))
    worker.call(limit(1_000_000))
    worker.call(lambda store: store.checkpoint(running(102)), lambda _: told.append("saved"))
    worker.close()
    assert told == ["disk-full", "disk-full", "saved"]
    check_kept(path, 102, "interrupted")
