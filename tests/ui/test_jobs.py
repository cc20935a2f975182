"""The contract of a job, one sentence at a time."""

import threading

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from app.errors import Problem, WorldError
from ui import jobs


def test_it_works_on_a_thread_and_delivers_on_the_windows(qapp: QApplication, qtbot: QtBot) -> None:
    owner = QObject()
    threads: list[int] = []

    def work() -> int:
        threads.append(threading.get_ident())
        return 42

    def take(value: int) -> None:
        threads.append(threading.get_ident())
        threads.append(value)

    jobs.run(work, then=take, failed=lambda problem: None, owner=owner)
    qtbot.waitUntil(lambda: len(threads) == 3)
    assert threads[0] != threading.get_ident()
    assert threads[1:] == [threading.get_ident(), 42]


def test_a_fault_of_the_world_goes_to_failed(qapp: QApplication, qtbot: QtBot) -> None:
    owner = QObject()
    problems: list[Problem] = []

    def work() -> None:
        raise WorldError(Problem("gone", "The file is gone."))

    jobs.run(work, then=lambda value: pytest.fail("no value"), failed=problems.append, owner=owner)
    qtbot.waitUntil(lambda: bool(problems))
    assert problems[0].key == "gone"


def test_a_bug_is_raised_on_the_windows_thread(qapp: QApplication, qtbot: QtBot) -> None:
    owner = QObject()

    def work() -> None:
        raise ZeroDivisionError("a bug")

    with capture_exceptions() as raised:
        jobs.run(work, then=lambda value: None, failed=lambda problem: None, owner=owner)
        qtbot.waitUntil(lambda: bool(raised))
    assert raised[0][0] is ZeroDivisionError


def test_nothing_is_delivered_to_the_dead(qapp: QApplication, qtbot: QtBot) -> None:
    import shiboken6

    owner = QObject()
    go = threading.Event()
    done = threading.Event()
    delivered: list[int] = []

    def work() -> int:
        go.wait(10)
        done.set()
        return 1

    jobs.run(work, then=delivered.append, failed=lambda problem: None, owner=owner)
    shiboken6.delete(owner)
    go.set()
    assert done.wait(10)
    qtbot.waitUntil(jobs.idle)
    assert not delivered
