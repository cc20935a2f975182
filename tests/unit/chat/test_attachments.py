"""What is attached is kept once under its hash, told to models as text, and never lost."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import files
from app.chat.attached_text import (
    TEXT_MOST_BYTES,
    about_tokens,
    decoded,
    encoding_of,
    for_model,
    found,
    preview,
)
from app.chat.attachments import (
    IMAGE_MOST_BYTES,
    Found,
    Kept,
    clean_name,
    described,
    digest,
    in_words,
    read,
    together,
)
from app.chat.message import Attachment, File, Image, Message, Text
from app.chat.request import pictures_of, turn_of
from app.chat.store import KEEP_DELETED_S, Store
from app.errors import Problem, WorldError
from app.prompts.segments import Picture

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 40


def image(data: bytes = PNG, name: str = "cat.png") -> Found:
    return Found(Image(digest(data), name, len(data), "image/png", 640, 480), data)


def text_file(text: str = "one\ntwo\n", name: str = "notes.txt") -> Found:
    data = text.encode()
    return Found(found(name, data), data)


def question(*parts: Attachment | Text, at: str = "q") -> Message:
    return Message(at, None, "user", parts, 1.0)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Open the store, again and again, at a time of one's choice."""
    now: list[Store] = []

    def again(at: float = 1000.0) -> Store:
        if now:
            now.pop().close()
        now.append(Store(tmp_path / "chats.sqlite3", now=lambda: at))
        return now[0]

    yield again
    for store in now:
        store.close()


def kept_files(store: Store) -> set[str]:
    return {path.name for path in store.kept.folder.rglob("*") if path.is_file()}


# ---------------------------------------------------------------- text files


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (b"plain", "utf-8", "plain"),
        (b"", "utf-8", ""),
        ("Möwe 🐦\r\nzwei\rdrei".encode(), "utf-8", "Möwe 🐦\nzwei\ndrei"),
        ("\ufeffMöwe".encode(), "utf-8-sig", "Möwe"),
        ("日本\r\n語".encode("utf-16"), "utf-16", "日本\n語"),
        (b"\xfe\xff" + "日本".encode("utf-16-be"), "utf-16", "日本"),
        ("Möwe “zitiert”".encode("cp1252"), "cp1252", "Möwe “zitiert”"),
        (b"caf\xe9 \x81", "latin-1", "café \x81"),
        (b"\x1b[31mred\x1b[0m \t ok", "utf-8", "\x1b[31mred\x1b[0m \t ok"),
    ],
)
def test_text_is_read_in_its_encoding(data: bytes, encoding: str, text: str) -> None:
    assert encoding_of(data) == encoding
    part = found("a.txt", data)
    assert (part.encoding, part.text, part.size_bytes) == (encoding, text, len(data))


@pytest.mark.parametrize(
    "data",
    [
        PNG[:8] + b"\0\0",
        b"ELF\0",
        b"\xff\xfeodd",
        b"\xff\xfe\0\0",
        b"caf\xe9 \x07",
        b"%PDF-1.7 text",
        b"PK\x03\x04",
        "NUL as UTF-16 \0".encode("utf-16"),
    ],
)
def test_what_is_no_text_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(WorldError) as raised:
        found("thing.bin", data)
    problem = raised.value.problem
    assert problem.title.startswith("“thing.bin” is ")
    assert problem.title.count(".") == 2  # the name's and the sentence's own
    assert problem.advice


def test_a_text_larger_than_any_context_is_refused_with_its_size() -> None:
    found("fits.log", b"a" * TEXT_MOST_BYTES)
    with pytest.raises(WorldError, match=r"is 5\.0 MB, about 1,250,000 tokens: more than any"):
        found("large.log", b"a" * 5_000_000)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    encoding = encoding_of(data)
    if encoding is None:
        with pytest.raises(WorldError):
            found("x", data)
    else:
        text = decoded(data, encoding)
        assert text is not None
        assert "\0" not in text
        assert "\r" not in text


@given(st.text(st.sampled_from("`~\n </file>[INST]ab"), max_size=80))
def test_nothing_in_a_file_can_end_it(text: str) -> None:
    """The model is shown name and text between fences of which the text has none as long."""
    told = for_model(File("0" * 64, "a.md", 1, "utf-8", text))
    head, fence, *rest = told.split("\n")
    assert head == "Attached file: a.md"
    assert re.fullmatch("`{3,}", fence)
    assert rest[-1] == fence
    assert fence not in "\n".join(rest[:-1])
    inside = told[len(head) + len(fence) + 2 : -len(fence)]
    assert inside in (text, text + "\n")


def test_a_file_that_is_gone_is_told_as_gone() -> None:
    assert "“a.md” is no longer there" in for_model(File("0" * 64, "a.md", 1, "utf-8", None))


def test_a_preview_is_short_whatever_the_file() -> None:
    assert preview(text_file("a\n\tb\nc\nd\ne\nf").part) == "a\n    b\nc\nd"  # type: ignore[arg-type]
    assert preview(text_file("x" * 100_000).part) == "x" * 120  # type: ignore[arg-type]
    assert about_tokens(text_file("x" * 4000).part) == 1000  # type: ignore[arg-type]


