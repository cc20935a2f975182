"""`ponder chats` over a real database: what goes out comes back, and what was changed is told."""

import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

from app import cli, paths
from app.chat.conversation import Conversation
from app.chat.message import File, Image, Message, Text, Thinking
from app.chat.store import Store
from app.cli import main
from tests.support import foreign_chats as foreign

PICTURE = b"\x89PNG not really"
LETTER = "Grüße,\nX".encode("utf-16")
IMAGE = Image(hashlib.sha256(PICTURE).hexdigest(), "cat.png", len(PICTURE), "image/png", 4, 3)
FILE = File(hashlib.sha256(LETTER).hexdigest(), "letter.txt", len(LETTER), "utf-16", "Grüße,\nX")


@pytest.fixture
def chat() -> str:
    """Put a chat with a branch and attachments into the database; return its id."""
    conversation = Conversation()
    for message in (
        Message("q", None, "user", (Text("What is $2+2$?"), IMAGE, FILE), 1.5),
        Message("a", "q", "assistant", (Thinking("Two and two.", True, 1.0, 4), Text("4")), 2.5),
        Message("b", "q", "assistant", (Text("Four </details> <b>"),), 3.5, "cancelled"),
        Message("q2", "b", "user", (Text("And then?"),), 4.5),
    ):
        conversation = conversation.with_message(message)
    store = Store(paths.database())
    store.import_chat(
        "chat-1",
        conversation,
        title="Sums: a/b",
        system_prompt="Be brief.",
        thinking_budget=512,
        attachments={IMAGE.sha256: PICTURE, FILE.sha256: LETTER},
    )
    store.close()
    return "chat-1"


