"""The state of a running answer, as a pure function of the engine's events.

The window and the store both read it; neither keeps a state of its own that could disagree.
Times are seconds of one monotonic clock, passed in, so that the reducer can be tested without one.
"""

from dataclasses import dataclass, replace
from typing import Literal

from app.chat.message import Part, Status, Text, Thinking
from app.engine.protocol import (
    Delta,
    EngineDied,
    Event,
    Failed,
    Finished,
    Loaded,
    Loading,
    PromptProgress,
    Started,
    Usage,
)
from app.errors import Problem

Phase = Literal["loading", "reading", "thinking", "answering", "over"]


@dataclass(frozen=True, slots=True)
class TurnState:
    """One answer on its way.

    started_at: when the turn began; thinking_at, answering_at: when the first token of each came;
    all on the caller's clock, None before. done/total/cached: the prompt's progress in tokens.
    earlier_s, earlier_tokens: thinking time and tokens of an unfinished answer that is continued.
    looped: it was ended because it went in circles.
    """

    started_at: float
    phase: Phase = "loading"
    load_fraction: float = 0.0
    done: int = 0
    total: int = 0
    cached: int = 0
    prompt_hash: str = ""
    thinking: str = ""
    answer: str = ""
    thinking_tokens: int = 0
    answer_tokens: int = 0
    thinking_at: float | None = None
    answering_at: float | None = None
    now: float = 0.0
    earlier_s: float = 0.0
    earlier_tokens: int = 0
    status: Status = "running"
    thinking_closed: bool = False
    usage: Usage | None = None
    problem: Problem | None = None
    looped: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.phase == "over"

    @property
    def thinking_s(self) -> float:
        """Seconds spent thinking so far."""
        if self.thinking_at is None:
            return self.earlier_s
        until = self.now if self.answering_at is None else self.answering_at
        return self.earlier_s + max(0.0, until - self.thinking_at)

    @property
    def tokens_per_s(self) -> float:
        """Decode rate so far, 0.0 before there is one."""
        first = self.thinking_at if self.thinking_at is not None else self.answering_at
        if first is None or self.now <= first:
            return 0.0
        tokens = self.thinking_tokens + self.answer_tokens - self.earlier_tokens
        return tokens / (self.now - first)

    def parts(self) -> tuple[Part, ...]:
        """Return what there is as the parts of a message."""
        parts: list[Part] = []
        if self.thinking:
            parts.append(
                Thinking(self.thinking, self.thinking_closed, self.thinking_s, self.thinking_tokens)
            )
        if self.answer or not parts:
            parts.append(Text(self.answer))
        return tuple(parts)


def begin(now: float, parts: tuple[Part, ...] = ()) -> TurnState:
    """Return the state of a turn that starts now, or goes on with an unfinished one's parts."""
    state = TurnState(started_at=now, now=now)
    for part in parts:
        if isinstance(part, Thinking):
            state = replace(
                state,
                thinking=state.thinking + part.text,
                thinking_tokens=state.thinking_tokens + part.tokens,
                thinking_closed=part.closed,
                earlier_s=state.earlier_s + part.seconds,
                earlier_tokens=state.earlier_tokens + part.tokens,
            )
        elif isinstance(part, Text):
            state = replace(state, answer=state.answer + part.text)
    return state


def reduce(state: TurnState, event: Event, now: float) -> TurnState:
    """Return the state after an event that came at `now`. After the end nothing changes."""
    if state.over:
        return state
    state = replace(state, now=now)
    match event:
        case Loading(fraction=fraction):
            return replace(state, phase="loading", load_fraction=fraction)
        case Loaded():
            return replace(state, phase="reading", load_fraction=1.0)
        case PromptProgress(done=done, total=total, cached=cached):
            return replace(state, phase="reading", done=done, total=total, cached=cached)
        case Started():
            return replace(
                state,
                phase="thinking" if event.thinking_open else "reading",
                done=event.prompt_tokens,
                total=event.prompt_tokens,
                cached=event.cached_tokens,
                prompt_hash=event.prompt_hash,
            )
        case Delta():
            return _delta(state, event, now)
        case Finished():
            statuses: dict[str, Status] = {"stop": "done", "length": "length", "loop": "length"}
            return replace(
                state,
                phase="over",
                status=statuses.get(event.reason, "cancelled"),
                thinking_closed=event.thinking_closed,
                usage=event.usage,
                looped=event.reason == "loop",
            )
        case Failed(problem=problem):
            # A server can fail in mid-stream: what came is an answer that was interrupted.
            some = bool(state.thinking or state.answer.strip())
            status: Status = "interrupted" if some else "failed"
            return replace(state, phase="over", status=status, problem=problem)
        case EngineDied(problem=problem):
            return replace(state, phase="over", status="interrupted", problem=problem)
    return state


def _delta(state: TurnState, event: Delta, now: float) -> TurnState:
    if event.channel == "thinking":
        return replace(
            state,
            phase="thinking",
            thinking=state.thinking + event.text,
            thinking_tokens=state.thinking_tokens + event.tokens,
            thinking_at=now if state.thinking_at is None else state.thinking_at,
        )
    answer = state.answer + event.text
    state = replace(state, answer=answer, answer_tokens=state.answer_tokens + event.tokens)
    if not answer.strip():
        # White space before a thought, as models that spell their markers write it: not an answer.
        return state
    return replace(
        state,
        phase="answering",
        answering_at=now if state.answering_at is None else state.answering_at,
        thinking_closed=state.thinking_closed or bool(state.thinking),
    )
