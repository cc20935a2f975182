"""What can be saved of a damaged database: every chat and message that can still be read.

The rows of its tables are known by what is in them, because the file's own list of tables may be
what is damaged. A message without its chat gets one; one without its parent follows the message
before it; what is lost of a message is told in it. Nothing here changes the damaged file.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from app.chat.conversation import Conversation
from app.chat.message import (
    File,
    Image,
    Message,
    Part,
    Provenance,
    Role,
    Status,
    Text,
    Thinking,
)
from app.chat.salvage_pages import Pages, Value
from app.engine.protocol import Sampling, Usage

T = TypeVar("T")

LOST_NOTE = "The file of the chats was damaged: what could be read of this message was saved."
NAMELESS = "Saved from a damaged file"

_ROLES, _STATUSES = frozenset(get_args(Role)), frozenset(get_args(Status))
_LATEST = 1e11
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """A chat as it could be saved. damaged: how many messages say that something of them is lost.

    updated_at: seconds since the epoch. deleted: it was in the trash.
    """

    id: str
    title: str
    conversation: Conversation
    updated_at: float
    system_prompt: str = ""
    thinking_budget: int | None = None
    model: str = ""
    titled_by_user: bool = False
    deleted: bool = False
    damaged: int = 0


@dataclass(slots=True)
class _Rows:
    """The rows that were found, by table. pieces: by message and part."""

    chats: dict[str, list[Value]] = field(default_factory=dict)
    messages: dict[str, tuple[int, list[Value]]] = field(default_factory=dict)
    parts: dict[str, dict[int, list[Value]]] = field(default_factory=dict)
    pieces: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)
    attached: dict[str, dict[int, list[Value]]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def take(self, rowid: int, row: list[Value]) -> None:
        """Put a row into its table, by what is in it; others are left."""
        match row:
            case [None, str(name), str(), None | str(), str(role), str(status), *_] if len(
                row
            ) >= 11 and (role in _ROLES or status in _STATUSES):
                self.messages.setdefault(name, (rowid, row))
            case [str(name), str(), "auto" | "user", *_] if len(row) >= 11:
                self.chats.setdefault(name, row)
            case [str(name), int(at), "text" | "thinking", str(), *_] if len(row) == 7:
                self.parts.setdefault(name, {}).setdefault(at, row)
            case [str(name), _, int(at), str(), "image" | "file", str(), str()]:
                self.attached.setdefault(name, {}).setdefault(at, row)
            case [None, str(name), int(at), str(text)]:
                self.pieces.setdefault((name, at), {}).setdefault(rowid, text)
            case [str(sha256), int(size), float() | int()] if _is_hash(sha256):
                self.sizes.setdefault(sha256, size)


def salvage(path: Path) -> list[Salvaged]:
    """Return all chats that can be saved of a database, the one written in last first.

    Raises WorldError where the file cannot be read at all.
    """
    rows = _Rows()
    for rowid, row in Pages(path).rows():
        rows.take(rowid, row)
    by_chat: dict[str, list[tuple[int, list[Value]]]] = {}
    for number, row in sorted(rows.messages.values(), key=lambda found: found[0]):
        by_chat.setdefault(str(row[2]), []).append((number, row))
    for orphan in (rows.parts.keys() | rows.attached.keys()) - rows.messages.keys():
        # Its row is lost, what it says is not: in a chat of its own with all others like it.
        by_chat.setdefault("", []).append((0, [None, orphan, "", None, "", "interrupted"]))
    found = [
        _chat(chat_id, rows, by_chat.get(chat_id, []))
        for chat_id in (*rows.chats, *(by_chat.keys() - rows.chats.keys()))
    ]
    return sorted(found, key=lambda chat: chat.updated_at, reverse=True)


def _chat(chat_id: str, rows: _Rows, members: list[tuple[int, list[Value]]]) -> Salvaged:
    messages: dict[str, Message] = {}
    before: str | None = None
    for _, row in members:
        message = _message(row, rows, messages, before)
        messages[message.id] = message
        before = message.id
    row = rows.chats.get(chat_id, [])
    leaf = _at(row, 6, str, "")
    conversation = Conversation(messages, leaf if leaf in messages else before)
    last = max((message.created_at for message in messages.values()), default=0.0)
    return Salvaged(
        id=chat_id or "salvaged",
        title=_at(row, 1, str, "") or NAMELESS,
        conversation=conversation,
        updated_at=_time(row, 4) or last,
        system_prompt=_at(row, 8, str, ""),
        thinking_budget=_budget(row),
        model=_at(row, 10, str, ""),
        titled_by_user=_at(row, 2, str, "") == "user",
        deleted=bool(_time(row, 5)),
        damaged=sum(message.note == LOST_NOTE for message in messages.values()),
    )


def _message(
    row: list[Value], rows: _Rows, known: dict[str, Message], before: str | None
) -> Message:
    name = str(row[1])
    parent = row[3]
    parts = _parts(name, rows)
    thinks = any(isinstance(part, Thinking) for part in parts)
    role: Any = row[4] if row[4] in _ROLES else "assistant" if thinks else "user"
    status: Any = row[5] if row[5] in _STATUSES else "interrupted"
    status = "interrupted" if status == "running" else status
    torn = not parts or role != row[4] or (parent is not None and parent not in known)
    torn = torn or any("\ufffd" in p.text for p in parts if isinstance(p, Text | Thinking))
    return Message(
        id=name,
        # A message is always younger than what it answers: what is not known yet is not there.
        parent_id=parent if isinstance(parent, str) and parent in known else _follows(row, before),
        role=role,
        parts=parts,
        created_at=_time(row, 7 if len(row) > 7 else 0),
        status=status,
        note=LOST_NOTE if torn else _at(row, 6, str, ""),
        usage=_value(_usage, _at(row, 8, str, "")),
        provenance=_value(_provenance, _at(row, 9, str, "")),
    )


def _follows(row: list[Value], before: str | None) -> str | None:
    return None if row[3] is None and row[4] else before


def _parts(name: str, rows: _Rows) -> tuple[Part, ...]:
    found: dict[int, Part] = {}
    for at, row in rows.parts.get(name, {}).items():
        pieces = rows.pieces.get((name, at), {})
        text = "".join((str(row[3]), *(pieces[seq] for seq in sorted(pieces))))
        if row[2] == "text":
            found[at] = Text(text)
        else:
            seconds, tokens = _time(row, 5), _at(row, 6, int, 0)
            found[at] = Thinking(text, bool(row[4]), seconds, max(0, tokens))
    for at, row in rows.attached.get(name, {}).items():
        part = _attachment(row, rows)
        if part is not None:
            found[at] = part
    return tuple(part for _, part in sorted(found.items()))


def _attachment(row: list[Value], rows: _Rows) -> Image | File | None:
    sha256, kind, shown = str(row[3]), row[4], str(row[5])
    about = _value(json.loads, str(row[6]))
    if not _is_hash(sha256) or not isinstance(about, dict):
        return None
    size = max(0, rows.sizes.get(sha256, 0))
    if kind == "file":
        return File(sha256, shown, size, str(about.get("encoding", "utf-8")))
    width, height = about.get("width"), about.get("height")
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    mime, withheld = str(about.get("mime", "")), bool(about.get("withheld", False))
    return Image(sha256, shown, size, mime, width, height, withheld)


# ---------------------------------------------------------------- values that may be anything


def _at(row: list[Value], place: int, kind: type[T], otherwise: T) -> T:
    value = row[place] if place < len(row) else None
    return value if isinstance(value, kind) else otherwise


def _time(row: list[Value], place: int) -> float:
    """Return a time or a length of time: whole ones are kept as integers."""
    value = row[place] if place < len(row) else None
    if not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return float(value) if 0 <= value < _LATEST else 0.0


def _budget(row: list[Value]) -> int | None:
    budget = row[9] if len(row) > 9 else None
    return budget if isinstance(budget, int) and 0 <= budget < 1 << 31 else None


def _is_hash(text: str) -> bool:
    return len(text) == 64 and set(text) <= _HEX


def _value(read: Callable[[str], T], text: str) -> T | None:
    """Return what a JSON text says; None where it is no longer one."""
    try:
        return read(text) if text else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _usage(text: str) -> Usage:
    return Usage(**_known(Usage, json.loads(text)))


def _provenance(text: str) -> Provenance:
    known = _known(Provenance, json.loads(text))
    return Provenance(**{**known, "sampling": Sampling(**_known(Sampling, known["sampling"]))})


def _known(kind: type, said: Any) -> dict[str, Any]:
    """Return the fields that a kind has. Raises ValueError where there are none."""
    names = {one.name for one in fields(kind)}
    if not isinstance(said, dict):
        raise ValueError("not an object")
    known = {name: value for name, value in said.items() if name in names}
    if any(isinstance(value, list | dict) and name != "sampling" for name, value in known.items()):
        raise ValueError("not a value")
    return known
