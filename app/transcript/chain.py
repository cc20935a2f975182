"""The lossless form of a chat as lines of JSON under a chain of hashes, and what it proves.

A file is one JSON object, written in one way only: the chat on a line, then a line a message in
the order they were made, then the attachments, then the head. Each message has its number and the
SHA-256 of the hash before it and of itself; the first stands on the chat's own. So a change of one
byte is found and its place is known: its line is not the line that its values make, or its hash is
not that of its values, or the chain breaks there. An attachment has its hash for a name; one that
was gone when the chat was exported is null, and the head is the hash of that too.

What it does not prove: that nobody wrote the whole chain anew. Who needs that keeps the head (the
last hash) apart and compares.
"""

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.transcript.record import Record, chat_data, message_data

FORMAT = "ponder-transcript"
VERSION = 1

_OPENING = b'{"chat":'
_MESSAGES = b'"messages":['
_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(value: Any) -> str:
    """Return a value as JSON on one line, always the same; half an emoji stays an escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def digest(before: str, value: Any) -> str:
    """Return the hash of a value that follows the one hashed `before`: 64 hex digits."""
    return hashlib.sha256(f"{before}\n{encode(value)}".encode()).hexdigest()


def dumps(record: Record, attachments: Mapping[str, bytes] | None = None) -> bytes:
    """Return the lossless form. attachments: their bytes by their SHA-256."""
    chat = {"format": FORMAT, "version": VERSION, **chat_data(record)}
    head = digest("", chat)
    lines = ['{"chat":' + encode({**chat, "hash": head}) + ",", '"messages":[']
    messages = list(record.conversation.messages.values())
    for number, message in enumerate(messages, 1):
        data = {"number": number, **message_data(message)}
        head = digest(head, data)
        comma = "," if number < len(messages) else ""
        lines.append(encode({**data, "hash": head}) + comma)
    lines.append("],")
    given = attachments or {}
    named = {part.sha256 for message in messages for part in message.attachments}
    kept = {
        name: b64encode(given[name]).decode() if name in given else None
        for name in sorted({*given, *named})
    }
    head = _closed(head, kept)
    lines.append('"attachments":' + encode(kept) + ",")
    lines.append('"head":' + encode(head) + "}")
    return ("\n".join(lines) + "\n").encode()


def _closed(head: str, attachments: Any) -> str:
    """Return the head of a chat: with which attachments were gone, where some were."""
    if not isinstance(attachments, dict) or None not in attachments.values():
        return head
    gone = sorted(name for name, text in attachments.items() if text is None)
    return digest(head, {"gone": gone})


@dataclass(frozen=True, slots=True)
class Fault:
    """A place that is not as it was written.

    message: its number from 1; 0 is the chat's own data, None what follows the last message.
    """

    message: int | None
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    messages: how many there are. head: the chain's last hash, to be compared with one that was
    kept apart; "" where the file has none. same_content: what the file says is as it was written,
    even where its spelling is not (another program has saved it).
    """

    faults: tuple[Fault, ...]
    messages: int
    head: str
    same_content: bool

    @property
    def intact(self) -> bool:
        """Whether every byte is as it was written."""
        return not self.faults


class _UnreadableError(ValueError):
    """A line that is not what it should be; says why, in words."""


def verify(data: bytes) -> Verdict:
    """Check a file line by line. Whatever the bytes are, this answers."""
    lines = data.split(b"\n")
    if not lines[0].startswith(_OPENING) and lines[1:2] != [_MESSAGES]:
        return _verify_content(data)
    faults: list[Fault] = []
    values: list[dict[str, Any]] = []

    def check(place: int | None, line: bytes, opening: bytes, closing: bytes) -> Any:
        try:
            return _value(line, opening, closing)
        except _UnreadableError as error:
            faults.append(Fault(place, str(error)))
            return None

    chat = check(0, lines[0], _OPENING, b",")
    before = _chained(0, "", chat, faults)
    if lines[1:2] != [_MESSAGES]:
        faults.append(Fault(0, "the line after the chat's own data is not as it was written"))
    end = next((at for at in range(2, len(lines)) if lines[at] == b"],"), None)
    if end is None:
        end = next((at for at in range(2, len(lines)) if not lines[at].startswith(b"{")), 2)
        faults.append(Fault(None, "the end of the messages is not as it was written"))
    for number, line in enumerate(lines[2:end], 1):
        value = check(number, line, b"", b"," if 2 + number < end else b"")
        if isinstance(value, dict) and value.get("number") != number:
            faults.append(Fault(number, f"it says that it is number {value.get('number')}"))
        before = _chained(number, before, value, faults)
        values.append(value if isinstance(value, dict) else {})
    rest = [*lines[end + 1 :], b"", b""]
    attachments = check(None, rest[0], b'"attachments":', b",")
    head = check(None, rest[1], b'"head":', b"}")
    if rest[2:] != [b"", b"", b""]:
        faults.append(Fault(None, "the end of the file is not as it was written"))
    if before is not None and head is not None and head != _closed(before, attachments):
        faults.append(Fault(None, "the head is not the hash of the last message"))
    faults += _attachment_faults(attachments, values)
    shown = head if isinstance(head, str) else ""
    return Verdict(_ordered(faults), len(values), shown, not faults or _same_content(data))


