"""Counts, times and states in the words of the transcript; free of Qt, to be tested alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the composer is painted first, and needs no more of this module than numbers
    from app.chat.message import Message, Status, Thinking
    from app.chat.turn import TurnState
    from app.engine.protocol import ClosedBy, Usage

BUDGETS: tuple[int | None, ...] = (None, 1024, 2048, 4096, 8192, 16384, 32768)
"""The thinking budgets the composer offers, in tokens; None is unlimited."""


def count(number: int) -> str:
    """Return 1602 as "1,602"."""
    return f"{number:,}"


def tokens(number: int) -> str:
    """Return a count of tokens, such as "1,602 tokens"."""
    return f"{count(number)} token{'' if number == 1 else 's'}"


def clock(seconds: float) -> str:
    """Return a running time as a stopwatch shows it: "0:42", "12:05", "1:02:03"."""
    whole = int(max(0.0, seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration(seconds: float) -> str:
    """Return a time that is over: "0.4 s" below ten seconds, "31 s", "2 min 5 s", "1 h 3 min"."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def rate(tokens_per_s: float) -> str:
    """Return a decode rate such as "38.4 tok/s", "" where there is none yet."""
    return f"{tokens_per_s:.1f} tok/s" if tokens_per_s > 0 else ""


def budget(limit: int | None) -> str:
    """Return a thinking budget as its pill says it: "unlimited", "up to 8k tokens"."""
    if limit is None:
        return "unlimited"
    if limit % 1024 == 0:
        return f"up to {limit // 1024}k tokens"
    return f"up to {count(limit)} tokens"


def joined(*facts: str) -> str:
    """Join the facts there are with a middle dot."""
    return " · ".join(fact for fact in facts if fact)


def usage_rate(usage: Usage | None) -> float:
    """Return the decode rate of a finished answer in tokens a second, 0.0 where unknown."""
    if usage is None or usage.decode_s <= 0:
        return 0.0
    return (usage.thinking_tokens + usage.answer_tokens) / usage.decode_s


def progress(turn: TurnState) -> tuple[str, float] | None:
    """Return what is being waited for and how far it is (0 to 1), None once text comes."""
    if turn.phase == "loading":
        return f"Loading the model… {turn.load_fraction:.0%}".replace("%", " %"), turn.load_fraction
    if turn.phase == "reading":
        if turn.total <= 0:
            return "Reading…", 0.0
        said = f"Reading {count(turn.done)} of {count(turn.total)} tokens"
        return said, min(1.0, turn.done / turn.total)
    return None


def running_thought(turn: TurnState, limit: int | None) -> tuple[str, str]:
    """Return title and facts of the thinking panel while the model thinks."""
    counted = tokens(turn.thinking_tokens)
    if limit is not None:
        counted = f"{count(turn.thinking_tokens)} of {tokens(limit)}"
    return f"Thinking… {clock(turn.thinking_s)}", joined(counted, rate(turn.tokens_per_s))


def ended_thought(
    thought: Thinking, status: Status, tokens_per_s: float, closed_by: ClosedBy = "model"
) -> tuple[str, str]:
    """Return title and facts of the thinking panel once the model has stopped thinking.

    A thought that was never closed says why in its title; one that was closed in the model's place
    says so in the facts.
    """
    counted = tokens(thought.tokens) if thought.tokens else ""
    facts = joined(counted, rate(tokens_per_s), _CLOSED_BY[closed_by])
    spent = duration(thought.seconds)
    if thought.closed:
        return f"Thought for {spent}", facts
    return f"Thought for {spent}, {_UNFINISHED.get(status, 'not finished')}", facts


_CLOSED_BY: dict[ClosedBy, str] = {
    "model": "",
    "budget": "closed at its budget",
    "asked": "closed by you",
    "loop": "went in circles and was closed",
}

_UNFINISHED: dict[Status, str] = {
    "length": "cut off by the limit",
    "cancelled": "stopped by you",
    "interrupted": "interrupted",
    "failed": "interrupted",
}

_SENTENCES: dict[Status, str] = {
    "length": "The answer reached its limit and ends here.",
    "cancelled": "You stopped this answer.",
    "interrupted": "This answer was interrupted.",
    "failed": "There is no answer.",
}


LEFT_OUT = "The model is not shown this any more, to make room."


def ending(message: Message, *, left_out: bool = False) -> str:
    """Return the quiet sentence below an answer that did not end by itself, "" where it did.

    left_out: the model is not shown it any more.
    """
    if left_out:
        return LEFT_OUT
    if message.note:
        return message.note
    if message.status == "length" and message.thinking and not message.text:
        return "The thinking reached its limit before an answer began."
    return _SENTENCES.get(message.status, "")


def can_continue(message: Message) -> bool:
    """Whether an answer that did not end by itself has something to go on from."""
    stopped = message.status in ("length", "cancelled", "interrupted")
    return stopped and bool(message.text or message.thinking)


def can_answer_now(message: Message) -> bool:
    """Whether an answer can be had from a thought that ended without being closed."""
    thought = message.thinking
    return can_continue(message) and thought is not None and not thought.closed


def footer_facts(message: Message) -> str:
    """Return the figures at the right below an answer."""
    usage = message.usage
    if usage is None:
        return ""
    total = usage.thinking_tokens + usage.answer_tokens
    # With a thought, its panel says the rate already.
    speed = "" if message.thinking else rate(usage_rate(usage))
    first = f"first token {duration(usage.first_token_s)}" if usage.first_token_s > 0 else ""
    return joined(tokens(total) if total else "", speed, first)
