"""The front door for messages: what is said, what replaces what, what goes by itself."""

import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.errors import Problem
from ui.mistakes import Mistakes
from ui.notices import MAX_SHOWN, Notice, Notices

PROBLEM = Problem("disk-full", "The disk is full.", "Make room.", "ENOSPC <b>/tmp</b>")


@pytest.fixture
def notices(dressed: QApplication, qtbot: QtBot) -> Iterator[Notices]:
    host = QWidget()
    host.resize(900, 600)
    qtbot.addWidget(host)
    made = Notices(host)
    host.show()
    yield made
    host.close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def test_a_problem_is_said_with_its_details_folded(notices: Notices, qtbot: QtBot) -> None:
    notices.show_problem(PROBLEM)
    banner = notices.shown()["disk-full"]
    assert banner.isVisible()
    assert banner.accessibleName() == "The disk is full. Make room."
    assert not banner.folded.isVisible()
    qtbot.mouseClick(banner.details, Qt.MouseButton.LeftButton)
    assert banner.folded.isVisible()
    # What a file or a model said is shown, never interpreted.
    assert banner.folded.text() == "ENOSPC <b>/tmp</b>"
    assert banner.folded.textFormat() == Qt.TextFormat.PlainText


def test_the_same_key_replaces_and_the_oldest_goes(notices: Notices) -> None:
    notices.show_notice(Notice("one", "First"))
    notices.show_notice(Notice("one", "Second"))
    assert [banner.notice.title for banner in notices.shown().values()] == ["Second"]
    for number in range(MAX_SHOWN):
        notices.show_notice(Notice(f"more-{number}", "Another"))
    assert "one" not in notices.shown()
    assert len(notices.shown()) == MAX_SHOWN


def test_its_button_does_it_and_closes(notices: Notices, qtbot: QtBot) -> None:
    done: list[int] = []
    notices.show_notice(Notice("undo", "Deleted.", action="Undo", run=lambda: done.append(1)))
    qtbot.mouseClick(notices.shown()["undo"].action, Qt.MouseButton.LeftButton)
    assert done == [1]
    assert not notices.shown()
    assert not notices.isVisible()


def test_it_is_closed_by_its_cross(notices: Notices, qtbot: QtBot) -> None:
    notices.show_notice(Notice("hint", "A hint"))
    qtbot.mouseClick(notices.shown()["hint"].closer, Qt.MouseButton.LeftButton)
    assert not notices.shown()


def test_it_goes_when_its_time_is_over(notices: Notices, qtbot: QtBot) -> None:
    notices.show_notice(Notice("undo", "Deleted.", timeout_ms=10))
    qtbot.waitUntil(lambda: not notices.shown())


def test_it_floats_over_the_column_and_within_it(notices: Notices) -> None:
    notices.place(64)
    notices.show_problem(PROBLEM)
    assert notices.geometry().top() == 64
    assert notices.width() == 760
    host = notices.parentWidget()
    assert host is not None
    host.resize(400, 600)
    notices.place(64)
    assert notices.width() == 368


@pytest.fixture
def hooks() -> Iterator[None]:
    before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before


def test_a_mistake_is_logged_and_offered_as_a_report(
    notices: Notices, qtbot: QtBot, hooks: None, caplog: pytest.LogCaptureFixture
) -> None:
    Mistakes(notices).install()
    try:
        raise LookupError("lost")
    except LookupError as error:
        sys.excepthook(LookupError, error, error.__traceback__)
    banner = notices.shown()["mistake"]
    assert banner.notice.title == "Ponder made a mistake."
    assert "LookupError: lost" in caplog.text
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert "LookupError: lost" in copied
    assert "test_notices.py" in copied
    assert "PySide6" in copied


def test_a_mistake_of_a_thread_comes_to_the_window(
    notices: Notices, qtbot: QtBot, hooks: None, caplog: pytest.LogCaptureFixture
) -> None:
    Mistakes(notices).install()

    def fail() -> None:
        raise LookupError("lost in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "mistake" in notices.shown())
    assert "lost in a thread" in notices.shown()["mistake"].folded.text()
