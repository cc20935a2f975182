"""What a window shows of chats and model, as one value, and the names of its changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.chat.conversation import Conversation
from app.chat.message import Attachment, ChatSummary
from app.chat.model_slot import ModelState
from app.chat.options import ChatOptions
from app.chat.room import NoRoom
from app.chat.turn import TurnState


@dataclass(frozen=True, slots=True)
class Filling:
    """What fills the context, in tokens as the engine counted them; the rest is the chat so far.

    thoughts: of earlier answers, where they are kept. draft: what is typed and attached.
    """

    system: int = 0
    thoughts: int = 0
    draft: int = 0


def filled(used: int, filling: Filling | None, *, server: bool, running: bool) -> str:
    """Return what fills the context, in words. used: tokens."""
    if running:
        return "The prompt that was read, and the answer as far as it is written."
    if filling is None:
        by = "the server" if server else "the engine"
        return f"As {by} counted the last answer; what is typed is not in it."
    chat = used - filling.system - filling.thoughts - filling.draft
    parts = (
        ("system prompt", filling.system),
        ("chat so far", max(0, chat)),
        ("earlier thoughts", filling.thoughts),
        ("your message", filling.draft),
    )
    said = ", ".join(f"{label} {count:,}" for label, count in parts if count)
    return f"The next prompt, counted: {said or 'nothing yet'}."


@dataclass(frozen=True, slots=True)
class SessionState:
    """All that the window shows, as one value.

    opened: the store has answered; before, nothing is known of the chats. chat_id: the open chat,
    None for one not yet begun. running: the message that is being written, in whatever chat
    (running_chat), None when idle. turn: its state. collapsed: whether a message's thinking is
    folded, where the user chose. attached: what will be sent with the draft. context_used: tokens
    of the running answer's context or, when idle, of the next prompt; filling: what they are, None
    where the engine did not count them. options: of the open chat. room: what stands in the way of
    an answer for which there is too little room, and what can be done.
    """

    opened: bool = False
    chats: tuple[ChatSummary, ...] = ()
    chat_id: str | None = None
    conversation: Conversation = field(default_factory=Conversation)
    collapsed: Mapping[str, bool] = field(default_factory=dict)
    draft: str = ""
    attached: tuple[Attachment, ...] = ()
    model: ModelState = field(default_factory=ModelState)
    running: str | None = None
    running_chat: str | None = None
    turn: TurnState | None = None
    context_used: int = 0
    context_total: int = 0
    filling: Filling | None = None
    options: ChatOptions = field(default_factory=ChatOptions)
    room: NoRoom | None = None
    thinking_budget: int | None = None
    system_prompt: str = ""


Change = Literal[
    "chats", "chat", "conversation", "turn", "model", "context", "options", "attached", "room"
]
"""What pump() reports. chat: another chat (or a new one) is shown, its draft and options with it.
turn: the running answer grew or ended. The rest name fields of the state."""
