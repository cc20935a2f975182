"""How many tokens prompts have: the ids themselves are made, and only their number is passed on.

The window asks with every pause in typing, and before each message that comes near the end of the
context, several prompts at a time: nearly all of their text is the same again. A control token and
what stands between it and the next are encoded by themselves in every back end, so such a stretch
is counted once and remembered.
"""

from collections.abc import Iterator

from app.engine.backends.base import Backend
from app.engine.prompting import resolve
from app.engine.protocol import Count, Counted
from app.errors import WorldError
from app.prompts.renderer import Renderer
from app.prompts.segments import Control, Prompt, Templated
from app.reasoning.formats import FORMATS, Format

_KEPT_CHARS = 4_000_000
"""Of text whose count is remembered: more than the longest context holds."""


class Counter:
    """Counts for one loaded model."""

    def __init__(self, backend: Backend, renderer: Renderer) -> None:
        self._backend = backend
        self._renderer = renderer
        self._known: dict[Prompt, int] = {}
        self._chars = 0

    def counted(self, job: Count) -> Counted:
        """Return the answer to a Count."""
        row = FORMATS[job.reasoning]
        return Counted(job.request, tuple(self._count(prompt, row) for prompt in job.prompts))

    def _count(self, prompt: Prompt | Templated, row: Format) -> int | None:
        try:
            written = resolve(self._backend, prompt, row, self._renderer)
            return sum(self._stretch(stretch) for stretch in _stretches(written.prompt))
        except WorldError:
            return None

    def _stretch(self, stretch: Prompt) -> int:
        found = self._known.get(stretch)
        if found is None:
            found = len(self._backend.encode(stretch))
            self._chars += sum(len(getattr(segment, "text", "")) for segment in stretch)
            if self._chars > _KEPT_CHARS:
                self._known.clear()
                self._chars = 0
            self._known[stretch] = found
        return found


def _stretches(prompt: Prompt) -> Iterator[Prompt]:
    """Yield a prompt in pieces that each begin with a control token, but perhaps the first."""
    begun = 0
    for at, segment in enumerate(prompt):
        if isinstance(segment, Control) and at > begun:
            yield prompt[begun:at]
            begun = at
    if begun < len(prompt):
        yield prompt[begun:]
