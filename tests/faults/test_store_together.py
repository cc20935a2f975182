"""Two windows with the same chats: they wait for each other and end no answer of the other."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat import store as store_module
from app.chat.message import Message, Text
from app.chat.migrations import STEPS, Step
from app.chat.store import Store
from app.errors import WorldError
from tests.support.store_writer import STEPS as WRITER_STEPS
from tests.support.store_writer import message, question

QUESTION = Message("q", None, "user", (Text("Why?"),), 1.0)
ANSWER = Message("a", "q", "assistant", (Text("Be"),), 2.0, "running")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chats.sqlite3"


def test_a_second_window_leaves_a_running_answer_alone(path: Path) -> None:
    first = Store(path)
    first.create_chat("c", title="Why", messages=(QUESTION, ANSWER))
    with closing(Store(path)) as second:
        assert second.load("c").conversation.messages["a"].status == "running"
        second.create_chat("d", title="Meanwhile")
        first.checkpoint(replace(ANSWER, parts=(Text("Because"),)))
        assert second.load("c").conversation.messages["a"].text == "Because"
    first.close()
    with closing(Store(path)) as third:
        assert third.load("c").conversation.messages["a"].status == "interrupted"


def test_a_third_window_sees_that_the_second_is_still_there(path: Path) -> None:
    """The first to come, which was alone then, has gone; the answer that runs is the second's."""
    first = Store(path)
    second = Store(path)
    second.create_chat("c", title="Why", messages=(QUESTION, ANSWER))
    first.close()
    with closing(Store(path)) as third:
        assert third.load("c").conversation.messages["a"].status == "running"
    second.finish(replace(ANSWER, status="done"))
    second.close()


def test_a_writer_waits_for_the_other(path: Path) -> None:
    with (
        closing(Store(path)) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        released = threading.Timer(0.3, other.execute, ("ROLLBACK",))
        released.start()
        store.create_chat("c", title="Written in the end")
        assert not other.in_transaction
        released.join()
        assert [chat.title for chat in store.list_chats()] == ["Written in the end"]


def test_a_writer_that_waited_too_long_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BUSY_S", 0.05)
    with (
        closing(Store(path)) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(WorldError) as raised:
            store.create_chat("c", title="Why")
        assert raised.value.problem.key == "chats-busy"
        assert store.list_chats() == ()
        other.execute("ROLLBACK")
        store.create_chat("c", title="Why")


def test_the_schema_is_not_changed_under_another_window(path: Path) -> None:
    step = Step(len(STEPS) + 1, "Something new.", lambda database: None)
    with closing(Store(path)), pytest.raises(WorldError) as raised:
        Store(path, steps=(*STEPS, step))
    assert raised.value.problem.key == "chats-busy"
    Store(path, steps=(*STEPS, step)).close()


def test_many_openings_at_once_of_a_new_database(path: Path) -> None:
    together = threading.Barrier(8)
    opened: list[int] = []

    def open_and_write(number: int) -> None:
        together.wait()
        with closing(Store(path)) as store:
            store.create_chat(str(number), title=str(number))
            opened.append(number)

    threads = [threading.Thread(target=open_and_write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == list(range(8))
    with closing(Store(path)) as store:
        assert len(store.list_chats()) == 8


def test_two_processes_stream_at_once(path: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.support.store_writer", path, log, name, "5"]
                )
            )
            for name, log in (("x", tmp_path / "x.log"), ("y", tmp_path / "y.log"))
        ]
        assert [child.wait(60) for child in children] == [0, 0]
    with closing(Store(path)) as store:
        for name in "xy":
            found = store.load(name).conversation.messages
            for turn in range(5):
                assert found[f"{name}-q{turn}"] == question(name, turn)
                assert found[f"{name}-a{turn}"] == message(name, turn, WRITER_STEPS, over=True)
