"""Messages as OpenAI's API has them (platform.openai.com, "Chat Completions"), in their many forms.

A list of {"role", "content"}; an object with such a list as `messages`; a list of such objects;
JSON lines of objects, a chat each (Ponder's own export), or of messages, one chat in all. `content`
is a text or a list of parts. Servers of open models put a thought into `reasoning_content` (vLLM,
llama.cpp, DeepSeek) or `reasoning` (vLLM since, OpenRouter), Mistral into a part of type
"thinking", the `ponder` command into `thinking`.
"""

from collections.abc import Iterator
from typing import Any

from app.chat.message import Part, Role, Text, Thinking
from app.transcript.imports import thoughts
from app.transcript.imports.chat import Chat
from app.transcript.imports.gathering import (
    Gathering,
    data_of,
    listing,
    mapping,
    mappings,
    seconds,
    string,
)
from app.transcript.imports.tree import Node

NAME = "OpenAI messages"

_ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
_TIMES = ("created_at", "createdAt", "create_time", "timestamp", "created", "date")
_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_text")


def matches(value: Any) -> bool:
    """Whether a value is a list of messages, an object with one, or a list of such objects."""
    if isinstance(value, list):
        return any(_is_message(item) or _has_messages(item) for item in value)
    return _has_messages(value)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str)


def _has_messages(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("messages"), list)
        and (not value["messages"] or any(map(_is_message, value["messages"])))
    )


def chats(value: Any, gathering: Gathering) -> Iterator[Chat]:
    """Yield the chats of a value. Lines are given as the list of their values."""
    if isinstance(value, dict):
        yield _chat(value, value["messages"], gathering)
        return
    loose: list[Any] = []
    for item in value:
        if _has_messages(item):
            yield _chat(item, item["messages"], gathering)
        elif _is_message(item):
            loose.append(item)
        else:
            gathering.leave_out("messages that are none")
    if loose:
        yield _chat({}, loose, gathering)


def _chat(about: dict[str, Any], messages: list[Any], gathering: Gathering) -> Chat:
    said = mapping(about.get("metadata"))
    model = string(about.get("model"))
    made_by = listing(said.get("made_by"))
    nodes: list[Node] = []
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            gathering.leave_out("messages that are none")
            continue
        above = nodes[-1].key if nodes else None
        by = mapping(made_by[number]) if number < len(made_by) else {}
        name = string(message.get("model")) or string(by.get("Model")) or model
        nodes.append(_node(message, str(number), above, name, gathering))
    title = next(
        (
            string(one.get(name))
            for one in (about, said)
            for name in ("title", "name")
            if one.get(name)
        ),
        "",
    )
    start = next(filter(None, (seconds(about.get(name)) for name in _TIMES)), None)
    return Chat(NAME, title, nodes, nodes[-1].key if nodes else None, start=start)


def _node(
    message: dict[str, Any], key: str, above: str | None, model: str, gathering: Gathering
) -> Node:
    role = _ROLES.get(string(message.get("role")).lower())
    if message.get("tool_calls") or message.get("function_call"):
        gathering.leave_out("calls of tools and what they returned")
    if role is None:
        tool = message.get("role") in ("tool", "function")
        what = "calls of tools and what they returned" if tool else "messages of an unknown role"
        gathering.leave_out(what)
        return Node(key, above, "system", ())
    content = message.get("content")
    parts: list[Part] = []
    thought = _thought(message)
    if thought.strip():
        parts.append(Thinking(thought))
    if isinstance(content, str):
        plain = role != "assistant" or bool(parts)
        parts += thoughts.text_of(content) if plain else thoughts.parts_of(content)
    elif isinstance(content, list):
        parts += content_parts(content, gathering)
    elif content is not None:
        gathering.leave_out("parts of an unknown kind")
    if isinstance(message.get("refusal"), str):
        parts += thoughts.text_of(message["refusal"])
    at = next(filter(None, (seconds(message.get(name)) for name in _TIMES)), None)
    return Node(key, above, role, tuple(parts), at, model if role == "assistant" else "")


def _thought(message: dict[str, Any]) -> str:
    for name in _THOUGHTS:
        if isinstance(message.get(name), str) and message[name].strip():
            return string(message[name])
    details = mappings(message.get("reasoning_details"))
    return "".join(string(one.get("text")) or string(one.get("summary")) for one in details)


def content_parts(content: list[Any], gathering: Gathering) -> Iterator[Part]:
    """Yield the parts of a message whose content is a list."""
    for item in content:
        if isinstance(item, str):
            yield from thoughts.text_of(item)
            continue
        found = mapping(item)
        kind = string(found.get("type"))
        made: Part | None = None
        if kind in ("text", "input_text", "output_text", "refusal"):
            made = _text(found)
        elif kind in ("thinking", "reasoning", "reasoning_text"):
            text = _words(found.get("thinking", found.get("text", found.get("summary"))))
            made = Thinking(text, found.get("closed") is not False) if text.strip() else None
        elif kind in ("image_url", "input_image", "image"):
            made = gathering.picture(_address(found), found.get("name"))
        elif kind == "file":
            file = mapping(found.get("file")) or found
            made = _file(file, gathering)
        else:
            gathering.leave_out("parts of an unknown kind")
        if made is not None:
            yield made


def _text(part: dict[str, Any]) -> Text | None:
    text = string(part.get("text")) or string(part.get("refusal"))
    return Text(text) if text.strip() else None


def _words(value: Any) -> str:
    """Return the text of a thought, which may itself be a list of parts."""
    if isinstance(value, str):
        return value
    return "".join(
        item if isinstance(item, str) else string(mapping(item).get("text"))
        for item in listing(value)
    )


def _address(part: dict[str, Any]) -> Any:
    url = part.get("image_url", part.get("url"))
    if isinstance(url, dict):
        url = url.get("url")
    source = mapping(part.get("source"))
    if url is None and isinstance(source.get("data"), str):
        return f"data:{string(source.get('media_type'))};base64,{source['data']}"
    return url


def _file(file: dict[str, Any], gathering: Gathering) -> Part | None:
    data = data_of(file.get("file_data"))
    text = None if data is None else data.decode("utf-8", "replace")
    return gathering.text_file(file.get("filename"), text)
