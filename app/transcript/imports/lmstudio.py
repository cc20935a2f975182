"""LM Studio: a chat as it lies on its disk, ~/.lmstudio/conversations/*.conversation.json.

There is no specification; the format is known from files that users show. `messages` is a list, in
which each has `versions`, and `currentlySelected` says which one is shown. A version is a
"singleStep" with `content` (parts of type text or file), or a "multiStep" with `steps`; of those, a
"contentBlock" has content, and is a thought where its `style.type` is "thinking". The
chat's `createdAt` is in milliseconds; messages have no times. A step's identifier begins with one.
What follows a message follows the version that was shown.
"""

import re
from collections.abc import Iterator
from typing import Any

from app.chat.message import Part, Role, Status, Text, Thinking
from app.transcript.imports import thoughts
from app.transcript.imports.chat import Chat
from app.transcript.imports.gathering import Gathering, listing, mapping, mappings, seconds, string
from app.transcript.imports.tree import Node

NAME = "LM Studio"

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_STATUS: dict[str, Status] = {
    "userStopped": "cancelled",
    "maxPredictedTokensReached": "length",
    "contextLengthReached": "length",
    "modelUnloaded": "interrupted",
    "failed": "interrupted",
}
_STEP_TIME = re.compile(r"(\d{13})(?:\D|$)")
_SYSTEM = "llm.prediction.systemPrompt"


def matches(value: Any) -> bool:
    """Whether a value is a chat of LM Studio's: its messages have versions."""
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return False
    messages = value["messages"]
    if not messages:
        return "perChatPredictionConfig" in value or "lastUsedModel" in value
    return any(isinstance(one, dict) and "versions" in one for one in messages)


def chats(value: Any, gathering: Gathering) -> Iterator[Chat]:
    """Yield the one chat of a file."""
    nodes: list[Node] = []
    above: str | None = None
    for number, message in enumerate(value["messages"]):
        versions = listing(mapping(message).get("versions"))
        shown = mapping(message).get("currentlySelected")
        known = {
            at: _node(version, f"{number}/{at}", above, gathering)
            for at, version in enumerate(versions)
            if isinstance(version, dict)
        }
        if len(known) < len(versions) or not versions:
            gathering.leave_out("messages that are none", max(1, len(versions) - len(known)))
        nodes += known.values()
        chosen = known.get(shown) if isinstance(shown, int) else None
        last = chosen or next(reversed(known.values()), None)
        above = last.key if last is not None else above
    yield Chat(
        NAME,
        string(value.get("name")),
        nodes,
        above,
        string(value.get("systemPrompt")) or _system_prompt(value),
        seconds(value.get("createdAt")),
    )


def _system_prompt(value: dict[str, Any]) -> str:
    for field in mappings(mapping(value.get("perChatPredictionConfig")).get("fields")):
        if field.get("key") == _SYSTEM:
            return string(field.get("value"))
    return ""


def _node(version: dict[str, Any], key: str, above: str | None, gathering: Gathering) -> Node:
    role = version.get("role")
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        gathering.leave_out("messages of an unknown role")
        return Node(key, above, "system", ())
    steps = list(mappings(version.get("steps")))
    if not steps:
        parts = _content(version.get("content"), gathering)
        if known == "assistant":
            parts = [one for part in parts for one in _untagged(part)]
        return Node(key, above, known, tuple(parts), model=_model(version, []))
    parts = []
    for step in steps:
        parts += _step(step, known, gathering)
    status: Status = next((found for found in map(_status, reversed(steps)) if found), "done")
    return Node(key, above, known, tuple(parts), _time(steps), _model(version, steps), status)


def _step(step: dict[str, Any], role: Role, gathering: Gathering) -> list[Part]:
    kind = step.get("type")
    if kind == "debugInfoBlock":
        return []
    if kind == "toolStatus":
        gathering.leave_out("calls of tools and what they returned")
        return []
    if kind != "contentBlock":
        gathering.leave_out("steps of an unknown kind")
        return []
    parts = _content(step.get("content"), gathering)
    style = mapping(step.get("style"))
    if style.get("type") == "thinking":
        text = "".join(part.text for part in parts if isinstance(part, Text))
        thought = Thinking(
            text.strip("\n"),
            style.get("ended") is not False,
            thoughts.seconds_in(string(style.get("title"))),
        )
        return [thought] if text.strip() else []
    if role != "assistant":
        return parts
    return [one for part in parts for one in _untagged(part)]


def _untagged(part: Part) -> tuple[Part, ...]:
    return thoughts.parts_of(part.text) if isinstance(part, Text) else (part,)


def _content(content: Any, gathering: Gathering) -> list[Part]:
    if isinstance(content, str):
        return list(thoughts.text_of(content))
    parts: list[Part] = []
    for item in listing(content):
        found = mapping(item)
        kind = string(found.get("type"))
        if kind == "text" and isinstance(found.get("text"), str):
            parts += thoughts.text_of(found["text"])
        elif kind == "file":
            what = "pictures" if found.get("fileType") == "image" else "attached files"
            gathering.leave_out(f"{what} that are not in the file")
        elif kind.startswith("tool"):
            gathering.leave_out("calls of tools and what they returned")
        else:
            gathering.leave_out("parts of an unknown kind")
    return parts


def _status(step: dict[str, Any]) -> Status | None:
    stats = mapping(mapping(step.get("genInfo")).get("stats"))
    return _STATUS.get(string(stats.get("stopReason")))


def _model(version: dict[str, Any], steps: list[dict[str, Any]]) -> str:
    for step in steps:
        made_by = mapping(step.get("genInfo"))
        for name in ("indexedModelIdentifier", "identifier"):
            if string(made_by.get(name)):
                return string(made_by.get(name))
    return string(mapping(version.get("senderInfo")).get("senderName"))


def _time(steps: list[dict[str, Any]]) -> float | None:
    for step in steps:
        found = _STEP_TIME.match(string(step.get("stepIdentifier")))
        if found:
            return seconds(int(found[1]))
    return None
