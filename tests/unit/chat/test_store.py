"""The store gives back what it was given: trees, thoughts, drafts, settings, through reopening."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.chat.listing import in_order
from app.chat.message import Message, Part, Provenance, Text, Thinking
from app.chat.options import options_key
from app.chat.store import INTERRUPTED_NOTE, KEEP_DELETED_S, Store
from app.chat.store_rows import storable
from app.engine.protocol import Sampling, Usage
from app.errors import WorldError

PROVENANCE = Provenance(
    model="Ponder demo",
    file="/models/dé\udce9mo.gguf",
    size_bytes=1_234_567,
    quantization="F16",
    engine="llama-cpp-python 0.3.36",
    device="CPU",
    context=8192,
    sampling=Sampling(temperature=0.0, seed=7),
    prompt_format="mistral-v13",
    prompt_hash="ab" * 32,
)


class Clock:
    """Seconds since the epoch that go on by one with every look."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        self.at += 1
        return self.at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made by opening" / "chats.sqlite3"


@pytest.fixture
def reopen(path: Path) -> Iterator[Callable[[], Store]]:
    """Close the store that is open, if any, and open it again."""
    clock = Clock()
    opened: list[Store] = []

    def again() -> Store:
        if opened:
            opened.pop().close()
        opened.append(Store(path, now=clock))
        return opened[0]

    yield again
    opened[0].close()


def question(name: str = "q", parent: str | None = None, text: str = "Why?") -> Message:
    return Message(name, parent, "user", (Text(text),), 1.5)


def answer(name: str = "a", parent: str | None = "q", *parts: Part) -> Message:
    return Message(name, parent, "assistant", parts, 2.5, "running")


def begun(store: Store) -> None:
    store.create_chat("c", title="Why", messages=(question(), answer()))


def test_a_message_comes_back_as_it_was(reopen: Callable[[], Store]) -> None:
    store = reopen()
    begun(store)
    finished = replace(
        answer(),
        parts=(Thinking("Hm.\x00 [THINK]", False, 2.5, 3), Text("Because. 🧮 \ufeff")),
        status="length",
        note="The context is full.",
        usage=Usage(10, 4, 3, 2, 0.5, 0.25, 0.125),
        provenance=PROVENANCE,
    )
    store.finish(finished)
    before = store.load("c")
    assert before.conversation.messages == {"q": question(), "a": finished}
    assert list(before.conversation.messages) == ["q", "a"]
    assert before.conversation.leaf == "a"
    assert reopen().load("c") == before


PARTS = st.lists(
    st.one_of(
        st.builds(Text, st.text()),
        st.builds(
            Thinking,
            st.text(st.characters(codec=None)),
            st.booleans(),
            st.floats(0, 1e6),
            st.integers(0, 10**6),
        ),
    ),
    max_size=3,
).map(tuple)


@settings(max_examples=25, deadline=None)
@given(st.lists(PARTS, min_size=1, max_size=5), st.booleans(), st.booleans())
def test_checkpoints_in_any_order_end_in_the_last_one(
    tmp_path_factory: pytest.TempPathFactory,
    versions: list[tuple[Part, ...]],
    restarted: bool,
    over: bool,
) -> None:
    """Growing, shrinking, changing kind: what is read is what was written last."""
    folder = tmp_path_factory.mktemp("any")
    store = Store(folder / "chats.sqlite3")
    begun(store)
    for parts in versions:
        if restarted:
            store._written.clear()
        store.checkpoint(replace(answer(), parts=parts))
    last = replace(answer(), parts=versions[-1])
    if over:
        last = replace(last, status="done")
        store.finish(last)
    expected = tuple(replace(part, text=storable(part.text)) for part in last.parts)
    assert store.load("c").conversation.messages["a"] == replace(last, parts=expected)
    store.close()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ta"), st.text(max_size=20)), max_size=30))
