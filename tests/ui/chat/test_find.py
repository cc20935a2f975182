"""Finding in the chat: by keyboard, in everything that is said, while it is being said."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.chat.find import Pattern, said
from app.chat.message import Message
from app.markup.blocks import parse
from tests.ui.chat import samples
from ui import theme
from ui.chat import find_marks
from ui.chat.answer import Answer
from ui.chat.column import Column
from ui.chat.find_bar import FindBar
from ui.chat.long import LongCell
from ui.chat.shelf import Shelf
from ui.chat.view import ChatView

TEXT = r"""# The needle's title

A *need*le in prose, and $x + needle^2$ in a line.

| needle | b |
|---|---|
| c | a needle |

```python
needle = 1
other = needle + "a very long line, so long that it has to be scrolled sideways" + needle * 1000
```

$$
\text{needle}
$$

- an item
  - with a NEEDLE
"""
"""Of the needle there are 10."""


def chat(view: ChatView, text: str = TEXT, thought: str = "") -> None:
    view.show_conversation(
        [samples.question("Where is the needle?"), samples.answer(text, thought)], samples.alone, {}
    )


def look_for(view: ChatView, qtbot: QtBot, text: str) -> FindBar:
    view.finder.show()
    bar = view.finder.bar
    assert bar is not None
    bar.field.clear()
    qtbot.keyClicks(bar.field, text)
    qtbot.waitUntil(lambda: view.finder.counts.done, timeout=60_000)
    return bar


def current_text(view: ChatView) -> str:
    """Return what the current hit says, as it is selected once one has found it."""
    view.finder.close()
    view.reading.copy_plain()
    return QGuiApplication.clipboard().text()


def test_everything_that_is_said_is_found_in_its_order(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    bar = look_for(view, qtbot, "needle")
    assert view.finder.counts.total() == 11
    assert bar.count.text() == "1 of 11"
    for number in range(2, 12):
        qtbot.keyClick(bar.field, Qt.Key.Key_Return)
        assert bar.count.text() == f"{number} of 11"
        at = view.finder.at
        assert at is not None
        assert at.cell is not None
        assert at.hit < len(find_marks.hits(at.cell, Pattern("needle")))
    qtbot.keyClick(bar.field, Qt.Key.Key_F3)
    assert bar.count.text() == "1 of 11"
    qtbot.keyClick(bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert bar.count.text() == "11 of 11"
    assert current_text(view) == "NEEDLE"


def test_it_is_looked_for_as_one_types(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    bar = look_for(view, qtbot, "needle")
    bar.field.setText("needle'")
    qtbot.waitUntil(lambda: bar.count.text() == "1 of 1")
    bar.field.setText("needle'x")
    qtbot.waitUntil(lambda: bar.count.text() == "No hits")
    assert not bar.after.isEnabled()
    bar.field.setText("")
    qtbot.waitUntil(lambda: not bar.count.text())
    bar.field.setText("NEEDLE")
    qtbot.waitUntil(lambda: bar.count.text().endswith("of 11"))
    qtbot.mouseClick(bar.case, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.count.text() == "1 of 1")


SHOWN = [samples.RICH, samples.ANSWER, samples.SCRIPTS, TEXT, "- [x] done\n\n- [ ] task\n\n  more"]


@pytest.mark.parametrize("text", SHOWN)
@pytest.mark.usefixtures("dressed")
def test_what_is_counted_is_what_is_marked(text: str) -> None:
    blocks = parse(text)
    column = Column("answer", Shelf())
    column.set_blocks(blocks)
    column.set_width(700)
    for wanted in ("a", "e", "ا", "の", "in", "\\", "1", " ", "needle"):
        pattern = Pattern(wanted)
        for cell, block in zip(column.cells, blocks, strict=True):
            found = find_marks.hits(cell, pattern)
            assert len(found) == pattern.count(said(block)), (wanted, block.source)
            assert found == sorted(found)
            cell.lay_out()
            assert all(cell.rects(*one) for one in found)


@pytest.mark.parametrize("joint", [" ", "\n- "])
def test_hits_in_a_block_without_an_end_are_marked_where_they_are(
    view: ChatView, qtbot: QtBot, joint: str
) -> None:
    text = joint.join(f"Sentence {number} has a *need*le{number}." for number in range(400))
    view.show_conversation([samples.answer(joint.lstrip() + text)], samples.alone, {})
    (cell,) = view.entries[0].text.cells
    assert isinstance(cell, LongCell)
    bar = look_for(view, qtbot, "needle")
    assert view.finder.counts.total() == 400
    view.finder.step(forward=False)
    assert bar.count.text() == "400 of 400"
    assert has_colour(view.viewport().grab().toImage(), theme.current().warn)
    assert current_text(view) == "needle"


def test_a_typeset_formula_is_one_hit_and_framed(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation([samples.answer("so $x^2 + y$ is\n\n$$\nx^2\n$$")], samples.alone, {})
    entry = view.entries[0]
    qtbot.waitUntil(lambda: not any(cell.waits for cell in entry.text.cells), timeout=60_000)
    look_for(view, qtbot, "x^2")
    assert view.finder.counts.total() == 2
    item = view.item("a1")
    assert item is not None
    assert has_colour(item.grab().toImage(), theme.current().warn)
    (box,) = entry.text.cells[0].rects(3, 4)
    assert box.width() > 30
    assert current_text(view) == "$x^2 + y$"


def test_the_bar_makes_room_for_a_hit_that_it_would_hide(view: ChatView, qtbot: QtBot) -> None:
    asked = "x " * 300 + "needle"
    view.show_conversation(
        [samples.question("a needle here"), samples.answer(f"{asked}\n\n" * 9)], samples.alone, {}
    )
    view.verticalScrollBar().setValue(0)
    bar = look_for(view, qtbot, "needle")
    assert bar.count.text() == "1 of 10"
    assert bar.y() > 300
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.y() < 30


def has_colour(image: QImage, colour: str) -> bool:
    return any(
        image.pixelColor(x, y).name().lower() == colour.lower()
        for x in range(image.width())
        for y in range(image.height())
    )


def test_hits_are_marked_and_unmarked(view: ChatView, qtbot: QtBot) -> None:
    chat(view, "A plain word.")
    item = view.item("q1")
    assert item is not None
    before = item.grab().toImage()
    look_for(view, qtbot, "needle")
    assert item.grab().toImage() != before
    view.finder.close()
    view.selection.clear()
    assert item.grab().toImage() == before


def test_closed_thinking_says_how_often_and_opens_when_one_steps_in(
    view: ChatView, qtbot: QtBot
) -> None:
    told: list[tuple[str, bool]] = []
    view.collapsed_changed.connect(lambda at, closed: told.append((at, closed)))
    lines = "\n\n".join(f"Paragraph {n} of the thought." for n in range(60))
    chat(view, "No such thing.", f"{lines}\n\nA needle, at last.\n\n{lines}\n\nneedle")
    bar = look_for(view, qtbot, "needle")
    answer = view.item("a1")
    assert isinstance(answer, Answer)
    assert answer.panel is not None
    assert answer.panel.header.hits == 2
    closed = answer.panel.collapsed
    assert closed
    assert bar.count.text() == "1 of 3"
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.count.text() == "2 of 3"
    assert not answer.panel.collapsed
    assert view.entries[1].collapsed is None
    scrolled = answer.panel.body.verticalScrollBar().value()
    assert scrolled > 0
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert answer.panel.body.verticalScrollBar().value() > scrolled
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.count.text() == "1 of 3"
    view.finder.close()
    assert answer.panel.collapsed
    assert answer.panel.header.hits == 0
    assert not told


def test_a_hit_is_in_view_wherever_it_is(view: ChatView, qtbot: QtBot) -> None:
    branch = many(60)
    view.show_conversation(branch, samples.alone, {})
    bar = look_for(view, qtbot, "needle")
    for _ in range(12):
        qtbot.keyClick(bar.field, Qt.Key.Key_Return)
        at = view.finder.at
        assert at is not None
        assert at.cell is not None
        current = view.finder.current
        assert current is not None
        item = view.item(current.key[0])
        assert item is not None
        hits = find_marks.hits(at.cell, Pattern("needle"))
        box = at.cell.rects(*hits[at.hit])[0]
        y = item.y() + item.text_at.y() + at.column.top(at.number) + box.top()
        assert 0 <= y < view.viewport().height() - 20
        assert 0 <= box.left() < at.cell.width


def many(count: int) -> list[Message]:
    branch: list[Message] = []
    for number in range(count):
        parent = branch[-1].id if branch else None
        branch.append(samples.question(f"Question {number}", f"q{number}", parent))
        text = TEXT if number % 7 == 0 else samples.RICH
        branch.append(samples.answer(text, "", f"a{number}", f"q{number}"))
    return branch


def test_it_goes_on_while_an_answer_is_written(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation([samples.question("Why?")], samples.alone, {})
    bar = look_for(view, qtbot, "needle")
    assert bar.count.text() == "No hits"
    view.show_turn("a1", samples.thinking("I look for a needle"))
    qtbot.waitUntil(lambda: bar.count.text() == "1 hit")
    view.show_turn("a1", samples.answering("A nee", "I look for a needle"))
    view.show_turn("a1", samples.answering("A *need*le and a needle", "I look for a needle"))
    qtbot.waitUntil(lambda: bar.count.text() == "3 hits")
    view.finish_turn(samples.answer("One needle", "Nothing"))
    qtbot.waitUntil(lambda: bar.count.text() == "1 hit")
    view.show_conversation([samples.question("needle needle", "q2")], samples.alone, {})
    qtbot.waitUntil(lambda: bar.count.text() == "2 hits")
    view.clear()
    qtbot.waitUntil(lambda: bar.count.text() == "No hits")


def test_only_messages_near_the_hit_are_laid_out(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation(many(300), samples.alone, {})
    view.verticalScrollBar().setValue(0)
    bar = look_for(view, qtbot, "needle")
    assert view.finder.counts.total() == 10 * 43
    assert len(view.items()) < 12
    parsed = sum(bool(entry.text.cells) for entry in view.entries if entry.message.role != "user")
    assert parsed < 20
    qtbot.keyClick(bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert view.finder.current is not None
    assert view.finder.current.key[0] == "a294"
    assert len(view.items()) < 12


@pytest.fixture
def page(view: ChatView, qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    rows = QVBoxLayout(made)
    rows.addWidget(QPushButton("before"))
    rows.addWidget(view)
    made.resize(900, 700)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    return made


def test_the_focus_goes_back_to_where_it_was(view: ChatView, page: QWidget, qtbot: QtBot) -> None:
    chat(view)
    button = page.findChild(QPushButton)
    assert button is not None
    button.setFocus()
    bar = look_for(view, qtbot, "needle")
    assert page.focusWidget() is bar.field
    names: list[str] = []
    for _ in range(5):
        focus = page.focusWidget()
        assert focus is not None
        qtbot.keyClick(focus, Qt.Key.Key_Tab)
        now = page.focusWidget()
        assert now is not None
        names.append(now.accessibleName())
    assert names == ["Match case", "Hit before", "Next hit", "Close", "Find in this chat"]
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert bar.isHidden()
    assert page.focusWidget() is button


def test_a_few_selected_words_are_looked_for(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    view.finder.show()
    bar = view.finder.bar
    assert bar is not None
    assert not bar.field.text()
    bar.field.setText("needle's")
    qtbot.waitUntil(lambda: bar.count.text() == "1 of 1")
    view.finder.close()
    view.finder.show()
    assert bar.field.text() == "needle's"
    qtbot.waitUntil(lambda: bar.count.text() == "1 of 1")


@pytest.mark.parametrize("dark", [False, True])
def test_marked_text_stays_legible(dark: bool) -> None:
    from ui.formulas.colours import contrast

    colours = theme.DARK if dark else theme.LIGHT
    for pen in pens(dark):
        for ink in (colours.ink, colours.thinking_ink, colours.accent):
            for ground in (colours.background, colours.thinking_ground, colours.code):
                assert contrast(mixed(ink, pen, dark), mixed(ground, pen, dark)) >= 3.5


def mixed(under: str, pen: str, dark: bool) -> QColor:
    """Return a colour with the pen over it, as it is drawn."""
    image = QImage(1, 1, QImage.Format.Format_RGB32)
    image.fill(QColor(under))
    painter = QPainter(image)
    modes = QPainter.CompositionMode
    mode = modes.CompositionMode_Screen if dark else modes.CompositionMode_Multiply
    painter.setCompositionMode(mode)
    painter.fillRect(0, 0, 1, 1, QColor(pen))
    painter.end()
    return image.pixelColor(0, 0)


def pens(dark: bool) -> Sequence[str]:
    if dark:
        return find_marks.DARK_PEN, find_marks.DARK_CURRENT
    return find_marks.LIGHT_PEN, find_marks.LIGHT_CURRENT
