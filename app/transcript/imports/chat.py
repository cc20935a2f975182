"""A chat as a format read it, and the record that it becomes."""

import unicodedata
from dataclasses import dataclass, replace

from app.chat.attachments import UNSEEN
from app.chat.conversation import Conversation
from app.chat.message import new_id
from app.chat.titles import title_of
from app.transcript.imports.gathering import Gathering
from app.transcript.imports.tree import Node, grown
from app.transcript.lossless import Read
from app.transcript.record import Record

TITLE_MOST = 200
"""Characters of a title: the sidebar shows 40, and a file's may hold a whole book."""


@dataclass(frozen=True, slots=True)
class Chat:
    """source: the program that wrote it. leaf: the key of the last message shown.

    start: when it began, seconds since the epoch.
    """

    source: str
    title: str
    nodes: list[Node]
    leaf: str | None = None
    system_prompt: str = ""
    start: float | None = None


def made(chat: Chat, gathering: Gathering) -> Read | None:
    """Return the chat as a record with its attachments; None where it holds no message."""
    grew = grown(chat.nodes, chat.leaf, source=chat.source, start=chat.start, gathering=gathering)
    attachments = gathering.taken()
    if not grew.messages:
        gathering.leave_out("chats without messages")
        return None
    conversation, prompt = grew, chat.system_prompt
    if not prompt.strip():
        conversation, prompt = _without_prompt(grew)
    first = next((one.text for one in conversation.branch() if one.role == "user"), "")
    record = Record(
        id=new_id(),
        title=_title(chat.title) or title_of(first),
        conversation=conversation,
        system_prompt=prompt,
    )
    return Read(record, attachments)


def _without_prompt(conversation: Conversation) -> tuple[Conversation, str]:
    """Return the chat without the instructions that begin all of it, and those."""
    roots = [one for one in conversation.messages.values() if one.parent_id is None]
    first = roots[0]
    if (
        len(roots) > 1
        or first.role != "system"
        or first.attachments
        or conversation.leaf == first.id
    ):
        return conversation, ""
    messages = {
        one.id: replace(one, parent_id=None) if one.parent_id == first.id else one
        for one in conversation.messages.values()
        if one is not first
    }
    return Conversation(messages, conversation.leaf), first.text


def _title(text: str) -> str:
    kept = "".join(
        char
        for char in text[: 2 * TITLE_MOST]
        if char.isspace() or unicodedata.category(char) not in UNSEEN
    )
    return " ".join(kept.split())[:TITLE_MOST]
