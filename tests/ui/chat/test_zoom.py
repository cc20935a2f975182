"""Larger and smaller text: all of it, and what is read stays where it is."""

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.chat import samples
from tests.ui.chat.test_transcript import long_chat
from ui.chat.answer import Answer
from ui.chat.view import ChatView
from ui.chat.zoom import STEPS


def turn(widget: QWidget, notches: int, *, ctrl: bool = True) -> bool:
    """Turn the wheel over a widget; whether it has used it, and not left it to its parent."""
    at = QPointF(widget.rect().center())
    event = QWheelEvent(
        at,
        QPointF(widget.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier if ctrl else Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def first_read(view: ChatView) -> tuple[str, int, float]:
    """Return message and block at the view's top, and what share of that is above it."""
    for item in view.items():
        text = item.entry.text
        inside = -item.y() - item.text_at.y()
        if item.y() + item.height() > 0 and 0 <= inside < text.height:
            cell = text.cell_at(inside)
            share = (inside - text.top(cell)) / max(1, text.cells[cell].height)
            return item.entry.id, cell, share
    raise AssertionError("no text is at the top")


def test_what_is_at_the_top_stays_there_at_every_size(view: ChatView) -> None:
    view.show_conversation(long_chat(8), samples.alone, {})
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    while True:
        try:
            before = first_read(view)
            break
        except AssertionError:
            bar.setValue(bar.value() + 40)
    for percent in (*STEPS, *reversed(STEPS), 100):
        view.zoom.set_percent(percent)
        after = first_read(view)
        assert after[:2] == before[:2]
        assert abs(after[2] - before[2]) < 0.1
    assert not view.following


def test_the_end_stays_in_view(view: ChatView) -> None:
    view.show_conversation(long_chat(4), samples.alone, {})
    assert view.following
    for percent in (200, 50, 300):
        view.zoom.set_percent(percent)
        assert view.following
        assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_everything_that_is_read_grows(view: ChatView, qtbot: QtBot) -> None:
    view.resize(1900, 900)
    text = "Some words with $x^2$ in\nthem.\n\n$$\n\\frac{a}{b}\n$$\n\n```python\na = 1\nb = 2\n```"
    branch = [samples.question("Why?"), samples.answer(text, "Some thoughts.")]
    view.show_conversation(branch, samples.alone, {"a1": False})
    cells = view.entries[1].text.cells
    qtbot.waitUntil(lambda: not any(cell.waits for cell in cells), timeout=60_000)
    answer = view.item("a1")
    assert isinstance(answer, Answer)
    assert answer.panel is not None

    def heights() -> list[int]:
        assert answer.panel is not None
        return [
            *(cell.height for cell in cells),
            view.entries[0].text.height,
            answer.panel.body.height(),
        ]

    before = heights()
    view.zoom.set_percent(200)
    for old, new in zip(before, heights(), strict=True):
        assert 1.4 * old < new < 2.6 * old
    footer = answer.footer
    assert footer is not None
    assert footer.height() < 40
    view.zoom.set_percent(100)
    assert heights() == before


def test_keys_and_wheel_go_by_steps_and_stop_at_the_ends(view: ChatView) -> None:
    told: list[int] = []
    view.zoom.changed.connect(told.append)
    view.show_conversation(
        [samples.question(), samples.answer(thought="One.\n\nTwo.")], samples.alone, {"a1": False}
    )
    answer = view.item("a1")
    assert isinstance(answer, Answer)
    assert answer.panel is not None
    for widget in (answer, answer.panel.body.content, answer.panel.body.viewport()):
        assert not turn(widget, 1)
    for _ in range(3):
        assert turn(view.viewport(), 1)
    assert told == [110, 125, 150]
    assert view.zoom.hint.text == "Text 150 %"
    turn(view.viewport(), -2)
    assert view.zoom.percent == 110
    turn(view.viewport(), -1, ctrl=False)
    assert view.zoom.percent == 110
    for _ in range(20):
        view.zoom.larger()
    assert view.zoom.percent == 300
    for _ in range(20):
        view.zoom.smaller()
    assert view.zoom.percent == 50
    view.zoom.reset()
    assert view.zoom.percent == 100
    view.zoom.set_percent(10_000)
    assert view.zoom.percent == 300


def test_a_long_chat_is_not_laid_out_for_it(view: ChatView) -> None:
    view.show_conversation(long_chat(300), samples.alone, {})
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 3)
    before = sum(bool(entry.text.cells) for entry in view.entries)
    view.zoom.set_percent(150)
    assert sum(bool(entry.text.cells) for entry in view.entries) < before + 12
    assert len(view.items()) < 24