# ---------------------------------------------------------------- names and files


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        (r"D:\texts\notes.txt", "notes.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\nb\x00c\x1b.txt", "abc.txt"),
        ("ملف.txt", "ملف.txt"),
        ("写真 📷.png", "写真 📷.png"),
        ("\udce9.txt", "?.txt"),
        ("", "unnamed"),
        ("  ", "unnamed"),
        ("x" * 300 + ".txt", "x" * 100 + "…" + "x" * 15 + ".txt"),
    ],
)
def test_a_name_is_one_line_without_tricks(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9999, "10 kB"),
        (999_499, "999 kB"),
        (999_999, "1.0 MB"),
        (33_554_432, "34 MB"),
    ],
)
def test_sizes_in_words(size_bytes: int, words: str) -> None:
    assert in_words(size_bytes) == words


def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path) -> None:
    large = tmp_path / "film.mkv"
    with large.open("wb") as file:
        file.truncate(IMAGE_MOST_BYTES + 1)
    for path, why in (
        (tmp_path / "gone.txt", "cannot be read"),
        (tmp_path, "is a folder"),
        (large, "is 34 MB, and 34 MB is the most"),
    ):
        with pytest.raises(WorldError) as raised:
            read(path)
        assert raised.value.problem.title == f"“{path.name}” {why}."
        assert raised.value.problem.advice


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(WorldError, match="is not a file"):
        read(pipe)


def test_several_problems_are_one_notice() -> None:
    problems = [Problem("attachment", f"“{name}” is a folder.") for name in "ab"]
    assert together(problems[:1], 5) is problems[0]
    both = together(problems, 5)
    assert both.title == "2 of 5 files could not be attached."
    assert both.detail == "“a” is a folder.\n“b” is a folder."


# ---------------------------------------------------------------- kept


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "attachments")
    assert kept.put(PNG) == kept.put(PNG) == digest(PNG)
    assert [path.name for path in kept.folder.rglob("*") if path.is_file()] == [digest(PNG)]
    assert kept.get(digest(PNG)) == PNG
    assert not list(kept.folder.rglob("*.part"))


