"""Chats of other programs, in files made by hand: right, with everything that was left out said."""

import io
import json
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.chat.conversation import Conversation
from app.chat.message import File, Image, Message, Text, Thinking
from app.errors import WorldError
from app.transcript import chain, importing
from app.transcript.record import Record
from tests.support import foreign_chats as foreign


def loaded(value: Any) -> importing.Imported:
    """Return what comes of a JSON value."""
    return importing.loads(json.dumps(value).encode(), now=77.0)


def the_one(value: Any) -> Record:
    """Return the only chat of a JSON value."""
    (chat,) = loaded(value).chats
    return chat.record


def said(record: Record) -> list[tuple[str, str, str]]:
    """Return the shown branch as (role, thought, text)."""
    return [
        (one.role, one.thinking.text if one.thinking else "", one.text)
        for one in record.conversation.branch()
    ]


def refused(data: bytes) -> str:
    """Return the sentence with which a file is refused."""
    with pytest.raises(WorldError) as raised:
        importing.loads(data)
    return raised.value.problem.title


def test_lm_studio() -> None:
    found = loaded(foreign.lm_studio())
    record = found.chats[0].record
    assert found.kind == "LM Studio"
    assert found.left_out == ("pictures that are not in the file (1)",)
    assert record.title == "Six times seven"
    assert record.system_prompt == "Be brief."
    assert said(record) == [
        ("user", "", "How many is 6 × 7?"),
        ("assistant", "6 × 7 = 42", "**42**"),
        ("user", "", "Sure?"),
        ("assistant", "Yes", "Yes."),
    ]
    messages = list(record.conversation.messages.values())
    other = next(one for one in messages if one.text == "41")
    assert other.status == "cancelled"
    assert other.parent_id == messages[0].id
    thought = other.thinking
    assert thought is not None
    assert thought.seconds == 2.5
    assert other.provenance is not None
    assert (other.provenance.model, other.provenance.imported) == (
        "mistralai/magistral-small",
        "LM Studio",
    )
    assert [one.created_at for one in messages][:2] == [1735689600.0, 1735689600.123]


def test_open_webui() -> None:
    found = loaded(foreign.open_webui())
    record = found.chats[0].record
    assert (found.kind, found.left_out) == ("Open WebUI", ())
    assert (record.title, record.system_prompt) == ("Larger", "Compare.")
    assert said(record) == [
        ("user", "", "Which is larger?"),
        ("assistant", "> is a sign\na < b", "b is larger."),
        ("user", "", "Thanks"),
    ]
    question = record.conversation.branch()[0]
    assert [type(part) for part in question.parts] == [Image, File, Text]
    picture, notes = question.attachments
    assert isinstance(picture, Image)
    assert (picture.width, picture.height, picture.mime) == (3, 2, "image/png")
    assert found.chats[0].attachments[picture.sha256] == foreign.png()
    assert isinstance(notes, File)
    assert (notes.name, notes.text) == ("notes.txt", "a is 1\nb is 2")
    siblings = record.conversation.siblings(record.conversation.branch()[1].id)
    assert len(siblings) == 2
    assert record.conversation.branch()[1].created_at == 1735689609.0


@pytest.mark.parametrize("lines", [False, True], ids=["json", "lines"])
def test_llama_cpp(lines: bool) -> None:
    value = foreign.llama_cpp()
    data = foreign.llama_cpp_lines() if lines else json.dumps([value]).encode()
    found = importing.loads(data)
    record = found.chats[0].record
    assert found.kind == "llama.cpp"
    assert found.left_out == ("attachments of an unknown kind (1)",)
    assert (record.title, record.system_prompt) == ("A tree", "You are terse.")
    assert said(record) == [("user", "", "One?"), ("assistant", "newer field", "I")]
    messages = list(record.conversation.messages.values())
    assert [one.text for one in messages if one.parent_id is None] == ["One?", "Two?"]
    assert messages[1].thinking == Thinking("older field")
    assert [part.name for part in messages[-1].attachments] == ["dot.png", "a.txt"]
    assert messages[0].created_at == 1735689602.0


