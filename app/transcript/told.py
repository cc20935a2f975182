"""What a check and a run again have found, in words: for the window, and to be copied."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.chat.message import Message
from app.transcript.chain import Fault, Verdict
from app.transcript.record import Record
from app.transcript.replay import Compared

_EXCERPT = 60


def place(number: int | None) -> str:
    """Return what a message's number stands for. 0 is the chat itself, None the file's end."""
    if number is None:
        return "What follows the last message"
    return f"Message {number}" if number else "What is said of the chat itself"


def count(number: int, what: str) -> str:
    """Return "1 message", "2 messages"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def headline(verdict: Verdict) -> str:
    """Return in one sentence what a check of a file has found."""
    if verdict.intact:
        return "This transcript is as it was written."
    if verdict.same_content:
        return "What this transcript says is as it was written; another program has saved it anew."
    changed = {fault.message for fault in verdict.faults}
    numbers = sorted(number for number in changed if number)
    if len(numbers) == 1 and changed == set(numbers):
        return f"Message {numbers[0]} was changed after this transcript was written."
    return "This transcript was changed after it was written."


def fault(found: Fault, record: Record | None) -> str:
    """Return a line about a place that is not as it was written. record: the chat, if readable."""
    messages = list(record.conversation.messages.values()) if record is not None else []
    number = found.message
    said = ""
    if number and number <= len(messages):
        said = f" (“{excerpt(messages[number - 1])}”)"
    return f"{place(number)}{said}: {found.what}."


def excerpt(message: Message) -> str:
    """Return a message's first words on one line."""
    words = " ".join((message.text or (message.thinking.text if message.thinking else "")).split())
    return words if len(words) <= _EXCERPT else words[: _EXCERPT - 1].rstrip() + "…"


def outcome(compared: Compared) -> str:
    """Return in a line what came of an answer that was run again."""
    if compared.outcome == "identical":
        return "Identical, token for token"
    if compared.outcome == "not run":
        return "Not run again"
    if compared.token is None:
        return "The same words, another run"
    return f"Different from token {compared.token:,}"


def summary(found: Sequence[Compared]) -> str:
    """Return in one sentence what came of all of them."""
    identical = sum(one.outcome == "identical" for one in found)
    different = sum(one.token is not None for one in found)
    other = sum(one.outcome == "different" and one.token is None for one in found)
    left = len(found) - identical - different - other
    if identical == len(found) and found:
        whole = "The answer" if identical == 1 else f"All {identical} answers"
        return f"{whole} came out identical, token for token."
    said = [
        f"{number} {word}"
        for number, word in (
            (identical, "identical"),
            (different, "different"),
            (other, "of the same words in another run"),
            (left, "not run again"),
        )
        if number
    ]
    return (
        f"Of {count(len(found), 'answer')}: {', '.join(said)}." if found else "No answer was run."
    )


def report(found: Sequence[Compared]) -> str:
    """Return all of it as lines of text."""
    lines = [summary(found)]
    for one in found:
        why = f" ({'; '.join(one.why)})" if one.why else ""
        lines.append(f"Message {one.number}: {outcome(one)}{why}.")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a text, and where in it the thought ends and the other parts.

    parts: where it begins to differ from the other side, its length where it does not.
    """

    text: str
    thought: int
    parts: int


def sides(message: Message, compared: Compared) -> tuple[Side, Side | None]:
    """Return the answer as it was recorded and as it came out, None where it was not run."""
    thought = message.thinking.text if message.thinking is not None else ""
    whole = f"{thought}{message.text}"
    at = len(whole) - len(compared.before)
    before = Side(whole, len(thought), at)
    if compared.outcome == "not run":
        return before, None
    common = whole[:at]
    # Where the thought goes on past the parting, all before it is thought too.
    ends = at + compared.thought if compared.thought else min(len(thought), at)
    return before, Side(common + compared.now, ends, at)
