"""Trash, chats from elsewhere and finding a message's branch, through a session and its store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.chat.store import Store
from app.errors import WorldError
from app.transcript import chain
from app.transcript.export import record_from
from app.transcript.importing_child import Step, take_in
from tests.support.session import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.session.load_model(made.script(["One."], ["Two."], ["Three."]))
    yield made
    made.session.close()


def chats(desk: Desk) -> list[str]:
    return [chat.title for chat in desk.session.state.chats]


def trash(desk: Desk) -> list[str]:
    found: list[list[str]] = []
    desk.session.list_deleted(lambda deleted: found.append([chat.title for chat in deleted]))
    desk.until(lambda: bool(found))
    return found[0]


def test_a_deleted_chat_comes_back_from_the_trash_or_goes_for_good(desk: Desk) -> None:
    desk.ask("Keep")
    first = desk.session.state.chat_id
    assert first is not None
    desk.session.new_chat()
    desk.ask("Drop")
    second = desk.session.state.chat_id
    assert second is not None
    desk.session.delete_chat(first)
    desk.session.delete_chat(second)
    assert chats(desk) == []
    assert trash(desk) == ["Drop", "Keep"]
    desk.session.restore_chat(first)
    desk.until(lambda: chats(desk) == ["Keep"])
    desk.session.purge_chats((second, first))
    assert trash(desk) == []
    # What was restored is no longer in the trash, and stays.
    assert chats(desk) == ["Keep"]
    desk.session.undo_delete()
    desk.idle()
    assert chats(desk) == ["Keep"]
    assert not desk.problems


def test_a_chat_from_elsewhere_stands_among_the_others(desk: Desk, tmp_path: Path) -> None:
    desk.ask("Mine")
    desk.idle()
    (tmp_path / "other").mkdir()
    other = Desk(tmp_path / "other")
    other.session.load_model(other.script(["Theirs."]))
    other.ask("Foreign")
    other.idle()
    other.session.close()
    store = Store(other.database)
    data = chain.dumps(record_from(store, store.list_chats()[0].id))
    store.close()
    path = tmp_path / "chat.json"
    path.write_bytes(data)
    steps: list[Step] = []
    for _ in range(2):
        taken = take_in(path, desk.database, told=steps.append)
        assert (len(taken.ids), taken.title, taken.kind) == (1, "Foreign", "Ponder")
    desk.session.list_again()
    desk.until(lambda: len(chats(desk)) == 3)
    assert sorted(chats(desk)) == ["Foreign", "Foreign", "Mine"]
    assert len({step.id for step in steps}) == 2
    with pytest.raises(WorldError, match="cannot be read"):
        take_in(tmp_path / "gone.json", desk.database)
    stopped = take_in(path, desk.database, stopped=lambda: True)
    assert stopped.stopped


def test_a_message_is_shown_on_its_own_branch(desk: Desk) -> None:
    first = desk.ask("Question")
    desk.session.retry(first.id)
    second = desk.answer()
    assert desk.session.state.conversation.leaf == second.id
    assert desk.session.show_branch_of(first.id)
    assert desk.session.state.conversation.leaf == first.id
    assert not desk.session.show_branch_of("nowhere")
    desk.idle()
