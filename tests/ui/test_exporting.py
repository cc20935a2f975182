"""The export menu of the real window: each form into a real file, from what is open."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu

from app import settings as settings_file
from app.transcript import chain
from tests.ui.drive import Driven
from ui.exporting import Exporting

REPLY = ["[THINK]", "Two ", "and two.", "[/THINK]", "The sum is $4$."]


@pytest.fixture
def driven(dressed: QApplication, tmp_path: Path) -> Iterator[Driven]:
    opened = Driven(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def exporting(driven: Driven) -> Exporting:
    """Return the menu's owner, in a chat with an answer."""
    found = driven.window.findChild(Exporting)
    assert found is not None
    assert driven.window.header.export.isHidden()
    driven.presenter.load_model(driven.script(REPLY))
    driven.session.send("What is 2 + 2?")
    driven.idle()
    driven.presenter.drain()
    assert not driven.window.header.export.isHidden()
    return found


def action(menu: QMenu, label: str) -> QAction:
    return next(one for one in menu.actions() if one.text().startswith(label))


def told(driven: Driven) -> str:
    """Return what the notices say."""
    return " ".join(banner.notice.title for banner in driven.window.notices.shown().values())


def saved(driven: Driven, exporting: Exporting, label: str, path: Path) -> bytes:
    """Choose a form in the menu, accept the dialog with a path, and wait for the file."""
    action(exporting.menu(), label).trigger()
    dialog = driven.window.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.selectedFiles()[0].endswith(f"What is 2 + 2{path.suffix}")
    dialog.fileSelected.emit(str(path))
    dialog.done(0)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    driven.until(path.exists)
    driven.until(lambda: path.name in told(driven))
    return path.read_bytes()


def test_each_form_is_written(driven: Driven, exporting: Exporting, tmp_path: Path) -> None:
    markdown = saved(driven, exporting, "Markdown", tmp_path / "a.md").decode()
    assert "<summary>Thought for" in markdown
    assert "The sum is $4$." in markdown
    page = saved(driven, exporting, "Web page", tmp_path / "b.html").decode()
    assert '<svg class="formula' in page
    assert "Two and two." in page
    data = saved(driven, exporting, "JSON,", tmp_path / "c.json")
    assert chain.verify(data).intact
    line = saved(driven, exporting, "OpenAI", tmp_path / "d.jsonl")
    assert json.loads(line)["messages"][1]["reasoning_content"] == "Two and two."
    assert b"The sum is" in saved(driven, exporting, "Plain", tmp_path / "e.txt")


def test_what_becomes_of_thoughts_is_chosen_once(
    driven: Driven, exporting: Exporting, tmp_path: Path
) -> None:
    assert action(exporting.menu(), "Folded").isChecked()
    action(exporting.menu(), "Left out").trigger()
    assert settings_file.load()[0].export_thinking == "none"
    assert action(exporting.menu(), "Left out").isChecked()
    assert b"Two and two" not in saved(driven, exporting, "Markdown", tmp_path / "a.md")


def test_a_file_that_cannot_be_written_is_one_sentence(
    driven: Driven, exporting: Exporting, tmp_path: Path
) -> None:
    (tmp_path / "folder.md").mkdir()
    action(exporting.menu(), "Markdown").trigger()
    dialog = driven.window.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "folder.md"))
    dialog.done(0)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    driven.until(lambda: "could not be written" in told(driven))


def submenu(menu: QMenu, title: str) -> QMenu:
    found = action(menu, title).menu()
    assert isinstance(found, QMenu)
    return found


def test_a_part_of_a_chat_is_exported_by_itself(
    driven: Driven, exporting: Exporting, tmp_path: Path
) -> None:
    labels = [one.text() for one in exporting.menu().actions()]
    assert "Only the selected messages" not in labels
    assert "Only the branch shown" not in labels
    view = driven.window.chat_view
    view.selection.select_text(1)
    chosen = submenu(exporting.menu(), "Only the selected messages")
    action(chosen, "JSON").trigger()
    path = chosen_path(driven, tmp_path / "part.json")
    messages = json.loads(path.read_bytes())["messages"]
    assert [message["role"] for message in messages] == ["assistant"]
    assert chain.verify(path.read_bytes()).intact
    view.selection.clear()
    driven.presenter.load_model(driven.script(REPLY))
    driven.session.retry(view.entries[-1].id)
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()
    driven.presenter.drain()
    action(submenu(exporting.menu(), "Only the branch shown"), "JSON").trigger()
    branch = json.loads(chosen_path(driven, tmp_path / "branch.json").read_bytes())["messages"]
    assert len(branch) == 2
    assert len(driven.session.state.conversation.messages) == 3


def test_all_chats_are_one_archive(driven: Driven, exporting: Exporting, tmp_path: Path) -> None:
    driven.presenter.load_model(driven.script(REPLY))
    driven.presenter.new_chat()
    driven.session.send("And 3 + 3?")
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()
    driven.presenter.drain()
    action(submenu(exporting.menu(), "All chats"), "Markdown").trigger()
    with zipfile.ZipFile(chosen_path(driven, tmp_path / "all.zip")) as archive:
        assert sorted(archive.namelist()) == ["And 3 + 3.md", "What is 2 + 2.md"]
        assert b"The sum is" in archive.read("And 3 + 3.md")
    assert "2 chats were written to all.zip." in told(driven)
    # The form is remembered, for chats that are dragged out.
    action(exporting.menu(), "Plain").trigger()
    chosen_path(driven, tmp_path / "one.txt")
    assert driven.session.settings.export_form == "txt"


def chosen_path(driven: Driven, path: Path) -> Path:
    """Accept the file dialog with a path and wait for the file."""
    dialog = driven.window.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(path))
    dialog.done(0)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    driven.until(lambda: f"written to {path.name}" in told(driven))
    return path
