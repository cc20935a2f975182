"""A command's prompt as segments: one that a chat template has to write is written here.

Here, in the engine's process, the vocabulary is known, and a template that runs away holds up no
window: it runs in a process of its own besides (`app.prompts.renderer`).
"""

from functools import partial

from app.engine.backends.base import Backend
from app.errors import WorldError
from app.prompts.markup import segments
from app.prompts.rendered import Rendered, render
from app.prompts.renderer import Renderer
from app.prompts.segments import Control, Prompt, Templated
from app.reasoning.formats import Format


def resolve(
    backend: Backend,
    prompt: Prompt | Templated,
    row: Format,
    renderer: Renderer,
    *,
    check: bool = False,
) -> Rendered:
    """Return a prompt's segments. row: how the model marks thoughts; check: see `render`.

    Raises WorldError where a template refuses the conversation or fails.
    """
    if not isinstance(prompt, Templated):
        return Rendered(prompt)
    return render(prompt, row, renderer.write, partial(knows, backend), check=check)


def knows(backend: Backend, name: str) -> bool:
    """Whether a vocabulary has a control token of this name."""
    try:
        backend.encode((Control(name),))
    except WorldError:
        return False
    return True


def closing_ids(backend: Backend, row: Format) -> list[int]:
    """Return the ids that close a thought so that the answer can follow."""
    if row.control:
        return backend.encode((Control(row.close),))
    return backend.encode(segments(row.end, partial(knows, backend)))
