"""The values a prompt is made of.

A prompt is a tuple of segments. `Text` is encoded with special tokens switched off, so whatever a
user types stays text; `Control` names one control token, looked up in the model's vocabulary by its
name (ids differ between models: never hard-code one).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """Text to be encoded without special tokens."""

    text: str


@dataclass(frozen=True, slots=True)
class Control:
    """One control token, by the name it has in the vocabulary, such as "[INST]"."""

    name: str


Segment = Text | Control
Prompt = tuple[Segment, ...]

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of thinking inside a turn; `closed=False` leaves it open for the model to go on."""

    text: str
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation as a prompt builder sees it: plain text and thoughts, in order."""

    role: Role
    parts: tuple[str | Thought, ...]
