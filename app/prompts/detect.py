"""Which prompt format and which system prompt a loaded model wants.

The control tokens in its vocabulary say it, not its name or its architecture: conversions rename
both. A chat template that never says [INST] outweighs them: fine-tunes keep the vocabulary of
their base and speak another format.
"""

from pathlib import Path

from app.engine.protocol import ModelInfo
from app.errors import Problem
from app.prompts.magistral import MAGISTRAL_SYSTEM_PROMPT, with_own
from app.prompts.mistral import Version
from app.prompts.segments import Turn
from app.reasoning import formats

_TURNS = {"[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"}


def prompt_format(info: ModelInfo) -> Version | None:
    """Return the name of the model's prompt format, None where it is not known yet."""
    if not _TURNS.issubset(info.controls):
        return None
    if info.template is not None and "[INST]" not in info.template:
        return None
    return "mistral-v13" if _thinks_by_control(info) else "mistral-v7"


def unknown_format(info: ModelInfo) -> Problem:
    """Return the problem that `prompt_format` has no answer for this model, in words."""
    found = ", ".join(info.controls) or "none"
    return Problem(
        key="unknown-prompt-format",
        title=f"Ponder does not know the chat format of {info.name or Path(info.path).name} yet.",
        advice="Choose a Magistral or another Mistral model, or the demo model.",
        detail=f"Control tokens found: {found}. Chat template: {info.template or 'none'}.",
    )


def default_system(info: ModelInfo) -> Turn | None:
    """Return the system prompt that the model was trained with, if it is one we know."""
    named = f"{info.name} {Path(info.path).name}".lower()
    return MAGISTRAL_SYSTEM_PROMPT if "magistral" in named and _thinks_by_control(info) else None


def system_turn(info: ModelInfo, own: str) -> Turn | None:
    """Return the model's own system prompt with the user's text after it, never in its place."""
    return with_own(default_system(info), own)


def _thinks_by_control(info: ModelInfo) -> bool:
    named = f"{info.name} {Path(info.path).name}"
    return formats.detect(info.controls, info.template, named).control
