"""What the worker asks of a back end: the few verbs of which generating text is made.

Slicing the prompt, splitting the thought from the answer, budgets, cancelling and counting are the
worker's, so that every back end behaves alike. A back end belongs to one thread. The world's
faults are `WorldError`s with a whole sentence; any other exception is a bug and ends the child.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from app.engine.protocol import LoadOptions, ModelInfo, PictureFile, Sampling
from app.errors import Problem, WorldError
from app.prompts.segments import Prompt

LoadProgress = Callable[[float], bool]
"""Called with 0 to 1 of the weights; returning False asks the load to stop."""

Stopped = Callable[[], bool]
"""Whether the work shall stop."""


REPETITION_TOKENS = 64
"""So many of the tokens written last count as a repetition: llama.cpp's own figure."""


@dataclass(frozen=True, slots=True)
class Token:
    """One entry of the vocabulary.

    data: its bytes, possibly only a part of a UTF-8 character; the spelling for a control token.
    end: whether it ends a generation. control: the name where it is a control token.
    """

    data: bytes
    end: bool = False
    control: str | None = None


class Backend(Protocol):
    """A model in memory and the one sequence of tokens it has read."""

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Load a model into a fresh back end. Raises WorldError (also when progress says stop)."""

    def unload(self) -> None:
        """Free all memory. The back end is not used again."""

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt. Raises WorldError where a control token is unknown."""

    def token(self, token_id: int) -> Token:
        """Return the vocabulary's entry; quick, because it is asked for each generated token."""

    def reuse(self, ids: Sequence[int]) -> int:
        """Keep what was read already of ids, forget the rest; return how many tokens were kept.

        Less than len(ids) always: the last token is read again, because sampling needs its logits.
        """

    def watch(self, stopped: Stopped) -> None:
        """Ask `stopped` during long computations of the next reads and appends, if that can be."""

    def read(self, ids: Sequence[int]) -> bool:
        """Append tokens to the sequence, at most `LoadOptions.batch` at a time.

        Return False if it was stopped halfway: then the sequence is as it was before.
        """

    def begin(self, sampling: Sampling, forbidden: Sequence[int] = ()) -> None:
        """Make the sampler of the next draws. forbidden: tokens that are not drawn.

        What was drawn and not appended is forgotten; drawing again needs no other computation.
        """

    def sample(self) -> int:
        """Draw the token that follows the sequence, without appending it."""

    def append(self, token_id: int) -> bool:
        """Append one token to the sequence; return False if it was stopped halfway."""

    @property
    def sequence(self) -> Sequence[int]:
        """Return the tokens that were read and appended."""

    def state_bytes(self) -> int:
        """Return how large a file of the sequence would be; 0 where none can be made."""

    def save(self, path: Path) -> bool:
        """Write what was computed for the sequence into a file; return whether that went well."""

    def restore(self, path: Path, ids: Sequence[int]) -> bool:
        """Take up the sequence of such a file, whose tokens are ids, in place of the present one.

        Return whether that went well; if not, the sequence is empty.
        """


@runtime_checkable
class Sees(Protocol):
    """A back end whose model takes pictures: the prompt names them, this tells where they are."""

    def show(self, pictures: Sequence[PictureFile]) -> None:
        """Tell the files of the pictures of the next prompt."""


def load_cancelled() -> WorldError:
    """Return the error that says a load was cancelled on request."""
    return WorldError(Problem("load-cancelled", "Loading the model was cancelled."))


def unknown_control(name: str) -> WorldError:
    """Return the error that says the vocabulary has no control token of this name."""
    return WorldError(
        Problem(
            "unknown-control",
            f"This model has no control token {name}, which the prompt format needs.",
            "Choose another prompt format for this model, or another model.",
        )
    )