def test_a_session_of_another_program_without_parents() -> None:
    lines: list[Any] = [
        {"type": "session", "harness": "my-agent", "id": "a", "name": "Time"},
        {"type": "message", "message": {"role": "user", "content": "what time is it?"}},
        {"type": "message", "message": {"role": "assistant", "content": "", "toolCalls": [{}]}},
        {"type": "message", "message": {"role": "tool", "toolCallId": "t", "content": "15:00"}},
        {"type": "message", "message": {"role": "assistant", "content": "15:00 UTC"}},
    ]
    found = importing.loads("\n".join(json.dumps(line) for line in lines).encode())
    assert said(found.chats[0].record) == [
        ("user", "", "what time is it?"),
        ("assistant", "", "15:00 UTC"),
    ]
    assert found.left_out == ("calls of tools and what they returned (2)",)
    by = found.chats[0].record.conversation.branch()[1].provenance
    assert by is not None
    assert by.imported == "my-agent"


def test_chatgpt() -> None:
    found = loaded(foreign.chatgpt())
    record = found.chats[0].record
    assert found.kind == "ChatGPT"
    assert set(found.left_out) == {
        "pictures that are not in the file (1)",
        "calls of tools and what they returned (2)",
    }
    assert said(record) == [("user", "", "2 + 2?"), ("assistant", "**Adding**\n\n2 + 2", "4")]
    answer = record.conversation.branch()[1]
    assert len(record.conversation.siblings(answer.id)) == 2
    assert answer.thinking is not None
    assert answer.thinking.seconds == 9.0
    assert answer.created_at == 5.0


def test_openai_messages() -> None:
    found = loaded(foreign.openai())
    record = found.chats[0].record
    assert found.kind == "OpenAI messages"
    assert found.left_out == ("pictures that are not in the file (1)",)
    assert (record.title, record.system_prompt) == ("Parts", "Be kind.")
    assert said(record) == [
        ("user", "", "What is it?"),
        ("assistant", "Blue.", "A blue box."),
        ("user", "", "And?"),
        ("assistant", "Hm.", "Nothing."),
        ("user", "", "So?"),
        ("assistant", "End.", "The end."),
    ]
    (picture,) = record.conversation.branch()[0].attachments
    assert isinstance(picture, Image)
    assert (picture.width, picture.height) == (5, 6)
    assert all(one.created_at == 77.0 for one in record.conversation.branch())


def test_lines_are_chats_or_messages() -> None:
    chat = json.dumps({"messages": [{"role": "user", "content": "a"}]})
    assert len(importing.loads(f"{chat}\n{chat}\n\n".encode()).chats) == 2
    turns = '{"role":"user","content":"a"}\n{"role":"assistant","content":"b","thinking":"c"}\n'
    (only,) = importing.loads(turns.encode()).chats
    assert said(only.record) == [("user", "", "a"), ("assistant", "c", "b")]


def own(text: str = "Hello") -> bytes:
    """Return a chat in Ponder's own form."""
    message = Message("m", None, "user", (Text(text),), 5.0)
    return chain.dumps(Record("own", "Mine", Conversation().with_message(message)))


def test_our_own_form_comes_back_byte_for_byte() -> None:
    found = importing.loads(own())
    assert (found.kind, found.left_out) == ("Ponder", ())
    assert chain.dumps(found.chats[0].record, found.chats[0].attachments) == own()


def test_a_zip_is_read_file_by_file_whatever_they_are_called() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../up.txt", own())
        archive.writestr("b", foreign.llama_cpp_lines())
        archive.writestr("user.json", '{"email": "me"}')
        archive.writestr("picture.png", foreign.png())
    found = importing.loads(packed.getvalue())
    assert [chat.record.title for chat in found.chats] == ["Mine", "A tree"]
    assert found.kind == "Ponder, llama.cpp"
    assert "files that hold no chat (1)" in found.left_out
    assert "files that are no JSON (1)" in found.left_out


def nodes(*pairs: tuple[str, str | None]) -> dict[str, Any]:
    """Return a conversation of llama.cpp's of (id, parent)."""
    return {
        "conv": {"name": "", "currNode": pairs[-1][0]},
        "messages": [
            {"id": key, "parent": parent, "role": "user", "content": f"{key}{number}"}
            for number, (key, parent) in enumerate(pairs)
        ],
    }


