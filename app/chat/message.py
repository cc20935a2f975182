"""The values of a chat. Frozen: every edit is a new value, so nothing said is ever overwritten.

Reasoning is a part of its own, never a tag inside text. Ids belong to storage: they are made once
(`new_id`) and never change their meaning.
"""

import re
import uuid
from dataclasses import dataclass, field
from typing import Literal

from app.engine.protocol import Sampling, Usage

Role = Literal["system", "user", "assistant"]

Status = Literal["running", "done", "length", "cancelled", "interrupted", "failed"]
"""running: still being written (after a crash: found so, and turned into interrupted on opening).
done: the model ended. length: the context or the limit ended it. cancelled: the user stopped it.
interrupted: the engine or the window died. failed: nothing could be generated."""


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text or Markdown, as typed or generated."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the model thought. closed is False where it never ended its thought."""

    text: str
    closed: bool = True
    seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that the user attached. sha256 (hex) is the name its bytes are kept under.

    width, height: in pixels as it is shown, the camera's orientation applied. withheld: the user
    chose to send the message without showing it to the model.
    """

    sha256: str
    name: str
    size_bytes: int
    mime: str
    width: int
    height: int
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A text file that the user attached. sha256 (hex) is the name its bytes are kept under.

    encoding: by its name in Python. text: what it says, None where the kept bytes are gone.
    """

    sha256: str
    name: str
    size_bytes: int
    encoding: str
    text: str | None = field(default=None, repr=False)


Attachment = Image | File
Part = Text | Thinking | Image | File


@dataclass(frozen=True, slots=True)
class Provenance:
    """By what an answer was made: enough to say so, and the seed and settings to ask again.

    gpu_layers: how many of the model's layers were on graphics devices. threads, batch: of the
    computation, 0 where it is not known; flash_attention: None where it is not. sha256, repository,
    revision: of the weights (app.models.weights), "" until they were worked out. projector: the
    file of the vision part, "" where no picture was seen; projector_bytes, projector_sha256: of
    that file, 0 and "" until they are known. system: the user's addition to the model's own system
    prompt. thinking_budget, keep_thinking: as the answer was asked for. edited: a person changed
    what the model wrote; resumed: it was written in several goes, of which these are the last one's
    figures. left_out: so many of the oldest messages of its branch the model was not shown any
    more, to make room. imported: the program whose chat it was; nothing but the model is known
    then, and no hash vouches for it.
    """

    model: str
    file: str
    size_bytes: int
    quantization: str
    engine: str
    device: str
    context: int
    sampling: Sampling
    prompt_format: str
    prompt_hash: str
    kv: str = "f16"
    gpu_layers: int = 0
    threads: int = 0
    batch: int = 0
    flash_attention: bool | None = None
    sha256: str = ""
    repository: str = ""
    revision: str = ""
    system: str = ""
    thinking_budget: int | None = None
    keep_thinking: bool = False
    edited: bool = False
    resumed: bool = False
    imported: str = ""
    left_out: int = 0
    projector: str = ""
    projector_bytes: int = 0
    projector_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a conversation tree. created_at: seconds since the epoch, UTC.

    parent_id is None for the first message. note: one sentence where status is interrupted or
    failed ("The engine stopped (killed by signal 9). ...").
    """

    id: str
    parent_id: str | None
    role: Role
    parts: tuple[Part, ...]
    created_at: float
    status: Status = "done"
    note: str = ""
    usage: Usage | None = None
    provenance: Provenance | None = None

    @property
    def text(self) -> str:
        """Return the visible text, without thinking."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Return the pictures and files, in their order."""
        return tuple(part for part in self.parts if isinstance(part, Image | File))

    @property
    def markdown(self) -> str:
        """Return the visible text as it is copied: what was attached by its name, then the text."""
        names = "\n".join(_named(part) for part in self.attachments)
        return "\n\n".join(said for said in (names, self.text) if said)

    @property
    def thinking(self) -> Thinking | None:
        """Return the thought, if there is one."""
        return next((part for part in self.parts if isinstance(part, Thinking)), None)


def _named(part: Attachment) -> str:
    """Return an attachment in Markdown: a picture or a link, whatever its name contains."""
    shown = re.sub(r"([\\\[\]])", r"\\\1", part.name)
    target = re.sub(r"([\\<>])", r"\\\1", part.name)
    return f"{'!' if isinstance(part, Image) else ''}[{shown}](<{target}>)"


@dataclass(frozen=True, slots=True)
class ChatSummary:
    """A chat as the sidebar lists it. updated_at: seconds since the epoch, UTC."""

    id: str
    title: str
    updated_at: float
    pinned: bool = False


def new_id() -> str:
    """Return a fresh id, unique across machines (a random UUID's 32 hex digits)."""
    return uuid.uuid4().hex
