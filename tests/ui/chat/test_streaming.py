"""An answer on its way: waiting, thinking, answering, ending."""

import random
import time
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.message import Text, Thinking
from app.chat.turn import TurnState
from tests.ui.chat import samples
from ui.chat.answer import Answer
from ui.chat.cells import WHOLE, DocumentCell
from ui.chat.footer import Footer
from ui.chat.thinking import Panel
from ui.chat.view import ChatView


def shown(view: ChatView, message_id: str = "a1") -> Answer:
    item = view.item(message_id)
    assert isinstance(item, Answer)
    return item


def panel(view: ChatView, message_id: str = "a1") -> Panel:
    found = shown(view, message_id).panel
    assert found is not None
    assert not found.isHidden()
    return found


def footer(view: ChatView, message_id: str = "a1") -> Footer:
    found = shown(view, message_id).footer
    assert found is not None
    assert not found.isHidden()
    return found


def ask(view: ChatView) -> None:
    view.show_conversation([samples.question()], samples.alone, {})


def test_what_is_waited_for_is_said(view: ChatView) -> None:
    ask(view)
    view.show_turn("a1", TurnState(0.0, phase="loading", load_fraction=0.45))
    progress = shown(view).progress
    assert progress is not None
    assert progress.accessibleName() == "Loading the model… 45 %"
    view.show_turn("a1", TurnState(0.0, phase="reading", done=3210, total=8400))
    assert progress.accessibleName() == "Reading 3,210 of 8,400 tokens"
    assert progress.isVisible()
    view.show_turn("a1", samples.answering("The"))
    assert progress.isHidden()


def test_thinking_is_open_counts_and_offers_to_answer_now(view: ChatView, qtbot: QtBot) -> None:
    ask(view)
    view.show_turn("a1", samples.thinking(), budget=8192)
    head = panel(view).header
    assert (head.title, head.facts) == ("Thinking… 0:42", "1,602 of 8,192 tokens · 38.1 tok/s")
    assert not panel(view).collapsed
    assert panel(view).body.isVisible()
    with qtbot.waitSignal(view.answer_now_requested):
        qtbot.mouseClick(panel(view).now, Qt.MouseButton.LeftButton)


def test_the_clock_of_a_thought_goes_on_while_no_word_comes(
    view: ChatView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(view)
    view.show_turn("a1", samples.thinking(seconds=42.0))
    head = panel(view).header
    assert head.title == "Thinking… 0:42"
    later = time.monotonic() + 65
    monkeypatch.setattr("ui.chat.view.time.monotonic", lambda: later)
    qtbot.waitUntil(lambda: head.title.startswith("Thinking… 1:4"), timeout=60_000)
    monkeypatch.undo()
    view.show_turn("a1", samples.thinking(seconds=44.0))
    assert head.title == "Thinking… 0:44"
    view.finish_turn(samples.answer("", samples.THOUGHT, status="cancelled"))


def test_a_thought_before_its_first_token_is_a_panel_already(view: ChatView) -> None:
    ask(view)
    view.show_turn("a1", TurnState(0.0, phase="thinking", now=1.0))
    assert panel(view).header.title == "Thinking… 0:00"


def test_the_panel_closes_when_the_answer_begins(view: ChatView) -> None:
    ask(view)
    view.show_turn("a1", samples.thinking())
    view.show_turn("a1", samples.answering("The answer", samples.THOUGHT, seconds=31.0))
    assert panel(view).collapsed
    assert panel(view).header.title == "Thought for 31 s"
    assert panel(view).now.isHidden()
    assert [cell.copied(0, WHOLE) for cell in shown(view).entry.text.cells] == ["The answer"]


def test_a_panel_the_reader_has_scrolled_up_in_stays_open(view: ChatView) -> None:
    ask(view)
    thought = "One line of thought.\n\n" * 60
    view.show_turn("a1", samples.thinking(thought))
    bar = panel(view).body.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(40)
    view.show_turn("a1", samples.thinking(thought + "And another.\n\n" * 20))
    assert bar.value() == 40
    view.show_turn("a1", samples.answering("The answer", thought))
    assert not panel(view).collapsed


def test_the_thought_follows_its_end_again_once_it_is_reached(view: ChatView) -> None:
    ask(view)
    thought = "One line of thought.\n\n" * 60
    view.show_turn("a1", samples.thinking(thought))
    bar = panel(view).body.verticalScrollBar()
    bar.setValue(40)
    bar.setValue(bar.maximum())
    view.show_turn("a1", samples.thinking(thought * 2))
    assert bar.value() == bar.maximum()


def test_a_panel_opens_by_click_and_by_space_and_says_so(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation(
        [samples.question(), samples.answer(thought=samples.THOUGHT)], samples.alone, {}
    )
    assert panel(view).collapsed
    top = shown(view).y()
    with qtbot.waitSignal(view.collapsed_changed) as said:
        qtbot.mouseClick(panel(view).header, Qt.MouseButton.LeftButton)
    assert said.args == ["a1", False]
    assert not panel(view).collapsed
    assert shown(view).y() == top
    assert panel(view).body.verticalScrollBar().value() == 0
    with qtbot.waitSignal(view.collapsed_changed) as said:
        qtbot.keyClick(panel(view).header, Qt.Key.Key_Space)
    assert said.args == ["a1", True]
    with qtbot.waitSignal(view.collapsed_changed):
        qtbot.keyClick(panel(view).header, Qt.Key.Key_Return)
    assert not panel(view).collapsed


def test_a_thought_is_read_only_when_it_is_looked_at(view: ChatView, qtbot: QtBot) -> None:
    branch = [samples.question(), samples.answer(thought=samples.THOUGHT)]
    view.show_conversation(branch, samples.alone, {})
    assert shown(view).entry.thinking.cells == []
    qtbot.mouseClick(panel(view).header, Qt.MouseButton.LeftButton)
    assert len(shown(view).entry.thinking.cells) == 4


def test_whether_a_panel_is_open_is_kept_by_message(view: ChatView) -> None:
    branch = [
        samples.question(),
        samples.answer(thought=samples.THOUGHT),
        samples.question("More", "q2", "a1"),
        samples.answer(thought="Shorter.", at="a2", parent="q2"),
    ]
    view.show_conversation(branch, samples.alone, {"a1": False})
    assert not panel(view, "a1").collapsed
    assert panel(view, "a2").collapsed
    view.toggle_thinking()
    assert not panel(view, "a2").collapsed


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("length", "cut off by the limit"),
        ("cancelled", "stopped by you"),
        ("interrupted", "interrupted"),
    ],
)
def test_an_unfinished_thought_says_why_and_can_be_continued(
    view: ChatView, qtbot: QtBot, status: str, why: str
) -> None:
    message = samples.answer("", samples.THOUGHT, status=status, closed=False)  # type: ignore[arg-type]
    view.show_conversation([samples.question(), message], samples.alone, {})
    assert panel(view).header.title == f"Thought for 31 s, {why}"
    with qtbot.waitSignal(view.continue_requested) as said:
        qtbot.mouseClick(footer(view).more, Qt.MouseButton.LeftButton)
    assert said.args == ["a1"]
    assert panel(view).now.isVisible()
    with qtbot.waitSignal(view.answer_from_requested) as said:
        qtbot.mouseClick(panel(view).now, Qt.MouseButton.LeftButton)
    assert said.args == ["a1"]


