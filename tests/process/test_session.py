"""What a user does, through the real store and a real engine child that plays scripts."""

import hashlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import paths
from app.chat.answer import CIRCLES
from app.chat.load_plan import LoadPlan
from app.chat.message import Provenance, Text, Thinking
from app.chat.session import EDITED_NOTE
from app.chat.store import INTERRUPTED_NOTE, Store
from app.settings import Settings
from tests.support.session import Desk

THOUGHT = ["[THINK]", "Two ", "and two.", "[/THINK]", "Four", "."]
FOREVER = ["[THINK]", "Well, ", {"forever": "and so on, {n} "}]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.session.close()


def reopened(desk: Desk) -> Desk:
    desk.session.close()
    again = Desk(desk.folder)
    again.until(lambda: again.session.state.opened)
    return again


def test_an_answer_is_thought_said_kept_and_found_again(desk: Desk) -> None:
    desk.session.load_model(desk.script(THOUGHT))
    answer = desk.ask("What is 2 + 2?")
    assert answer.text == "Four."
    assert answer.thinking is not None
    assert answer.thinking.text == "Two and two."
    assert answer.thinking.closed
    assert answer.status == "done"
    assert answer.usage is not None
    assert answer.usage.answer_tokens == 2
    assert answer.provenance is not None
    assert len(answer.provenance.prompt_hash) == 64
    desk.idle()
    assert desk.session.state.context_used > 0

    again = reopened(desk)
    try:
        assert again.texts() == ["What is 2 + 2?", "Four."]
        assert again.session.state.conversation.branch()[-1] == answer
        assert [chat.title for chat in again.session.state.chats] == ["What is 2 + 2?"]
    finally:
        again.session.close()


def test_a_message_sent_before_the_model_is_loaded_waits_for_it(desk: Desk) -> None:
    desk.session.load_model(desk.script(THOUGHT, load_s=0.3))
    assert desk.session.send("Hello")
    assert desk.session.state.turn is not None
    assert desk.session.state.turn.phase == "loading"
    assert desk.answer().text == "Four."


def test_without_a_model_nothing_is_sent_and_it_is_said(desk: Desk) -> None:
    assert not desk.session.send("Hello")
    (problem,) = desk.session.problems()
    assert problem.key == "no-model"
    assert desk.session.state.chat_id is None


def test_a_model_that_cannot_be_loaded_is_said_in_the_answer_and_the_next_try_works(
    desk: Desk,
) -> None:
    desk.session.load_model(desk.script([], load_fails="The file is broken."))
    answer = desk.ask("Hello")
    assert answer.status == "failed"
    assert "The file is broken." in answer.note
    assert desk.session.state.model.phase == "failed"
    desk.session.load_model(desk.script(["Hi."]))
    assert desk.session.retry(answer.id)
    assert desk.answer().text == "Hi."


def test_stop_keeps_what_came_and_the_next_message_is_answered(desk: Desk) -> None:
    desk.session.load_model(desk.script(FOREVER, THOUGHT, token_s=0.005))
    assert desk.session.send("Think")
    desk.until(
        lambda: bool(desk.session.state.turn and desk.session.state.turn.thinking_tokens > 5)
    )
    desk.session.stop()
    answer = desk.answer()
    assert answer.status == "cancelled"
    assert answer.thinking is not None
    assert not answer.thinking.closed
    assert "and so on, " in answer.thinking.text
    assert desk.ask("Again").text == "Four."


def test_stop_while_the_model_loads_ends_the_answer_not_the_load(desk: Desk) -> None:
    desk.session.load_model(desk.script(THOUGHT, load_s=0.5))
    assert desk.session.send("Hello")
    desk.session.stop()
    assert desk.session.state.running is None
    desk.until(lambda: desk.session.state.model.phase == "ready")
    assert desk.session.state.conversation.branch()[-1].status == "cancelled"
    assert desk.ask("Hello").text == "Four."


def test_answer_now_closes_the_thought(desk: Desk) -> None:
    desk.session.load_model(desk.script(["[THINK]", "Hm. "] + ["And? "] * 400, token_s=0.005))
    assert desk.session.send("Hello")
    desk.until(
        lambda: bool(desk.session.state.turn and desk.session.state.turn.thinking_tokens > 3)
    )
    desk.session.answer_now()
    answer = desk.answer()
    assert answer.thinking is not None
    assert answer.thinking.closed
    assert answer.text.startswith("And? ")


