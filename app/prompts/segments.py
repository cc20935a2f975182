"""The values a prompt is made of.

A prompt is a tuple of segments. `Text` is encoded with special tokens switched off, so whatever a
user types stays text; `Control` names one control token, looked up in the model's vocabulary by its
name (ids differ between models: never hard-code one). `Image` stands for a picture.

A prompt that a model's own chat template has to write is not known yet: it is `Templated`, and the
engine's process makes segments of it (`app.prompts.rendered`), because only there the vocabulary
is known.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """Text to be encoded without special tokens, by itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Control:
    """One control token, by the name it has in the vocabulary, such as "[INST]"."""

    name: str


@dataclass(frozen=True, slots=True)
class Image:
    """The place of a picture: `rows` rows of `columns` patches, as its makers cut it.

    key, width, height: as in `Picture`; an engine that scales pictures its own way goes by these.
    """

    key: str
    columns: int
    rows: int
    width: int = 0
    height: int = 0


Segment = Text | Control | Image
Prompt = tuple[Segment, ...]

Role = Literal["system", "user", "assistant"]
Effort = Literal["none", "high"]


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of thinking inside a turn; `closed=False` leaves it open for the model to go on."""

    text: str
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a user's turn. key: by which its bytes are found; width and height: pixels."""

    key: str
    width: int
    height: int


TurnPart = str | Thought | Picture


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a conversation as a prompt builder sees it: its parts in order."""

    role: Role
    parts: tuple[TurnPart, ...]


@dataclass(frozen=True, slots=True)
class Templated:
    """A prompt to be written by a chat template (jinja).

    bos, eos: the tokens that begin and end a text, as they are spelled, "" where there is none.
    adds_bos: every text begins with bos, whether the template writes it or not.
    keep_thinking: thoughts stay in the history, as far as the template shows them.
    unfinished: the last turn is the assistant's and is to be continued.
    think: what the template is told of thinking (`enable_thinking` and the like), None for nothing.
    """

    template: str
    turns: tuple[Turn, ...]
    bos: str = ""
    eos: str = ""
    adds_bos: bool = False
    keep_thinking: bool = False
    unfinished: bool = False
    think: bool | None = None
