"""To any message of a long chat: it is where it is meant to be, and only what is seen is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.chat.message import Message
from tests.ui.chat import samples
from ui.chat.cells import DocumentCell
from ui.chat.controls import Control
from ui.chat.footer import Footer
from ui.chat.heights import Heights
from ui.chat.item import LEAD
from ui.chat.stack import TOP_PX
from ui.chat.thinking import Body
from ui.chat.view import ChatView

WAIT_MS = 60_000
PARAGRAPH = "A sentence of some length, said once more and once more again. " * 6


def long_chat(pairs: int) -> list[Message]:
    branch: list[Message] = []
    for number in range(pairs):
        parent = branch[-1].id if branch else None
        branch.append(samples.question(f"And what of {number}?", f"q{number}", parent))
        text = samples.RICH if number % 3 else f"{PARAGRAPH}\n\n" * (2 + number % 5)
        branch.append(samples.answer(text, samples.THOUGHT, f"a{number}", f"q{number}"))
    return branch


def formula_chat(pairs: int) -> list[Message]:
    """Return answers that are taller once their formulas are there, and longer than is read."""
    branch: list[Message] = []
    for number in range(pairs):
        parent = branch[-1].id if branch else None
        branch.append(samples.question(f"And what of {number}?", f"q{number}", parent))
        text = ""
        for part in range(10):
            over = rf"\frac{{a_{{{number}}}}}{{b_{{{part}}}}}"
            fraction = rf"\displaystyle\frac{{{over}}}{{\frac{{c}}{{d}}}}"
            rows = r"\begin{pmatrix} 1 \\ 2 \\ 3 \\ 4 \end{pmatrix}"
            tall = rf"\sum_{{k={number}}}^{{{part}}} {rows}"
            text += f"So ${fraction}$ it is, and not less.\n\n$${tall}$$\n\n"
        branch.append(samples.answer(text, "", f"a{number}", f"q{number}"))
    return branch


def place(view: ChatView, number: int) -> int:
    """Return where on the screen a message is."""
    item = view.item(view.entries[number].id)
    assert item is not None
    assert item.y() == view.item_top(number) - view.verticalScrollBar().value()
    return item.y()


def calm(view: ChatView) -> bool:
    """Whether nothing more is to come: no rest of a text, no formula."""
    return view.resting and not view.formulas.waiting


@pytest.mark.parametrize("number", [1, 40, 77, 80, 101])
def test_a_jump_lands_on_the_message_and_stays_there(
    view: ChatView, qtbot: QtBot, number: int
) -> None:
    view.show_conversation(long_chat(60), samples.alone, {})
    view.show_item(number)
    assert place(view, number) == TOP_PX
    qtbot.waitUntil(lambda: calm(view), timeout=WAIT_MS)
    qtbot.wait(1)
    assert place(view, number) == TOP_PX


def test_a_jump_reads_and_lays_out_what_is_seen(view: ChatView, qtbot: QtBot) -> None:
    branch = long_chat(60)
    text = "".join(f"{number}. {PARAGRAPH}\n\n## {number}\n\n" for number in range(40))
    branch[61] = samples.answer(text, "", "a30", "q30")
    view.show_conversation(branch, samples.alone, {})
    view.show_item(61)
    [entry] = [entry for entry in view.entries if entry.id == "a30"]
    bottom = view.viewport().height() - TOP_PX
    assert entry.behind(thinking=False)
    assert entry.text.top(len(entry.text.cells) - 1) > bottom
    assert not any(cell.exact for cell in entry.text.cells if cell is entry.text.cells[-1])
    guessed = entry.height
    qtbot.waitUntil(lambda: calm(view), timeout=WAIT_MS)
    assert len(entry.text.cells) == 80
    assert place(view, 61) == TOP_PX
    # What was not read yet was reckoned with, as far as it can be.
    assert entry.height / 3 < guessed < entry.height * 3


def test_formulas_that_come_late_above_a_landing_do_not_move_it(
    view: ChatView, qtbot: QtBot
) -> None:
    view.show_conversation(formula_chat(20), samples.alone, {})
    came: list[int] = []
    for number in (26, 11, 12):
        view.show_item(number)
        entry = view.entries[number]
        tall = sum(one.height for one in view.entries)

        def check(_known: object, number: int = number) -> None:
            came.append(place(view, number) - TOP_PX)

        view.formulas.known.connect(check)
        qtbot.waitUntil(lambda: calm(view), timeout=WAIT_MS)
        view.formulas.known.disconnect(check)
        assert place(view, number) == TOP_PX
        assert view.entries[number] is entry
        # Something did change: the heights of what is above, or of the message itself.
        assert sum(one.height for one in view.entries) != tall
    assert came
    assert set(came) == {0}


def test_a_jump_makes_only_what_is_seen(view: ChatView) -> None:
    view.show_conversation(long_chat(60), samples.alone, {})
    for number in (21, 41, 64, 101):
        widgets = set(view.viewport().findChildren(QWidget))
        laid_out = set(drawn(view))
        view.show_item(number)
        made = set(view.viewport().findChildren(QWidget)) - widgets
        fresh = set(drawn(view)) - laid_out
        tall = view.viewport().height()
        seen = {
            cell
            for item in view.items()
            for at, cell in enumerate(item.entry.text.cells)
            if -cell.height <= item.y() + item.text_at.y() + item.entry.text.top(at) <= tall
        }
        assert 0 < len(fresh) <= 20
        assert fresh <= seen
        assert not any(isinstance(one, Body) for one in made)
        for one in made:
            if isinstance(one, Footer | Control):
                top = one.mapTo(view.viewport(), one.rect().topLeft()).y()
                assert -one.height() <= top <= tall
        assert len(made) <= 24
        # Of a message that is cut off by the lower edge, what stands below its text is not made.
        assert any(item.geometry().bottom() > tall for item in view.items())


def drawn(view: ChatView) -> list[DocumentCell]:
    """Return the cells, of all messages, that hold a layout."""
    return [
        cell
        for entry in view.entries
        for column in entry.columns
        for cell in column.cells
        if isinstance(cell, DocumentCell) and cell._document is not None
    ]


def test_home_lands_as_a_jump_does(view: ChatView, qtbot: QtBot) -> None:
    """The first message keeps its place, though the formulas at its beginning come late."""
    view.show_conversation(formula_chat(20)[1:], samples.alone, {})
    QTest.keyClick(view, Qt.Key.Key_Home)
    bar = view.verticalScrollBar()
    first = place(view, 0)
    assert bar.value() == 0
    keep = view.kept()
    assert keep is not None
    assert (keep.number, keep.anchor.cell) == (0, LEAD)
    qtbot.waitUntil(lambda: calm(view), timeout=WAIT_MS)
    assert bar.value() == 0
    assert place(view, 0) == first
    QTest.keyClick(view, Qt.Key.Key_End)
    assert view.following
    assert bar.value() == bar.maximum() > 0


def test_the_end_and_the_beginning_are_gone_to(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation(long_chat(60), samples.alone, {})
    view.show_item(50)
    assert not view.following
    view.jump_to_latest()
    bar = view.verticalScrollBar()
    qtbot.waitUntil(lambda: calm(view), timeout=WAIT_MS)
    assert view.following
    assert bar.value() == bar.maximum()
    last = view.items()[-1]
    assert last.entry is view.entries[-1]
    assert last.geometry().bottom() < view.viewport().height()
    view.show_item(0)
    assert bar.value() == 0


@given(st.lists(st.integers(1, 50), max_size=40), st.data())
def test_heights_are_those_of_a_list(tall: list[int], data: st.DataObject) -> None:
    heights = Heights()
    heights.fill(tall)
    for _ in range(3):
        assert len(heights) == len(tall)
        for number in range(len(tall) + 1):
            assert heights.before(number) == sum(tall[:number])
        y = data.draw(st.integers(-10, sum(tall) + 10))
        within = [number for number in range(len(tall)) if sum(tall[:number]) <= max(0, y)]
        assert heights.at(y) == (within[-1] if within else 0)
        if tall:
            changed = data.draw(st.integers(0, len(tall) - 1))
            tall = [*tall]
            tall[changed] = data.draw(st.integers(1, 99))
            heights.put(changed, tall[changed])
