"""Whether what a database gave is a chat at all: SQLite checks pages, not what is in them.

A bit that flips in a row is read without complaint. Here it becomes a ValueError, which the store
tells as damage, and not a crash somewhere in the window.
"""

from typing import get_args

from app.chat.conversation import Conversation
from app.chat.message import ChatSummary, Message, Provenance, Role, Status, Text, Thinking

_ROLES, _STATUSES = frozenset(get_args(Role)), frozenset(get_args(Status))


def check_summary(chat: ChatSummary) -> ChatSummary:
    """Return a chat of the list as it is. Raises ValueError where it is none."""
    _need(chat.id, str)
    _need(chat.title, str)
    _need(chat.updated_at, int, float)
    return chat


def check_conversation(conversation: Conversation) -> Conversation:
    """Return a conversation as it is. Raises ValueError where it is no tree of messages."""
    messages = conversation.messages
    if conversation.leaf is not None and conversation.leaf not in messages:
        raise ValueError("the last message is not there")
    rooted: set[str] = set()
    for message in messages.values():
        _check_message(message)
        path: list[str] = []
        at: str | None = message.id
        while at is not None and at not in rooted:
            if at not in messages or len(path) > len(messages):
                raise ValueError("a message answers one that is not there, or itself")
            path.append(at)
            at = messages[at].parent_id
        rooted.update(path)
    return conversation


def _check_message(message: Message) -> None:
    if message.role not in _ROLES or message.status not in _STATUSES:
        raise ValueError(f"a message is neither of {sorted(_ROLES)}")
    _need(message.created_at, int, float)
    _need(message.note, str)
    for part in message.parts:
        if isinstance(part, Text | Thinking):
            _need(part.text, str)
        if isinstance(part, Thinking):
            _need(part.seconds, int, float)
            _need(part.tokens, int)
    if message.provenance is not None:
        _check_provenance(message.provenance)


def _check_provenance(by: Provenance) -> None:
    for text in (by.model, by.file, by.quantization, by.engine, by.device, by.prompt_hash):
        _need(text, str)
    for number in (by.size_bytes, by.context, by.sampling.seed):
        _need(number, int)


def _need(value: object, *kinds: type) -> None:
    if not isinstance(value, kinds):
        raise ValueError(f"{value!r:.80} is no {kinds[0].__name__}")
