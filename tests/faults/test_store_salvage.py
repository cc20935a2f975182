"""Whatever bytes of a database are overwritten: never a crash, and what can be read is saved.

    PONDER_DAMAGED=100 python -m pytest tests/faults/test_store_salvage.py

The ordinary run damages three databases, each at a hundred places.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat import attachments
from app.chat.message import File, Message, Provenance, Text, Thinking
from app.chat.salvage import LOST_NOTE, NAMELESS, Salvaged, salvage
from app.chat.store import Store, StoredChat
from app.chat.store_errors import DamagedDatabaseError
from app.chat.store_worker import StoreWorker
from app.engine.protocol import Sampling, Usage
from app.errors import Problem
from app.transcript import lossless

DAMAGED = int(os.environ.get("PONDER_DAMAGED", "3"))
CHATS, TURNS = 20, 6
BY = Provenance(
    *("Demo", "/models/demo.gguf", 5_000_000, "F16", "llama.cpp b1", "CPU", 8192),
    Sampling(seed=7),
    "mistral-v13",
    "ab" * 32,
)


def said(chat: int, turn: int) -> str:
    """Return a text of a few words up to several pages."""
    return f"Chat {chat}, turn {turn}: é机🚀. " + f"word{chat}.{turn} " * (
        chat * 37 + turn * 211 % 900
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with trees, thoughts, attachments, a trashed chat, and a log not folded in."""
    path = tmp_path_factory.mktemp("whole") / "chats.sqlite3"
    with closing(Store(path)) as store:
        notes = attachments.Kept(path.with_name(attachments.FOLDER)).put(b"one\n")
        for chat in range(CHATS):
            messages: list[Message] = []
            for turn in range(TURNS):
                asked = Message(
                    f"q{chat}.{turn}",
                    messages[-1].id if messages else None,
                    "user",
                    (Text(said(chat, turn)),),
                    1000.0 + turn,
                )
                answer = Message(
                    f"a{chat}.{turn}",
                    asked.id,
                    "assistant",
                    (Thinking(said(chat, turn)[::-1], True, 1.5, 9), Text(f"Answer {chat}.{turn}")),
                    1000.5 + turn,
                    usage=Usage(20, 0, 9, 5, 0.5, 1.5, 0.6),
                    provenance=BY,
                )
                messages += [asked, answer]
            store.create_chat(f"c{chat}", title=f"Title {chat}", messages=messages)
        store.import_chat(
            "files",
            store.load("c1").conversation.with_message(
                Message("f", "a1.5", "user", (File(notes, "n.txt", 4, "utf-8"), Text("See")), 9.0)
            ),
            title="With a file",
        )
        store.rename("c2", "My own title")
        store.delete("c3")
        running = Message("r", "a4.5", "assistant", (Text("begun"),), 2000.0, "running")
        store.add_messages("c4", [running])
        store.checkpoint(replace(running, parts=(Text("begun and gone on"),)))
        # As it lies there while it is used: what a power cut leaves.
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{path}.copy{suffix}")
    copy = path.with_name("chats.sqlite3.copy")
    copy.rename(path)
    copy.with_name(copy.name + "-wal").rename(path.with_name(path.name + "-wal"))
    return path


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "chats"
    shutil.copytree(whole.parent, folder, ignore=shutil.ignore_patterns("*-shm"))
    return folder / whole.name


