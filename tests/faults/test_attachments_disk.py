"""A real disk that is full while something is attached: one sentence, and the chats go on."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.chat.attached_text import found
from app.chat.attachments import Found
from app.chat.message import Message, Text
from app.chat.store import Store
from app.errors import WorldError
from tests.faults.test_store_disk import mount

LARGE = "word " * 500_000


@pytest.fixture
def two_megabytes(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder):
        pytest.skip("mounting a small file system needs root on Linux")
    yield folder
    assert mount("umount", "-l", folder)


def text_file(text: str) -> Found:
    return Found(found("notes.txt", text.encode()), text.encode())


def test_a_full_disk_refuses_the_file_and_keeps_the_chat(two_megabytes: Path) -> None:
    path = two_megabytes / "chats.sqlite3"
    small = text_file("one\n")
    with closing(Store(path)) as store:
        question = Message("q", None, "user", (Text("Why?"),), 1.0)
        store.create_chat("c", title="t", messages=(question,))
        with pytest.raises(WorldError) as raised:
            store.attach("c", text_file(LARGE))
        problem = raised.value.problem
        assert problem.key == "disk-full"
        assert problem.title == "The disk is full, so “notes.txt” could not be attached."
        assert "then attach it again" in problem.advice
        assert store.load("c").attached == ()
        store.attach("c", small)
        store.finish(Message("q", None, "user", (Text("Still written."),), 1.0))
    with closing(Store(path)) as store:
        assert store.load("c").attached == (small.part,)
        assert store.load("c").conversation.messages["q"].text == "Still written."
        kept = [file.name for file in store.kept.folder.rglob("*") if file.is_file()]
        assert kept == [small.part.sha256]  # nothing half written is left
