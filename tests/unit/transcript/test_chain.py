"""Every change of an export is found, and where; a chat goes out and comes back byte for byte."""

import json
import random

import pytest

from app.chat.conversation import Conversation
from app.chat.message import Message, Provenance, Text, Thinking
from app.engine.protocol import Sampling, Usage
from app.errors import WorldError
from app.transcript import chain, lossless
from app.transcript.record import Record
from tests.support.telling_chats import images

PROVENANCE = Provenance(
    "demo", "/models/demo.gguf", 1234, "Q8_0", "llama", "CPU", 4096, Sampling(seed=7), "v13", "ab"
)


def chat(turns: int = 6) -> Record:
    """Return a chat with a branch, all kinds of parts, and text that is hard to write."""
    conversation = Conversation()
    leaf: str | None = None
    for turn in range(turns):
        question = Message(
            f"q{turn}", leaf, "user", (Text(f"Why {turn}? שלום 你好 \u2028"),), 1.5 + turn
        )
        answer = Message(
            f"a{turn}",
            question.id,
            "assistant",
            (Thinking("Well…\n</details>", turn % 2 == 0, 3.25, 17), Text('$x$ "so" \\ \x00 🙂')),
            2.0 + turn,
            "done" if turn % 2 else "interrupted",
            "" if turn % 2 else "It stopped.",
            Usage(10, 5, 17, 3, 0.1, 0.25, 0.5),
            PROVENANCE,
        )
        other = Message(f"b{turn}", question.id, "assistant", (Text("Or so."),), 3.0 + turn)
        for message in (question, other, answer):
            conversation = conversation.with_message(message)
        leaf = answer.id
    return Record("c", "A title", conversation.with_leaf(leaf), "Be brief.", 2048, "demo.gguf")


def test_there_and_back_byte_for_byte() -> None:
    record = chat()
    data = chain.dumps(record, {})
    again = lossless.loads(data)
    assert again.record == record
    assert chain.dumps(again.record, again.attachments) == data
    assert json.loads(data)["head"] == chain.verify(data).head


@pytest.mark.parametrize("turns", [0, 1, 6])
def test_what_was_written_is_intact(turns: int) -> None:
    verdict = chain.verify(chain.dumps(chat(turns)))
    assert verdict.intact
    assert verdict.same_content
    assert verdict.messages == turns * 3


def test_attachments_are_checked() -> None:
    import hashlib

    name = hashlib.sha256(b"picture").hexdigest()
    data = chain.dumps(chat(), {name: b"picture"})
    assert chain.verify(data).intact
    assert lossless.loads(data).attachments == {name: b"picture"}
    other = data.replace(b"cGljdHVyZQ==", b"cGljdHVyZA==")
    assert other != data
    (fault,) = chain.verify(other).faults
    assert fault.message is None
    assert name[:12] in fault.what


def test_what_was_gone_is_said_and_what_is_taken_out_is_found() -> None:
    record, attachments = images()
    data = chain.dumps(record, attachments)
    assert chain.verify(data).intact
    assert lossless.loads(data).record == record
    assert b":null" in data.split(b'"attachments":')[1]
    whole = json.loads(data)
    name = next(name for name, text in whole["attachments"].items() if text)
    for taken in ({**whole["attachments"], name: None}, {name: whole["attachments"][name]}):
        verdict = chain.verify(written({**whole, "attachments": taken}))
        assert not verdict.intact
        assert not verdict.same_content


def place_of(data: bytes, at: int) -> int | None:
    """Return which message a byte belongs to, by the lines of the form."""
    line = data[:at].count(b"\n")
    total = data.count(b"\n") - 5
    return 0 if line < 2 else line - 1 if line - 1 <= total else None


def test_every_changed_byte_is_found_and_placed() -> None:
    data = chain.dumps(chat())
    dice = random.Random(4)
    for _ in range(1000):
        at = dice.randrange(len(data))
        byte = dice.choice([value for value in range(256) if value != data[at]])
        changed = data[:at] + bytes([byte]) + data[at + 1 :]
        verdict = chain.verify(changed)
        assert not verdict.intact, (at, byte)
        assert verdict.faults[0].message == place_of(data, at), (at, byte, verdict.faults)