def test_continue_goes_on_in_the_same_message(desk: Desk) -> None:
    desk.session.load_model(
        desk.script(FOREVER, ["that is ", "all.", "[/THINK]", "Done."], token_s=0.005)
    )
    assert desk.session.send("Think")
    desk.until(
        lambda: bool(desk.session.state.turn and desk.session.state.turn.thinking_tokens > 2)
    )
    desk.session.stop()
    stopped = desk.answer()
    assert desk.session.continue_answer(stopped.id)
    answer = desk.answer()
    assert answer.id == stopped.id
    assert stopped.thinking is not None
    assert answer.thinking is not None
    assert answer.thinking.text == stopped.thinking.text + "that is all."
    assert answer.thinking.seconds > stopped.thinking.seconds
    assert answer.text == "Done."


def test_a_stopped_thought_can_be_answered_from(desk: Desk) -> None:
    desk.session.load_model(desk.script(FOREVER, ["Four", "."], token_s=0.005))
    assert desk.session.send("Think")
    desk.until(
        lambda: bool(desk.session.state.turn and desk.session.state.turn.thinking_tokens > 2)
    )
    desk.session.stop()
    stopped = desk.answer()
    assert desk.session.continue_answer(stopped.id, answer_now=True)
    answer = desk.answer()
    assert stopped.thinking is not None
    assert answer.thinking is not None
    assert answer.thinking.text == stopped.thinking.text
    assert answer.thinking.closed
    assert answer.text == "Four."


def test_retry_edit_and_branches_keep_everything(desk: Desk) -> None:
    desk.session.load_model(desk.script(["One."], ["Two."], ["Three."]))
    first = desk.ask("Question")
    assert desk.session.retry(first.id)
    second = desk.answer()
    assert (second.text, second.parent_id) == ("Two.", first.parent_id)
    assert second.id != first.id
    desk.session.switch_branch(second.id, -1)
    assert desk.texts() == ["Question", "One."]
    desk.session.switch_branch(first.id, -1)
    assert desk.texts() == ["Question", "One."]
    assert first.parent_id is not None
    assert desk.session.edit(first.parent_id, "Better question")
    desk.answer()
    assert desk.texts() == ["Better question", "Three."]
    assert len(desk.session.state.conversation.messages) == 5
    desk.session.switch_branch(desk.session.state.conversation.branch()[0].id, -1)
    assert desk.texts() == ["Question", "Two."]
    again = reopened(desk)
    try:
        assert again.texts() == ["Question", "Two."]
        assert len(again.session.state.conversation.messages) == 5
    finally:
        again.session.close()


def test_an_edited_answer_is_kept_beside_the_models_and_marked(desk: Desk) -> None:
    desk.session.load_model(desk.script(THOUGHT))
    answer = desk.ask("2 + 2")
    assert desk.session.edit(answer.id, "Five.")
    edited = desk.session.state.conversation.branch()[-1]
    assert edited.parts == (answer.thinking, Text("Five."))
    assert edited.note == EDITED_NOTE
    assert desk.session.state.conversation.messages[answer.id] == answer


def test_two_sends_in_a_row_the_second_is_refused_in_words(desk: Desk) -> None:
    desk.session.load_model(desk.script(FOREVER, token_s=0.005))
    assert desk.session.send("One")
    assert not desk.session.send("Two")
    assert [problem.key for problem in desk.session.problems()] == ["still-running"]
    desk.session.stop()
    desk.answer()


def test_a_killed_engine_costs_one_sentence_and_the_next_message_is_answered(desk: Desk) -> None:
    desk.session.load_model(desk.script(FOREVER, THOUGHT, token_s=0.005))
    assert desk.session.send("Think")
    desk.until(
        lambda: bool(desk.session.state.turn and desk.session.state.turn.thinking_tokens > 5)
    )
    pid = desk.session.engine_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    answer = desk.answer()
    assert answer.status == "interrupted"
    assert "and so on, " in (answer.thinking or Thinking("")).text
    assert answer.note.startswith("The engine")
    assert desk.session.state.model.phase == "failed"
    # The script starts anew with the new child: its first reply is the endless one.
    assert desk.session.send("Again")
    desk.until(
        lambda: bool(desk.session.state.turn and desk.session.state.turn.thinking_tokens > 2)
    )
    assert desk.session.state.model.phase == "ready"
    desk.session.stop()
    desk.answer()


