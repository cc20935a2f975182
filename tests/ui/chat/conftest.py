"""A transcript on the screen, as large as a small window's."""

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.chat.view import ChatView


@pytest.fixture
def view(dressed: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> ChatView:
    """Return an empty transcript, shown; it never rests, however slow the machine is."""
    monkeypatch.setattr("ui.chat.view.SLOW_MS", float("inf"))
    made = ChatView()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    qtbot.waitExposed(made)
    return made
