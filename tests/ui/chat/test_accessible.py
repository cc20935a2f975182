"""What a screen reader is given, asked for as it would ask."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.chat import samples
from tests.ui.chat.test_transcript import long_chat
from ui.chat.answer import Answer
from ui.chat.item import Item
from ui.chat.view import ChatView

ROOT = Path(__file__).parents[3]
ROLE, TEXT = QAccessible.Role, QAccessible.Text


def interface(widget: QWidget) -> QAccessibleInterface:
    found = QAccessible.queryAccessibleInterface(widget)
    assert found is not None
    return found


def messages(view: ChatView) -> list[QAccessibleInterface]:
    whole = interface(view.viewport())
    return [whole.child(number) for number in range(whole.childCount())]


def test_messages_are_a_list_in_the_order_they_are_read_in(view: ChatView) -> None:
    view.show_conversation(
        [samples.question("Why?"), samples.answer("Because $x^2$.", "Hm.")], samples.alone, {}
    )
    whole = interface(view.viewport())
    assert whole.role() == ROLE.List
    question, answer = messages(view)
    assert question.role() == answer.role() == ROLE.Section
    assert question.text(TEXT.Name) == "You said, message 1 of 2"
    assert question.text(TEXT.Value) == question.text(TEXT.Description) == "Why?"
    assert answer.text(TEXT.Name) == "Answer, thought for 31 s, message 2 of 2"
    assert answer.text(TEXT.Value) == "Because $x^2$."
    assert answer.parent().role() == ROLE.List
    assert [whole.indexOfChild(one) for one in (question, answer)] == [0, 1]
    assert answer.state().readOnly
    assert not answer.state().busy
    assert interface(view).text(TEXT.Name) == "Conversation"


def test_code_is_code_and_controls_have_names(view: ChatView) -> None:
    view.show_conversation([samples.answer("```python\nx = 1\n```")], samples.alone, {})
    (answer,) = messages(view)
    assert answer.text(TEXT.Value) == "```python\nx = 1\n```"
    names = [answer.child(at).text(TEXT.Name) for at in range(answer.childCount())]
    assert "Copy the python code" in names


def test_a_thought_is_a_group_that_opens(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation(
        [samples.question(), samples.answer("So.", "I think.")], samples.alone, {}
    )
    answer = view.item("a1")
    assert isinstance(answer, Answer)
    panel = answer.panel
    assert panel is not None
    thought = interface(panel)
    assert thought.role() == ROLE.Grouping
    assert thought.text(TEXT.Name) == "Thought for 31 s, 1,184 tokens · 38.2 tok/s"
    assert thought.text(TEXT.Value) == "I think."
    state = thought.state()
    assert state.expandable
    assert state.collapsed
    assert not state.expanded
    header = interface(panel.header)
    assert header.role() == ROLE.Button
    actions = header.actionInterface()
    assert actions is not None
    actions.doAction("Press")
    qtbot.waitUntil(lambda: bool(interface(panel).state().expanded))
    assert not interface(panel).state().collapsed


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("done", ["Thinking", "Answering", "Answered"]),
        ("cancelled", ["Thinking", "Answering", "Stopped"]),
        ("length", ["Thinking", "Answering", "Cut off"]),
        ("failed", ["Thinking", "Answering", "There is no answer."]),
    ],
)
def test_how_an_answer_goes_is_announced(view: ChatView, status: str, said: list[str]) -> None:
    told: list[str] = []
    view.announcer.announced.connect(told.append)
    view.show_conversation([samples.question()], samples.alone, {})
    for end in (3, 6):
        view.show_turn("a1", samples.thinking("Hm, hm"[:end]))
    (_, answer) = messages(view)
    assert "Thinking" not in answer.text(TEXT.Name)
    assert answer.text(TEXT.Name) == "Answer, thinking, message 2 of 2"
    assert answer.state().busy
    for end in (3, 6):
        view.show_turn("a1", samples.answering("So it"[:end], "Hm, hm"))
    view.finish_turn(samples.answer("So it", "Hm, hm", status=status))  # type: ignore[arg-type]
    assert told == said


def test_an_answer_that_was_stopped_says_so(view: ChatView) -> None:
    view.show_conversation([samples.answer("So", status="cancelled")], samples.alone, {})
    (answer,) = messages(view)
    assert answer.text(TEXT.Name) == "Answer, You stopped this answer, message 1 of 1"


@pytest.fixture
def page(view: ChatView, qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    QVBoxLayout(made).addWidget(view)
    made.resize(900, 700)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    return made


def test_every_message_is_reached_by_keys_and_described_when_it_is(
    view: ChatView, page: QWidget, qtbot: QtBot
) -> None:
    view.show_conversation(long_chat(12), samples.alone, {})
    view.verticalScrollBar().setValue(0)
    view.setFocus()
    reached: list[str] = []
    for _ in range(40):
        focus = page.focusWidget()
        assert focus is not None
        before = focus
        qtbot.keyClick(focus, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
        focus = page.focusWidget()
        if focus is before:
            break
        assert isinstance(focus, Item)
        reached.append(focus.entry.id)
        told = interface(focus)
        assert told.text(TEXT.Value) == focus.entry.message.text
        assert told.state().focused
        assert focus.geometry().intersects(view.viewport().rect())
    assert reached == [entry.id for entry in view.entries]
    for expected in reversed(reached[:-1]):
        focus = page.focusWidget()
        assert focus is not None
        qtbot.keyClick(focus, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
        now = page.focusWidget()
        assert isinstance(now, Item)
        assert now.entry.id == expected


def test_a_chat_of_any_length_has_interfaces_for_what_is_near(view: ChatView) -> None:
    view.show_conversation(long_chat(400), samples.alone, {})
    assert interface(view.viewport()).childCount() == len(view.items()) < 16
    bar = view.verticalScrollBar()
    start = time.process_time()
    for value in range(0, bar.maximum(), max(1, bar.maximum() // 12)):
        bar.setValue(value)
        for one in messages(view):
            assert one.text(TEXT.Name)
            assert one.text(TEXT.Value)
    asked = time.process_time() - start
    start = time.process_time()
    for value in range(bar.maximum(), 0, -max(1, bar.maximum() // 12)):
        bar.setValue(value)
    scrolled = time.process_time() - start
    assert asked < 10 * scrolled + 1.0


def test_interfaces_come_and_go_with_their_messages() -> None:
    """In a process of its own: what goes wrong here ends it."""
    code = """
import gc, os
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication
from ui import theme
app = QApplication(["x", *theme.FUSION])
from tests.ui.chat import samples
from ui.chat.view import ChatView
chat = [
    one
    for n in range(20)
    for one in (samples.question("Why? " * 9, f"q{n}"), samples.answer("So. " * 99, "Hm.", f"a{n}"))
]
for round in range(3):
    view = ChatView()
    view.resize(900, 700)
    view.show()
    view.show_conversation(chat, samples.alone, {})
    bar = view.verticalScrollBar()
    for step in range(8):
        bar.setValue(bar.maximum() * step // 8)
        whole = QAccessible.queryAccessibleInterface(view.viewport())
        kept = [whole.child(at) for at in range(whole.childCount())]
        for one in kept:
            assert "message" in one.text(QAccessible.Text.Name)
            for at in range(one.childCount()):
                one.child(at).text(QAccessible.Text.Name)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
    view.close()
    view.deleteLater()
    del view, whole, kept, one, bar
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
print("whole")
"""
    command = [sys.executable, "-X", "faulthandler", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "whole", done.stderr
    assert done.returncode == 0, done.stderr
