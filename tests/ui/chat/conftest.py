"""A transcript on the screen, as large as a small window's."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.chat import style
from ui.chat.view import ChatView


@pytest.fixture
def view(
    dressed: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ChatView]:
    """Give an empty transcript, shown; it never rests, however slow the machine is.

    The zoom, which is the process's, is the usual one again afterwards.
    """
    monkeypatch.setattr("ui.chat.view.SLOW_MS", float("inf"))
    made = ChatView()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    qtbot.waitExposed(made)
    yield made
    style.set_zoom(100)
