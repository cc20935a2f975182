"""A transcript on the screen, as large as a small window's."""

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.chat.view import ChatView


@pytest.fixture
def view(dressed: QApplication, qtbot: QtBot) -> ChatView:
    """Return an empty transcript, shown."""
    made = ChatView()
    qtbot.addWidget(made)
    made.resize(900, 600)
    made.show()
    qtbot.waitExposed(made)
    return made