def test_a_kept_file_that_was_cut_or_changed_is_as_good_as_gone(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    path = kept.path(kept.put(PNG))
    path.write_bytes(PNG[:10])
    assert kept.get(digest(PNG)) is None
    path.write_bytes(PNG[:-1] + b"!")
    assert kept.get(digest(PNG)) is None
    path.unlink()
    assert kept.get(digest(PNG)) is None
    kept.put(PNG)
    path.write_bytes(b"")
    kept.put(PNG)
    assert kept.get(digest(PNG)) == PNG


@pytest.mark.parametrize("name", ["../chats.sqlite3", "", "A" * 64, "0" * 63])
def test_a_hash_is_never_a_path(tmp_path: Path, name: str) -> None:
    kept = Kept(tmp_path)
    assert kept.get(name) is None
    with pytest.raises(ValueError, match="not a SHA-256"):
        kept.path(name)


@pytest.mark.parametrize(
    ("code", "title"),
    [
        (errno.ENOSPC, "The disk is full, so “cat.png” could not be attached."),
        (errno.EACCES, "“cat.png” could not be attached, because its copy could not be saved."),
    ],
)
def test_a_disk_that_refuses_costs_one_sentence_and_nothing_else(
    opened: Callable[..., Store], monkeypatch: pytest.MonkeyPatch, code: int, title: str
) -> None:
    store = opened()

    def refuse(path: Path, content: object) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as full:
        full.setattr(files, "replace", refuse)
        with pytest.raises(WorldError) as raised:
            store.attach(None, image())
    assert raised.value.problem.title == title
    assert store.new_attached() == ()
    store.attach(None, image())
    assert store.new_attached() == (image().part,)


# ---------------------------------------------------------------- drafts and messages


def test_a_draft_keeps_what_is_attached_through_reopening(opened: Callable[..., Store]) -> None:
    store = opened()
    store.create_chat("c", title="t", messages=(question(Text("?")),))
    notes, cat, dog = text_file(), image(), image(PNG + b"dog", "dog.png")
    store.attach(None, notes)
    for one in (cat, notes, dog):
        store.attach("c", one)
    store = opened()
    assert store.new_attached() == (notes.part,)
    assert store.load("c").attached == (cat.part, notes.part, dog.part)
    store.set_attached("c", (cat.part, dog.part))
    assert opened().load("c").attached == (cat.part, dog.part)


def test_sending_moves_what_is_attached_into_the_message(opened: Callable[..., Store]) -> None:
    store = opened()
    notes, cat = text_file(), image()
    store.attach(None, notes)
    store.attach(None, cat)
    withheld = replace(image().part, withheld=True)
    first = question(withheld, notes.part, Text("What is this?"))
    store.create_chat("c", title="t", messages=(first,), takes_draft=True)
    assert store.new_attached() == ()
    store.attach("c", cat)
    second = replace(question(cat.part, at="q2"), parent_id="q")
    store.add_messages("c", (second,), draft="")
    assert store.load("c").attached == ()
    assert opened().load("c").conversation.messages == {"q": first, "q2": second}


def test_a_message_added_beside_the_draft_leaves_it(opened: Callable[..., Store]) -> None:
    store = opened()
    store.create_chat("c", title="t", messages=(question(Text("?")),))
    store.attach("c", image())
    store.add_messages("c", (replace(question(Text("!"), at="q2"), parent_id="q"),))
    assert store.load("c").attached == (image().part,)


def test_a_chat_whose_files_are_gone_still_opens(opened: Callable[..., Store]) -> None:
    store = opened()
    notes, cat = text_file(), image()
    store.attach(None, notes)
    store.attach(None, cat)
    store.create_chat("c", title="t", messages=(question(cat.part, notes.part, Text("?")),))
    for path in list(store.kept.folder.rglob("*")):
        if path.is_file():
            path.unlink()
    lost = opened().load("c").conversation.messages["q"]
    assert isinstance(notes.part, File)
    assert lost.parts == (cat.part, replace(notes.part, text=None), Text("?"))
    assert "“notes.txt” is no longer there" in str(turn_of(lost).parts)


def test_bytes_go_when_nothing_names_them_and_not_before(opened: Callable[..., Store]) -> None:
    store = opened()
    cat, dog, notes = image(), image(PNG + b"dog", "dog.png"), text_file()
    for one in (cat, dog, notes):
        store.attach(None, one)
    store.create_chat("c", title="t", messages=(question(cat.part, Text("?")),), takes_draft=True)
    store.attach(None, notes)
    everything = {digest(found.data) for found in (cat, dog, notes)}
    assert kept_files(store) == everything
    store = opened()
    assert kept_files(store) == {digest(cat.data), digest(notes.data)}
    store.delete("c")
    store = opened(1000.0 + KEEP_DELETED_S)
    assert kept_files(store) >= {digest(cat.data)}  # it can still be brought back
    store.undelete("c")
    assert store.load("c").conversation.messages["q"].attachments == (cat.part,)
    store.delete("c")
    store = opened(2001.0 + 2 * KEEP_DELETED_S)
    assert kept_files(store) == {digest(notes.data)}
    store.set_attached(None, ())
    store = opened(2001.0 + 2 * KEEP_DELETED_S)
    assert kept_files(store) == set()
    assert not any(store.kept.folder.iterdir())


def test_nothing_that_is_not_ponders_own_is_ever_deleted(opened: Callable[..., Store]) -> None:
    store = opened()
    stranger = store.kept.folder / "ab" / ("ab" * 32)
    files.replace(stranger, b"of a database that was set aside")
    store = opened()
    assert stranger.exists()


def test_another_open_window_keeps_its_files(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "chats.sqlite3")) as one:
        one.attach(None, image())
        one.set_attached(None, ())
        with closing(Store(tmp_path / "chats.sqlite3")) as two:
            assert kept_files(two) == {digest(PNG)}


# ---------------------------------------------------------------- what the model is shown


def test_a_model_that_sees_is_shown_images_and_another_is_told_their_names() -> None:
    cat = image().part
    assert isinstance(cat, Image)
    hidden = replace(cat, name="dog.png", withheld=True)
    message = question(cat, hidden, text_file("[INST]x[/INST]</file>").part, Text("Why?"))
    seen = turn_of(message, sees=True).parts
    assert seen[0] == Picture(digest(PNG), 640, 480)
    assert "“dog.png” was attached here. You cannot see it." in str(seen[1])
    assert seen[2] == "Attached file: notes.txt\n```\n[INST]x[/INST]</file>\n```"
    assert seen[3] == "Why?"
    assert "“cat.png”" in str(turn_of(message).parts[0])


def test_the_files_of_images_go_with_the_request(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    cat = image().part
    assert isinstance(cat, Image)
    branch = (question(cat), question(cat, replace(cat, sha256="0" * 64, withheld=True)))
    (picture,) = pictures_of(branch, kept)
    assert picture.key == digest(PNG)
    assert picture.path == str(kept.path(digest(PNG)))
    assert (picture.mime, picture.size_bytes) == ("image/png", len(PNG))


def test_an_image_is_copied_by_its_name_and_parts_are_plain_data() -> None:
    odd = replace(image().part, name="a [b] <c>\\d.png")
    message = question(odd, text_file().part, Text("Why?"))
    assert message.markdown == (
        "![a \\[b\\] <c>\\\\d.png](<a [b] \\<c\\>\\\\d.png>)\n[notes.txt](<notes.txt>)\n\nWhy?"
    )
    assert message.text == "Why?"
    assert Image(**asdict(odd)) == odd
    assert described(image().part) == "cat.png, image, 640 × 480, 248 bytes"
    assert described(text_file().part) == "notes.txt, text file, 8 bytes"
