"""Writing a message: keys, size, pills, pasting, composing."""

import random

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ui.chat.composer import PLACEHOLDER, Composer


@pytest.fixture
def composer(dressed: QApplication, qtbot: QtBot) -> Composer:
    """Return an empty composer, shown."""
    made = Composer()
    qtbot.addWidget(made)
    made.resize(860, made.height())
    made.show()
    qtbot.waitExposed(made)
    made.setFocus()
    return made


def paste(composer: Composer, mime: QMimeData) -> None:
    QGuiApplication.clipboard().setMimeData(mime)
    composer.box.paste()


def paste_text(composer: Composer, text: str) -> None:
    mime = QMimeData()
    mime.setText(text)
    paste(composer, mime)


def compose(composer: Composer, preedit: str, commit: str = "") -> None:
    event = QInputMethodEvent(preedit, [])
    event.setCommitString(commit)
    QApplication.sendEvent(composer.box, event)


def test_enter_sends_and_empties(composer: Composer, qtbot: QtBot) -> None:
    qtbot.keyClicks(composer.box, "Hello")
    with qtbot.waitSignal(composer.send_requested) as said:
        qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert said.args == ["Hello"]
    assert composer.text() == ""


def test_shift_enter_breaks_the_line(composer: Composer, qtbot: QtBot) -> None:
    qtbot.keyClicks(composer.box, "one")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(composer.box, "two")
    assert composer.text() == "one\ntwo"


def test_nothing_is_sent_that_says_nothing(composer: Composer, qtbot: QtBot) -> None:
    sent: list[str] = []
    composer.send_requested.connect(sent.append)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    qtbot.keyClicks(composer.box, "   ")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    qtbot.mouseClick(composer.send_button, Qt.MouseButton.LeftButton)
    assert not sent
    composer.set_enabled_reason("Choose a model first.")
    qtbot.keyClicks(composer.box, "Hello")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert not sent
    assert composer.text() == "   Hello"
    assert composer.box.placeholderText() == "Choose a model first."
    assert not composer.send_button.isEnabled()
    composer.set_enabled_reason("")
    assert composer.box.placeholderText() == PLACEHOLDER
    qtbot.mouseClick(composer.send_button, Qt.MouseButton.LeftButton)
    assert sent == ["   Hello"]