def test_a_circle_and_what_has_lost_its_parent_lose_nothing() -> None:
    found = loaded(nodes(("a", "c"), ("b", "a"), ("c", "b"), ("d", "gone"), ("e", "e")))
    texts = [one.text for one in found.chats[0].record.conversation.messages.values()]
    assert sorted(texts) == ["a0", "b1", "c2", "d3", "e4"]
    assert found.left_out == (
        "places of messages that follow one that is missing (1)",
        "places of messages that follow one another in a circle (2)",
    )


def test_two_messages_of_one_id_are_both_there() -> None:
    found = loaded(nodes(("a", None), ("b", "a"), ("b", "a"), ("c", "b")))
    record = found.chats[0].record
    texts = [one.text for one in record.conversation.messages.values()]
    assert sorted(texts) == ["a0", "b1", "b2", "c3"]
    assert found.left_out == ("ids that two messages had, given anew (1)",)


def test_a_very_deep_tree() -> None:
    pairs = [("0", None), *((str(at), str(at - 1)) for at in range(1, 5_000))]
    record = the_one(nodes(*reversed(pairs), pairs[-1]))
    assert len(record.conversation.branch()) == 5_000


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"\0" * 64_560, "nothing but zeros"),
        (b"hello", "not JSON"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"messages":' + b"[" * 200_000, "nested too deeply"),
        (b'{"a": 1}', "no program that Ponder knows"),
        (b"[1, 2]", "no program that Ponder knows"),
        (b"null", "no program that Ponder knows"),
        (b'{"messages": []}', "no message in it"),
        (b'{"conv": {}, "messages": []}', "no message in it"),
        (json.dumps(foreign.lm_studio()).encode()[:500], "not JSON"),
        (b'{"role":"user","content":"a"}\n{"role":', "line 2 of it is not JSON"),
        (b"PK\x03\x04 not an archive", "damaged or locked archive"),
        (own()[:-9], "not JSON"),
        (own().replace(b"Hello", b"He\xfflo"), "not JSON"),
    ],
)
def test_what_is_no_chat_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    assert why in refused(data)
    assert len(refused(data)) < 200


def test_bytes_that_are_no_characters_are_replaced_and_said() -> None:
    data = b'{"messages":[{"role":"user","content":"caf\xe9"}]}'
    found = importing.loads(data)
    assert said(found.chats[0].record) == [("user", "", "caf\ufffd")]
    assert found.left_out == ("bytes that are no characters (1)",)
    other = '{"messages":[{"role":"user","content":"café"}]}'
    assert said(importing.loads(other.encode("utf-16")).chats[0].record)[0][2] == "café"
    assert said(importing.loads(other.encode("utf-8-sig")).chats[0].record)[0][2] == "café"


CHANGES = int(os.environ.get("PONDER_ODD_CHANGES", "120"))
"""Of each format; with 9999 it is every odd value in every place."""

ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    10**25,
    "",
    "x",
    "\0",
    "\ud800",
    [],
    [None],
    {},
    {"a": []},
    [[]],
]


@pytest.mark.parametrize(
    "make",
    [foreign.lm_studio, foreign.open_webui, foreign.llama_cpp, foreign.chatgpt, foreign.openai],
)
def test_whatever_stands_anywhere_it_is_read_or_refused(make: Any) -> None:
    """A value in a file is replaced by an odd one, many times; what is read can be exported."""

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        items = (
            list(value.items())
            if isinstance(value, dict)
            else list(enumerate(value))
            if isinstance(value, list)
            else []
        )
        return [path, *(one for key, inner in items for one in places(inner, (*path, key)))]

    read = 0
    changes = [(path, odd) for path in places(make())[1:] for odd in ODD]
    tried = random.Random(6).sample(changes, min(CHANGES, len(changes)))
    for path, odd in tried:
        value = make()
        at = value
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = odd
        try:
            found = importing.loads(json.dumps(value).encode(), now=1.0)
        except WorldError:
            continue
        read += 1
        for chat in found.chats:
            again = importing.loads(chain.dumps(chat.record, chat.attachments))
            assert again.chats[0].record == chat.record
    assert read > len(tried) // 2


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WorldError) as raised:
        importing.read(tmp_path / "nothing.json")
    assert "cannot be read" in raised.value.problem.title
    with pytest.raises(WorldError):
        importing.read(tmp_path)
