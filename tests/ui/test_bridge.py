"""The timer ticks only while there is work, and a wake-up from another thread is enough."""

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.session import Session
from app.settings import Settings
from ui import collecting
from ui.bridge import Bridge


@pytest.fixture
def bridge(qapp: QApplication) -> Iterator[Bridge]:
    made = Bridge()
    yield made
    made.detach()


@pytest.fixture
def session(bridge: Bridge, tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path / "chats.sqlite3", settings=Settings(), wakeup=bridge.wake)
    yield made
    made.close()


def test_it_ticks_until_the_session_is_at_rest(
    bridge: Bridge, session: Session, qtbot: QtBot
) -> None:
    changed: list[str] = []
    bridge.changed.connect(changed.extend)
    bridge.attach(session)
    qtbot.waitUntil(lambda: session.state.opened and not bridge.ticking)
    assert "chats" in changed
    changed.clear()
    session.set_draft("half a thought")
    bridge.drain()
    assert bridge.ticking
    qtbot.waitUntil(lambda: not bridge.ticking)


def test_a_wake_up_from_another_thread_drains(
    bridge: Bridge, session: Session, qtbot: QtBot
) -> None:
    bridge.attach(session)
    qtbot.waitUntil(lambda: session.state.opened and not bridge.ticking)
    session.new_chat()
    thread = threading.Thread(target=bridge.wake)
    with qtbot.waitSignal(bridge.changed) as signal:
        thread.start()
    thread.join()
    assert "chat" in signal.args[0]
    qtbot.waitUntil(lambda: not bridge.ticking)


def test_garbage_is_collected_at_rest(
    bridge: Bridge, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Circle:
        def __init__(self) -> None:
            self.own = self

    bridge.attach(session)
    qtbot.waitUntil(lambda: session.state.opened and not bridge.ticking)
    monkeypatch.setattr(collecting, "WORTH", 0)
    bridge._rest.setInterval(0)
    gc.disable()
    try:
        left = weakref.ref(Circle())
        assert left() is not None
        bridge.drain()
        qtbot.waitUntil(lambda: left() is None)
    finally:
        gc.enable()


def test_while_an_answer_is_written_no_walk_is_a_whole_one() -> None:
    before = gc.get_threshold()
    try:
        collecting.begin()
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == (*before[:2], collecting.SELDOM)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_detached_it_does_nothing(bridge: Bridge, session: Session, qtbot: QtBot) -> None:
    bridge.attach(session)
    bridge.detach()
    assert not bridge.ticking
    session.new_chat()
    with qtbot.assertNotEmitted(bridge.changed):
        bridge.drain()
        bridge.wake()
        QApplication.processEvents()