def test_a_closed_thought_is_not_answered_twice(view: ChatView) -> None:
    message = samples.answer("Half", samples.THOUGHT, status="cancelled", closed=True)
    view.show_conversation([samples.question(), message], samples.alone, {})
    assert not footer(view).more.isHidden()
    assert panel(view).now.isHidden()


def test_only_the_last_answer_can_be_continued(view: ChatView) -> None:
    branch = [
        samples.question(),
        samples.answer(status="cancelled"),
        samples.question("More", "q2", "a1"),
    ]
    view.show_conversation(branch, samples.alone, {})
    assert footer(view).note.text() == "You stopped this answer."
    assert footer(view).more.isHidden()


def test_the_end_of_a_turn_shows_what_can_be_done(view: ChatView, qtbot: QtBot) -> None:
    ask(view)
    view.show_turn("a1", samples.answering(samples.ANSWER, "Hm."))
    assert shown(view).footer is None
    done = samples.answer(thought="Hm.")
    view.finish_turn(done)
    assert footer(view).note.isHidden()
    with qtbot.waitSignal(view.retry_requested) as said:
        qtbot.mouseClick(footer(view).retry_button, Qt.MouseButton.LeftButton)
    assert said.args == ["a1"]
    qtbot.mouseClick(footer(view).copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == samples.ANSWER


def test_the_switch_between_versions_asks_for_its_neighbours(view: ChatView, qtbot: QtBot) -> None:
    branch = [samples.question(), samples.answer()]
    view.show_conversation(branch, lambda at: (1, 2) if at == "a1" else (0, 1), {})
    branches = footer(view).branch
    assert branches.accessibleName() == "Version 2 of 2"
    assert not branches.on.isEnabled()
    with qtbot.waitSignal(view.branch_requested) as said:
        qtbot.mouseClick(branches.back, Qt.MouseButton.LeftButton)
    assert said.args == ["a1", -1]


def test_an_interrupted_answer_keeps_its_note(view: ChatView) -> None:
    ask(view)
    view.show_turn("a1", samples.answering("The engine had wr"))
    note = "The engine stopped (killed by signal 9). Your answer so far is kept."
    view.finish_turn(samples.answer("The engine had wr", status="interrupted", note=note))
    assert footer(view).note.text() == note
    assert not footer(view).more.isHidden()


def test_finished_blocks_are_laid_out_once(view: ChatView) -> None:
    ask(view)
    seen: dict[int, DocumentCell] = {}
    documents: dict[int, object] = {}
    for end in range(1, len(samples.RICH), 19):
        view.show_turn("a1", samples.answering(samples.RICH[:end]))
        cells = shown(view).entry.text.cells
        for number, cell in list(seen.items()):
            assert cells[number] is cell
            assert cell.document() is documents[number]
        for number, cell in enumerate(cells[:-3]):
            if isinstance(cell, DocumentCell) and cell.exact and number not in seen:
                seen[number] = cell
                documents[number] = cell.document()
    assert len(seen) >= 6


@pytest.mark.parametrize("seed", range(3))
def test_streamed_in_any_pieces_it_is_what_it_is_as_a_whole(view: ChatView, seed: int) -> None:
    text = samples.RICH + samples.SCRIPTS
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(len(text)), 60))
    ask(view)
    for end in cuts:
        view.show_turn("a1", samples.answering(text[:end]))
    view.finish_turn(samples.answer(text))
    streamed = laid_out(view)
    view.clear()
    view.show_conversation([samples.question(), samples.answer(text)], samples.alone, {})
    assert streamed == laid_out(view)