def test_json_out_in_and_out_again_is_byte_for_byte_the_same(
    chat: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    assert main(["chats", "export", "chat", "--format", "json", "--out", str(first)]) == 0
    monkeypatch.setenv("PONDER_HOME", str(tmp_path / "another"))
    assert main(["chats", "import", str(first)]) == 0
    assert main(["chats", "export", "--last", "--format", "json", "--out", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()
    store = Store(paths.database())
    assert store.kept.get(IMAGE.sha256) == PICTURE
    assert store.load(chat).conversation.messages["q"].attachments == (IMAGE, FILE)
    assert store.load(chat).thinking_budget == 512
    store.close()
    assert main(["chats", "verify", str(second)]) == 0
    assert "Intact: 4 messages" in capsys.readouterr().out


def test_a_chat_imported_twice_is_there_twice_and_neither_harms_the_other(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "chat.json"
    main(["chats", "export", "--last", "--format", "json", "--out", str(out)])
    assert main(["chats", "import", str(out), str(out)]) == 0
    capsys.readouterr()
    assert main(["chats", "list", "--json"]) == 0
    ids = [one["id"] for one in json.loads(capsys.readouterr().out)]
    assert len(set(ids)) == 3
    store = Store(paths.database())
    texts = {
        tuple(m.text for m in store.load(one).conversation.branch()) for one in ids if one != chat
    }
    assert texts == {("What is $2+2$?", "Four </details> <b>", "And then?")}
    store.close()


def test_a_change_is_told_with_its_place(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "chat.json"
    main(["chats", "export", "--last", "--format", "json", "--out", str(out)])
    data = out.read_bytes()
    out.write_bytes(data.replace(b"Two and two.", b"Two and six."))
    capsys.readouterr()
    assert main(["chats", "verify", str(out)]) == 1
    assert capsys.readouterr().out.startswith("Message 2 was changed: ")
    out.write_bytes(data)
    head = json.loads(data)["head"]
    assert main(["chats", "verify", str(out), "--head", head, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["intact"] is True
    assert main(["chats", "verify", str(out), "--head", "0" * 64]) == 1


def test_the_forms_for_people_say_what_was_said(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("md", "txt", "jsonl"):
        assert main(["chats", "export", chat, "--format", form, "--out", "-"]) == 0
        text = capsys.readouterr().out
        assert "What is $2+2$?" in text
        assert "Grüße" in text or form == "jsonl"
        assert "Two and two." not in text  # it is on the other branch
    assert main(["chats", "show", chat]) == 0
    shown = capsys.readouterr().out
    assert "Four &lt;/details> &lt;b>" in shown
    assert "*Stopped by hand.*" in shown
    assert "cat.png, 4 × 3" in shown


def test_all_chats_are_one_zip_with_names_that_do_not_meet(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "chat.json"
    main(["chats", "export", "--last", "--format", "json", "--out", str(out)])
    main(["chats", "import", str(out)])
    packed = tmp_path / "all.zip"
    assert main(["chats", "export", "--all", "--format", "md", "--out", str(packed)]) == 0
    with zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == ["Sums a b (2).md", "Sums a b.md"]
        assert archive.testzip() is None
    assert "2 chats written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["export", "nobody", "--format", "md", "--out", "x"], "No chat has an id"),
        (["verify", "not-there.json"], "cannot be read"),
        (["import", "not-there.json"], "cannot be read"),
        (["export", "--last", "--format", "md", "--out", "x"], "no chats yet"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chats", *arguments]) == 1
    assert says in capsys.readouterr().err


def test_an_export_that_cannot_be_written_leaves_what_was_there(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert main(["chats", "export", chat, "--format", "md", "--out", str(folder)]) == 1
    assert "could not be written" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_a_hostile_file_cannot_write_elsewhere(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "chat.json"
    main(["chats", "export", "--last", "--format", "json", "--out", str(out)])
    value = json.loads(out.read_bytes())
    value["messages"][0]["parts"][1]["sha256"] = "../../../escaped"
    value["attachments"]["../../../escaped"] = "aGk="
    out.write_text(json.dumps(value), encoding="utf-8")
    assert main(["chats", "import", str(out)]) == 1
    assert "not a transcript that Ponder can read" in capsys.readouterr().err
    # Bytes under a hash that is not theirs.
    value = json.loads(json.dumps(value).replace("../../../escaped", "ab" * 32))
    out.write_text(json.dumps(value), encoding="utf-8")
    assert main(["chats", "import", str(out)]) == 1
    assert "not a transcript" in capsys.readouterr().err


def test_a_branch_and_some_messages_are_exported_by_themselves(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "part.json"
    for arguments, texts in (
        (["--branch", "a"], ["What is $2+2$?", "4"]),
        (["--messages", "2-3"], ["Four </details> <b>", "And then?"]),
    ):
        command = ["chats", "export", chat, *arguments, "--format", "json", "--out", str(out)]
        assert main(command) == 0
        messages = json.loads(out.read_bytes())["messages"]
        said = [one["text"] for m in messages for one in m["parts"] if one["type"] == "text"]
        assert said == texts
        assert main(["chats", "verify", str(out)]) == 0
    capsys.readouterr()
    for arguments in (["--branch", "x"], ["--messages", "9"]):
        assert main(["chats", "export", chat, *arguments, "--format", "md", "--out", "-"]) == 1
    assert "No messages of this chat" in capsys.readouterr().err


def test_other_programs_chats_come_in_and_what_was_left_out_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = []
    for name, value in (
        ("a.bin", foreign.lm_studio()),
        ("b.txt", foreign.open_webui()),
        ("c", foreign.llama_cpp()),
        ("d.md", foreign.chatgpt()),
        ("e.png", foreign.openai()),
    ):
        (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")
        names.append(str(tmp_path / name))
    assert main(["chats", "import", *names]) == 0
    said = capsys.readouterr()
    for source in ("LM Studio", "Open WebUI", "llama.cpp", "ChatGPT", "OpenAI messages"):
        assert f"from {source})" in said.out
    assert "a.bin: left out: pictures that are not in the file (1)." in said.err
    for form in ("json", "md", "html", "txt", "jsonl"):
        out = tmp_path / f"all.{form}"
        assert main(["chats", "export", "--all", "--format", form, "--out", str(out)]) == 0
    assert b"imported from LM Studio" in zipfile.ZipFile(tmp_path / "all.md").read(
        "Six times seven.md"
    )
    # All of them at once, into the database of another.
    monkeypatch.setenv("PONDER_HOME", str(tmp_path / "another"))
    assert main(["chats", "import", str(tmp_path / "all.json")]) == 0
    assert capsys.readouterr().out.count("from Ponder)") == 5


def test_what_is_no_transcript_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for data in (b"", b"rubbish\n" * 50, b"\0" * 99, b"{}", b"[1]\n2\n3"):
        (tmp_path / "x").write_bytes(data)
        assert main(["chats", "verify", str(tmp_path / "x")]) == 1
        said = capsys.readouterr().out
        assert said.count("\n") == 1
        assert said.startswith("Not intact: this is no transcript that Ponder exported")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are Unix's")
@pytest.mark.parametrize("command", ["import", "verify", "replay", "salvage"])
def test_a_pipe_is_refused_and_not_waited_for(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(pipe)
    out = [str(tmp_path / "out")] if command == "salvage" else []
    assert main(["chats", command, str(pipe), *out]) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert "cannot be read. Check its name, that it is a file" in said


def test_words_that_name_nothing_are_wrong_usage_and_no_other_chat(
    chat: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = (
        ["--last", "--format", "md", "--out", ""],
        ["--all", "--messages", "1", "--format", "md", "--out", "-"],
        ["--all", "--branch", "q", "--format", "md", "--out", "-"],
    )
    for words in wrong:
        with pytest.raises(SystemExit) as ended:
            main(["chats", "export", *words])
        assert ended.value.code == 2
        assert "ponder chats export: error: " in capsys.readouterr().err
    for words in (["search", "--limit", "0", "x"], ["replay", "f", "--seed", "-5"]):
        with pytest.raises(SystemExit) as ended:
            main(["chats", *words])
        assert ended.value.code == 2
        assert "must be " in capsys.readouterr().err
    store = Store(paths.database())
    store.import_chat("other", store.load(chat).conversation, title="Another")
    store.close()
    # What a script left empty is not the chat that was written in last.
    assert main(["chats", "export", "", "--format", "md", "--out", "-"]) == 1
    assert "2 chats have an id that begins with ''" in capsys.readouterr().err


def test_an_interrupt_while_the_words_are_read_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "parser", interrupted)
    assert main(["chats", "list"]) == 130
