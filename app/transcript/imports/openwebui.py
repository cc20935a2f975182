"""Open WebUI: its export of chats as JSON, a list of rows or one of them.

As its documentation describes for import (docs.openwebui.com, "Import & Export"): a row has `chat`,
in which `history.messages` is an object by id with `parentId` and `childrenIds`, and
`history.currentId` is the last message shown. A thought stands in the text as
<details type="reasoning">, pictures in `files` as data: addresses. A message's `timestamp` is in
seconds. A `chat` without a history has its messages as a list.
"""

from collections.abc import Iterator
from typing import Any

from app.chat.message import Part, Role, Status
from app.transcript.imports import openai, thoughts
from app.transcript.imports.chat import Chat
from app.transcript.imports.gathering import Gathering, listing, mapping, mappings, seconds, string
from app.transcript.imports.tree import Node

NAME = "Open WebUI"

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def matches(value: Any) -> bool:
    """Whether a value is a chat with such a history, or a list that has one."""
    rows = value if isinstance(value, list) else [value]
    return any(_history(row) is not None for row in rows)


def _inner(row: Any) -> dict[str, Any]:
    found = mapping(row)
    return mapping(found["chat"]) if isinstance(found.get("chat"), dict) else found


def _history(row: Any) -> dict[str, Any] | None:
    history = _inner(row).get("history")
    messages = history.get("messages") if isinstance(history, dict) else None
    return history if isinstance(messages, dict | list) else None


def chats(value: Any, gathering: Gathering) -> Iterator[Chat]:
    """Yield the chats of an export."""
    for row in value if isinstance(value, list) else [value]:
        chat, history = _inner(row), _history(row)
        if history is None:
            if isinstance(chat.get("messages"), list):
                yield from openai.chats(chat, gathering)
            else:
                gathering.leave_out("chats that cannot be read")
            continue
        title = string(chat.get("title")) or string(mapping(row).get("title"))
        start = seconds(mapping(row).get("created_at")) or seconds(chat.get("timestamp"))
        prompt = string(chat.get("system")) or string(mapping(chat.get("params")).get("system"))
        leaf = string(history.get("currentId")) or None
        yield Chat(NAME, title, list(_nodes(history["messages"], gathering)), leaf, prompt, start)


def _nodes(messages: Any, gathering: Gathering) -> Iterator[Node]:
    pairs = messages.items() if isinstance(messages, dict) else enumerate(messages)
    for name, message in pairs:
        if not isinstance(message, dict):
            gathering.leave_out("messages that are none")
            continue
        key = name if isinstance(name, str) else string(message.get("id")) or str(name)
        parent = message.get("parentId")
        yield _node(message, key, parent if isinstance(parent, str) else None, gathering)


def _node(message: dict[str, Any], key: str, parent: str | None, gathering: Gathering) -> Node:
    role = message.get("role")
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        gathering.leave_out("messages of an unknown role")
        return Node(key, parent, "system", ())
    parts = [*_files(message.get("files"), gathering)]
    content = message.get("content")
    if isinstance(content, list):
        parts += openai.content_parts(content, gathering)
    elif known == "assistant":
        found, tools = thoughts.without_details(string(content))
        parts += found
        if tools:
            gathering.leave_out("calls of tools and what they returned", tools)
    else:
        parts += thoughts.text_of(string(content))
    for name, what in (("sources", "sources of answers"), ("citations", "sources of answers")):
        if listing(message.get(name)):
            gathering.leave_out(what)
    status: Status = "done" if message.get("done", True) is not False else "interrupted"
    error = mapping(message.get("error"))
    if error:
        status = "failed" if not parts else "interrupted"
    note = string(error.get("content"))[:300]
    if known == "assistant" and error and not parts:
        # What could not be generated is a message all the same: others follow it.
        parts = [*thoughts.text_of(note)]
    at = seconds(message.get("timestamp"))
    model = string(message.get("modelName")) or string(message.get("model"))
    return Node(key, parent, known, tuple(parts), at, model, status, note)


def _files(files: Any, gathering: Gathering) -> Iterator[Part]:
    for file in mappings(files):
        made: Part | None
        inner = mapping(file.get("file"))
        name = string(file.get("name")) or string(inner.get("filename"))
        if file.get("type") == "image":
            made = gathering.picture(file.get("url"), name)
        else:
            text = mapping(inner.get("data")).get("content", file.get("content"))
            made = gathering.text_file(name, text)
        if made is not None:
            yield made