def laid_out(view: ChatView) -> list[tuple[str, int]]:
    """Return text and height of each block of the answer."""
    cells = shown(view).entry.text.cells
    for cell in cells:
        cell.lay_out()
    return [(cell.copied(0, WHOLE), cell.height) for cell in cells]


def test_a_long_frame_is_followed_by_a_rest_and_nothing_is_lost(
    view: ChatView, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(view)
    view.show_turn("a1", samples.answering(""))
    monkeypatch.setattr("ui.chat.view.SLOW_MS", 0.0)
    view.show_turn("a1", samples.answering("One"))
    view.show_turn("a1", samples.answering("One two"))
    cells = shown(view).entry.text.cells
    assert cells[0].copied(0, WHOLE) == "One"
    qtbot.waitUntil(lambda: cells[0].copied(0, WHOLE) == "One two")
    view.show_turn("a1", samples.answering("One two three"))
    view.finish_turn(samples.answer("One two three"))
    assert cells[0].copied(0, WHOLE) == "One two three"


def test_a_running_answer_off_the_screen_goes_on_without_a_widget(view: ChatView) -> None:
    branch = [samples.question("Long. " * 2000), samples.question("Go on", "q2", "q1")]
    view.show_conversation(branch, samples.alone, {})
    view.show_turn("a1", samples.answering("Begun"))
    view.verticalScrollBar().setValue(0)
    assert view.item("a1") is None
    below = view.verticalScrollBar().maximum()
    view.show_turn("a1", samples.answering("Begun, and gone on. " * 200))
    assert view.item("a1") is None
    assert view.verticalScrollBar().maximum() > below
    assert view.verticalScrollBar().value() == 0


def test_a_question_is_edited_in_its_place(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation([samples.question("Old"), samples.answer()], samples.alone, {})
    view.edit_last()
    item = view.item("q1")
    assert item is not None
    assert item.editor is not None
    assert item.editor.box.text() == "Old"
    qtbot.keyClicks(item.editor.box, " and new")
    with qtbot.waitSignal(view.edit_requested) as said:
        qtbot.mouseClick(item.editor.save, Qt.MouseButton.LeftButton)
    assert said.args == ["q1", "Old and new"]
    assert item.editor is None


def test_an_edit_can_be_left(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation([samples.question("Old"), samples.answer()], samples.alone, {})
    said: list[object] = []
    view.edit_requested.connect(lambda *args: said.append(args))
    qtbot.mouseClick(footer(view).edit_button, Qt.MouseButton.LeftButton)
    item = shown(view)
    assert item.editor is not None
    qtbot.keyClicks(item.editor.box, "x")
    qtbot.keyClick(item.editor.box, Qt.Key.Key_Escape)
    assert item.editor is None
    assert not said
    assert footer(view).isVisible()


def test_a_turn_that_was_continued_shows_what_was_there(
    view: ChatView, dressed: QApplication
) -> None:
    begun = samples.answer("Half an ans", "Hm.", status="cancelled")
    view.show_conversation([samples.question(), begun], samples.alone, {})
    view.show_turn("a1", samples.answering("Half an answer", "Hm."))
    assert shown(view).entry.text.cells[0].copied(0, WHOLE) == "Half an answer"
    view.finish_turn(
        replace(begun, status="done", parts=(Thinking("Hm."), Text("Half an answer.")))
    )
    assert shown(view).entry.text.cells[0].copied(0, WHOLE) == "Half an answer."
    assert footer(view).note.isHidden()
