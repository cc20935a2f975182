"""ChatGPT: conversations.json of its data export (help.openai.com, "export my ChatGPT history").

Not specified by its maker, described by many who read it: a list of conversations, each with
`mapping`, an object of nodes by id ({"id", "message", "parent", "children"}), and `current_node`.
A message has `author.role`, `create_time` in seconds, and `content` of a `content_type`: "text" and
"multimodal_text" have `parts`, "thoughts" has `thoughts`, "code" has `text`. Pictures are other
files of the archive, and are said to be missing.
"""

from collections.abc import Iterator
from typing import Any

from app.chat.message import Part, Role, Status, Text, Thinking
from app.transcript.imports import thoughts
from app.transcript.imports.chat import Chat
from app.transcript.imports.gathering import Gathering, listing, mapping, mappings, seconds, string
from app.transcript.imports.tree import Node

NAME = "ChatGPT"

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_ENDS: dict[str, Status] = {"interrupted": "cancelled", "max_tokens": "length"}
_TOOLS = frozenset(["execution_output", "tether_quote", "tether_browsing_display", "sonic_webpage"])
_ASIDE = frozenset(["user_editable_context", "model_editable_context", "system_error"])


def matches(value: Any) -> bool:
    """Whether a value is a conversation with a mapping of nodes, or a list that has one."""
    rows = value if isinstance(value, list) else [value]
    return any(isinstance(mapping(row).get("mapping"), dict) for row in rows)


def chats(value: Any, gathering: Gathering) -> Iterator[Chat]:
    """Yield the conversations of an export."""
    for row in value if isinstance(value, list) else [value]:
        nodes = mapping(row).get("mapping")
        if not isinstance(nodes, dict):
            gathering.leave_out("chats that cannot be read")
            continue
        yield Chat(
            NAME,
            string(row.get("title")),
            [_node(key, node, gathering) for key, node in nodes.items()],
            string(row.get("current_node")) or None,
            start=seconds(row.get("create_time")),
        )


def _node(key: str, node: Any, gathering: Gathering) -> Node:
    parent = mapping(node).get("parent")
    above = parent if isinstance(parent, str) else None
    message = mapping(mapping(node).get("message"))
    if not message:
        return Node(key, above, "system", ())
    role = string(mapping(message.get("author")).get("role"))
    content, about = mapping(message.get("content")), mapping(message.get("metadata"))
    kind = string(content.get("content_type"))
    if role == "tool" or kind in _TOOLS or string(message.get("recipient")) not in ("", "all"):
        gathering.leave_out("calls of tools and what they returned")
        return Node(key, above, "system", ())
    known = _ROLES.get(role)
    if known is None:
        gathering.leave_out("messages of an unknown role")
        return Node(key, above, "system", ())
    if kind in _ASIDE or about.get("is_visually_hidden_from_conversation") is True:
        # An empty instruction begins every conversation, and nobody saw it.
        if any(map(string, listing(content.get("parts")))) or kind in _ASIDE:
            gathering.leave_out("messages that ChatGPT did not show")
        return Node(key, above, "system", ())
    parts = tuple(_parts(kind, content, about, known, gathering))
    ended = string(mapping(about.get("finish_details")).get("type"))
    status = "interrupted" if message.get("status") == "in_progress" else _ENDS.get(ended, "done")
    return Node(
        key,
        above,
        known,
        parts,
        seconds(message.get("create_time")),
        string(about.get("model_slug")),
        status,
        thought=bool(parts) and all(isinstance(part, Thinking) for part in parts),
    )


def _parts(
    kind: str, content: dict[str, Any], about: dict[str, Any], role: Role, gathering: Gathering
) -> Iterator[Part]:
    if kind in ("text", "multimodal_text"):
        for item in listing(content.get("parts")):
            found = mapping(item)
            if isinstance(item, str):
                yield from (
                    thoughts.parts_of(item) if role == "assistant" else thoughts.text_of(item)
                )
            elif "asset_pointer" in found:
                gathering.leave_out("pictures that are not in the file")
            elif isinstance(found.get("text"), str):
                yield from thoughts.text_of(found["text"])
            else:
                gathering.leave_out("parts of an unknown kind")
    elif kind == "thoughts":
        said = "\n\n".join(_thought(one) for one in mappings(content.get("thoughts")))
        if said.strip():
            took = seconds_of(about.get("finished_duration_sec"))
            yield Thinking(said, seconds=took)
    elif kind == "reasoning_recap":
        return
    elif kind == "code" and isinstance(content.get("text"), str):
        language = string(content.get("language"))
        yield Text(f"```{language if language.isalnum() else ''}\n{content['text']}\n```")
    else:
        gathering.leave_out("parts of an unknown kind")


def _thought(one: dict[str, Any]) -> str:
    head, text = string(one.get("summary")), string(one.get("content"))
    return f"**{head}**\n\n{text}" if head and text else head or text


def seconds_of(value: Any) -> float:
    """Return a length of time, 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < 1e7 else 0.0