def test_a_growing_answer_survives_the_end_of_the_process(
    tmp_path_factory: pytest.TempPathFactory, deltas: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("grow") / "chats.sqlite3"
    store = Store(path)
    begun(store)
    thought = text = ""
    for channel, more in deltas:
        thought, text = (thought + more, text) if channel == "t" else (thought, text + more)
        store.checkpoint(replace(answer(), parts=(Thinking(thought, False), Text(text))))
    store.close()
    store = Store(path)
    found = store.load("c").conversation.messages["a"]
    store.close()
    assert (found.status, found.note) == ("interrupted", INTERRUPTED_NOTE)
    assert found.text == text
    assert (found.thinking.text if found.thinking else "") == thought


def test_a_checkpoint_appends_and_the_end_folds(reopen: Callable[[], Store], path: Path) -> None:
    store = reopen()
    begun(store)
    for count in range(1, 6):
        store.checkpoint(replace(answer(), parts=(Text("word " * count),)))
    with closing(sqlite3.connect(path)) as seen:
        assert seen.execute("SELECT text FROM parts WHERE message_id = 'a'").fetchall() == [
            ("word ",)
        ]
        assert seen.execute("SELECT text FROM pieces").fetchall() == [("word ",)] * 4
        store.finish(replace(answer(), parts=(Text("word " * 5),), status="done"))
        assert seen.execute("SELECT count(*) FROM pieces").fetchone() == (0,)
        assert seen.execute("SELECT text FROM parts WHERE message_id = 'a'").fetchall() == [
            ("word " * 5,)
        ]


def test_an_answer_that_is_continued_keeps_its_beginning(reopen: Callable[[], Store]) -> None:
    store = reopen()
    begun(store)
    store.finish(replace(answer(), parts=(Text("Because"),), status="cancelled"))
    store.checkpoint(replace(answer(), parts=(Text("Because it"),)))
    store.checkpoint(replace(answer(), parts=(Text("Because it is."),)))
    assert reopen().load("c").conversation.messages["a"].text == "Because it is."


def test_only_what_runs_is_interrupted(reopen: Callable[[], Store]) -> None:
    store = reopen()
    begun(store)
    store.finish(replace(answer(), parts=(Text("Because."),), status="cancelled"))
    found = reopen().load("c").conversation.messages
    assert (found["q"].status, found["a"].status, found["a"].note) == ("done", "cancelled", "")


def test_branches(reopen: Callable[[], Store]) -> None:
    store = reopen()
    begun(store)
    store.add_messages("c", (question("q2", None, "Why not?"), answer("a2", "q2")))
    assert store.load("c").conversation.siblings("q") == ("q", "q2")
    assert [m.id for m in store.load("c").conversation.branch()] == ["q2", "a2"]
    store.set_leaf("c", "a")
    assert [m.id for m in reopen().load("c").conversation.branch()] == ["q", "a"]


@pytest.mark.parametrize(
    "broken", [question("q"), question("new", "nowhere"), question("new", "other")]
)
def test_messages_are_added_all_or_none(reopen: Callable[[], Store], broken: Message) -> None:
    """An id twice, a parent that is not there or in another chat: bugs, and nothing is kept."""
    store = reopen()
    begun(store)
    store.create_chat("d", title="Other", messages=(question("other"),))
    before = store.load("c")
    with pytest.raises(sqlite3.IntegrityError):
        store.add_messages("c", (question("fine", "a"), broken), draft="")
    assert store.load("c") == before


def test_a_leaf_of_another_chat_is_refused(reopen: Callable[[], Store]) -> None:
    store = reopen()
    begun(store)
    store.create_chat("d", title="Other", messages=(question("other"),))
    with pytest.raises(sqlite3.IntegrityError):
        store.set_leaf("c", "other")


def test_what_is_not_there(reopen: Callable[[], Store]) -> None:
    store = reopen()
    with pytest.raises(WorldError, match="no longer there") as raised:
        store.load("nowhere")
    assert raised.value.problem.key == "chat-gone"
    with pytest.raises(KeyError):
        store.checkpoint(answer())
    with pytest.raises(KeyError):
        store.finish(answer())
    with pytest.raises(KeyError):
        store.rename("nowhere", "x")


def test_the_chat_written_in_last_comes_first(reopen: Callable[[], Store]) -> None:
    store = reopen()
    for name in "abc":
        store.create_chat(name, title=name.upper())
    store.add_messages("a", (question(),))
    store.rename("b", "B, renamed")
    store.set_draft("b", "typed")
    assert [chat.title for chat in reopen().list_chats()] == ["A", "C", "B, renamed"]


def test_deleting_can_be_undone(reopen: Callable[[], Store]) -> None:
    store = reopen()
    begun(store)
    store.create_chat("d", title="Later")
    before = store.list_chats()
    store.delete("c")
    assert [chat.id for chat in store.list_chats()] == ["d"]
    store = reopen()
    store.undelete("c")
    assert store.list_chats() == before
    assert list(store.load("c").conversation.messages) == ["q", "a"]


def test_a_chat_is_gone_after_thirty_days(path: Path) -> None:
    at = 0.0
    with closing(Store(path, now=lambda: at)) as store:
        begun(store)
        store.finish(replace(answer(), parts=(Text("a-secret-word"),), status="done"))
        store.create_chat("d", title="Kept")
        store.delete("c")
    at = KEEP_DELETED_S - 1.0
    with closing(Store(path, now=lambda: at)) as store:
        assert store.load("c").conversation.messages["a"].text == "a-secret-word"
    at = KEEP_DELETED_S + 1.0
    with closing(Store(path, now=lambda: at)) as store:
        with pytest.raises(WorldError):
            store.load("c")
        assert [chat.id for chat in store.list_chats()] == ["d"]
    assert b"a-secret-word" not in path.read_bytes()


def test_drafts(reopen: Callable[[], Store]) -> None:
    store = reopen()
    store.set_draft(None, "first words, half an emoji \ud83e")
    begun(store)
    store.set_draft("c", "and then")
    store = reopen()
    assert store.new_draft() == "first words, half an emoji \ufffd"
    assert store.load("c").draft == "and then"
    store.create_chat("d", title="Not from the draft")
    assert store.new_draft()
    store.add_messages("c", (question("q2", "a"),))
    assert store.load("c").draft == "and then"
    store.create_chat("e", title="From the draft", takes_draft=True)
    store.add_messages("c", (question("q3", "a"),), draft="")
    store = reopen()
    assert store.new_draft() == ""
    assert store.load("c").draft == ""


def test_where_one_was(reopen: Callable[[], Store]) -> None:
    store = reopen()
    assert store.get_state("open_chat") is None
    store.create_chat(
        "c",
        title="Why",
        messages=(question(), answer()),
        system_prompt="Be brief.",
        thinking_budget=100,
        model="/m.gguf",
    )
    store.set_state("open_chat", "c")
    store.set_collapsed("a", collapsed=False)
    chat = reopen().load("c")
    assert (chat.system_prompt, chat.thinking_budget, chat.model) == ("Be brief.", 100, "/m.gguf")
    assert chat.collapsed == {"a": False}
    store = reopen()
    store.set_options("c", system_prompt="", thinking_budget=None, model="/n.gguf")
    store.set_collapsed("a", collapsed=True)
    assert store.get_state("open_chat") == "c"
    store.set_state("open_chat", None)
    chat = reopen().load("c")
    assert (chat.system_prompt, chat.thinking_budget, chat.model) == ("", None, "/n.gguf")
    assert chat.collapsed == {"a": True}
    assert reopen().get_state("open_chat") is None


def test_thinking_is_never_found_among_the_answers(reopen: Callable[[], Store], path: Path) -> None:
    store = reopen()
    begun(store)
    store.finish(replace(answer(), parts=(Thinking("only thought"), Text("said")), status="done"))
    with closing(sqlite3.connect(path)) as seen:
        texts = seen.execute("SELECT text FROM parts WHERE kind = 'text'").fetchall()
    assert texts == [("Why?",), ("said",)]


@pytest.mark.parametrize("durable", [True, False])
def test_only_what_must_waits_for_the_disk(reopen: Callable[[], Store], durable: bool) -> None:
    """2 is FULL: the commit returns after the log is on the disk; 1 is NORMAL: it does not wait."""
    store = reopen()
    begun(store)
    if durable:
        store.checkpoint(replace(answer(), parts=(Text("B"),)))
        store.finish(replace(answer(), parts=(Text("Because."),), status="done"))
    else:
        store.checkpoint(replace(answer(), parts=(Text("Because."),)))
    assert store._database.execute("PRAGMA synchronous").fetchone() == (2 if durable else 1,)
    assert store._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_pinned_chats_come_first_in_the_order_of_their_pins(path: Path) -> None:
    clock = iter(range(1, 100))
    with closing(Store(path, now=lambda: float(next(clock)))) as store:
        for name in "abcd":
            store.create_chat(name, title=name)
        store.pin("b")
        store.pin("a")
        store.pin("b")
        assert [(chat.id, chat.pinned) for chat in store.list_chats()] == [
            ("b", True),
            ("a", True),
            ("d", False),
            ("c", False),
        ]
        assert in_order(store.list_chats()) == store.list_chats()
        assert store.load("a").summary.pinned
        store.pin("b", pinned=False)
        assert [chat.id for chat in store.list_chats()] == ["a", "d", "c", "b"]
        with pytest.raises(KeyError):
            store.pin("nobody")


def test_a_title_by_the_model_gives_way_to_the_users(path: Path) -> None:
    with closing(Store(path)) as store:
        store.create_chat("c", title="First words")
        assert store.wants_title("c")
        assert store.suggest_title("c", "Made \ud83d")
        assert not store.wants_title("c")
        assert store.list_chats()[0].title == "Made \ufffd"
        store.create_chat("d", title="First words")
        assert not store.suggest_title("d", None)
        assert not store.wants_title("d")
        store.create_chat("e", title="First words")
        store.rename("e", "Mine")
        assert not store.wants_title("e")
        assert not store.suggest_title("e", "Made")
        assert {chat.title for chat in store.list_chats()} == {"Made \ufffd", "First words", "Mine"}
        assert not store.wants_title("nobody")


def test_only_what_is_in_the_trash_can_be_deleted_for_good(path: Path) -> None:
    with closing(Store(path)) as store:
        asked = Message("q", None, "user", (Text("Why?"),), 1.0)
        store.create_chat("c", title="c", messages=(asked,))
        with pytest.raises(KeyError):
            store.purge("c")
        store.delete("c")
        assert [chat.id for chat in store.list_deleted()] == ["c"]
        store.purge("c")
        assert store.list_deleted() == ()
        assert store._database.execute("SELECT count(*) FROM parts").fetchone() == (0,)
        with pytest.raises(KeyError):
            store.purge("c")


def test_what_a_chat_asked_for_goes_with_it(path: Path) -> None:
    keys = "SELECT key FROM state WHERE key LIKE 'options%' ORDER BY key"

    def kept(store: Store) -> list[str]:
        return [key for (key,) in store._database.execute(keys)]

    with closing(Store(path)) as store:
        for name in ("a", "b", "%"):
            store.create_chat(name, title=name)
            store.set_state(options_key(name), '{"seed": 1}')
        store.set_state("options", "of something else")
        store.delete("a")
        assert kept(store) == ["options", "options:%", "options:a", "options:b"]
        store.purge("a")
        assert kept(store) == ["options", "options:%", "options:b"]
        store.set_state(options_key("gone"), "left behind by an earlier Ponder")
        store.delete("b")
    with closing(Store(path)) as store:
        assert kept(store) == ["options", "options:%", "options:b"]
    with closing(Store(path, now=lambda: time.time() + 2 * KEEP_DELETED_S)) as store:
        assert kept(store) == ["options", "options:%"]
