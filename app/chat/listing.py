"""The order of the list of chats, for whoever changes the list before the store has done so."""

from collections.abc import Iterable

from app.chat.message import ChatSummary


def in_order(chats: Iterable[ChatSummary]) -> tuple[ChatSummary, ...]:
    """Return pinned chats first, in the order they come in, then the one written in last."""
    given = tuple(chats)
    others = sorted(
        (chat for chat in given if not chat.pinned), key=lambda chat: chat.updated_at, reverse=True
    )
    return (*(chat for chat in given if chat.pinned), *others)
