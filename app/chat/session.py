"""The use cases of one window: what a user can do to chats and to the model, without any widget.

Not thread-safe: every call comes from one thread (the window's). Nothing here waits: the store
works on its own thread, the engine in its own process, and `pump()`, called by a timer while there
is work, moves what they have said into `state` and returns what changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.chat.conversation import Conversation
from app.chat.message import ChatSummary
from app.chat.turn import TurnState
from app.engine.protocol import ModelInfo
from app.errors import Problem

ModelPhase = Literal["none", "loading", "ready", "failed"]


@dataclass(frozen=True, slots=True)
class ModelState:
    """The model chip's facts. path "" and info None where no model was ever chosen."""

    phase: ModelPhase = "none"
    name: str = ""
    path: str = ""
    fraction: float = 0.0
    info: ModelInfo | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class SessionState:
    """All that the window shows, as one value.

    chat_id: the open chat, None for a chat not yet begun. running: the message id that is being
    written, in whatever chat (running_chat), None when idle. turn: its state.
    """

    chats: tuple[ChatSummary, ...] = ()
    chat_id: str | None = None
    conversation: Conversation = field(default_factory=Conversation)
    draft: str = ""
    model: ModelState = field(default_factory=ModelState)
    running: str | None = None
    running_chat: str | None = None
    turn: TurnState | None = None
    context_used: int = 0
    context_total: int = 0
    thinking_budget: int | None = None
    system_prompt: str = ""


Change = Literal["chats", "conversation", "turn", "model", "context", "draft", "options"]
"""What pump() and the actions report: which fields of the state are new."""


class Session:
    """One window's chats and model. See the module's docstring for the threads."""

    state: SessionState

    def pump(self) -> frozenset[Change]:
        """Take in what store and engine have said; return what changed since the last call."""
        raise NotImplementedError

    def busy(self) -> bool:
        """Whether pump() must be called soon: a load, a turn or a store answer is outstanding."""
        raise NotImplementedError

    def problems(self) -> Sequence[Problem]:
        """Take the problems to be shown since the last call (empties the list)."""
        raise NotImplementedError

    # chats
    def new_chat(self) -> None: ...
    def open_chat(self, chat_id: str) -> None: ...
    def rename_chat(self, chat_id: str, title: str) -> None: ...
    def delete_chat(self, chat_id: str) -> None: ...
    def undo_delete(self) -> None: ...
    def set_draft(self, text: str) -> None: ...
    def set_collapsed(self, message_id: str, *, collapsed: bool) -> None: ...

    # model
    def load_model(self, path: str) -> None: ...
    def unload_model(self) -> None: ...
    def set_thinking_budget(self, tokens: int | None) -> None: ...
    def set_system_prompt(self, text: str) -> None: ...

    # turns
    def send(self, text: str) -> None: ...
    def stop(self) -> None: ...
    def answer_now(self) -> None: ...
    def retry(self, message_id: str) -> None: ...
    def edit(self, message_id: str, text: str) -> None: ...
    def continue_answer(self, message_id: str) -> None: ...
    def switch_branch(self, message_id: str, step: int) -> None: ...
    def close(self) -> None: ...
