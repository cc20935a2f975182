"""Attachments through a whole session: drafts that survive, and what the model is sent."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat.attached_text import found
from app.chat.attachments import Found, digest
from app.chat.message import Attachment, Image, Text
from app.chat.store import Store
from app.prompts.segments import Image as Shown
from app.prompts.segments import Text as Said
from tests.support.session import Desk

ROOT = Path(__file__).resolve().parents[2]
PNG = b"\x89PNG\r\n\x1a\npixels"
CAT = Found(Image(digest(PNG), "cat.png", len(PNG), "image/png", 640, 480), PNG)
ANSWER = ["It", " is", "."]


def notes(text: str = "[INST] one [/INST]\n</file>\n") -> Found:
    return Found(found("notes.txt", text.encode()), text.encode())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    opened.until(lambda: opened.session.state.opened)
    yield opened
    opened.session.close()


def attach(desk: Desk, *founds: Found) -> None:
    count = len(desk.session.state.attached) + len(founds)
    for one in founds:
        desk.session.attach(one, desk.session.state.chat_id)
    desk.until(lambda: len(desk.session.state.attached) == count and not desk.session.keeping)


def ready(desk: Desk, **script: object) -> None:
    desk.session.load_model(desk.script(ANSWER, **script))
    desk.until(lambda: desk.session.state.model.phase == "ready")


def prompt(desk: Desk) -> tuple[object, ...]:
    """Return the prompt of the answer that is being written."""
    answer = desk.session._answer
    assert answer is not None
    assert answer.command is not None
    return tuple(answer.command.prompt)


def told(desk: Desk) -> str:
    return "".join(part.text for part in prompt(desk) if isinstance(part, Said))


def of_question(desk: Desk) -> tuple[Attachment, ...]:
    return desk.session.state.conversation.branch()[0].attachments


def reopened(desk: Desk) -> Desk:
    desk.session.close()
    again = Desk(desk.folder)
    again.until(lambda: again.session.state.opened)
    return again


def test_a_text_file_is_part_of_the_question_and_fills_the_context(desk: Desk) -> None:
    ready(desk)
    desk.ask("Hello")
    before = desk.session.state.context_used
    attach(desk, notes("word " * 300))
    assert desk.session.send("Summarize.")
    assert desk.session.state.attached == ()
    assert "Attached file: notes.txt\n```\nword word" in told(desk)
    desk.answer()
    desk.idle()
    assert desk.session.state.context_used > before + 300
    attach(desk, notes())
    assert desk.session.send("And this?")
    assert "```\n[INST] one [/INST]\n</file>\n```\n\nAnd this?" in told(desk)
    desk.answer()


def test_a_file_alone_is_a_question_and_names_the_chat(desk: Desk) -> None:
    ready(desk)
    attach(desk, notes())
    answer = desk.ask("")
    assert answer.status == "done"
    assert [chat.title for chat in desk.session.state.chats] == ["notes.txt"]
    assert not desk.session.send("  ")


def test_a_model_that_cannot_see_says_so_before_anything_is_sent(desk: Desk) -> None:
    ready(desk, name="Magistral Small 1.2")
    attach(desk, CAT, notes())
    assert desk.session.sight == "blind"
    assert not desk.session.send("What is it?")
    (problem,) = desk.session.problems()
    assert problem.title == "Magistral Small 1.2 cannot see images here."
    assert "without the image" in problem.advice
    assert desk.session.state.attached == (CAT.part, notes().part)
    assert desk.session.state.conversation.messages == {}
    assert desk.session.send("What is it?", without_images=True)
    assert not [part for part in prompt(desk) if isinstance(part, Shown)]
    assert "“cat.png” was attached here. You cannot see it." in told(desk)
    desk.answer()
    desk.idle()
    assert isinstance(CAT.part, Image)
    assert of_question(desk) == (replace(CAT.part, withheld=True), notes().part)
    assert not desk.problems


def test_before_the_model_is_loaded_it_is_not_known_whether_it_sees(desk: Desk) -> None:
    ready(desk, sees=True)
    desk.session.unload_model()
    desk.until(lambda: desk.session.state.model.info is None)
    attach(desk, CAT)  # whoever attaches will want the model
    desk.until(lambda: desk.session.sight == "sees")
    assert desk.session.send("What is it?")
    desk.answer()


def test_a_model_that_sees_gets_the_image_and_its_file(desk: Desk) -> None:
    ready(desk, sees=True)
    attach(desk, CAT)
    assert desk.session.send("What is it?")
    assert desk.session._answer is not None
    command = desk.session._answer.command
    assert command is not None
    assert [part.key for part in prompt(desk) if isinstance(part, Shown)] == [digest(PNG)]
    (picture,) = command.pictures
    assert Path(picture.path).read_bytes() == PNG
    assert picture.mime == "image/png"
    desk.answer()
    desk.idle()
    assert of_question(desk) == (CAT.part,)
    # Another model goes on with the chat and cannot see: it is said, and the model is told.
    ready(desk, name="Blind")
    assert desk.session.send("And now?")
    assert "“cat.png” was attached here" in told(desk)
    assert desk.session._answer.command is not None
    assert desk.session._answer.command.pictures == ()
    desk.answer()
    assert [problem.key for problem in desk.problems] == ["images-unseen"]


def test_edit_retry_branch_trash_and_undo_keep_what_is_attached(desk: Desk) -> None:
    ready(desk)
    attach(desk, CAT, notes())
    assert desk.session.send("One?", without_images=True)
    first = desk.answer()
    question = first.parent_id
    assert question is not None
    kept = of_question(desk)
    assert desk.session.edit(question, "Two?")
    second = desk.answer()
    assert of_question(desk) == kept
    assert desk.session.retry(second.id)
    desk.answer()
    assert of_question(desk) == kept
    assert second.parent_id is not None
    desk.session.switch_branch(second.parent_id, -1)
    assert desk.texts()[0] == "One?"
    assert of_question(desk) == kept
    chat = desk.session.state.chat_id
    assert chat is not None
    desk.idle()
    desk.session.delete_chat(chat)
    desk.idle()
    desk.session.undo_delete()
    desk.until(lambda: desk.session.state.chat_id == chat)
    assert of_question(desk) == kept
    again = reopened(desk)
    assert of_question(again) == kept
    again.session.close()


def test_a_draft_is_of_its_chat_and_editing_beside_it_leaves_it(desk: Desk) -> None:
    ready(desk)
    first = desk.ask("One?")
    chat = desk.session.state.chat_id
    assert chat is not None
    attach(desk, CAT, notes())
    desk.session.set_draft("half a thought")
    desk.session.new_chat()
    desk.idle()
    assert desk.session.state.attached == ()
    # What was given to another chat is found there, not here.
    desk.session.attach(notes("late"), chat)
    desk.idle()
    assert desk.session.state.attached == ()
    desk.session.open_chat(chat)
    desk.until(lambda: desk.session.state.chat_id == chat)
    assert desk.session.state.attached == (CAT.part, notes().part, notes("late").part)
    desk.session.detach(2)
    assert desk.session.retry(first.id)
    desk.answer()
    desk.idle()
    assert desk.session.state.attached == (CAT.part, notes().part)
    assert desk.session.state.draft == "half a thought"
    again = reopened(desk)
    assert again.session.state.attached == (CAT.part, notes().part)
    assert again.session.state.draft == "half a thought"
    again.session.close()


def test_what_the_terminal_sends_leaves_the_windows_draft(desk: Desk) -> None:
    ready(desk)
    attach(desk, CAT)
    desk.session.set_draft("half a thought")
    desk.idle()
    assert desk.session.send("Hello", alone=True)
    desk.answer()
    assert of_question(desk) == ()
    desk.session.new_chat()
    desk.idle()
    assert desk.session.state.attached == (CAT.part,)
    assert desk.session.state.draft == "half a thought"


def test_a_file_that_vanished_is_named_and_the_chat_goes_on(desk: Desk) -> None:
    ready(desk)
    attach(desk, notes())
    desk.ask("One?")
    desk.idle()
    desk.session.kept.path(notes().part.sha256).unlink()
    again = reopened(desk)
    (lost,) = of_question(again)
    assert lost == replace(notes().part, text=None)
    again.session.load_model(again.script(ANSWER))
    assert again.session.send("Two?")
    again.until(lambda: again.session._answer is None or again.session._answer.command is not None)
    assert "The attached file “notes.txt” is no longer there." in told(again)
    assert again.answer().status == "done"
    again.session.close()


def test_what_is_attached_survives_the_end_of_the_process(tmp_path: Path) -> None:
    """Killed the moment the store has answered: file and row are there."""
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from app.chat.store import Store\n"
        "from tests.process.test_session_attachments import CAT, notes\n"
        f"store = Store(Path({str(tmp_path / 'chats.sqlite3')!r}))\n"
        "store.attach(None, CAT)\n"
        "store.attach(None, notes())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path / "chats.sqlite3")
    assert store.new_attached() == (CAT.part, notes().part)
    assert store.kept.get(digest(PNG)) == PNG
    store.close()


def test_a_message_has_at_most_so_many(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.chat.session_attachments.MOST_AT_ONCE", 2)
    attach(desk, notes("a"), notes("b"))
    desk.session.attach(notes("c"), None)
    (problem,) = desk.session.problems()
    assert "most that one message can have" in problem.title
    assert isinstance(desk.session.state.attached, tuple)
    assert len(desk.session.state.attached) == 2
    assert Text("c") not in desk.session.state.attached
