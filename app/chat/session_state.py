"""What a window shows of chats and model, as one value, and the names of its changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from app.chat.conversation import Conversation
from app.chat.message import Attachment, ChatSummary
from app.chat.model_slot import ModelState
from app.chat.turn import TurnState


@dataclass(frozen=True, slots=True)
class SessionState:
    """All that the window shows, as one value.

    opened: the store has answered; before, nothing is known of the chats. chat_id: the open chat,
    None for one not yet begun. running: the message that is being written, in whatever chat
    (running_chat), None when idle. turn: its state. collapsed: whether a message's thinking is
    folded, where the user chose. attached: what will be sent with the draft.
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
    thinking_budget: int | None = None
    system_prompt: str = ""


Change = Literal["chats", "chat", "conversation", "turn", "model", "context", "options", "attached"]
"""What pump() reports. chat: another chat (or a new one) is shown, its draft and options with it.
turn: the running answer grew or ended. The rest name fields of the state."""
