"""What a user does, through the widgets: real session, real store, an engine child on a script."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import net, paths
from app import settings as settings_file
from app.errors import WorldError
from app.settings import Settings
from tests.ui.drive import Driven
from ui import theme
from ui.chat import menu
from ui.privacy import ConnectionList
from ui.shortcuts import ShortcutList

THOUGHT = ["[THINK]", "Two ", "and two.", "[/THINK]", "Four", "."]
FOREVER = ["[THINK]", "Well, ", {"forever": "and so on, {n} "}]
CONTROL = Qt.KeyboardModifier.ControlModifier

Open = Callable[..., Driven]


@pytest.fixture
def opening(dressed: QApplication, tmp_path: Path) -> Iterator[Open]:
    opened: list[Driven] = []

    def make(settings: Settings | None = None) -> Driven:
        for each in opened:
            each.close()
        opened[:] = [Driven(tmp_path, settings)]
        return opened[0]

    yield make
    for each in opened:
        each.close()


def typed(qtbot: QtBot, driven: Driven, text: str) -> None:
    """Type into whatever has the focus, as a user does, and press Enter."""
    box = driven.window.focusWidget()
    assert box is not None
    assert driven.window.composer.isAncestorOf(box)
    qtbot.keyClicks(box, text)
    qtbot.keyClick(box, Qt.Key.Key_Return)


def answered(qtbot: QtBot, driven: Driven, question: str) -> None:
    typed(qtbot, driven, question)
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()


def test_a_first_start_shows_the_two_ways_to_an_answer(opening: Open) -> None:
    driven = opening()
    first_run = driven.window.first_run
    driven.until(lambda: bool(first_run.machine.text()))
    assert driven.window.stack.currentWidget() is first_run
    assert "RAM" in first_run.facts.text()
    assert first_run.demo.isVisible() == paths.demo_model().exists()
    assert driven.window.sidebar.model.index(0).data() == "NO CHATS YET"
    assert driven.window.composer.isAncestorOf(driven.window.focusWidget())


def test_what_is_typed_before_the_model_is_there_waits_for_it(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(THOUGHT, load_s=0.3))
    assert driven.session.state.model.phase == "loading"
    assert driven.window.stack.currentWidget() is driven.window.chat_view
    answered(qtbot, driven, "What is 2 + 2?")
    assert driven.texts() == ["What is 2 + 2?", "Four."]
    sidebar = driven.window.sidebar
    assert [sidebar.model.index(row).data() for row in range(2)] == ["TODAY", "What is 2 + 2?"]
    assert driven.window.header.chip.accessibleName().startswith("Model: Scripted")
    assert driven.window.header.meter.isVisible()


def test_without_a_model_the_text_is_kept_and_a_way_is_shown(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    typed(qtbot, driven, "Hello?")
    assert "no-model" in driven.window.notices.shown()
    assert driven.window.composer.text() == "Hello?"
    assert driven.texts() == []


def test_the_demo_answers_by_itself(opening: Open, qtbot: QtBot) -> None:
    """The first minute of a new user, through llama.cpp: a click, a question, Enter."""
    driven = opening()
    driven.until(lambda: "MB" in driven.window.first_run.demo.text())
    qtbot.mouseClick(driven.window.first_run.demo, Qt.MouseButton.LeftButton)
    assert driven.session.state.model.phase == "loading"
    answered(
        qtbot,
        driven,
        "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?",
    )
    answer = driven.session.state.conversation.branch()[-1]
    assert "22.2 m/s" in answer.text
    assert answer.thinking is not None
    assert "THINK]" not in answer.text + answer.thinking.text
    assert "CPU" in driven.window.header.chip.accessibleName()


def test_escape_stops_and_what_came_is_kept(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(FOREVER, token_s=0.002))
    typed(qtbot, driven, "Go on")
    driven.until(lambda: bool(driven.session.state.turn and driven.session.state.turn.thinking))
    assert driven.window.actions_["stop"].isEnabled()
    driven.window.actions_["stop"].trigger()
    driven.until(lambda: driven.session.state.running is None)
    assert not driven.window.actions_["stop"].isEnabled()
    last = driven.session.state.conversation.branch()[-1]
    assert last.status == "cancelled"
    assert last.thinking is not None


def test_deleting_can_be_undone(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(THOUGHT))
    answered(qtbot, driven, "Keep me")
    chat = driven.session.state.chat_id
    assert chat is not None
    driven.window.sidebar.list.delete_requested.emit(chat)
    assert driven.window.sidebar.model.chats() == []
    banner = driven.window.notices.shown()["undo-delete"]
    assert banner.notice.title == "“Keep me” was deleted."
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    driven.until(lambda: driven.session.state.chat_id == chat)
    assert driven.window.sidebar.model.chats() == [chat]
    assert driven.texts() == ["Keep me", "Four."]


def test_f2_renames_the_open_chat_in_place(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(THOUGHT))
    answered(qtbot, driven, "First title")
    driven.window.sidebar.search.setText("nothing like it")
    driven.window.actions_["rename"].trigger()
    editor = driven.window.sidebar.list.findChild(QLineEdit)
    assert editor is not None
    editor.setText("Second title")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    driven.until(lambda: driven.session.state.chats[0].title == "Second title")
    assert driven.window.sidebar.model.index(1).data() == "Second title"


def test_a_new_chat_keeps_the_old_one_and_its_draft(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(THOUGHT))
    answered(qtbot, driven, "The old one")
    old = driven.session.state.chat_id
    qtbot.keyClicks(driven.window.focusWidget(), "half a thought")
    driven.window.actions_["new_chat"].trigger()
    driven.idle()
    assert driven.window.composer.text() == ""
    assert driven.texts() == []
    sidebar = driven.window.sidebar
    middle = sidebar.list.visualRect(sidebar.model.index_of(old)).center()
    qtbot.mouseClick(sidebar.list.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    driven.until(lambda: driven.session.state.chat_id == old)
    assert driven.window.composer.text() == "half a thought"
    assert driven.texts() == ["The old one", "Four."]


def test_it_opens_where_one_was(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(THOUGHT))
    answered(qtbot, driven, "Remember me")
    driven.window.resize(1000, 700)
    driven.window.close()
    settings, problem = settings_file.load()
    assert problem is None
    assert settings.geometry
    assert settings.last_model.endswith(".script.json")
    again = opening(settings)
    assert again.texts() == ["Remember me", "Four."]
    assert again.window.stack.currentWidget() is again.window.chat_view


def test_a_model_that_cannot_be_loaded_is_said(opening: Open) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(load_fails="This file is no model."))
    driven.until(lambda: driven.session.state.model.phase == "failed")
    driven.idle()
    titles = [banner.notice.title for banner in driven.window.notices.shown().values()]
    assert titles == ["This file is no model."]
    assert driven.window.header.chip.accessibleName().endswith("failed")
    assert driven.window.stack.currentWidget() is driven.window.first_run


def test_a_dropped_model_is_loaded_and_other_files_are_attached(opening: Open) -> None:
    driven = opening()
    window = driven.window
    dropped: list[str] = []
    given: list[object] = []
    window.model_dropped.disconnect()
    window.model_dropped.connect(dropped.append)
    window.given.disconnect()
    window.given.connect(given.append)
    for url, welcome in (
        (QUrl("https://example.org/notes.txt"), False),
        (QUrl.fromLocalFile("/models/notes.txt"), True),
        (QUrl.fromLocalFile("/models/Model.GGUF"), True),
    ):
        data = QMimeData()
        data.setUrls([url])
        enter = QDragEnterEvent(
            QPoint(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        enter.ignore()
        window.dragEnterEvent(enter)
        assert enter.isAccepted() == welcome
        window.dropEvent(
            QDropEvent(
                QPointF(5, 5),
                Qt.DropAction.CopyAction,
                data,
                Qt.MouseButton.LeftButton,
                Qt.KeyboardModifier.NoModifier,
            )
        )
    assert dropped == ["/models/Model.GGUF"]
    assert given == [["/models/notes.txt"]]


def menu_of(window: QWidget, name: str) -> QMenu:
    return next(
        menu
        for menu in window.findChildren(QMenu)
        if menu.accessibleName() == name and menu.isVisible()
    )


def test_the_picker_behind_the_chip_unloads(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.presenter.load_model(driven.script(THOUGHT))
    driven.until(lambda: driven.session.state.model.phase == "ready")
    driven.idle()
    driven.window.actions_["model"].trigger()
    unload = driven.presenter.models.picker.detail.unload
    assert unload.isVisible()
    qtbot.mouseClick(unload, Qt.MouseButton.LeftButton)
    driven.until(lambda: driven.session.state.model.phase == "none")
    driven.idle()


def test_the_theme_is_chosen_behind_the_gear_and_kept(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    qtbot.mouseClick(driven.window.sidebar.settings, Qt.MouseButton.LeftButton)
    menu = menu_of(driven.window, "Settings")
    dark = next(action for action in menu.actions() if action.text() == "Dark")
    dark.trigger()
    menu.close()
    assert theme.current().dark
    assert settings_file.load()[0].theme == "dark"


def test_f1_lists_the_keys_and_any_key_closes_the_list(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    driven.window.actions_["shortcuts"].trigger()
    shown = driven.window.findChild(ShortcutList)
    assert shown is not None
    assert "Ctrl+N: New chat" in shown.accessibleDescription()
    qtbot.keyClick(shown, Qt.Key.Key_A)
    assert not shown.isVisible()


def test_a_narrow_window_folds_the_chats_away(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    window = driven.window
    assert not window.sidebar.isHidden()
    assert window.header.opener.isHidden()
    window.resize(700, 600)
    QApplication.processEvents()
    assert window.sidebar.isHidden()
    qtbot.mouseClick(window.header.opener, Qt.MouseButton.LeftButton)
    assert not window.sidebar.isHidden()
    window.resize(1280, 840)
    QApplication.processEvents()
    assert not window.sidebar.isHidden()
    window.actions_["sidebar"].trigger()
    assert window.sidebar.isHidden()
    window.actions_["search"].trigger()
    assert not window.sidebar.isHidden()
    assert window.focusWidget() is window.sidebar.search


def test_the_window_fits_small_screens(opening: Open) -> None:
    driven = opening()
    driven.window.resize(640, 480)
    QApplication.processEvents()
    assert (driven.window.width(), driven.window.height()) == (640, 480)
    driven.window.toggle_sidebar()
    QApplication.processEvents()
    assert driven.window.width() == 640


def test_every_control_has_a_name_and_is_reached_by_tab(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    controls = [
        widget
        for kind in (QAbstractButton, QLineEdit)
        for widget in driven.window.findChildren(kind)
        if widget.isVisible() and widget.isEnabled()
    ]
    assert len(controls) >= 5
    unnamed = [each for each in controls if not (each.accessibleName() or _text(each))]
    assert not unnamed
    driven.window.activateWindow()
    reached: set[QWidget] = set()
    for _ in range(60):
        driven.window.focusNextChild()
        at = driven.window.focusWidget()
        if at is not None:
            reached.add(at)
    assert not [each for each in controls if each not in reached]


def _text(widget: QWidget) -> str:
    return widget.text() if isinstance(widget, QAbstractButton) else ""


def test_settings_survive_what_the_session_saves(opening: Open) -> None:
    driven = opening(replace(Settings(), unknown={"of_tomorrow": 1}))
    driven.presenter.load_model(driven.script(THOUGHT))
    driven.until(lambda: driven.session.state.model.phase == "ready")
    driven.idle()
    driven.window.close()
    saved = settings_file.load()[0]
    assert saved.geometry
    assert saved.last_model
    assert saved.unknown == {"of_tomorrow": 1}


def gear(driven: Driven, qtbot: QtBot, label: str) -> None:
    qtbot.mouseClick(driven.window.sidebar.settings, Qt.MouseButton.LeftButton)
    menu = menu_of(driven.window, "Settings")
    [action] = [action for action in menu.actions() if action.text() == label]
    action.trigger()
    menu.close()


def test_offline_is_chosen_behind_the_gear_and_kept(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    gear(driven, qtbot, "Work offline")
    assert settings_file.load()[0].offline
    with pytest.raises(WorldError, match="offline"):
        net.check_allowed()
    gear(driven, qtbot, "Work offline")
    assert not settings_file.load()[0].offline
    net.check_allowed()


def test_the_connections_that_were_made_are_shown(opening: Open, qtbot: QtBot) -> None:
    log = paths.log_dir() / "connections.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text('["hub.example", "Search for models", 1763800000.0]\n' * 2, encoding="utf-8")
    driven = opening()
    gear(driven, qtbot, "Connections made…")
    [shown] = driven.window.findChildren(ConnectionList)
    said = [label.text() for label in shown.findChildren(QLabel)]
    assert said[:2] == ["hub.example", "Search for models"]
    assert said[2].startswith("2 times, last 2025-11-22")
    qtbot.keyClick(shown, Qt.Key.Key_Escape)


def test_the_folder_of_models_is_chosen_and_kept(
    opening: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    driven = opening()
    gear(driven, qtbot, "Folder for models…")
    [dialog] = driven.window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    assert settings_file.load()[0].models_folder == str(tmp_path)


def test_a_token_without_a_keychain_is_one_sentence(
    opening: Open, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    keychain = keyring.get_keyring()
    monkeypatch.setattr("keyring.core._keyring_backend", fail.Keyring())
    assert keyring.get_keyring() is not keychain
    driven = opening()
    gear(driven, qtbot, "Hugging Face token…")
    [dialog] = driven.window.findChildren(QInputDialog)
    assert dialog.textEchoMode() == QLineEdit.EchoMode.Password
    dialog.setTextValue("hf_example")
    dialog.accept()
    qtbot.waitUntil(lambda: "keychain" in driven.window.notices.shown())


def test_a_thought_is_edited_in_its_place_and_gone_on_from(opening: Open, qtbot: QtBot) -> None:
    driven = opening()
    reply = ["[THINK]", "Three.", "[/THINK]", "3"]
    driven.presenter.load_model(driven.script(reply, [" Or five.", "[/THINK]", "5"]))
    driven.session.send("Two and two?")
    driven.idle()
    driven.presenter.drain()
    view = driven.window.chat_view
    entry = view.entries[-1]
    made = menu.build(view, entry, "")
    action = next(one for one in made.actions() if one.text().startswith("Edit the thinking"))
    action.trigger()
    made.close()
    item = view.item(entry.id)
    assert item is not None
    assert item.editor is not None
    assert item.editor.box.text() == "Three."
    assert item.editor.box.accessibleName() == "Edit the thinking"
    item.editor.box.set_text("Perhaps four.")
    qtbot.keyClick(item.editor.box, Qt.Key.Key_Return, CONTROL)
    driven.until(lambda: driven.texts()[-1] == "5")
    driven.idle()
    thought = driven.session.state.conversation.branch()[-1].thinking
    assert thought is not None
    assert thought.text == "Perhaps four. Or five."