def folded(path: Path) -> bytes:
    """Fold the log into the database; return its bytes."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return path.read_bytes()


def by_id(chats: list[Salvaged]) -> dict[str, Salvaged]:
    return {chat.id: chat for chat in chats}


def test_a_database_that_is_whole_is_saved_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    found = by_id(salvage(path))
    assert path.read_bytes() == before
    with closing(Store(path)) as store:
        chats = [*store.list_chats(), *store.list_deleted()]
        assert found.keys() == {chat.id for chat in chats}
        for chat in chats:
            stored = store.load(chat.id)
            saved = found[chat.id]
            assert (saved.title, saved.updated_at) == (chat.title, chat.updated_at)
            assert saved.deleted == (chat.id == "c3")
            assert saved.titled_by_user == (chat.id == "c2" or not chat.id.startswith("c"))
            assert saved.damaged == 0
            assert without_texts(saved.conversation.messages) == without_texts(
                stored.conversation.messages
            )


def without_texts(messages: dict[str, Message]) -> list[Message]:
    """Drop what only a folder of attachments knows, and what opening says of a running answer."""
    return [
        replace(
            message,
            note="",
            parts=tuple(
                replace(part, text=None) if isinstance(part, File) else part
                for part in message.parts
            ),
        )
        for message in messages.values()
    ]


class Window:
    """The worker as a window uses it: what it says, and what comes back."""

    def __init__(self, path: Path) -> None:
        self.news = threading.Semaphore(0)
        self.problems: list[Problem] = []
        self.worker = StoreWorker(path, on_problem=self.problems.append, wakeup=self.news.release)

    def ask(self, work: object) -> list[object]:
        found: list[object] = []
        self.worker.call(work, found.append)  # type: ignore[arg-type]  # any call of the store's
        while self.worker.poll():
            assert self.news.acquire(timeout=120)
        return found

    def everything(self) -> list[StoredChat]:
        (chats,) = self.ask(lambda store: [*store.list_chats(), *store.list_deleted()]) or [[]]
        found: list[StoredChat] = []
        for chat in chats:  # type: ignore[attr-defined]  # summaries
            found += self.ask(lambda store, one=chat.id: store.load(one))  # type: ignore[misc,arg-type]
        return found


@pytest.fixture
def window(path: Path) -> Iterator[Window]:
    one = Window(path)
    yield one
    one.worker.close()


@pytest.mark.parametrize("number", range(DAMAGED))
def test_a_hundred_places_overwritten(path: Path, number: int) -> None:
    chance = random.Random(number)
    content = bytearray(folded(path))
    for _ in range(100):
        length = chance.choice((1, 1, 1, 4, 16, 64))
        at = chance.randrange(100 if number % 4 else 0, len(content) - length)
        content[at : at + length] = chance.randbytes(length)
    path.write_bytes(content)

    found = salvage(path)
    assert path.read_bytes() == content
    texts = {m.text for chat in found for m in chat.conversation.messages.values()}
    expected = {said(chat, turn) for chat in range(CHATS) for turn in range(TURNS)}
    assert len(expected & texts) > 0.5 * len(expected)
    for chat in found:
        assert len(chat.conversation.branch()) <= len(chat.conversation.messages)

    window = Window(path)
    shown = window.everything()
    shown = window.everything() if window.problems else shown
    kept = {m.text for chat in shown for m in chat.conversation.messages.values()}
    assert len(expected & kept) > 0.5 * len(expected)
    window.ask(lambda store: store.create_chat("after", title="Still writes"))
    window.worker.close()
    assert {problem.key for problem in window.problems} <= {"chats-damaged"}
    for aside in path.parent.glob("chats.damaged-*.sqlite3"):
        assert salvage(aside)
    with closing(Store(path)) as store:
        assert "after" in {chat.id for chat in store.list_chats()}


@pytest.mark.parametrize("lost", ["header", "first page", "every tenth page", "end"])
def test_whole_pages_lost(path: Path, lost: str) -> None:
    content = bytearray(folded(path))
    pages = len(content) // 4096
    match lost:
        case "header":
            content[:100] = bytes(100)
        case "first page":
            content[:4096] = random.Random(1).randbytes(4096)
        case "every tenth page":
            for page in range(9, pages, 10):
                content[page * 4096 : page * 4096 + 4096] = bytes(4096)
        case _:
            del content[-len(content) // 10 :]
    path.write_bytes(content)
    window = Window(path)
    shown = window.everything()
    window.worker.close()
    (problem,) = window.problems
    assert problem.key == "chats-damaged"
    assert "could be saved" in problem.title
    (aside,) = path.parent.glob("chats.damaged-*.sqlite3")
    assert str(aside) in problem.advice
    if lost != "every tenth page":  # found by the first look at it
        assert aside.read_bytes() == content
    messages = [m for chat in shown for m in chat.conversation.messages.values()]
    share = 1.0 if lost in ("header", "first page") else 0.6
    assert sum(
        m.text in {said(c, t) for c in range(CHATS) for t in range(TURNS)} for m in messages
    ) >= (share * CHATS * TURNS)
    names = {p.name for p in path.parent.iterdir()}
    assert not {name for name in names if "salvag" in name}


def test_what_is_torn_says_so_and_keeps_its_place(path: Path) -> None:
    """A row of chats, one of messages, and the text of one are lost; all else is there."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("DELETE FROM chats WHERE id = 'c5'")
        database.execute("DELETE FROM messages WHERE id = 'q6.3'")
        database.execute("DELETE FROM parts WHERE message_id = 'q7.3'")
        database.commit()
    folded(path)
    found = by_id(salvage(path))
    assert found["c5"].title == NAMELESS
    assert len(found["c5"].conversation.branch()) == 2 * TURNS
    six = found["c6"].conversation
    assert [m.id for m in six.branch()][5:7] == ["a6.2", "a6.3"]
    assert six.messages["a6.3"].note == LOST_NOTE
    assert [m.text for m in found["salvaged"].conversation.messages.values()] == [said(6, 3)]
    seven = found["c7"].conversation
    assert (seven.messages["q7.3"].parts, seven.messages["q7.3"].note) == ((), LOST_NOTE)
    assert (found["c6"].damaged, found["c7"].damaged, found["c8"].damaged) == (1, 1, 0)


