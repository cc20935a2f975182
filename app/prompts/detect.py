"""Which prompt format and which system prompt a loaded model wants, and why.

The control tokens in its vocabulary say it, not its name or its architecture: conversions rename
both. A chat template that never says [INST] outweighs them: fine-tunes keep the vocabulary of
their base and speak another format.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from app.engine.protocol import ModelInfo
from app.errors import Problem, WorldError
from app.prompts.families import FAMILIES, family
from app.prompts.magistral import (
    MAGISTRAL_1_0_SYSTEM_PROMPT,
    MAGISTRAL_SYSTEM_PROMPT,
    MINISTRAL_SYSTEM_PROMPT,
    with_own,
)
from app.prompts.mistral import VERSIONS, Version
from app.prompts.segments import Turn
from app.reasoning import formats

TEMPLATE = "template"
FORMATS: tuple[str, ...] = (*VERSIONS, TEMPLATE, *FAMILIES)
"""What can be chosen by name."""

_V3 = {"[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]"}
_V7 = {"[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"}


@dataclass(frozen=True, slots=True)
class Choice:
    """The format of a model's prompts.

    name: one of FORMATS. version: where it is built in. template: where one writes it.
    origin: where it came from, in words. note: what the user should know of it, or "".
    """

    name: str
    origin: str
    version: Version | None = None
    template: str | None = None
    note: str = ""


def choose(info: ModelInfo, wanted: str = "") -> Choice:
    """Return the format of a model's prompts. wanted: one of FORMATS, chosen by the user.

    Raises WorldError where none is known.
    """
    if wanted:
        return _wanted(info, wanted)
    version = prompt_format(info)
    if version is not None:
        return Choice(version, f"built in for {_words(version)}", version, note=_overruled(info))
    if info.template is not None:
        return Choice(TEMPLATE, "the file's chat template", template=info.template)
    found = family(info.controls, info.architecture, _named(info))
    if found is None:
        raise WorldError(unknown_format(info))
    return Choice(
        found.name,
        f"the {found.name} family's: the file has no chat template, its control tokens tell",
        template=found.written(_named(info)),
    )


def _wanted(info: ModelInfo, wanted: str) -> Choice:
    version = next((one for one in VERSIONS if one == wanted), None)
    if version is not None:
        return Choice(wanted, "chosen", version)
    if wanted in FAMILIES:
        chosen = FAMILIES[wanted]
        missing = [token for token in chosen.tokens if token not in info.controls]
        note = f"The model has no control token {missing[0]}: it is spelled." if missing else ""
        return Choice(wanted, "chosen", template=chosen.written(_named(info)), note=note)
    if wanted == TEMPLATE and info.template is not None:
        return Choice(wanted, "the file's chat template, chosen", template=info.template)
    raise WorldError(
        Problem(
            "unknown-prompt-format",
            f"There is no prompt format {wanted} for this model.",
            f"Choose one of {', '.join(FORMATS)}.",
        )
    )


def _words(version: Version) -> str:
    return f"Mistral's {version.removeprefix('mistral-')}"


def prompt_format(info: ModelInfo) -> Version | None:
    """Return the version of Mistral's prompts that a model wants, None for other models."""
    info = _sound(info)
    controls = set(info.controls)
    if info.template is not None and not _is_mistrals(info):
        return None
    if not controls.issuperset(_V7):
        return "mistral-v3" if controls.issuperset(_V3) else None
    if _thinks_by_control(info):
        settings = {"[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"} <= controls
        told = info.template is None or "[MODEL_SETTINGS]" in info.template
        return "mistral-v15" if settings and told else "mistral-v13"
    if {"[ARGS]", "[CALL_ID]"} <= controls and not _is_magistral(info):
        return "mistral-v11"
    return "mistral-v7"


def _sound(info: ModelInfo) -> ModelInfo:
    """Return a model without its template, if that is known to be wrong for it.

    A conversion of Magistral may come with ChatML or the like, because its converter had nothing
    else. A fine-tune that was taught another format has that format's tokens.
    """
    if info.template is None or not _is_magistral(info) or "[INST]" in info.template:
        return info
    taught = family(info.controls, info.architecture, "") is not None
    return info if taught or not _V7.issubset(info.controls) else replace(info, template=None)


def _is_mistrals(info: ModelInfo) -> bool:
    """Whether a template speaks Mistral's language: a fine-tune's may think in tags of its own."""
    template = info.template or ""
    if "[INST]" not in template:
        return False
    return "<think>" not in template or "[THINK]" in template or _is_magistral(info)


def _overruled(info: ModelInfo) -> str:
    """Return what to say of a template in the file that is not used, "" where nothing is."""
    if _sound(info) is not info:
        return (
            "The chat template in the file is not Magistral's, and its tokens are not in the"
            " vocabulary: Ponder's own prompt is used instead."
        )
    if info.template is None or not _thinks_by_control(info) or "[THINK]" in info.template:
        return ""
    return (
        "The chat template in the file has no place for this model's thoughts ([THINK]):"
        " Ponder's own prompt is used instead."
    )


def unknown_format(info: ModelInfo) -> Problem:
    """Return the problem that `choose` has no answer for this model, in words."""
    found = ", ".join(info.controls) or "none"
    return Problem(
        key="unknown-prompt-format",
        title=f"Ponder does not know the chat format of {info.name or Path(info.path).name} yet.",
        advice="Choose a file of this model that has a chat template, or another model.",
        detail=f"Control tokens found: {found}. Chat template: {info.template or 'none'}.",
    )


def default_system(info: ModelInfo) -> Turn | None:
    """Return the system prompt that the model was trained with, if it is one we know."""
    version = prompt_format(info)
    named = _named(info).lower()
    if "magistral" in named:
        if version == "mistral-v7":
            return MAGISTRAL_1_0_SYSTEM_PROMPT if _is_1_0(info) else None
        return MAGISTRAL_SYSTEM_PROMPT if version == "mistral-v13" else None
    if version == "mistral-v13" and "ministral" in named and "reasoning" in named:
        return MINISTRAL_SYSTEM_PROMPT
    return None


def keeps_thoughts(info: ModelInfo) -> bool:
    """Whether a model's makers advise to leave earlier thoughts in the prompt.

    Those of Ministral's reasoning models do; Magistral's leave the choice to whoever asks, and
    without them there is room for more turns. What others advise, their templates do by themselves.
    """
    return default_system(info) is MINISTRAL_SYSTEM_PROMPT


def system_turn(info: ModelInfo, own: str, *, instead: bool = False) -> Turn | None:
    """Return the model's own system prompt with the user's text merged into it.

    instead: the user asked for their text in its place.
    """
    return with_own(None if instead and own.strip() else default_system(info), own)


def reasoning(info: ModelInfo, wanted: str = "") -> formats.Format:
    """Return how a model marks its thoughts. wanted: the prompt format that the user chose."""
    family_ = FAMILIES.get(wanted)
    template = family_.written(_named(info)) if family_ else _sound(info).template
    return formats.detect(info.controls, template, _named(info))


def _named(info: ModelInfo) -> str:
    return f"{info.name} {Path(info.path).name}"


def _is_magistral(info: ModelInfo) -> bool:
    return "magistral" in _named(info).lower()


def _is_1_0(info: ModelInfo) -> bool:
    return formats.is_magistral_1_0(_named(info))


def _thinks_by_control(info: ModelInfo) -> bool:
    return formats.detect(info.controls, _sound(info).template, _named(info)).control