def test_another_chat_can_be_read_while_an_answer_is_written(desk: Desk) -> None:
    desk.session.load_model(desk.script(["First."], FOREVER, token_s=0.005))
    desk.ask("Old chat")
    old = desk.session.state.chat_id
    assert old is not None
    desk.session.new_chat()
    assert desk.session.send("New chat")
    new = desk.session.state.chat_id
    assert new is not None
    desk.session.open_chat(old)
    desk.until(lambda: desk.session.state.chat_id == old)
    assert desk.texts() == ["Old chat", "First."]
    assert desk.session.state.running_chat == new
    turn = desk.session.state.turn
    assert turn is not None
    before = turn.thinking_tokens
    desk.until(lambda: (desk.session.state.turn or turn).thinking_tokens > before + 5)
    desk.session.open_chat(new)
    desk.until(lambda: desk.session.state.chat_id == new)
    desk.session.stop()
    assert desk.answer().status == "cancelled"
    assert desk.texts()[0] == "New chat"


def test_drafts_stay_with_their_chats(desk: Desk) -> None:
    desk.session.load_model(desk.script(["Yes."]))
    desk.ask("Chat one")
    one = desk.session.state.chat_id
    assert one is not None
    desk.session.set_draft("for one")
    desk.session.new_chat()
    desk.session.set_draft("for a new one")
    desk.idle()
    desk.session.open_chat(one)
    desk.until(lambda: desk.session.state.chat_id == one)
    assert desk.session.state.draft == "for one"
    desk.session.new_chat()
    desk.until(lambda: desk.session.state.draft == "for a new one")
    desk.session.open_chat(one)
    desk.until(lambda: desk.session.state.chat_id == one)
    again = reopened(desk)
    try:
        assert again.session.state.chat_id == one
        assert again.session.state.draft == "for one"
    finally:
        again.session.close()


def test_rename_delete_and_undo(desk: Desk) -> None:
    desk.session.load_model(desk.script(["Yes."]))
    desk.ask("Chat one")
    one = desk.session.state.chat_id
    assert one is not None
    desk.session.rename_chat(one, "  A better\nname ")
    desk.session.rename_chat(one, "   ")
    assert desk.session.state.chats[0].title == "A better name"
    desk.session.delete_chat(one)
    assert desk.session.state.chats == ()
    assert desk.session.state.chat_id is None
    desk.idle()
    desk.session.undo_delete()
    desk.until(lambda: desk.session.state.chat_id == one)
    assert desk.texts() == ["Chat one", "Yes."]
    assert desk.session.state.chats[0].title == "A better name"


def test_closing_in_the_middle_keeps_the_answer_and_says_so(desk: Desk) -> None:
    desk.session.load_model(desk.script(FOREVER, token_s=0.005))
    assert desk.session.send("Think")
    desk.until(
        lambda: bool(desk.session.state.turn and desk.session.state.turn.thinking_tokens > 5)
    )
    again = reopened(desk)
    try:
        answer = again.session.state.conversation.branch()[-1]
        assert answer.status == "interrupted"
        assert answer.note == INTERRUPTED_NOTE
        assert "and so on, " in (answer.thinking or Thinking("")).text
    finally:
        again.session.close()


def test_a_disk_that_refuses_keeps_the_chat_and_writes_it_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.session.load_model(desk.script(["Yes."]))
    desk.idle()
    # A second program holds the write lock for longer than SQLite waits: the real kind of refusal.
    monkeypatch.setattr("app.chat.durable.RETRY_S", 0.05)
    other = sqlite3.connect(desk.database, isolation_level=None)
    other.execute("PRAGMA busy_timeout = 0")
    other.execute("BEGIN IMMEDIATE")
    answer = desk.ask("Is it kept?")
    assert answer.text == "Yes."
    desk.until(lambda: bool(desk.problems))
    other.execute("ROLLBACK")
    other.close()
    desk.idle()
    again = reopened(desk)
    try:
        assert again.texts() == ["Is it kept?", "Yes."]
    finally:
        again.session.close()


def test_the_model_is_remembered_for_the_next_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import settings

    monkeypatch.setenv("PONDER_HOME", str(desk.folder / "home"))
    path = desk.script(["Yes."])
    desk.session.load_model(path)
    desk.until(lambda: desk.session.state.model.phase == "ready")
    desk.idle()
    assert settings.load() == (Settings(last_model=path), None)


