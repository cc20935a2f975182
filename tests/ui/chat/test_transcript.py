"""Scrolling: what exists, what stays in place, and what is followed."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.chat.message import Message
from tests.ui.chat import samples
from ui import theme
from ui.chat.answer import Answer
from ui.chat.cells import Cell, DocumentCell
from ui.chat.item import Item, Question
from ui.chat.view import ChatView


def long_chat(pairs: int) -> list[Message]:
    branch: list[Message] = []
    texts = [samples.RICH, samples.ANSWER, samples.SCRIPTS]
    for number in range(pairs):
        parent = branch[-1].id if branch else None
        branch.append(samples.question(f"Question {number}? " * 9, f"q{number}", parent))
        text = texts[number % 3]
        branch.append(samples.answer(text, samples.THOUGHT, f"a{number}", f"q{number}"))
    return branch


def seen_cells(view: ChatView) -> Iterator[tuple[Cell, int]]:
    """Yield the cells of answers and questions that are in view, and where their tops are."""
    for item in view.items():
        column = item.entry.text
        for number, cell in enumerate(column.cells):
            top = item.y() + item.text_at.y() + column.top(number)
            if top < view.viewport().height() and top + cell.height > 0:
                yield cell, top


def wheel(view: ChatView, notches: int) -> None:
    """Turn the mouse wheel over the middle of the view, up for positive notches."""
    turn_wheel(view.viewport(), notches)


def turn_wheel(widget: QWidget, notches: int) -> None:
    """Turn the wheel over the middle of a widget, as the system would say it."""
    window = widget.window()
    at = widget.mapTo(window, widget.rect().center())
    QTest.wheelEvent(window.windowHandle(), QPointF(at), QPoint(0, 120 * notches))


def test_only_what_is_near_the_eye_exists(view: ChatView) -> None:
    view.show_conversation(long_chat(60), samples.alone, {})
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum() > 20_000
    assert len(view.items()) < 12
    parsed = [entry for entry in view.entries if entry.text.cells]
    assert len(parsed) < 20
    for value in range(bar.maximum(), 0, -1997):
        bar.setValue(value)
        assert len(view.items()) < 16
    documents = [
        cell
        for entry in view.entries
        for cell in entry.text.cells
        if isinstance(cell, DocumentCell) and cell._document is not None
    ]
    assert len(documents) <= len(view.shelf) <= 400


def test_scrolling_up_moves_what_is_seen_by_just_that_much(view: ChatView) -> None:
    """Heights of what comes into view were guesses; putting them right must not be seen."""
    view.show_conversation(long_chat(40), samples.alone, {})
    bar = view.verticalScrollBar()
    for _ in range(150):
        before = dict(seen_cells(view))
        step = min(72, bar.value())
        bar.setValue(bar.value() - step)
        after = dict(seen_cells(view))
        moved = {after[cell] - top for cell, top in before.items() if cell in after}
        assert moved == {step} or not step
    assert bar.value() < bar.maximum() - 5000


def test_an_answer_being_written_is_followed_only_from_the_bottom(view: ChatView) -> None:
    branch = long_chat(5)
    view.show_conversation(branch[:-1], samples.alone, {})
    bar = view.verticalScrollBar()
    written = 0
    for written in range(0, 900, 60):
        view.show_turn("new", samples.answering(samples.RICH[:written]))
        assert bar.value() == bar.maximum()
        assert view.jump.isHidden()
    wheel(view, 2)
    assert not view.following
    assert bar.value() < bar.maximum()
    before = dict(seen_cells(view))
    for end in range(written, len(samples.RICH), 60):
        view.show_turn("new", samples.answering(samples.RICH[:end]))
        after = dict(seen_cells(view))
        assert all(after[cell] == top for cell, top in before.items() if cell in after)
    assert not view.jump.isHidden()


def test_the_jump_button_follows_again(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation(long_chat(5), samples.alone, {})
    wheel(view, 10)
    assert not view.jump.isHidden()
    qtbot.mouseClick(view.jump, Qt.MouseButton.LeftButton)
    assert view.following
    assert view.jump.isHidden()
    view.show_turn("new", samples.answering("More.\n\n" * 40))
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_the_wheel_over_a_panel_at_its_end_scrolls_the_transcript(view: ChatView) -> None:
    branch = [*long_chat(3), samples.question("More", "q9", "a2")]
    view.show_conversation(branch, samples.alone, {})
    view.show_turn("a9", samples.thinking("A line.\n\n" * 60))
    item = view.item("a9")
    assert isinstance(item, Answer)
    assert item.panel is not None
    body = item.panel.body
    before = view.verticalScrollBar().value()
    turn_wheel(body.viewport(), 1)
    assert body.verticalScrollBar().value() < body.verticalScrollBar().maximum()
    assert view.verticalScrollBar().value() == before
    body.verticalScrollBar().setValue(0)
    turn_wheel(body.viewport(), 1)
    assert view.verticalScrollBar().value() < before


def test_scrolling_back_to_the_end_follows_again(view: ChatView) -> None:
    view.show_conversation(long_chat(5), samples.alone, {})
    wheel(view, 3)
    assert not view.following
    wheel(view, -4)
    assert view.following


def test_another_width_keeps_what_is_read(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation(long_chat(30), samples.alone, {})
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    cell, top = next((cell, top) for cell, top in seen_cells(view) if top >= 0)
    for width in (620, 460, 900):
        view.resize(width, 600)
        qtbot.wait(0)
        assert cell in dict(seen_cells(view))
    assert abs(dict(seen_cells(view))[cell] - top) <= 40


@pytest.mark.parametrize("width", [320, 480, 1400])
def test_nothing_is_wider_than_the_column(view: ChatView, width: int) -> None:
    branch = [samples.question("w" * 3000), samples.answer(samples.SCRIPTS + samples.RICH)]
    view.resize(width, 700)
    view.show_conversation(branch, samples.alone, {})
    bar = view.verticalScrollBar()
    assert view.horizontalScrollBar().maximum() == 0
    for value in range(0, bar.maximum() + 500, 500):
        bar.setValue(value)
        for item in view.items():
            assert item.x() + item.width() <= view.width()
            for cell in item.entry.text.cells:
                assert cell.width <= min(760, width)
                wide = isinstance(cell, DocumentCell) and cell.exact and cell.document().textWidth()
                assert not wide or wide <= cell.width


def test_right_to_left_text_stands_at_the_right(view: ChatView) -> None:
    view.show_conversation([samples.question(), samples.answer("مرحبا")], samples.alone, {})
    item = view.item("a1")
    assert item is not None
    (cell,) = item.entry.text.cells
    assert cell.hit(QPointF(cell.width - 10, 10)) < 2
    assert cell.hit(QPointF(10, 10)) == 5


def test_another_version_takes_the_same_place(view: ChatView) -> None:
    branch = long_chat(6)
    other = samples.answer("Another answer.", at="other", parent="q5")
    shown = list(branch)

    def switch(_message_id: str, _step: int) -> None:
        shown[-1] = other if shown[-1] is branch[-1] else branch[-1]
        view.show_conversation(shown, lambda _at: (0, 2), {})

    view.branch_requested.connect(switch)
    view.show_conversation(shown, lambda _at: (0, 2), {})
    wheel(view, 1)
    item = view.item("a5")
    assert item is not None
    top = item.y()
    item.stepped.emit(1)
    assert view.item("a5") is None
    changed = view.item("other")
    assert changed is not None
    bar = view.verticalScrollBar()
    # It is shorter: the end of the conversation does not allow its top to stay.
    assert bar.value() == bar.maximum()
    shorter_top = changed.y()
    changed.stepped.emit(1)
    back = view.item("a5")
    assert back is not None
    assert back.y() == shorter_top > top
    assert not view.following


def test_what_the_user_sends_is_shown_wherever_the_view_was(view: ChatView) -> None:
    branch = long_chat(6)
    view.show_conversation(branch, samples.alone, {})
    view.verticalScrollBar().setValue(0)
    sent = samples.question("And now?", "new", "a5")
    view.show_conversation([*branch, sent], samples.alone, {})
    assert view.following
    item = view.item("new")
    assert item is not None
    assert item.geometry().bottom() <= view.viewport().height()


def test_another_chat_is_shown_at_its_end_and_clear_empties(view: ChatView) -> None:
    view.show_conversation(long_chat(6), samples.alone, {})
    view.verticalScrollBar().setValue(0)
    other = [samples.question(at="x"), samples.answer(samples.RICH * 3, at="y", parent="x")]
    view.show_conversation(other, samples.alone, {})
    assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum() > 0
    view.clear()
    assert view.items() == []
    assert len(view.shelf) == 0
    assert view.verticalScrollBar().maximum() == 0


def test_what_is_shown_already_keeps_its_widget_and_its_layout(view: ChatView) -> None:
    branch = [samples.question(), samples.answer(samples.RICH)]
    view.show_conversation(branch, samples.alone, {})
    item = view.item("a1")
    assert item is not None
    made = [cell for cell in item.entry.text.cells if isinstance(cell, DocumentCell)]
    documents = [cell.document() for cell in made]
    view.show_conversation([*branch, samples.question("More", "q2", "a1")], samples.alone, {})
    assert view.item("a1") is item
    assert [cell.document() for cell in made] == documents


def test_a_pasted_megabyte_is_laid_out_only_where_it_is_seen(view: ChatView) -> None:
    text = "no space at all" * 20_000 + "\n" + "x" * 300_000 + "\n" + "words and words\n" * 30_000
    view.show_conversation([samples.question(text)], samples.alone, {})
    assert len(view.shelf) < 20
    item = view.items()[0]
    assert isinstance(item, Question)
    view.selection.select_text(0)
    assert view.copy()
    assert QApplication.clipboard().text() == text


def test_the_theme_can_change_while_it_is_shown(view: ChatView) -> None:
    view.show_conversation([samples.question(), samples.answer()], samples.alone, {})
    item = view.item("a1")
    assert item is not None

    def inks(of: Item) -> set[str]:
        image = of.grab().toImage()
        return {
            QColor(image.pixel(x, y)).name()
            for y in range(min(120, image.height()))
            for x in range(8, 200)
        }

    assert theme.LIGHT.ink.lower() in inks(item)
    theme.set_mode("dark")
    assert view.item("a1") is item
    found = inks(item)
    assert theme.DARK.ink.lower() in found
    assert theme.LIGHT.ink.lower() not in found
    background = view.viewport().grab().toImage().pixelColor(3, 3).name()
    assert background == theme.DARK.background.lower()