def test_every_byte_that_is_lost_or_added_is_found() -> None:
    data = chain.dumps(chat(1))
    for at in range(0, len(data), 3):
        assert not chain.verify(data[:at] + data[at + 1 :]).intact
        assert not chain.verify(data[:at] + b"," + data[at:]).intact
        assert not chain.verify(data[:at]).intact


def test_every_changed_field_is_found_and_placed() -> None:
    """The values are changed and the file is written as it would be written."""
    dice = random.Random(5)
    original = chain.dumps(chat())
    for _ in range(300):
        value = json.loads(original)
        number = dice.randrange(len(value["messages"])) + 1
        message = value["messages"][number - 1]
        name = dice.choice([key for key in message if key != "hash"])
        message[name] = {"role": "system", "number": 99}.get(name, "changed")
        verdict = chain.verify(written(value))
        assert verdict.faults[0].message == number, (name, verdict.faults)
        assert not verdict.same_content


def written(value: dict[str, object]) -> bytes:
    """Return a changed file in the form's own spelling, its hashes left as they were."""
    messages = value["messages"]
    assert isinstance(messages, list)
    lines = ['{"chat":' + chain.encode(value["chat"]) + ",", '"messages":[']
    lines += [",\n".join(chain.encode(message) for message in messages)] if messages else []
    lines += ["],", '"attachments":' + chain.encode(value["attachments"]) + ","]
    lines += ['"head":' + chain.encode(value["head"]) + "}", ""]
    return "\n".join(lines).encode()


def test_messages_taken_out_swapped_or_put_in_are_found() -> None:
    value = json.loads(chain.dumps(chat()))
    messages = value["messages"]
    for order, place in (
        (messages[:4] + messages[5:], 5),
        ([*messages[:2], messages[3], messages[2], *messages[4:]], 3),
        ([*messages[:1], messages[0], *messages[1:]], 2),
    ):
        verdict = chain.verify(written({**value, "messages": order}))
        assert verdict.faults[0].message == place
    # The last ones are missed by the head.
    verdict = chain.verify(written({**value, "messages": messages[:-1]}))
    assert [fault.message for fault in verdict.faults] == [None]


def test_saved_by_another_program_the_content_is_still_the_same() -> None:
    data = json.dumps(json.loads(chain.dumps(chat())), indent=2).encode()
    verdict = chain.verify(data)
    assert not verdict.intact
    assert verdict.same_content
    assert lossless.loads(data).record == chat()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n" * 9,
        b"{}",
        b"[1]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"chat":{"a":1e999},\n',
        b"null\n",
    ],
)
def test_whatever_the_bytes_are_there_is_an_answer(data: bytes) -> None:
    verdict = chain.verify(data)
    assert not verdict.intact
    assert not verdict.same_content
    with pytest.raises(WorldError) as raised:
        lossless.loads(data)
    assert raised.value.problem.key == "transcript-unreadable"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"role": "tool"}, "role"),
        ({"status": "odd"}, "status"),
        ({"parts": None}, "parts"),
        ({"parts": [{"type": "video"}]}, "unknown type"),
        ({"parts": [{"type": "text", "text": 5}]}, "text"),
        ({"parts": [{"type": "text"}]}, "text"),
        ({"parent_id": "nobody"}, "follows"),
        ({"id": "b0"}, "the id of another"),
        ({"created_at": "now"}, "created_at"),
        ({"usage": {"prompt_tokens": "many"}}, "prompt_tokens"),
        ({"provenance": {"model": "m"}}, "provenance"),
    ],
)
def test_what_is_not_a_chat_is_refused_in_a_sentence(change: dict[str, object], says: str) -> None:
    value = json.loads(chain.dumps(chat()))
    value["messages"][2].update(change)
    with pytest.raises(WorldError) as raised:
        lossless.loads(json.dumps(value).encode())
    assert says in raised.value.problem.title


def test_a_newer_form_is_refused_and_unknown_fields_are_not() -> None:
    value = json.loads(chain.dumps(chat()))
    value["messages"][0]["mood"] = "good"
    assert lossless.loads(json.dumps(value).encode()).record == chat()
    value["chat"]["version"] = 2
    with pytest.raises(WorldError) as raised:
        lossless.loads(json.dumps(value).encode())
    assert raised.value.problem.key == "transcript-newer"
