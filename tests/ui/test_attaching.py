"""Attaching in the real window: given, looked at off its thread, kept, shown, said, sent."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.chat.attachments import MOST_AT_ONCE
from app.chat.message import File, Image
from tests.support.pictures import landscape
from tests.ui.drive import Driven
from ui import jobs
from ui.chat.attach_strip import AttachStrip
from ui.chat.attach_viewer import Viewer
from ui.chat.item import Question

ANSWER = ["It", " is", " a", " hill."]


@pytest.fixture
def driven(dressed: QApplication, qtbot: QtBot, ponder_home: Path) -> Iterator[Driven]:
    ponder_home.mkdir(exist_ok=True)
    opened = Driven(ponder_home)
    yield opened
    opened.close()


def ready(driven: Driven, **script: object) -> None:
    driven.presenter.load_model(driven.script(ANSWER, **script))
    driven.until(lambda: driven.session.state.model.phase == "ready")


def drop(driven: Driven, *paths: Path) -> None:
    """Drop files on the window, and wait until they are attached or refused."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    driven.window.dropEvent(
        QDropEvent(
            QPointF(5, 5),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    settled(driven)


def settled(driven: Driven) -> None:
    driven.until(lambda: jobs.idle() and not driven.presenter._attaching.waiting)
    driven.idle()


def strip(driven: Driven) -> AttachStrip:
    found = driven.window.composer.strip
    assert found is not None
    return found


def notices(driven: Driven) -> list[str]:
    return [banner.notice.title for banner in driven.window.notices.shown().values()]


def test_what_is_dropped_is_shown_said_and_sent(driven: Driven, qtbot: QtBot) -> None:
    ready(driven, name="Magistral Small 1.2")
    composer = driven.window.composer
    hill, text, program = (driven.folder / name for name in ("hill.png", "notes.txt", "program"))
    landscape(hill, 900, 600)
    text.write_text("one\ntwo\n", encoding="utf-8")
    program.write_bytes(b"\x7fELF\0\0\0")
    drop(driven, hill, program, text)
    assert [chip.part.name for chip in strip(driven).chips] == ["hill.png", "notes.txt"]
    assert notices(driven) == ["“program” is neither an image that Ponder reads nor text."]
    assert strip(driven).note.text().startswith("Magistral Small 1.2 cannot see images here.")
    qtbot.keyClicks(composer.box, "What is it?")
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    assert driven.session.state.conversation.messages == {}
    qtbot.mouseClick(strip(driven).without, Qt.MouseButton.LeftButton)
    driven.until(lambda: driven.session.state.running is None and len(driven.texts()) == 2)
    driven.idle()
    assert driven.texts() == ["What is it?", "It is a hill."]
    assert not strip(driven).isVisible()
    question = driven.session.state.conversation.branch()[0]
    item = driven.window.chat_view.item(question.id)
    assert isinstance(item, Question)
    assert item.gallery is not None
    assert item.gallery.caption == "Not shown to the model"
    for widget in item.gallery.widgets:
        qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)
    viewers = driven.window.findChildren(Viewer)
    assert [viewer.part for viewer in viewers] == list(question.attachments)
    settled(driven)
    for viewer in viewers:
        qtbot.keyClick(viewer, Qt.Key.Key_Escape)


def test_a_model_that_sees_is_sent_the_image_that_was_pasted(driven: Driven, qtbot: QtBot) -> None:
    ready(driven, sees=True)
    composer = driven.window.composer
    mime = QMimeData()
    mime.setImageData(landscape(driven.folder / "hill.png", 90, 60))
    QGuiApplication.clipboard().setMimeData(mime)
    qtbot.keyClick(composer.box, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)  # not yet: it is still looked at
    assert driven.session.state.conversation.messages == {}
    settled(driven)
    assert strip(driven).note.text() == ""
    qtbot.keyClick(composer.box, Qt.Key.Key_Return)
    driven.until(lambda: driven.session.state.running is None and len(driven.texts()) == 2)
    (image,) = driven.session.state.conversation.branch()[0].attachments
    assert isinstance(image, Image)
    assert (image.name, image.width, image.withheld) == ("Pasted image.png", 90, False)


def test_chips_go_with_their_chat_and_come_back(driven: Driven, qtbot: QtBot) -> None:
    ready(driven)
    driven.session.send("Hello")
    driven.until(lambda: driven.session.state.running is None)
    chat = driven.session.state.chat_id
    assert chat is not None
    text = driven.folder / "notes.txt"
    text.write_text("words " * 20_000, encoding="utf-8")
    drop(driven, text)
    assert "About 30,000 tokens of text are attached" in strip(driven).note.text()
    assert not strip(driven).holds
    driven.presenter.new_chat()
    driven.idle()
    assert not strip(driven).isVisible()
    driven.presenter.open_chat(chat)
    driven.until(lambda: driven.session.state.chat_id == chat)
    driven.idle()
    assert [chip.part.name for chip in strip(driven).chips] == ["notes.txt"]
    qtbot.mouseClick(strip(driven).chips[0].remove, Qt.MouseButton.LeftButton)
    assert driven.session.state.attached == ()
    assert not strip(driven).isVisible()


def test_the_pill_asks_for_files_and_too_many_are_refused(driven: Driven, qtbot: QtBot) -> None:
    ready(driven)
    qtbot.mouseClick(driven.window.composer.attach_pill, Qt.MouseButton.LeftButton)
    dialog = driven.window.findChild(QFileDialog)
    assert dialog is not None
    paths = [driven.folder / f"{number}.txt" for number in range(MOST_AT_ONCE + 1)]
    for path in paths:
        path.write_text("x", encoding="utf-8")
    dialog.filesSelected.emit([str(path) for path in paths[:2]])
    dialog.close()
    settled(driven)
    assert [part.name for part in driven.session.state.attached] == ["0.txt", "1.txt"]
    assert all(isinstance(part, File) for part in driven.session.state.attached)
    drop(driven, *paths)
    assert notices(driven) == [f"{MOST_AT_ONCE} files are the most that one message can have."]
    assert len(driven.session.state.attached) == 2


def test_several_bad_files_are_one_notice(driven: Driven) -> None:
    ready(driven)
    drop(driven, driven.folder / "gone.txt", driven.folder, driven.folder / "gone.png")
    assert notices(driven) == ["3 of 3 files could not be attached."]
    assert driven.session.state.attached == ()


@pytest.mark.skipif(os.name != "posix", reason="permissions are told differently elsewhere")
def test_a_folder_that_cannot_be_written_to_is_said_and_the_chat_goes_on(driven: Driven) -> None:
    ready(driven)
    # A file where the folder should be: not even an administrator may write into it.
    driven.session.kept.folder.write_text("in the way", encoding="utf-8")
    text = driven.folder / "notes.txt"
    text.write_text("one", encoding="utf-8")
    drop(driven, text)
    assert notices(driven) == [
        "“notes.txt” could not be attached, because its copy could not be saved."
    ]
    assert driven.session.state.attached == ()
    driven.session.send("Hello")
    driven.until(lambda: driven.session.state.running is None)
    assert driven.texts()[-1] == "It is a hill."
