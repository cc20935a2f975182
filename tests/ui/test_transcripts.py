"""How an answer was made, verifying, running again and taking chats in, through the window."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.chat.load_plan import LoadPlan
from app.transcript import chain
from tests.ui.drive import Driven
from ui import jobs
from ui.chat.answer import Answer
from ui.exporting import record_of
from ui.sidebar.trash import TrashWindow
from ui.transcripts.comparing import CompareWindow
from ui.transcripts.details import Details
from ui.transcripts.taking_in import ImportReport
from ui.transcripts.verifying import VerifyWindow

REPLY = ["[THINK]", "Two ", "and two.", "[/THINK]", "The sum is 4."]


@pytest.fixture
def driven(dressed: QApplication, tmp_path: Path) -> Iterator[Driven]:
    opened = Driven(tmp_path)
    yield opened
    opened.close()


def ask(driven: Driven, text: str = "What is 2 + 2?") -> None:
    driven.session.send(text)
    driven.until(lambda: driven.session.state.running is None)
    driven.idle()
    driven.presenter.drain()


def scripted(driven: Driven) -> None:
    driven.presenter.load_model(driven.script(REPLY, REPLY))
    ask(driven)


def exported(driven: Driven, name: str = "chat.json") -> Path:
    path = driven.folder / name
    path.write_bytes(chain.dumps(record_of(driven.session.state)))
    return path


def sheet(driven: Driven, kind: type[QWidget]) -> list[QWidget]:
    return [one for one in driven.window.findChildren(kind) if one.isVisible()]


def told(driven: Driven) -> str:
    return " ".join(banner.notice.title for banner in driven.window.notices.shown().values())


def titles(driven: Driven) -> list[str]:
    return [chat.title for chat in driven.session.state.chats]


def the_figures_open_how_the_answer_was_made(driven: Driven, qtbot: QtBot) -> None:
    view = driven.window.chat_view
    item = view.item(view.entries[-1].id)
    assert isinstance(item, Answer)
    assert item.footer is not None
    button = item.footer.details_button
    assert button in item.stops()
    assert "tokens" in button.text()
    button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    (details,) = driven.window.findChildren(Details)
    for word in ("Engine: ", "Seed: ", "Prompt: ", "SHA-256 of its ids", "Tokens: ", "Ended: By"):
        assert word in details.accessibleDescription()
    # By keyboard: everything is chosen and copied, with hashes whole.
    details.lines.selectAll()
    details.lines.copy()
    copied = QGuiApplication.clipboard().text()
    assert re.search(r"^Prompt\t.*SHA-256 of its ids [0-9a-f]{64}$", copied, re.MULTILINE)
    qtbot.mouseClick(details.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == details.accessibleDescription()
    qtbot.keyClick(details.lines, Qt.Key.Key_Escape)
    driven.until(lambda: not driven.window.findChildren(Details))


def a_file_is_verified_and_what_was_changed_is_named(driven: Driven, qtbot: QtBot) -> None:
    path = exported(driven)
    driven.presenter.transcripts.verify(str(path))
    driven.until(lambda: bool(sheet(driven, VerifyWindow)))
    (window,) = sheet(driven, VerifyWindow)
    assert isinstance(window, VerifyWindow)
    assert window.finding.title.text() == "This transcript is as it was written."
    window.head.setText(chain.verify(path.read_bytes()).head)
    assert window.match.text() == "This is the very transcript."
    window.head.setText("0" * 64)
    assert window.match.text().startswith("The heads differ")
    window.close()
    path.write_bytes(path.read_bytes().replace(b"The sum is 4", b"The sum is 5"))
    driven.presenter.transcripts.verify(str(path))
    driven.until(lambda: bool(sheet(driven, VerifyWindow)))
    (window,) = sheet(driven, VerifyWindow)
    assert isinstance(window, VerifyWindow)
    assert window.finding.title.text() == (
        "Message 2 was changed after this transcript was written."
    )
    assert "The sum is 5" in window.finding.lines.text()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    path.write_bytes(b"\x89PNG\r\n")
    driven.presenter.transcripts.verify(str(path))
    driven.until(lambda: "not a transcript" in told(driven))


def test_the_open_chat_is_run_again_and_compared(driven: Driven, qtbot: QtBot) -> None:
    driven.session.load_model(str(paths.demo_model()), LoadPlan(context=2048))
    ask(driven, "What is 17 * 24?")
    driven.presenter.transcripts.run_open_again()
    (window,) = sheet(driven, CompareWindow)
    assert isinstance(window, CompareWindow)
    driven.until(lambda: bool(window.found) and window.stop.isHidden())
    assert window.said.text() == "The answer came out identical, token for token."
    assert window.before.text.toPlainText() == window.now.text.toPlainText()
    assert "408" in window.now.text.toPlainText()
    window.copy_report.click()
    copied = QGuiApplication.clipboard().text()
    assert "Message 2: Identical, token for token." in copied
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    driven.until(lambda: not sheet(driven, CompareWindow))
    a_model_that_is_not_here_is_asked_for_and_a_run_can_be_stopped(driven)


def a_model_that_is_not_here_is_asked_for_and_a_run_can_be_stopped(driven: Driven) -> None:
    record = record_of(driven.session.state)
    for message in record.conversation.messages.values():
        if message.provenance is not None:
            moved = replace(message.provenance, file="/nowhere/moved.gguf")
            told = record.conversation.with_message(replace(message, provenance=moved))
            record = replace(record, conversation=told)
    driven.presenter.transcripts.run_again(record)
    (window,) = sheet(driven, CompareWindow)
    assert isinstance(window, CompareWindow)
    driven.until(lambda: not window.model.isHidden())
    assert "is not at" in window.said.text()
    # Named by hand, it is run; stopped at once, the window says so and ends the engine.
    window.begin(str(paths.demo_model()))
    window.stop.click()
    driven.until(window.stop.isHidden)
    assert window.said.text().startswith("Stopped.")
    # Left running, it ends with the window: nothing may be left behind by this test.
    window.begin(str(paths.demo_model()))


def one_chat_that_came_in_whole_is_a_notice(driven: Driven, qtbot: QtBot) -> None:
    path = exported(driven)
    driven.presenter.transcripts.take_in([str(path)])
    driven.until(lambda: "was imported from Ponder" in told(driven))
    assert titles(driven) == ["What is 2 + 2?", "What is 2 + 2?"]
    before = driven.session.state.chat_id
    banner = driven.window.notices.shown()["imported"]
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    driven.until(lambda: driven.session.state.chat_id != before)
    assert driven.texts() == ["What is 2 + 2?", "The sum is 4."]


def several_files_are_told_one_by_one(driven: Driven) -> None:
    good, bad = exported(driven), driven.folder / "bad.json"
    bad.write_text("{", encoding="utf-8")
    driven.presenter.transcripts.take_in([str(good), str(bad), str(driven.folder / "gone.json")])
    driven.until(lambda: bool(sheet(driven, ImportReport)))
    (report,) = sheet(driven, ImportReport)
    assert isinstance(report, ImportReport)
    assert report.said.text() == "1 chat imported."
    said = report.lines.toPlainText().splitlines()
    assert said[0] == "chat.json\t1 chat from Ponder."
    assert said[1].startswith("bad.json\tThis file is not a chat that Ponder can read")
    assert said[2].startswith("gone.json\tThe file")
    report.close()
    driven.presenter.transcripts.take_in([str(bad)])
    driven.until(lambda: "bad.json: This file is not" in told(driven))


def a_file_of_chats_that_is_dropped_is_asked_about(driven: Driven) -> None:
    path = exported(driven)
    dropped: list[list[str]] = []
    driven.window.chats_dropped.connect(lambda given, _at: dropped.append(given))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(600, 300),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    driven.window.dropEvent(event)
    assert event.isAccepted()
    assert dropped == [[str(path)]]
    menu = driven.presenter.transcripts.drop_menu([str(path)])
    labels = [action.text() for action in menu.actions()]
    assert labels == ["Import the chat", "Verify the transcript", "Attach it to the message"]
    menu.actions()[2].trigger()
    driven.until(lambda: len(driven.session.state.attached) == 1)
    menu.deleteLater()
    zipped = driven.presenter.transcripts.drop_menu(["a.zip", "b.json"])
    assert [action.text() for action in zipped.actions()] == ["Import the chats"]
    zipped.deleteLater()
    popup = QApplication.activePopupWidget()
    assert popup is not None
    assert driven.window.mapFromGlobal(popup.pos()).x() >= QPoint(600, 300).x() - 300
    popup.close()


def what_comes_after_a_stop_is_taken_in(driven: Driven) -> None:
    transcripts = driven.presenter.transcripts
    last = driven.folder / "last.json"
    last.write_text('[{"role": "user", "content": "After the stop"}]', encoding="utf-8")
    transcripts.take_in([str(exported(driven)), str(driven.folder / "never.json")])
    banner = driven.window.notices.shown()["importing"]
    banner.action.click()
    transcripts.take_in([str(last)])
    driven.until(lambda: "After the stop" in titles(driven))
    driven.until(lambda: "importing" not in driven.window.notices.shown())
    for report in sheet(driven, ImportReport):
        assert isinstance(report, ImportReport)
        assert "never.json" not in report.lines.toPlainText()
        report.close()


def the_trash_may_be_closed_before_it_is_filled(driven: Driven) -> None:
    for _ in range(3):
        driven.presenter.transcripts.show_trash()
        (window,) = sheet(driven, TrashWindow)
        window.close()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        driven.idle()


def a_window_may_be_closed_while_chats_come_in(driven: Driven) -> None:
    driven.presenter.transcripts.take_in([str(exported(driven))])
    driven.window.close()
    driven.until(jobs.idle)


def the_trash_gives_back_and_empties(driven: Driven, qtbot: QtBot) -> None:
    chats = [chat.id for chat in driven.session.state.chats]
    assert len(chats) == 3
    for chat in chats[:2]:
        driven.presenter.delete_chat(chat)
    driven.presenter.transcripts.show_trash()
    (window,) = sheet(driven, TrashWindow)
    assert isinstance(window, TrashWindow)
    driven.until(lambda: window.list.count() == 2)
    assert window.said.text() == "Deleted chats are kept for 30 days."
    assert not window.back.isEnabled()
    window.list.setCurrentRow(1)
    qtbot.mouseClick(window.back, Qt.MouseButton.LeftButton)
    driven.until(lambda: len(titles(driven)) == 2 and window.list.count() == 1)
    qtbot.mouseClick(window.empty, Qt.MouseButton.LeftButton)
    box = window.findChild(QMessageBox)
    assert box is not None
    assert "cannot be brought back" in box.text()
    next(one for one in box.buttons() if one.text() == "Delete for good").click()
    driven.until(lambda: window.said.text().startswith("Nothing is deleted."))
    window.close()
    assert len(titles(driven)) == 2


def test_a_chat_as_evidence(driven: Driven, qtbot: QtBot) -> None:
    """One window for several steps: opening one takes longer than what is done in it."""
    scripted(driven)
    the_figures_open_how_the_answer_was_made(driven, qtbot)
    a_file_is_verified_and_what_was_changed_is_named(driven, qtbot)


def test_chats_come_in_and_go(driven: Driven, qtbot: QtBot) -> None:
    scripted(driven)
    one_chat_that_came_in_whole_is_a_notice(driven, qtbot)
    several_files_are_told_one_by_one(driven)
    a_file_of_chats_that_is_dropped_is_asked_about(driven)
    the_trash_gives_back_and_empties(driven, qtbot)
    what_comes_after_a_stop_is_taken_in(driven)
    the_trash_may_be_closed_before_it_is_filled(driven)
    a_window_may_be_closed_while_chats_come_in(driven)
