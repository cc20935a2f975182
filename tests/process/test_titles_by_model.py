"""The model gives a chat its title while it is idle, and gives way to everything the user does."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat import session_titles
from app.chat.message import Text
from app.chat.store import Store
from tests.support.session import Desk

ANSWER = ["[THINK]", "Two ", "and two.", "[/THINK]", "Four", "."]
TITLE = ["**Title: ", "“Adding ", "two ", "and ", "two”**"]
FOREVER = [{"forever": "word {n} "}]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(session_titles, "TITLE_FROM_BYTES", 0)
    monkeypatch.setattr(session_titles, "_IDLE_S", 0.0)
    # What gives way must not have ended by itself.
    monkeypatch.setattr(session_titles, "_MOST_TOKENS", 5000)
    opened = Desk(tmp_path)
    yield opened
    opened.session.close()


def titles(desk: Desk) -> list[str]:
    return [chat.title for chat in desk.session.state.chats]


def title_so_far(desk: Desk) -> str:
    return desk.session._title.text if desk.session._title else ""


def test_a_title_is_made_once_and_kept(desk: Desk) -> None:
    desk.session.load_model(desk.script(ANSWER, TITLE, ANSWER))
    answer = desk.ask("What is 2 + 2?")
    assert titles(desk) == ["What is 2 + 2?"]
    desk.idle()
    assert titles(desk) == ["Adding two and two"]
    assert desk.session.state.conversation.branch()[-1] == answer
    assert desk.texts() == ["What is 2 + 2?", "Four."]
    desk.ask("And again?")
    desk.idle()
    assert titles(desk) == ["Adding two and two"]
    desk.session.close()
    store = Store(desk.database)
    assert [chat.title for chat in store.list_chats()] == ["Adding two and two"]
    assert len(store.load(store.list_chats()[0].id).conversation.messages) == 4
    store.close()


def test_none_is_made_where_the_user_wants_none(desk: Desk) -> None:
    session = desk.session
    session.settings = replace(session.settings, model_titles=False)
    session.load_model(desk.script(ANSWER, TITLE, TITLE))
    desk.ask("What is 2 + 2?")
    desk.idle()
    assert titles(desk) == ["What is 2 + 2?"]
    # The script's next word is still to come: nothing was asked in between.
    session.settings = replace(session.settings, model_titles=True)
    desk.ask("And again?")
    assert desk.texts()[-1] == "".join(TITLE)


def test_what_the_chat_has_read_is_not_read_again(desk: Desk) -> None:
    desk.session.load_model(desk.script(ANSWER, TITLE, ANSWER))
    desk.ask("What is 2 + 2?")
    desk.idle()
    second = desk.ask("And again?")
    assert second.usage is not None
    # All but what follows the first answer, as if no title had been made in between.
    assert second.usage.cached_tokens > second.usage.prompt_tokens - 12


def test_who_sends_while_it_is_made_is_answered_at_once(desk: Desk) -> None:
    desk.session.load_model(desk.script(ANSWER, FOREVER, ANSWER, TITLE, token_s=0.01))
    desk.ask("What is 2 + 2?")
    desk.until(lambda: "word 2" in title_so_far(desk))
    answer = desk.ask("And now?")
    assert answer.parts[-1] == Text("Four.")
    desk.idle()
    # Another occasion, as the first was taken away.
    assert titles(desk) == ["Adding two and two"]


def test_who_types_is_not_kept_from_it(desk: Desk) -> None:
    desk.session.load_model(desk.script(ANSWER, FOREVER, token_s=0.01))
    desk.ask("What is 2 + 2?")
    desk.until(lambda: desk.session.making_title)
    desk.session.set_draft("And n")
    desk.idle()
    assert not desk.session.making_title
    assert titles(desk) == ["What is 2 + 2?"]


def test_a_title_that_was_typed_stays(desk: Desk) -> None:
    desk.session.load_model(desk.script(ANSWER, TITLE, token_s=0.02))
    desk.ask("What is 2 + 2?")
    desk.until(lambda: desk.session.making_title)
    desk.session.rename_chat(desk.session.state.chats[0].id, "Mine")
    desk.idle()
    assert titles(desk) == ["Mine"]
    desk.ask("And again?")
    desk.idle()
    assert titles(desk) == ["Mine"]


@pytest.mark.parametrize("said", [["\n"], ["word "] * 400, [{"fail": "No."}], ["!!!"]])
def test_what_is_no_title_leaves_the_first_words(desk: Desk, said: list[object]) -> None:
    desk.session.load_model(desk.script(ANSWER, said, ANSWER))
    desk.ask("What is 2 + 2?")
    desk.idle()
    assert titles(desk) == ["What is 2 + 2?"]
    assert desk.ask("Still there?").text == "Four."
    assert desk.problems == []


def test_another_model_is_loaded_at_once(desk: Desk) -> None:
    desk.session.load_model(desk.script(ANSWER, FOREVER, token_s=0.01))
    desk.ask("What is 2 + 2?")
    desk.until(lambda: desk.session.making_title)
    desk.session.load_model(desk.script(ANSWER, TITLE, name="Other"))
    desk.until(lambda: desk.session.state.model.phase == "ready")
    assert desk.ask("Hello?").text == "Four."


def test_a_small_model_is_not_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.session.load_model(desk.script(ANSWER, TITLE))
    desk.ask("What is 2 + 2?")
    desk.idle()
    assert titles(desk) == ["What is 2 + 2?"]
    desk.session.close()
