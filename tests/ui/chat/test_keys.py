"""Everything by keyboard, and everything with a name."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractButton, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.chat import samples
from tests.ui.chat.test_transcript import long_chat
from ui.chat.answer import Answer
from ui.chat.composer import Composer
from ui.chat.item import Item
from ui.chat.view import ChatView


@pytest.fixture
def page(view: ChatView, qtbot: QtBot) -> QWidget:
    """Return a window: a button, the transcript, another button, in tab order."""
    made = QWidget()
    qtbot.addWidget(made)
    rows = QVBoxLayout(made)
    before, after = QPushButton("before"), QPushButton("after")
    for widget in (before, view, after):
        rows.addWidget(widget)
    made.resize(900, 700)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    before.setFocus()
    return made


def name(widget: QWidget | None) -> str:
    if isinstance(widget, QPushButton):
        return widget.text()
    return widget.accessibleName() if widget is not None else ""


def walk(page: QWidget, qtbot: QtBot, steps: int, key: Qt.Key = Qt.Key.Key_Tab) -> list[str]:
    found: list[str] = []
    for _ in range(steps):
        focus = page.focusWidget()
        assert focus is not None
        qtbot.keyClick(focus, key)
        found.append(name(page.focusWidget()))
    return found


FORWARD = [
    "Conversation",
    "You said",
    "Copy this message",
    "Edit this message",
    "The answer",
    "Thought for 31 s, 1,184 tokens · 38.2 tok/s",
    "The thinking",
    "Copy the python code",
    "Copy the answer without its thinking",
    "Ask again for this answer",
    "Edit this answer",
    "Version before",
    "How this answer was made",
    "after",
]


def test_tab_goes_through_everything_and_out_again(
    view: ChatView, page: QWidget, qtbot: QtBot
) -> None:
    branch = [samples.question(), samples.answer(thought="A thought.")]
    view.show_conversation(branch, lambda at: (1, 2) if at == "a1" else (0, 1), {"a1": False})
    assert walk(page, qtbot, len(FORWARD)) == FORWARD
    back = walk(page, qtbot, len(FORWARD) - 1, Qt.Key.Key_Backtab)
    assert back == [*reversed(FORWARD[1:-1]), "before"]


def test_tab_reaches_messages_that_do_not_exist_yet(
    view: ChatView, page: QWidget, qtbot: QtBot
) -> None:
    view.show_conversation(long_chat(6), samples.alone, {})
    view.verticalScrollBar().setValue(0)
    reached: list[str] = []
    qtbot.keyClick(page.focusWidget(), Qt.Key.Key_Tab)
    for _ in range(400):
        focus = page.focusWidget()
        assert focus is not None
        if name(focus) == "after":
            break
        if isinstance(focus, Item):
            reached.append(focus.entry.id)
            assert focus.y() < view.viewport().height()
            assert focus.geometry().bottom() > 0
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
    assert reached == [entry.id for entry in view.entries]


def test_a_focused_message_tells_a_screen_reader_what_it_says(
    view: ChatView, page: QWidget, qtbot: QtBot
) -> None:
    view.show_conversation([samples.question("Why?"), samples.answer("So.")], samples.alone, {})
    walk(page, qtbot, 5)
    item = page.focusWidget()
    assert isinstance(item, Answer)
    interface = QAccessible.queryAccessibleInterface(item)
    assert interface.text(QAccessible.Text.Name) == "Answer, message 2 of 2"
    assert interface.text(QAccessible.Text.Description) == "So."
    question = view.item("q1")
    assert question is not None
    assert question.accessibleDescription() == "Why?"


def test_the_focus_is_seen(view: ChatView, page: QWidget, qtbot: QtBot) -> None:
    view.show_conversation([samples.question("Why?"), samples.answer("So.")], samples.alone, {})
    item = view.item("a1")
    assert isinstance(item, Answer)
    assert item.footer is not None
    for widget, steps in ((item, 5), (item.footer.copy_button, 1)):
        before = widget.grab().toImage()
        walk(page, qtbot, steps)
        assert page.focusWidget() is widget
        assert widget.grab().toImage() != before


def test_every_control_has_a_name(view: ChatView, qtbot: QtBot) -> None:
    composer = Composer()
    qtbot.addWidget(composer)
    branch = [
        samples.question(),
        samples.answer(samples.SCRIPTS, "Hm.", status="cancelled", closed=False),
    ]
    view.show_conversation(branch, lambda _at: (1, 3), {"a1": False})
    controls = [
        *view.findChildren(QAbstractButton),
        *composer.findChildren(QAbstractButton),
        *view.items(),
        composer.box,
    ]
    assert len(controls) > 12
    assert not [control for control in controls if not control.accessibleName()]


def test_keys_scroll_the_transcript(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation(long_chat(6), samples.alone, {})
    bar = view.verticalScrollBar()
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert bar.value() == 0
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert bar.value() > 400
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert bar.value() == bar.maximum()
    assert view.following
