"""Selecting, copying, links, and the menu of a message."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QHelpEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.chat import samples
from ui.chat import menu
from ui.chat.answer import Answer
from ui.chat.links import open_link
from ui.chat.view import ChatView

TEXT = "First paragraph.\n\nSecond with $x^2$ inside.\n\n```python\nprint(1)\n```\n"


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint, *, held: bool = False) -> None:
    """Send a mouse event at a point of the widget."""
    button = Qt.MouseButton.LeftButton
    moved = kind == QEvent.Type.MouseMove
    event = QMouseEvent(
        kind,
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        Qt.MouseButton.NoButton if moved else button,
        button if held else Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def drag(start: QWidget, one: QPoint, end: QWidget, two: QPoint) -> None:
    """Press at a point of a widget, move to a point of another, and let go."""
    mouse(start, QEvent.Type.MouseButtonPress, one, held=True)
    to = start.mapFromGlobal(end.mapToGlobal(two))
    mouse(start, QEvent.Type.MouseMove, to, held=True)
    mouse(start, QEvent.Type.MouseButtonRelease, to)


def spot(view: ChatView, message_id: str, cell: int, x: int, y: int = 12) -> tuple[QWidget, QPoint]:
    """Return a message's widget and the point in it that is at (x, y) of one of its blocks."""
    item = view.item(message_id)
    assert item is not None
    return item, item.text_at + QPoint(x, item.entry.text.top(cell) + y)


def copied(view: ChatView, qtbot: QtBot) -> str:
    QGuiApplication.clipboard().setText("nothing")
    qtbot.keySequence(view, QKeySequence(QKeySequence.StandardKey.Copy))
    return QGuiApplication.clipboard().text()


def chat(view: ChatView, text: str = TEXT, thought: str = "A thought.") -> None:
    branch = [samples.question("A question"), samples.answer(text, thought)]
    view.show_conversation(branch, samples.alone, {"a1": False})


