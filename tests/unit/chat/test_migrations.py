"""The schema is exactly what it was released as, and a migration happens whole or not at all."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat import migrations
from app.chat.message import File, Image, Text, Thinking
from app.chat.migrations import STEPS, Step, backup_path, ponder_version, statements
from app.chat.store import INTERRUPTED_NOTE, Store
from app.errors import WorldError

HERE = Path(__file__).parent


def running(sql: str) -> Callable[[sqlite3.Connection], None]:
    def apply(database: sqlite3.Connection) -> None:
        database.execute(sql)

    return apply


NOW = len(STEPS)
WITH_COLOUR = Step(
    NOW + 1, "Chats have a colour.", running("ALTER TABLE chats ADD COLUMN colour INTEGER")
)


def released(folder: Path, number: int) -> Path:
    """Return a database as a released schema left it, with an answer that was being written."""
    path = folder / "chats.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript((HERE / f"database_{number}.sql").read_text(encoding="utf-8"))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database as the newest schema left it."""
    return released(tmp_path, NOW)


def schema(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name"
        )
        return "".join(f"{sql};\n" for (sql,) in rows)


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        return migrations.schema_version(database)


def test_the_schema_is_exactly_what_was_released(tmp_path: Path) -> None:
    """A released schema is never edited: if this fails, write a new step instead."""
    path = tmp_path / "chats.sqlite3"
    Store(path).close()
    assert schema(path) == (HERE / f"schema_{NOW}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0x506F6E64,)
        assert database.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


def test_steps_are_numbered_from_one_and_say_why() -> None:
    assert [step.number for step in STEPS] == list(range(1, len(STEPS) + 1))
    assert all(step.reason.endswith(".") for step in STEPS)


@pytest.mark.parametrize("number", range(1, NOW + 1))
def test_a_database_of_every_released_schema_opens(tmp_path: Path, number: int) -> None:
    path = released(tmp_path, number)
    assert schema(path) == (HERE / f"schema_{number}.sql").read_text(encoding="utf-8")
    with closing(Store(path)) as store:
        titles = [(chat.title, chat.pinned) for chat in store.list_chats()]
        if number < 3:
            assert titles == [("Angles", False), ("Trains", False)]
            assert not store.wants_title("c1")
        else:
            assert titles == [("Trains", True), ("Angles", False)]
            assert store.wants_title("c1")
        chat = store.load("c1")
        assert [m.id for m in chat.conversation.branch()][:2] == ["q1", "a1"]
        first, second, *_ = chat.conversation.messages.values()
        assert first.text == "How fast?"
        assert second.parts == (Thinking("120 / 1.5", True, 1.5, 7), Text("22.2 m/s"))
        assert second.usage is not None
        assert second.usage.answer_tokens == 5
        assert second.provenance is not None
        assert second.provenance.sampling.seed == 7
        assert (chat.draft, chat.thinking_budget, chat.collapsed) == ("thanks", 64, {"a1": True})
        cut = store.load("c2").conversation.messages["a2"]
        assert cut.parts == (Thinking("Draw a parallel.", False, 2.0, 9),)
        assert (cut.status, cut.note) == ("interrupted", INTERRUPTED_NOTE)
        assert store.get_state("open_chat") == "c2"
    assert schema(path) == (HERE / f"schema_{NOW}.sql").read_text(encoding="utf-8")
    copies = {f"chats.schema-{number}.sqlite3"} if number < NOW else set()
    assert {found.name for found in tmp_path.glob("*.schema-*")} == copies


def test_what_was_attached_in_schema_2_is_there(tmp_path: Path) -> None:
    path = released(tmp_path, 2)
    text = "one\r\ntwo\r\n".encode("utf-16")
    with closing(Store(path)) as store:
        sha256 = store.kept.put(text)
        image = Image("ab" * 32, "Möwe 🐦.png", 5120, "image/png", 640, 480, withheld=True)
        notes = File(sha256, "notes.txt", len(text), "utf-16", "one\ntwo\n")
        chat = store.load("c1")
        assert chat.conversation.messages["q3"].parts == (image, notes, Text("And these?"))
        assert chat.attached == (replace(notes, name="same.txt"),)
        assert store.new_attached() == (replace(image, name="new.png", withheld=False),)


def test_a_copy_is_made_before_the_first_step(path: Path) -> None:
    before = schema(path)
    Store(path, steps=(*STEPS, WITH_COLOUR)).close()
    copy = backup_path(path, NOW)
    assert copy.name == f"chats.schema-{NOW}.sqlite3"
    assert (version(path), version(copy)) == (NOW + 1, NOW)
    assert schema(copy) == before
    with closing(Store(copy)) as store:
        assert store.load("c1").conversation.messages["a1"].text == "22.2 m/s"


def test_a_new_database_needs_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "chats.sqlite3"
    Store(path, steps=(*STEPS, WITH_COLOUR)).close()
    assert version(path) == NOW + 1
    assert not list(tmp_path.glob("*schema-*"))


def test_a_step_that_fails_leaves_the_last_whole_one(path: Path) -> None:
    def half(database: sqlite3.Connection) -> None:
        database.execute("ALTER TABLE chats ADD COLUMN half INTEGER")
        database.execute("DELETE FROM messages WHERE role = 'user'")
        raise OSError("in the middle")

    third = Step(NOW + 2, "Something that fails.", half)
    with pytest.raises(OSError, match="in the middle"):
        Store(path, steps=(*STEPS, WITH_COLOUR, third))
    assert version(path) == NOW + 1
    assert "colour" in schema(path)
    assert "half" not in schema(path)
    whole = Step(NOW + 2, "The same, mended.", lambda database: None)
    with closing(Store(path, steps=(*STEPS, WITH_COLOUR, whole))) as store:
        assert "q1" in store.load("c1").conversation.messages
    assert version(path) == NOW + 2


def test_a_step_that_breaks_references_is_a_bug_and_undone(path: Path) -> None:
    step = Step(NOW + 1, "Wrong.", running("DELETE FROM messages WHERE id = 'q1'"))
    with pytest.raises(RuntimeError, match="breaks references"):
        Store(path, steps=(*STEPS, step))
    assert version(path) == NOW
    with closing(Store(path)) as store:
        assert "q1" in store.load("c1").conversation.messages


@pytest.mark.parametrize("maker", ["9.9.0", None])
def test_a_newer_database_is_refused_untouched(path: Path, maker: str | None) -> None:
    with closing(sqlite3.connect(path)) as database:
        if maker:
            database.execute("UPDATE state SET value = ? WHERE key = 'ponder'", (maker,))
        else:
            database.execute("DROP TABLE state")
        database.execute("PRAGMA user_version = 99")
        database.commit()
    before = path.read_bytes()
    with pytest.raises(WorldError) as raised:
        Store(path)
    problem = raised.value.problem
    assert problem.key == "chats-newer"
    assert f"Install {f'Ponder {maker}' if maker else 'the newest Ponder'}" in problem.advice
    assert ponder_version() in problem.title
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [0, 0x0F055112])
def test_a_database_of_another_program_is_refused_untouched(tmp_path: Path, number: int) -> None:
    path = tmp_path / "chats.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE recipes (name TEXT)")
        database.execute(f"PRAGMA application_id = {number}")
        database.commit()
    before = path.read_bytes()
    with pytest.raises(WorldError) as raised:
        Store(path)
    assert raised.value.problem.key == "chats-foreign"
    assert path.read_bytes() == before


def test_a_damaged_database_is_not_migrated(path: Path) -> None:
    """A page of an index is overwritten: opening does not touch it, a migration must look first."""
    Store(path).close()
    with closing(sqlite3.connect(path)) as database:
        page: int = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'messages_by_parent'"
        ).fetchone()[0]
        size: int = database.execute("PRAGMA page_size").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)
    before = path.read_bytes()
    with pytest.raises(WorldError) as raised:
        Store(path, steps=(*STEPS, WITH_COLOUR))
    assert raised.value.problem.key == "chats-damaged"
    assert path.read_bytes() == before


def test_statements_are_split_where_they_end() -> None:
    sql = "-- a; comment\nCREATE TABLE t (\n  a TEXT DEFAULT ';'\n);\nSELECT 1;\n-- the end\n"
    assert [s.strip().splitlines()[-1] for s in statements(sql)] == [");", "SELECT 1;"]
    with pytest.raises(ValueError, match="unfinished"):
        list(statements("CREATE TABLE t ("))
