"""The timer ticks only while there is work, and a wake-up from another thread is enough."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.session import Session
from app.settings import Settings
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


def test_detached_it_does_nothing(bridge: Bridge, session: Session, qtbot: QtBot) -> None:
    bridge.attach(session)
    bridge.detach()
    assert not bridge.ticking
    session.new_chat()
    with qtbot.assertNotEmitted(bridge.changed):
        bridge.drain()
        bridge.wake()
        QApplication.processEvents()
