"""A whole chat as a value: what is exported, what is imported, and its members as plain data.

Plain data are dicts, lists, strings and numbers in a fixed order, each with all its fields, so that
the same chat is always the same text. Unknown fields are refused by no one: a later Ponder may
write more; what it means to this one is what this one knows.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from app.chat.conversation import Conversation
from app.chat.message import File, Image, Message, Part, Provenance, Role, Status, Text, Thinking
from app.engine.protocol import Sampling, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """A chat with everything that was said in it, in all its branches.

    thinking_budget: in tokens, None is no limit. system_prompt: the user's own addition.
    """

    id: str
    title: str
    conversation: Conversation
    system_prompt: str = ""
    thinking_budget: int | None = None
    model: str = ""


class NotARecordError(ValueError):
    """Plain data that are not those of a chat; says what is wrong, in words."""


_PARTS: dict[str, type[Part]] = {
    "text": Text,
    "thinking": Thinking,
    "image": Image,
    "file": File,
}


def chat_data(record: Record) -> dict[str, Any]:
    """Return what is said of a chat beside its messages."""
    return {
        "id": record.id,
        "title": record.title,
        "leaf": record.conversation.leaf,
        "system_prompt": record.system_prompt,
        "thinking_budget": record.thinking_budget,
        "model": record.model,
    }


def message_data(message: Message) -> dict[str, Any]:
    """Return a message as plain data."""
    return {
        "id": message.id,
        "parent_id": message.parent_id,
        "role": message.role,
        "created_at": message.created_at,
        "status": message.status,
        "note": message.note,
        "parts": [_part_data(part) for part in message.parts],
        "usage": None if message.usage is None else asdict(message.usage),
        "provenance": None if message.provenance is None else asdict(message.provenance),
    }


def _part_data(part: Part) -> dict[str, Any]:
    kind = next(name for name, type_ in _PARTS.items() if isinstance(part, type_))
    data = {"type": kind, **asdict(part)}
    if isinstance(part, File):
        # What it says stands in its bytes, which are among the attachments.
        del data["text"]
    return data


def record_of(chat: Any, messages: Any) -> Record:
    """Return the chat that plain data describe. Raises NotARecordError."""
    found = _mapping(chat, "the chat")
    if not isinstance(messages, list):
        raise NotARecordError("the messages are not a list")
    by_id: dict[str, Message] = {}
    for number, data in enumerate(messages, 1):
        message = message_of(data, f"message {number}")
        if message.id in by_id:
            raise NotARecordError(f"message {number} has the id of another")
        if message.parent_id is not None and message.parent_id not in by_id:
            raise NotARecordError(f"message {number} follows one that is not before it")
        by_id[message.id] = message
    leaf = _optional_text(found, "leaf", "the chat")
    if leaf is not None and leaf not in by_id:
        raise NotARecordError("the chat's last message is not among its messages")
    budget = found.get("thinking_budget")
    if not _fits(budget, int | None):
        raise NotARecordError("the chat's thinking budget is not a whole number")
    return Record(
        id=_text(found, "id", "the chat"),
        title=_text(found, "title", "the chat"),
        conversation=Conversation(by_id, leaf),
        system_prompt=_text(found, "system_prompt", "the chat", ""),
        thinking_budget=budget,
        model=_text(found, "model", "the chat", ""),
    )


def message_of(data: Any, what: str) -> Message:
    """Return the message that plain data describe. Raises NotARecordError, naming `what`."""
    found = _mapping(data, what)
    role, status = _text(found, "role", what), _text(found, "status", what, "done")
    if role not in get_args(Role):
        raise NotARecordError(f"{what} has the role {role!r}")
    if status not in get_args(Status):
        raise NotARecordError(f"{what} has the status {status!r}")
    parts = found.get("parts")
    if not isinstance(parts, list):
        raise NotARecordError(f"{what} has no list of parts")
    return Message(
        id=_text(found, "id", what),
        parent_id=_optional_text(found, "parent_id", what),
        role=role,  # type: ignore[arg-type]  # one of the values of Role, seen above
        parts=tuple(_part_of(part, what) for part in parts),
        created_at=_number(found, "created_at", what),
        status=status,  # type: ignore[arg-type]  # one of the values of Status, seen above
        note=_text(found, "note", what, ""),
        usage=_usage_of(found.get("usage"), what),
        provenance=_provenance_of(found.get("provenance"), what),
    )


def _part_of(data: Any, what: str) -> Part:
    found = _mapping(data, f"a part of {what}")
    kind = _PARTS.get(_text(found, "type", f"a part of {what}"))
    if kind is None:
        raise NotARecordError(f"{what} has a part of an unknown type")
    return _made(kind, found, f"a part of {what}")


def _usage_of(data: Any, what: str) -> Usage | None:
    if data is None:
        return None
    return _made(Usage, _mapping(data, f"the usage of {what}"), f"the usage of {what}")


def _provenance_of(data: Any, what: str) -> Provenance | None:
    if data is None:
        return None
    what = f"the provenance of {what}"
    found = _mapping(data, what)
    sampling = _made(Sampling, _mapping(found.get("sampling"), what), what)
    return _made(Provenance, {**found, "sampling": sampling}, what)


def _made(kind: type[T], data: Mapping[str, Any], what: str) -> T:
    """Return a dataclass of the fields that it knows, each of the type that it says."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # only called with dataclasses
        if field.name in data:
            value = data[field.name]
            if not _fits(value, hints[field.name]):
                raise NotARecordError(f"{what} has a {field.name} that cannot be: {value!r:.60}")
            values[field.name] = value
        elif field.default is MISSING and field.default_factory is MISSING:
            raise NotARecordError(f"{what} has no {field.name}")
    return kind(**values)


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return any(_fits(value, one) for one in get_args(hint))
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is float:
        return type(value) in (int, float) and math.isfinite(value)
    if hint is int:
        # What a database can hold.
        return type(value) is int and -(2**63) <= value < 2**63
    if hint in (bool, str, NoneType):
        return type(value) is hint
    return isinstance(value, hint)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotARecordError(f"{what} is not an object")
    return value


def _text(data: Mapping[str, Any], name: str, what: str, default: str | None = None) -> str:
    value = data.get(name, default)
    if not isinstance(value, str):
        raise NotARecordError(f"{what} has no {name}")
    return value


def _optional_text(data: Mapping[str, Any], name: str, what: str) -> str | None:
    return None if data.get(name) is None else _text(data, name, what)


def _number(data: Mapping[str, Any], name: str, what: str) -> float:
    value = data.get(name)
    if not _fits(value, float):
        raise NotARecordError(f"{what} has no {name}")
    return cast(float, value)