ROWS = [
    "UPDATE messages SET parent_id = 'a9.5' WHERE id = 'q9.0'",  # a circle
    "UPDATE messages SET parent_id = 'nobody' WHERE id = 'a9.2'",
    "UPDATE messages SET role = 'ghost' WHERE id = 'a9.2'",
    "UPDATE messages SET usage = '{' WHERE id = 'a9.2'",
    "UPDATE messages SET provenance = '[]' WHERE id = 'a9.2'",
    "UPDATE messages SET provenance = '{\"sampling\": 7}' WHERE id = 'a9.2'",
    "UPDATE parts SET text = CAST(x'80FFFE41' AS TEXT) WHERE message_id = 'q9.2'",
    "UPDATE chats SET leaf = 'nobody' WHERE id = 'c9'",
    "UPDATE chats SET title = CAST(x'FF41' AS TEXT) WHERE id = 'c9'",
]


@pytest.mark.parametrize("sql", ROWS)
def test_a_row_that_is_wrong_is_damage_and_is_mended(path: Path, window: Window, sql: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        assert database.execute(sql).rowcount == 1
        database.commit()
    with closing(Store(path)) as store, pytest.raises(DamagedDatabaseError):
        (store.list_chats(), store.load("c9"))
    (chat,) = window.ask(lambda store: (store.list_chats(), store.load("c9"))[1])
    assert isinstance(chat, StoredChat)
    assert len(chat.conversation.messages) == 2 * TURNS
    assert [problem.key for problem in window.problems] == ["chats-damaged"]
    assert window.ask(lambda store: len(store.list_chats())) == [CHATS]


def test_cut_short_between_the_moves_the_saved_one_takes_its_place(path: Path) -> None:
    folded(path)
    path.rename(path.with_name("chats.salvaged.sqlite3"))
    window = Window(path)
    assert window.ask(lambda store: len(store.list_chats())) == [CHATS]
    window.worker.close()
    assert window.problems == []


def test_another_window_is_not_disturbed(path: Path) -> None:
    with closing(Store(path)):
        with closing(sqlite3.connect(path)) as database:
            database.execute(
                "UPDATE parts SET text = CAST(x'80FF' AS TEXT) WHERE message_id = 'q9.2'"
            )
            database.commit()
        window = Window(path)
        assert window.ask(lambda store: store.load("c9")) == []
        assert [problem.key for problem in window.problems] == ["chats-damaged-shared"]
        window.worker.close()
    assert not list(path.parent.glob("*damaged*"))


def test_the_command_writes_what_the_importer_reads(path: Path, tmp_path: Path) -> None:
    content = bytearray(folded(path))
    content[:100] = random.Random(1).randbytes(100)
    path.write_bytes(content)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "app", "chats", "salvage", str(path), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"in {CHATS + 1} chats, written" in done.stdout
    files = sorted(out.iterdir())
    assert len(files) == CHATS + 1
    titles = {lossless.loads(file.read_bytes()).record.title for file in files}
    assert {"My own title", "Title 3", "With a file"} <= titles
    (with_file,) = (file for file in files if file.name.startswith("With a file"))
    assert list(lossless.loads(with_file.read_bytes()).attachments.values()) == [b"one\n"]
    (tmp_path / "junk").write_bytes(b"junk" * 3000)
    command[5:] = [str(tmp_path / "junk"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ponder: Nothing of a chat could be found")