def test_the_model_of_last_time_is_loaded_when_it_is_needed_not_before(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.script(["Yes."])
    desk.session.close()
    desk = Desk(tmp_path, Settings(last_model=path))
    try:
        desk.idle()
        assert (desk.session.state.model.phase, desk.session.state.model.path) == ("none", path)
        assert desk.session.engine_pid is None
        desk.session.set_draft("I begin to type")
        desk.until(lambda: desk.session.state.model.phase == "ready")
        assert desk.ask("Hello").text == "Yes."
    finally:
        desk.session.close()


def test_a_message_loads_the_model_of_last_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    path = desk.script(["Yes."])
    desk.session.close()
    desk = Desk(tmp_path, Settings(last_model=path))
    try:
        assert desk.ask("Hello").text == "Yes."
        desk.session.unload_model()
        desk.until(lambda: desk.session.state.model.phase == "none")
        assert desk.ask("Again").text == "Yes."
    finally:
        desk.session.close()


def test_a_thought_is_edited_and_goes_on_from_there(desk: Desk) -> None:
    reply = ["[THINK]", "Three.", "[/THINK]", "3"]
    desk.session.load_model(desk.script(reply, [" Or five.", "[/THINK]", "5"]))
    first = desk.ask("Two and two?")
    assert desk.session.edit_thought(first.id, "Perhaps four.")
    second = desk.answer()
    assert second.thinking == replace(
        second.thinking or Thinking(""), text="Perhaps four. Or five.", closed=True
    )
    assert second.text == "5"
    assert second.provenance is not None
    assert second.provenance.edited
    assert second.provenance.resumed
    # The prompt was that of the question with the edited thought, open, at its end.
    assert first.provenance is not None
    assert second.provenance.prompt_hash != first.provenance.prompt_hash
    conversation = desk.session.state.conversation
    assert conversation.siblings(first.id) == (first.id, second.id)
    assert conversation.messages[first.id] == first
    assert not first.provenance.edited


def test_an_answer_says_by_which_weights_it_was_made(desk: Desk) -> None:
    desk.session.load_model(str(paths.demo_model()))
    answer = desk.ask("Hello")
    desk.until(lambda: bool((known(desk, answer.id)).sha256))
    expected = hashlib.sha256(paths.demo_model().read_bytes()).hexdigest()
    assert known(desk, answer.id).sha256 == expected
    desk.idle()
    stored = Store(desk.database)
    chat_id = desk.session.state.chat_id or ""
    provenance = stored.load(chat_id).conversation.messages[answer.id].provenance
    stored.close()
    assert provenance == known(desk, answer.id)
    assert provenance.threads > 0
    assert desk.ask("Hello again").provenance == replace(
        provenance, **changed(desk, "prompt_hash", "sampling")
    )


def test_an_answer_in_circles_is_ended_with_a_word_and_can_be_gone_on_with(desk: Desk) -> None:
    desk.session.load_model(
        desk.script(["Well: ", {"forever": "word "}], ["done."]), LoadPlan(context=8192)
    )
    answer = desk.ask("Hello")
    assert (answer.status, answer.note) == ("length", CIRCLES)
    assert answer.text.startswith("Well: word word ")
    desk.session.continue_answer(answer.id)
    desk.idle()
    whole = desk.session.state.conversation.branch()[-1]
    assert (whole.status, whole.note) == ("done", "")
    assert whole.text == f"{answer.text}done."


def known(desk: Desk, message_id: str) -> Provenance:
    provenance = desk.session.state.conversation.messages[message_id].provenance
    assert provenance is not None
    return provenance


def changed(desk: Desk, *names: str) -> dict[str, Any]:
    last = desk.session.state.conversation.branch()[-1].provenance
    return {name: getattr(last, name) for name in names}


def test_chats_that_could_not_be_opened_are_opened_once_they_can_be(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.session.load_model(desk.script(["Yes."]))
    desk.ask("Old chat")
    desk.idle()
    desk.session.close()
    monkeypatch.setattr("app.chat.durable.RETRY_S", 0.05)
    aside = desk.database.rename(desk.folder / "aside")
    # A link to a folder cannot be opened, and is replaced by the database in one step.
    desk.database.symlink_to(desk.folder)
    again = Desk(desk.folder)
    try:
        again.until(lambda: bool(again.problems))
        assert not again.session.state.opened
        aside.replace(desk.database)
        again.until(lambda: again.session.state.opened)
        assert again.texts() == ["Old chat", "Yes."]
        assert [problem.key for problem in again.problems] == ["chats-unreachable"]
    finally:
        again.session.close()
