"""A part of a chat as a chat of its own: one branch, or some messages of the shown one.

The lossless form proves that nothing of what it holds was changed. So what was left out must be
told in it too: the title says that this is a part.
"""

from collections.abc import Collection
from dataclasses import replace

from app.chat.conversation import Conversation
from app.chat.message import Message
from app.errors import Problem, WorldError
from app.transcript.record import Record


def branch(record: Record, message_id: str | None = None) -> Record:
    """Return the chat with the one branch that goes through a message, to its newest end.

    message_id: None is the branch shown. Raises KeyError where there is no such message.
    """
    chat = record.conversation
    if message_id is not None and message_id not in chat.messages:
        raise KeyError(message_id)
    shown = {one.id for one in chat.branch()}
    if message_id is not None and message_id not in shown:
        chat = chat.with_leaf(chat.tip(message_id))
    kept = chat.branch()
    part = Conversation({one.id: one for one in kept}, chat.leaf)
    whole = len(kept) == len(chat.messages)
    return replace(record, conversation=part, title=_titled(record, "" if whole else "one branch"))


def selection(record: Record, message_ids: Collection[str]) -> Record:
    """Return the chat with these messages of the shown branch, in their order.

    Raises WorldError where none of them is in it.
    """
    every = record.conversation.branch()
    chosen = [number for number, one in enumerate(every, 1) if one.id in message_ids]
    if not chosen:
        raise WorldError(
            Problem(
                "export-nothing",
                "None of the chosen messages is in the shown branch of this chat.",
                "`ponder chats show` shows the branch; its messages are counted from 1.",
            )
        )
    messages: dict[str, Message] = {}
    above: str | None = None
    for number in chosen:
        one = every[number - 1]
        messages[one.id] = replace(one, parent_id=above)
        above = one.id
    whole = len(messages) == len(record.conversation.messages)
    said = f"{_numbers(chosen)} of {len(every)}"
    what = "" if whole else f"message {said}" if len(chosen) == 1 else f"messages {said}"
    return replace(record, conversation=Conversation(messages, above), title=_titled(record, what))


def numbered(record: Record, numbers: str) -> list[str]:
    """Return the ids of messages of the shown branch given as "1-3,5". Raises WorldError."""
    every = [one.id for one in record.conversation.branch()]
    found: list[str] = []
    try:
        for piece in numbers.split(","):
            first, dash, last = (part.strip() for part in piece.partition("-"))
            begin = int(first)
            end = begin if not dash else int(last) if last else len(every)
            if not 1 <= begin <= end <= len(every):
                raise ValueError(piece)
            found += every[begin - 1 : end]
    except ValueError as error:
        raise WorldError(
            Problem(
                "export-nothing",
                f"{numbers!r} does not name messages of this chat.",
                f"Its shown branch has {len(every)}; name them as 1-3,5.",
            )
        ) from error
    return found


def _titled(record: Record, what: str) -> str:
    return f"{record.title} ({what})" if what else record.title


def _numbers(numbers: list[int]) -> str:
    """Return numbers as people write them: "1-3, 5"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
