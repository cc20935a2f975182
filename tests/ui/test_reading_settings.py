"""Keys and menu for how chats are read, through the window; what is chosen is kept."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app import settings as settings_file
from app.settings import Settings
from tests.ui.chat import samples
from tests.ui.drive import Driven
from ui.chat import style, wrapping

Open = Callable[[Settings], Driven]
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def opening(dressed: QApplication, tmp_path: Path, qtbot: QtBot) -> Iterator[Open]:
    opened: list[Driven] = []

    def make(settings: Settings) -> Driven:
        opened.append(Driven(tmp_path, settings))
        window = opened[-1].window
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        return opened[-1]

    yield make
    for each in opened:
        each.close()
    style.set_zoom(100)
    wrapping.prefer(False)


def test_the_size_of_text_goes_by_keys_and_is_kept(opening: Open, qtbot: QtBot) -> None:
    driven = opening(Settings(zoom=125))
    window, view = driven.window, driven.window.chat_view
    assert view.zoom.percent == 125
    for key, percent in (
        (Qt.Key.Key_Plus, 150),
        (Qt.Key.Key_Equal, 175),
        (Qt.Key.Key_Minus, 150),
        (Qt.Key.Key_0, 100),
        (Qt.Key.Key_Minus, 90),
    ):
        qtbot.keyClick(window, key, CONTROL)
        assert view.zoom.percent == percent
        assert settings_file.load()[0].zoom == percent


@pytest.mark.parametrize("value", [49, 301, "100", True, None, 1.5])
def test_a_size_that_makes_no_sense_is_the_usual_one(value: object) -> None:
    settings_file.save(Settings(zoom=value))  # type: ignore[arg-type] # what a file may hold
    assert settings_file.load()[0].zoom == 100


def test_wrapping_is_in_the_menu_and_is_kept(opening: Open, qtbot: QtBot) -> None:
    driven = opening(Settings(wrap_code=True))
    window = driven.window
    assert wrapping.preferred()
    window.show_first_run(False)
    window.chat_view.show_conversation(
        [samples.question(), samples.answer(samples.SCRIPTS)], samples.alone, {}
    )
    (cell,) = [one for one in window.chat_view.entries[1].text.cells if hasattr(one, "wrapped")]
    assert cell.wrapped
    tall = cell.height
    qtbot.mouseClick(window.sidebar.settings, Qt.MouseButton.LeftButton)
    menu = next(one for one in window.findChildren(QMenu) if one.accessibleName() == "Settings")
    entries = {action.text(): action for action in menu.actions()}
    for name in ("Find in the chat", "Larger text", "Smaller text", "Text as large as usual"):
        assert entries[name].isEnabled()
    wrap = entries["Wrap long lines of code"]
    assert wrap.isChecked()
    wrap.trigger()
    menu.close()
    assert not cell.wrapped
    assert cell.height < tall
    assert not settings_file.load()[0].wrap_code
    assert not wrapping.preferred()


def test_titles_by_the_model_are_switched_off_and_on_in_the_menu(
    opening: Open, qtbot: QtBot
) -> None:
    window = opening(Settings()).window
    for wanted in (False, True):
        qtbot.mouseClick(window.sidebar.settings, Qt.MouseButton.LeftButton)
        (menu,) = [
            one
            for one in window.findChildren(QMenu)
            if one.accessibleName() == "Settings" and one.isVisible()
        ]
        (entry,) = [one for one in menu.actions() if one.text() == "Let the model title chats"]
        assert entry.isChecked() is not wanted
        entry.trigger()
        menu.close()
        assert settings_file.load()[0].model_titles is wanted


def test_ctrl_f_finds_in_the_chat_and_only_there(opening: Open, qtbot: QtBot) -> None:
    driven = opening(Settings())
    window, view = driven.window, driven.window.chat_view
    window.show_first_run(True)
    qtbot.keyClick(window, Qt.Key.Key_F, CONTROL)
    assert not view.finder.open
    window.show_first_run(False)
    view.show_conversation([samples.question(), samples.answer()], samples.alone, {})
    window.composer.setFocus()
    before = window.focusWidget()
    qtbot.keyClick(window, Qt.Key.Key_F, CONTROL)
    assert view.finder.open
    bar = view.finder.bar
    assert bar is not None
    assert window.focusWidget() is bar.field
    bar.field.setText("speed")
    qtbot.waitUntil(lambda: bar.count.text() == "1 of 2")
    qtbot.keyClick(window, Qt.Key.Key_F3)
    assert bar.count.text() == "2 of 2"
    qtbot.keyClick(window, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    assert bar.count.text() == "1 of 2"
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert not view.finder.open
    assert window.focusWidget() is before