def test_while_it_runs_the_button_and_escape_stop(composer: Composer, qtbot: QtBot) -> None:
    sent: list[str] = []
    composer.send_requested.connect(sent.append)
    composer.set_draft("next")
    composer.set_running(True, 38.4)
    assert composer.send_button.accessibleName() == "Stop"
    with qtbot.waitSignal(composer.stop_requested):
        qtbot.mouseClick(composer.send_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(composer.stop_requested):
        qtbot.keyClick(composer.box, Qt.Key.Key_Escape)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert not sent
    assert composer.text() == "next"
    composer.set_running(False)
    assert composer.send_button.accessibleName() == "Send"


def test_up_edits_the_last_message_only_from_an_empty_box(composer: Composer, qtbot: QtBot) -> None:
    asked: list[bool] = []
    composer.edit_last_requested.connect(lambda: asked.append(True))
    qtbot.keyClick(composer.box, Qt.Key.Key_Up)
    assert len(asked) == 1
    qtbot.keyClicks(composer.box, "x")
    qtbot.keyClick(composer.box, Qt.Key.Key_Up)
    assert len(asked) == 1


def test_a_draft_is_announced_when_the_user_types_and_not_when_it_is_shown(
    composer: Composer, qtbot: QtBot
) -> None:
    said: list[str] = []
    composer.draft_changed.connect(said.append)
    composer.set_draft("kept from before")
    assert not said
    assert composer.text() == "kept from before"
    qtbot.keyClicks(composer.box, "!?")
    assert said == ["kept from before!", "kept from before!?"]


def test_it_grows_to_ten_lines_and_no_further(composer: Composer) -> None:
    heights = []
    for lines in (1, 2, 10, 11, 40):
        composer.set_draft("\n".join(["line"] * lines))
        heights.append(composer.height())
    assert heights[0] < heights[1] < heights[2] == heights[3] == heights[4]
    composer.set_draft("")
    assert composer.height() == heights[0]


def test_composing_takes_enter_for_itself(composer: Composer, qtbot: QtBot) -> None:
    sent: list[str] = []
    composer.send_requested.connect(sent.append)
    compose(composer, "にほ")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert not sent
    compose(composer, "", "日本")
    assert composer.text().endswith("日本")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert len(sent) == 1


def test_what_is_pasted_is_plain(composer: Composer) -> None:
    mime = QMimeData()
    mime.setHtml("<b>bold</b><img src='https://example.org/x.png'>")
    mime.setText("bold\r\nand\u2028more")
    paste(composer, mime)
    assert composer.text() == "bold\nand\nmore"


def test_a_line_without_an_end_is_kept_to_the_letter(composer: Composer, qtbot: QtBot) -> None:
    """A megabyte in one word takes Qt a minute to lay out as one paragraph."""
    text = "before\n" + "x" * 1_000_000 + "\n" + "😀" * 3000 + "\nafter"
    mime = QMimeData()
    mime.setText(text)
    paste(composer, mime)
    assert composer.text() == text
    longest = max(len(line) for line in composer.box.toPlainText().split("\n"))
    assert longest <= 10_000
    qtbot.keyClicks(composer.box, "!")
    assert composer.text() == text + "!"
    composer.set_draft("")
    composer.set_draft(text)
    assert composer.text() == text


@pytest.mark.parametrize("seed", range(4))
def test_long_lines_stay_what_they_are_however_they_are_edited(
    composer: Composer, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A line is kept in several paragraphs; the text is compared with a plain string's."""
    monkeypatch.setattr("ui.chat.typing_box.LONGEST_LINE", 5)
    chance = random.Random(seed)
    text = "abcdefghijklmnop\nqr\n\nstuvwxyz"
    composer.set_draft(text)
    for _ in range(60):
        start, end = sorted(chance.choices(range(len(text) + 1), k=2))
        end = min(end, start + chance.choice((0, 1, 4, 12)))
        new = chance.choice(("", "", "\n", "X", "123456789", "ab\n\ncdefghij"))
        select(composer, text, start, end)
        mime = QMimeData()
        mime.setText(new)
        if new == "\n":
            qtbot.keyClick(composer.box, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
        elif new:
            composer.box.insertFromMimeData(mime)
        elif start < end:
            qtbot.keyClick(composer.box, Qt.Key.Key_Backspace)
        text = text[:start] + new + text[end:] if new or start < end else text
        assert composer.text() == text


def select(composer: Composer, text: str, start: int, end: int) -> None:
    """Select a part of the text, given in characters, in the box."""
    positions = []
    for offset in (start, end):
        block, left = composer.box.document().begin(), offset
        while left > block.length() - 1:
            left -= block.length() - (1 if block.userState() == 7 else 0)
            block = block.next()
        positions.append(block.position() + left)
    cursor = composer.box.textCursor()
    cursor.setPosition(positions[0])
    cursor.setPosition(positions[1], QTextCursor.MoveMode.KeepAnchor)
    composer.box.setTextCursor(cursor)
    assert cursor.selectedText().replace("\u2029", "").replace("\n", "") == text[start:end].replace(
        "\n", ""
    )


def test_undo_works_where_no_line_was_cut(composer: Composer, qtbot: QtBot) -> None:
    qtbot.keyClicks(composer.box, "kept")
    paste_text(composer, " and pasted\ntwice")
    composer.box.undo()
    assert composer.text() == "kept"


def test_the_budget_is_chosen_from_a_menu(composer: Composer, qtbot: QtBot) -> None:
    composer.set_budget(8192)
    assert composer.thinking_pill.text() == "Thinking: up to 8k tokens"
    menu = composer.budget_menu()
    labels = [action.text() for action in menu.actions()]
    assert labels[0] == "Unlimited"
    assert labels[1:] == [f"Up to {k}k tokens" for k in (1, 2, 4, 8, 16, 32)]
    assert [action.isChecked() for action in menu.actions()].index(True) == 4
    with qtbot.waitSignal(composer.budget_changed) as said:
        menu.actions()[0].trigger()
    assert said.args == [None]
    assert composer.thinking_pill.text() == "Thinking: unlimited"
    menu.deleteLater()


def test_the_system_prompt_is_written_in_a_popover(composer: Composer, qtbot: QtBot) -> None:
    composer.set_system_prompt("Magistral", "Be brief.")
    assert composer.prompt_pill.text() == "System prompt: Magistral"
    qtbot.mouseClick(composer.prompt_pill, Qt.MouseButton.LeftButton)
    popover = composer.popover
    assert popover is not None
    assert popover.isVisible()
    assert popover.box.text() == "Be brief."
    qtbot.keyClicks(popover.box, " In French.")
    with qtbot.waitSignal(composer.system_prompt_changed) as said:
        qtbot.keyClick(popover, Qt.Key.Key_Escape)
    assert said.args == ["Be brief. In French."]
    assert not popover.isVisible()
    again: list[str] = []
    composer.system_prompt_changed.connect(again.append)
    qtbot.mouseClick(composer.prompt_pill, Qt.MouseButton.LeftButton)
    popover.hide()
    assert not again


@pytest.mark.parametrize("width", [300, 480, 1600])
def test_nothing_overlaps_at_any_width(composer: Composer, width: int) -> None:
    composer.set_system_prompt("A rather long label for a prompt", "")
    composer.set_running(True, 138.4)
    composer.resize(width, composer.height())
    pills = [composer.thinking_pill.geometry(), composer.prompt_pill.geometry()]
    button = composer.send_button.geometry()
    assert pills[0].right() < pills[1].left()
    assert pills[1].right() < button.left()
    assert button.right() < width
    assert composer.box.geometry().bottom() < button.top()
