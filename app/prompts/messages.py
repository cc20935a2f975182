"""Reads a conversation from JSON: the MESSAGES.json of the command line."""

import json
from typing import Any, NoReturn, get_args

from app.errors import Problem, WorldError
from app.prompts.segments import Role, Thought, Turn

_FIELDS = {"role", "content", "thinking", "prefix"}
_ROLES: dict[str, Role] = {role: role for role in get_args(Role)}


def parse(text: str) -> tuple[list[Turn], bool]:
    """Return the turns of a conversation, and whether its last is to be continued.

    text: a JSON list of {"role": "system"|"user"|"assistant", "content": TEXT, "thinking": TEXT
    (optional, before the content; not for users), "prefix": true (optional, only on an assistant's
    last message: it is unfinished)}. Raises WorldError saying which message is wrong, and how.
    """
    try:
        messages = json.loads(text)
    except (ValueError, RecursionError) as error:
        _refuse("The messages are not valid JSON.", str(error))
    if not isinstance(messages, list) or not messages:
        _refuse("The messages must be a JSON list with at least one message in it.")
    turns = [_turn(number, message) for number, message in enumerate(messages, 1)]
    for number, message in enumerate(messages, 1):
        prefix = message.get("prefix", False)
        last = number == len(messages) and message["role"] == "assistant"
        if not isinstance(prefix, bool):
            _refuse(f'Message {number}: "prefix" must be true or false.')
        if prefix and not last:
            _refuse(f'Message {number}: only an assistant\'s last message can be a "prefix".')
    return turns, bool(messages[-1].get("prefix", False))


def _turn(number: int, message: Any) -> Turn:
    if not isinstance(message, dict):
        _refuse(f"Message {number} is not a JSON object.")
    unknown = sorted(set(message) - _FIELDS)
    if unknown:
        _refuse(f'Message {number} has a field that means nothing here: "{unknown[0]}".')
    role = _ROLES.get(str(message.get("role")))
    if role is None:
        _refuse(f'Message {number}: "role" must be one of {", ".join(_ROLES)}.')
    content = _text(number, message, "content")
    if "thinking" not in message:
        return Turn(role, (content,))
    if role == "user":
        _refuse(f'Message {number}: a user\'s message has no "thinking".')
    return Turn(role, (Thought(_text(number, message, "thinking")), content))


def _text(number: int, message: dict[str, Any], field: str) -> str:
    value = message.get(field)
    if not isinstance(value, str):
        _refuse(f'Message {number}: "{field}" must be text.')
    # JSON can spell half a character; no vocabulary can encode one.
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(title: str, detail: str = "") -> NoReturn:
    raise WorldError(
        Problem(
            key="bad-messages",
            title=title,
            advice='Give a list of {"role": …, "content": …, "thinking": …}.',
            detail=detail,
        )
    )
