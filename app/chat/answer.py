"""The answer that is being written: its turn, its request, and the message it becomes.

One exists at a time. It belongs to a chat, not to the window's view, so that it goes on being
written, and saved, while another chat is looked at.
"""

from dataclasses import dataclass, field, replace

from app.chat.message import Message, Provenance
from app.chat.options import ChatOptions
from app.chat.turn import TurnState, begin, reduce
from app.engine.protocol import Event, Generate
from app.errors import Problem

CHECKPOINT_S = 0.5
"""A crash may cost one second of an answer, no more. Half of it is left for a slow disk; an append
to the log costs well under a millisecond."""


CIRCLES = "The answer went in circles, so it was ended here."


@dataclass(slots=True)
class Answer:
    """One answer and what it was asked with.

    message: as stored when the turn began. branch: the messages the model is asked to go on from,
    `message` itself the last of them where it is continued. request: None until it was sent.
    context: tokens that the model holds, 0 before it is asked.
    """

    chat_id: str
    message: Message
    branch: tuple[Message, ...]
    turn: TurnState
    system_prompt: str = ""
    thinking_budget: int | None = None
    options: ChatOptions = field(default_factory=ChatOptions)
    context: int = 0
    request: int | None = None
    command: Generate | None = None
    prompt_format: str = ""
    provenance: Provenance | None = None
    saved_at: float = 0.0

    @classmethod
    def start(
        cls, chat_id: str, message: Message, branch: tuple[Message, ...], now: float
    ) -> "Answer":
        """Return the answer at its beginning; a message with parts is continued."""
        return cls(chat_id, message, branch, begin(now, message.parts), saved_at=now)

    @property
    def continues(self) -> bool:
        """Whether the model goes on with an answer instead of beginning one."""
        return bool(self.branch) and self.branch[-1].id == self.message.id

    def take(self, event: Event, now: float) -> None:
        """Take in an event of this answer's request."""
        self.turn = reduce(self.turn, event, now)

    def fail(self, problem: Problem) -> None:
        """End the answer because it could not even be asked for."""
        self.turn = replace(self.turn, phase="over", status="failed", problem=problem)

    def cancel(self) -> None:
        """End an answer that was not asked for yet."""
        self.turn = replace(self.turn, phase="over", status="cancelled")

    def checkpoint_due(self, now: float) -> bool:
        """Whether the last checkpoint is long enough ago."""
        return not self.turn.over and now - self.saved_at >= CHECKPOINT_S

    def current(self) -> Message:
        """Return the message as it stands: running, or as it ended."""
        turn = self.turn
        return replace(
            self.message,
            parts=turn.parts(),
            status=turn.status,
            note=turn.problem.sentence() if turn.problem else self._end_note(),
            usage=turn.usage,
            provenance=self.provenance or self.message.provenance,
        )

    @property
    def full(self) -> bool:
        """Whether it ended because the context was full."""
        usage = self.turn.usage
        if self.turn.status != "length" or self.turn.looped or usage is None or not self.context:
            return False
        written = usage.thinking_tokens + usage.answer_tokens
        return usage.prompt_tokens + written >= self.context

    def _end_note(self) -> str:
        if self.turn.looped:
            said = bool(self.turn.answer.strip())
            return CIRCLES if said else "The model thought in circles and began no answer."
        if not self.full:
            return ""
        return f"The model's context of {self.context:,} tokens is full. What came is kept."

    def context_tokens(self) -> int:
        """Return how many tokens of the context are filled."""
        turn = self.turn
        new = turn.thinking_tokens + turn.answer_tokens - turn.earlier_tokens
        return turn.done + new