def _value(line: bytes, opening: bytes, closing: bytes) -> Any:
    if not (line.startswith(opening) and line.endswith(closing)):
        raise _UnreadableError("its line does not begin and end as it was written")
    middle = line[len(opening) : len(line) - len(closing)]
    try:
        text = middle.decode()
        value = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise _UnreadableError(f"its line cannot be read ({error})") from error
    if _encoded(value) != text:
        raise _UnreadableError("its line is spelled otherwise than it was written")
    return value


def _encoded(value: Any) -> str | None:
    try:
        return encode(value)
    except ValueError:  # a number that JSON does not have
        return None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice in one object")
    return found


def _chained(number: int, before: str | None, value: Any, faults: list[Fault]) -> str | None:
    """Check a value's own hash; return the hash that the next one follows, None if unknown."""
    if not isinstance(value, dict):
        return None
    said = value.get("hash")
    if not isinstance(said, str):
        faults.append(Fault(number, "it has no hash"))
        return None
    if before is not None and _digest(before, value) != said:
        faults.append(Fault(number, "its hash is not that of what it says and of what precedes it"))
    return said


def _digest(before: str, value: Mapping[str, Any]) -> str:
    try:
        return digest(before, _without_hash(value))
    except ValueError:  # a number that JSON does not have
        return ""


def _attachment_faults(attachments: Any, messages: list[dict[str, Any]]) -> Iterator[Fault]:
    if not isinstance(attachments, dict):
        return
    wanted = [
        (number, part["sha256"])
        for number, message in enumerate(messages, 1)
        for part in _parts(message)
        if isinstance(part, dict) and isinstance(part.get("sha256"), str)
    ]
    named = {name for _, name in wanted}
    others = [
        name
        for name, text in attachments.items()
        if (name not in named if text is None else _hash_of(text) != name)
    ]
    for name in others:
        yield Fault(None, f"the attachment {name[:12]} is not the one that was written")
    if others:
        return  # what a message names may be missing only because that name was changed
    for number, name in wanted:
        if name not in attachments:
            yield Fault(number, f"its attachment {name[:12]} is missing")


def _parts(message: Mapping[str, Any]) -> list[Any]:
    parts = message.get("parts")
    return parts if isinstance(parts, list) else []


def _hash_of(text: Any) -> str:
    try:
        return hashlib.sha256(b64decode(text, validate=True)).hexdigest()
    except (ValueError, TypeError):
        return ""


def _verify_content(data: bytes) -> Verdict:
    """Check a file of which no line is as it was written: another program has saved it anew."""
    try:
        whole = json.loads(data, object_pairs_hook=_without_doubles)
        chat, messages = whole["chat"], whole["messages"]
        if chat["format"] != FORMAT or not isinstance(messages, list):
            raise _UnreadableError("of another format")
    except (ValueError, RecursionError, LookupError, TypeError):
        what = "this is no transcript that Ponder exported, or nothing of it can be read"
        return Verdict((Fault(None, what),), 0, "", same_content=False)
    faults: list[Fault] = []
    before = _chained(0, "", chat, faults)
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            faults.append(Fault(number, "it is no message"))
        elif message.get("number") != number:
            faults.append(Fault(number, f"it says that it is number {message.get('number')}"))
        before = _chained(number, before, message, faults)
    head, attachments = whole.get("head"), whole.get("attachments")
    if not isinstance(attachments, dict):
        faults.append(Fault(None, "its attachments are missing"))
    if before is not None and head != _closed(before, attachments):
        faults.append(Fault(None, "the head is not the hash of the last message"))
    faults += _attachment_faults(attachments, [one for one in messages if isinstance(one, dict)])
    same = not faults
    faults.append(Fault(None, "another program has saved the file anew"))
    return Verdict(_ordered(faults), len(messages), head if isinstance(head, str) else "", same)


def _same_content(data: bytes) -> bool:
    """Whether a file of which some lines are as they were written says what it did."""
    return _verify_content(data).same_content


def _ordered(faults: list[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: (fault.message is None, fault.message or 0)))


def _without_hash(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != "hash"}