def test_a_drag_selects_across_blocks(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    drag(*spot(view, "a1", 0, 0), *spot(view, "a1", 2, 500, 45))
    assert (
        copied(view, qtbot)
        == "First paragraph.\n\nSecond with $x^2$ inside.\n\n```python\nprint(1)\n```"
    )


def test_a_drag_upwards_selects_the_same(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    drag(*spot(view, "a1", 1, 700), *spot(view, "a1", 0, 0))
    assert copied(view, qtbot) == "First paragraph.\n\nSecond with $x^2$ inside."


def test_a_selection_across_messages_leaves_the_thinking_out(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    drag(*spot(view, "q1", 0, 0), *spot(view, "a1", 0, 700))
    assert copied(view, qtbot) == "A question\n\nFirst paragraph."


def test_a_selection_in_the_thinking_stays_there(view: ChatView, qtbot: QtBot) -> None:
    chat(view, thought="One thought.\n\nAnother thought.")
    item = view.item("a1")
    assert isinstance(item, Answer)
    assert item.panel is not None
    content = item.panel.body.content
    drag(content, QPoint(0, 8), *spot(view, "a1", 1, 300))
    assert copied(view, qtbot) == "One thought.\n\nAnother thought."
    drag(content, QPoint(0, 8), content, QPoint(600, 8))
    assert copied(view, qtbot) == "One thought."


def test_a_click_selects_nothing_and_drops_what_was_selected(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    drag(*spot(view, "a1", 0, 0), *spot(view, "a1", 0, 700))
    assert copied(view, qtbot) == "First paragraph."
    drag(*spot(view, "a1", 1, 50), *spot(view, "a1", 1, 50))
    assert copied(view, qtbot) == "nothing"


def test_two_clicks_select_a_word_and_three_a_block(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    item, at = spot(view, "a1", 0, 60)
    mouse(item, QEvent.Type.MouseButtonPress, at, held=True)
    mouse(item, QEvent.Type.MouseButtonRelease, at)
    mouse(item, QEvent.Type.MouseButtonDblClick, at, held=True)
    mouse(item, QEvent.Type.MouseButtonRelease, at)
    assert copied(view, qtbot) == "paragraph"
    mouse(item, QEvent.Type.MouseButtonPress, at, held=True)
    mouse(item, QEvent.Type.MouseButtonRelease, at)
    assert copied(view, qtbot) == "First paragraph."


def test_select_all_takes_the_message_with_the_focus(view: ChatView, qtbot: QtBot) -> None:
    chat(view)
    item = view.item("q1")
    assert item is not None
    item.setFocus()
    qtbot.keySequence(item, QKeySequence(QKeySequence.StandardKey.SelectAll))
    assert copied(view, qtbot) == "A question"
    answer = view.item("a1")
    assert isinstance(answer, Answer)
    assert answer.panel is not None
    answer.panel.body.setFocus()
    qtbot.keySequence(answer.panel.body, QKeySequence(QKeySequence.StandardKey.SelectAll))
    assert copied(view, qtbot) == "A thought."


def test_what_is_selected_is_seen(view: ChatView) -> None:
    chat(view)
    item = view.item("a1")
    assert item is not None
    before = item.grab().toImage()
    drag(*spot(view, "a1", 0, 0), *spot(view, "a1", 0, 700))
    assert item.grab().toImage() != before
    drag(*spot(view, "a1", 1, 50), *spot(view, "a1", 1, 50))
    assert item.grab().toImage() == before


def test_a_selection_outlives_what_is_written_below_it(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation([samples.question("A question")], samples.alone, {})
    view.show_turn("a1", samples.answering("First paragraph.\n\nSec"))
    drag(*spot(view, "a1", 0, 0), *spot(view, "a1", 0, 700))
    view.show_turn("a1", samples.answering("First paragraph.\n\nSecond.\n\nThird."))
    view.finish_turn(samples.answer("First paragraph.\n\nSecond.\n\nThird."))
    assert copied(view, qtbot) == "First paragraph."


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that were given to the system."""
    found: list[str] = []

    def take(url: QUrl) -> bool:
        found.append(url.toString())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", take)
    return found


def test_a_link_shows_where_it_leads_and_opens_on_a_click_only(
    view: ChatView, opened: Sequence[str]
) -> None:
    chat(view, "[the article](https://example.org/a) and more text after it")
    item, at = spot(view, "a1", 0, 30)
    tip = QHelpEvent(QEvent.Type.ToolTip, at, item.mapToGlobal(at))
    QApplication.sendEvent(item, tip)
    assert QToolTip.text() == "https://example.org/a"
    QToolTip.hideText()
    mouse(item, QEvent.Type.MouseMove, at)
    assert item.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert not opened
    drag(item, at, item, at + QPoint(200, 0))
    assert not opened
    drag(item, at, item, at)
    assert opened == ["https://example.org/a"]


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "javascript:alert(1)", "ssh://host", "tex:0", "relative"]
)
def test_other_addresses_are_never_opened(opened: Sequence[str], address: str) -> None:
    assert not open_link(address)
    assert not opened
    assert open_link("mailto:a@example.org")


def test_the_menu_reaches_everything_by_keyboard(view: ChatView, opened: Sequence[str]) -> None:
    chat(view, "See [this](https://example.org/a) and <https://example.org/b>.")
    entry = view.entries[1]
    made = menu.build(view, entry, "")
    actions = {action.text(): action for action in made.actions()}
    assert list(actions) == [
        "Copy message",
        "Copy thinking",
        "Edit the thinking and go on from there…",
        "How it was made…",
        "Select message",
        "Select the whole chat",
        "Open https://example.org/a",
        "Open https://example.org/b",
    ]
    actions["Copy thinking"].trigger()
    assert QGuiApplication.clipboard().text() == "A thought."
    actions["Copy message"].trigger()
    assert QGuiApplication.clipboard().text().startswith("See [this]")
    actions["Open https://example.org/b"].trigger()
    assert opened == ["https://example.org/b"]
    actions["Select message"].trigger()
    assert not view.selection.empty
    made.deleteLater()
