"""llama.cpp's web UI: {"conv": …, "messages": […]} of its JSON export, and its newer JSON lines.

As its source has it (tools/ui, ExportedConversation and DatabaseMessage): `parent` and `children`
make a tree below a message of type "root", `conv.currNode` is the last message shown, times are
milliseconds, a thought is in `reasoningContent` (older: `thinking`), attachments are in `extra`.
JSON lines are a session line with harness "llama.app" and a line per message, the Hub's Session
Trace Simple Format (huggingface.co/docs/hub/session-traces-format); sessions of other programs in
that format have no parents and are one branch.
"""

import json
from collections.abc import Iterator
from typing import Any

from app.chat.message import Part, Role, Thinking
from app.transcript.imports import thoughts
from app.transcript.imports.chat import Chat
from app.transcript.imports.gathering import (
    Gathering,
    listing,
    mapping,
    mappings,
    seconds,
    string,
)
from app.transcript.imports.tree import Node

NAME = "llama.cpp"

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def matches(value: Any) -> bool:
    """Whether a value is an export of one conversation, or a list of them."""
    first = value[0] if isinstance(value, list) and value else value
    return (
        isinstance(first, dict)
        and isinstance(first.get("conv"), dict)
        and isinstance(first.get("messages"), list)
    )


def matches_lines(first: Any) -> bool:
    """Whether a file of lines begins as a session does."""
    return isinstance(first, dict) and first.get("type") == "session" and "harness" in first


def chats(value: Any, gathering: Gathering) -> Iterator[Chat]:
    """Yield the conversations of an export."""
    for one in value if isinstance(value, list) else [value]:
        found = mapping(one)
        if not found.get("messages"):
            gathering.leave_out("chats without messages")
            continue
        yield _chat(mapping(found.get("conv")), listing(found.get("messages")), gathering)


def chats_of_lines(lines: list[Any], gathering: Gathering) -> Iterator[Chat]:
    """Yield the sessions of a file of lines."""
    conv: dict[str, Any] = {}
    messages: list[Any] = []
    for line in lines:
        found = mapping(line)
        if found.get("type") == "session":
            if messages:
                yield _chat(conv, messages, gathering)
            conv, messages = found, []
        elif found.get("type") == "message":
            messages.append(found.get("message"))
        else:
            gathering.leave_out("lines of an unknown kind")
    if messages:
        yield _chat(conv, messages, gathering)


def _chat(conv: dict[str, Any], messages: list[Any], gathering: Gathering) -> Chat:
    nodes: list[Node] = []
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            gathering.leave_out("messages that are none")
            continue
        key = string(message.get("id")) or f"message {number}"
        # Without parents the messages stand in their order.
        above = nodes[-1].key if nodes else None
        parent = message.get("parent") if "parent" in message else above
        nodes.append(_node(message, key, parent if isinstance(parent, str) else None, gathering))
    return Chat(
        NAME if conv.get("harness", "llama.app") == "llama.app" else string(conv.get("harness")),
        string(conv.get("name")),
        nodes,
        string(conv.get("currNode")) or None,
        start=seconds(conv.get("lastModified")),
    )


def _node(message: dict[str, Any], key: str, parent: str | None, gathering: Gathering) -> Node:
    role = message.get("role")
    if message.get("type") == "root":
        return Node(key, None, "system", ())
    if message.get("toolCalls") or role == "tool":
        gathering.leave_out("calls of tools and what they returned")
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        if role != "tool":
            gathering.leave_out("messages of an unknown role")
        return Node(key, parent, "system", ())
    parts = [*_extras(message.get("extra"), gathering)]
    thought = string(message.get("reasoningContent")) or string(message.get("thinking"))
    content = message.get("content")
    if not isinstance(content, str) and content is not None:
        gathering.leave_out("parts that are no text")
    text = string(content)
    if known == "assistant":
        if thought.strip():
            parts += [Thinking(thought), *thoughts.text_of(text)]
        else:
            parts += thoughts.parts_of(text)
    else:
        parts += thoughts.text_of(text)
    return Node(
        key,
        parent,
        known,
        tuple(parts),
        seconds(message.get("timestamp")),
        string(message.get("model")),
    )


def _extras(extras: Any, gathering: Gathering) -> Iterator[Part]:
    if isinstance(extras, str):
        try:
            extras = json.loads(extras)
        except (ValueError, RecursionError):
            extras = None
            gathering.leave_out("attachments of an unknown kind")
    for extra in mappings(extras):
        kind = string(extra.get("type")).lower()
        made: Part | None = None
        if kind.startswith("image"):
            made = gathering.picture(extra.get("base64Url"), extra.get("name"))
        elif kind.startswith(("text", "context", "pdf", "legacy", "mcp")):
            made = gathering.text_file(extra.get("name"), extra.get("content"))
        else:
            gathering.leave_out("attachments of an unknown kind")
        if made is not None:
            yield made
