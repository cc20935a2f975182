"""What a model's prompts look like and whether it should think: the facts, and why.

A model that does not think has a reason: its system prompt was replaced, its template closed the
thought, it never learned to. Peers leave their users guessing; here it is said.
"""

from app.engine.protocol import ModelInfo
from app.prompts.detect import Choice, default_system
from app.prompts.segments import Control, Image, Prompt
from app.reasoning.formats import FORMATS, Format

_EFFORT = "mistral-v15"


def thinks(
    info: ModelInfo,
    choice: Choice,
    row: Format,
    *,
    replaced: bool = False,
    budget: int | None = None,
    opened: bool = False,
    closed: bool = False,
) -> tuple[bool, str]:
    """Return whether a model should think, and why or why not, in a sentence.

    replaced: the user's system prompt takes the place of the model's; budget: of thinking tokens;
    opened, closed: what the prompt itself ends with.
    """
    if budget == 0:
        return False, "The thinking budget is 0: a thought is closed as soon as it is opened."
    if closed:
        return False, "The prompt ends with a thought that is closed already."
    if opened:
        return True, "The prompt opens the thought for it."
    if choice.name == _EFFORT:
        return True, "Its settings ask for a high reasoning effort."
    if row is FORMATS["none"]:
        return False, "It is read as a model that marks no thoughts."
    if choice.version is not None:
        return _mistral_thinks(info, row, replaced)
    if info.template is not None and row.close and row.close in info.template:
        return True, f"Its chat template knows its thoughts: {row.open} and {row.close}."
    if row.vital and set(info.controls).issuperset(row.vital):
        return True, f"It has the control tokens {row.open} and {row.close}."
    return False, "Nothing in its chat template or vocabulary says that it was trained to think."


def _mistral_thinks(info: ModelInfo, row: Format, replaced: bool) -> tuple[bool, str]:
    if default_system(info) is not None:
        if replaced:
            why = "Its system prompt, which tells it to think, was replaced: add to it instead."
            return False, why
        return True, "Its own system prompt tells it to think."
    if row.control:
        return True, f"It was trained on the control tokens {row.open} and {row.close}."
    return False, "Nothing in its vocabulary or name says that it was trained to think."


def marked(prompt: Prompt) -> str:
    """Return a prompt as text, its control tokens between ⟦ and ⟧."""
    shown: list[str] = []
    for segment in prompt:
        match segment:
            case Control(name=name):
                shown.append(f"⟦{name}⟧")
            case Image(columns=columns, rows=rows):
                shown.append(f"⟦picture, {columns} x {rows}⟧")
            case _:
                shown.append(segment.text)
    return "".join(shown)


def listed(prompt: Prompt) -> list[dict[str, object]]:
    """Return a prompt as JSON has it: {"control": NAME}, {"text": TEXT} or {"picture": [C, R]}."""
    found: list[dict[str, object]] = []
    for segment in prompt:
        match segment:
            case Control(name=name):
                found.append({"control": name})
            case Image(columns=columns, rows=rows):
                found.append({"picture": [columns, rows]})
            case _:
                found.append({"text": segment.text})
    return found
