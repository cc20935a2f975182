"""A database that is damaged is refused or told of in a sentence, and never touched."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.chat.message import Message, Text
from app.chat.store import Store
from app.chat.store_errors import DamagedDatabaseError

CHATS = 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database of some thirty pages."""
    path = tmp_path / "chats.sqlite3"
    with closing(Store(path)) as store:
        for number in range(CHATS):
            asked = Message(f"q{number}", None, "user", (Text(f"{number} " * 700),), 1.0)
            store.create_chat(f"c{number}", title=f"Chat {number}", messages=(asked,))
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(3000),
        b"{}",
        random.Random(1).randbytes(20_000),
        b"SQLite format 3\x00" + random.Random(2).randbytes(8000),
    ],
    ids=["a picture", "two bytes", "random", "random after a right beginning"],
)
def test_junk_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "chats.sqlite3"
    path.write_bytes(content)
    with pytest.raises(DamagedDatabaseError) as raised:
        Store(path)
    assert raised.value.problem.key == "chats-damaged"
    assert str(path) in raised.value.problem.advice
    assert path.read_bytes() == content


def lengths() -> Iterator[int]:
    # Not 1: SQLite takes a file of one byte for an empty one.
    chance = random.Random(3)
    yield from (2, 15, 16, 99, 100, 511, 512, 4095, 4096, 4097, 8192)
    yield from (chance.randrange(1, 100_000) for _ in range(20))


@pytest.mark.parametrize("length", list(lengths()))
def test_a_truncated_file_is_refused_untouched(path: Path, length: int) -> None:
    content = path.read_bytes()[:length]
    path.write_bytes(content)
    with pytest.raises(DamagedDatabaseError):
        Store(path)
    assert path.read_bytes() == content


def test_any_overwritten_page_is_a_sentence_or_is_not_noticed(path: Path) -> None:
    """Whichever page is lost: no crash, no other error, and what can be read is right."""
    whole = path.read_bytes()
    with closing(sqlite3.connect(path)) as database:
        size: int = database.execute("PRAGMA page_size").fetchone()[0]
    noticed = 0
    for page in range(len(whole) // size):
        content = bytearray(whole)
        content[page * size : (page + 1) * size] = random.Random(page).randbytes(size)
        path.write_bytes(content)
        noticed += not _readable(path)
    assert noticed > len(whole) // size // 2


def _readable(path: Path) -> bool:
    try:
        with closing(Store(path)) as store:
            chats = store.list_chats()
            for chat in chats:
                texts = [m.text for m in store.load(chat.id).conversation.messages.values()]
                assert texts in ([], [f"{chat.id[1:]} " * 700])
            return len(chats) == CHATS
    except DamagedDatabaseError:
        return False
