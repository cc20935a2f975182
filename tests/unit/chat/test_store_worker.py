"""The store's thread: order, callbacks only from poll(), problems told once, bugs raised."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from app.chat.message import Message, Text
from app.chat.store import Store
from app.chat.store_worker import StoreWorker
from app.errors import Problem, WorldError

FULL = WorldError(Problem("disk-full", "The disk is full."))
QUESTION = Message("q", None, "user", (Text("Why?"),), 1.0)


class Desk:
    """A worker, and what it has told."""

    def __init__(self, path: Path, open_store: Callable[[Path], Store] = Store) -> None:
        self.told: list[object] = []
        self.woken = threading.Semaphore(0)
        self.worker = StoreWorker(
            path, on_problem=self.told.append, wakeup=self.woken.release, open_store=open_store
        )

    def settle(self) -> list[object]:
        """Wait until everything is done and delivered."""
        while self.worker.poll():
            assert self.woken.acquire(timeout=30)
        told, self.told = self.told, []
        return told


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.sqlite3"


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    desk = Desk(path)
    yield desk
    desk.worker.close()


def fail(error: BaseException) -> Callable[[Store], None]:
    def work(store: Store) -> None:
        raise error

    return work


def test_calls_run_in_order_on_one_thread_and_are_answered_on_this_one(desk: Desk) -> None:
    threads: set[int] = set()

    def work(number: int) -> Callable[[Store], int]:
        def run(store: Store) -> int:
            threads.add(threading.get_ident())
            return number

        return run

    def done(number: int) -> None:
        assert threading.get_ident() not in threads
        desk.told.append(number)

    for number in range(50):
        desk.worker.call(work(number), done)
    assert desk.settle() == list(range(50))
    assert len(threads) == 1


def test_nothing_is_delivered_before_poll(desk: Desk) -> None:
    desk.settle()
    desk.worker.call(lambda store: store.list_chats(), desk.told.append)
    assert desk.woken.acquire(timeout=30)
    assert desk.told == []
    assert desk.worker.poll() == 0
    assert desk.told == [()]


def test_a_problem_goes_to_the_call_or_else_to_the_door(desk: Desk) -> None:
    desk.worker.call(fail(FULL), failed=lambda problem: desk.told.append(("own", problem.key)))
    desk.worker.call(fail(FULL))
    desk.worker.call(lambda store: "alive", desk.told.append)
    assert desk.settle() == [("own", "disk-full"), FULL.problem, "alive"]


def test_a_bug_comes_out_of_poll(desk: Desk) -> None:
    desk.worker.call(fail(ZeroDivisionError("ours")))
    desk.worker.call(lambda store: "alive", desk.told.append)
    with pytest.raises(ZeroDivisionError, match="ours"):
        desk.settle()
    assert desk.settle() == ["alive"]


def set_draft(draft: str, store: Store) -> str:
    store.set_draft(None, draft)
    return draft


def create_chat(name: str, store: Store) -> str:
    return store.create_chat(name, title=name).id


def test_of_calls_with_a_key_only_the_newest_waits(desk: Desk) -> None:
    held, go = threading.Event(), threading.Event()

    def hold(store: Store) -> None:
        held.set()
        assert go.wait(30)

    desk.worker.call(hold)
    assert held.wait(30)
    for draft in ("a", "ab", "abc"):
        desk.worker.call(partial(set_draft, draft), desk.told.append, key="draft")
        desk.worker.call(lambda store: None, lambda _: desk.told.append("other"))
    desk.worker.call(lambda store: store.new_draft(), desk.told.append)
    go.set()
    assert desk.settle() == ["other", "other", "abc", "other", "abc"]


def test_close_does_what_is_queued(path: Path) -> None:
    desk = Desk(path)
    for number in range(20):
        desk.worker.call(partial(create_chat, str(number)), desk.told.append)
    desk.worker.close()
    assert desk.told == [str(number) for number in range(20)]
    with pytest.raises(RuntimeError):
        desk.worker.call(lambda store: None)
    store = Store(path)
    assert len(store.list_chats()) == 20
    store.close()


def test_an_opening_that_failed_is_tried_again(path: Path) -> None:
    path.parent.joinpath("blocked").write_text("a file where the folder should be")
    below = path.parent / "blocked" / "chats.sqlite3"
    desk = Desk(below)
    desk.worker.call(lambda store: None)
    (problem,) = desk.settle()
    assert isinstance(problem, Problem)
    assert problem.key == "chats-unreachable"
    desk.worker.call(lambda store: store.list_chats(), failed=desk.told.append)
    assert desk.settle() == [problem]
    path.parent.joinpath("blocked").unlink()
    desk.worker.call(lambda store: store.list_chats(), desk.told.append)
    assert desk.settle() == [()]
    desk.worker.close()


def test_a_bug_in_opening_comes_out_of_poll(path: Path) -> None:
    def broken(path: Path) -> Store:
        raise ZeroDivisionError("ours")

    desk = Desk(path, broken)
    desk.worker.call(lambda store: None)
    with pytest.raises(ZeroDivisionError):
        desk.settle()
    desk.worker.close()


def test_a_damaged_database_is_moved_aside_and_a_new_one_begun(path: Path) -> None:
    for number in range(2):
        path.write_bytes(b"\x89PNG" + bytes(5000))
        desk = Desk(path)
        desk.worker.call(partial(create_chat, "New"))
        (problem,) = desk.settle()
        desk.worker.close()
        assert isinstance(problem, Problem)
        assert problem.key == "chats-damaged"
        kept = sorted(path.parent.glob("chats.damaged-*.sqlite3"))
        assert len(kept) == number + 1
        assert any(str(name) in problem.advice for name in kept)
        assert all(name.read_bytes() == b"\x89PNG" + bytes(5000) for name in kept)
        store = Store(path)
        assert [chat.title for chat in store.list_chats()] == ["New"]
        store.close()


def test_a_program_that_forgets_to_close_still_saves_and_ends(path: Path) -> None:
    """It dies of an exception with a call in the queue: the call is done, and nothing hangs."""
    code = (
        "import sys; from pathlib import Path; from app.chat.store_worker import StoreWorker\n"
        "worker = StoreWorker(Path(sys.argv[1]), on_problem=print)\n"
        "worker.call(lambda store: store.create_chat('c', title='Saved'))\n"
        "raise SystemExit(3)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], timeout=60, check=False)
    assert ended.returncode == 3
    store = Store(path)
    assert [chat.title for chat in store.list_chats()] == ["Saved"]
    store.close()
