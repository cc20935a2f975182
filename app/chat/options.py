"""What one chat asks for, beside its system prompt and its thinking budget.

What is None is left to the model: to its makers' recommendation, as its file tells it. The bounds
are the same wherever a value is set; one that is out of them is as if it had never been set.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from app.chat.message import Message


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be, and by how much a key or the wheel changes it. decimals: as shown."""

    least: float
    most: float
    step: float
    decimals: int

    def holds(self, value: object) -> bool:
        """Whether a value is a number within."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        whole = self.decimals > 0 or isinstance(value, int)
        return whole and self.least <= value <= self.most


KEY = "options:"
"""Before a chat's id: the name under which the store keeps its options."""

MOST_SEED = 2**32 - 1

BOUNDS: Mapping[str, Bounds] = {
    "temperature": Bounds(0.0, 5.0, 0.05, 2),
    "top_p": Bounds(0.01, 1.0, 0.01, 2),
    "top_k": Bounds(0, 1000, 1, 0),
    "min_p": Bounds(0.0, 1.0, 0.01, 2),
    "repetition": Bounds(1.0, 2.0, 0.01, 2),
    "seed": Bounds(0, MOST_SEED, 1, 0),
}
"""By the names of the fields of `Sampling`."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """None is the model's own. seed None: another one each time.

    keep_thinking: whether earlier thoughts go into the prompt. left_out: the ids of messages that
    the model is not shown any more, to make room; they are the oldest of their branch.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition: float | None = None
    seed: int | None = None
    keep_thinking: bool | None = None
    left_out: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether anything about how answers are drawn is the user's own."""
        return self != ChatOptions(left_out=self.left_out)

    def reset(self) -> "ChatOptions":
        """Return the options with the model's own sampling; what is left out stays so."""
        return ChatOptions(left_out=self.left_out)

    def hidden(self, branch: Sequence[Message]) -> int:
        """Return how many of a branch's oldest messages the model is not shown."""
        ids = set(self.left_out)
        count = 0
        while count < len(branch) and branch[count].id in ids:
            count += 1
        return count


def shown(branch: Sequence[Message], left_out: int) -> tuple[Message, ...]:
    """Return the messages that the model is shown, without so many of the oldest.

    What a system message says stays.
    """
    return tuple(
        message for at, message in enumerate(branch) if at >= left_out or message.role == "system"
    )


def sound(options: ChatOptions) -> ChatOptions:
    """Return the options without what is out of bounds."""
    wrong = [
        name
        for name, bounds in BOUNDS.items()
        if (value := getattr(options, name)) is not None and not bounds.holds(value)
    ]
    return replace(options, **dict.fromkeys(wrong)) if wrong else options  # type: ignore[arg-type]  # all may be None


def options_key(chat_id: str) -> str:
    """Return the name under which the store keeps a chat's options."""
    return f"{KEY}{chat_id}"


def to_json(options: ChatOptions) -> str:
    """Return the options as they are kept, "" where there are none."""
    standard = asdict(ChatOptions())
    said = {name: value for name, value in asdict(options).items() if value != standard[name]}
    return json.dumps(said) if said else ""


def from_json(text: str | None) -> ChatOptions:
    """Return kept options; what makes no sense is left out."""
    try:
        values: Any = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return ChatOptions()
    if not isinstance(values, dict):
        return ChatOptions()
    names = {field.name for field in fields(ChatOptions)}
    known = {name: value for name, value in values.items() if name in names}
    left_out = known.pop("left_out", ())
    if not isinstance(left_out, list) or not all(isinstance(one, str) for one in left_out):
        left_out = ()
    if not isinstance(known.get("keep_thinking"), bool | None):
        del known["keep_thinking"]
    return sound(ChatOptions(**known, left_out=tuple(left_out)))
