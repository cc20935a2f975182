"""How models mark their thinking: a table, and the ways to find the row that holds for a model.

A format is found for a loaded model from its vocabulary and chat template (`detect`), or, where
there is only a recorded output, from its text (`detect_output`). Names alone prove little:
fine-tunes keep the name of their base and change the markers, so a template outweighs a name.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """One way of marking a thought.

    control: the markers are control tokens of the vocabulary, so the same characters written as
    text mean nothing. Otherwise they are ordinary text, of several tokens, cut anywhere.
    open and close are empty where the format knows no thoughts.
    """

    name: str
    open: str
    close: str
    control: bool


_ROWS = (
    # Magistral 1.1 and 1.2, Ministral 3 Reasoning, Mistral Small 4.
    Format("mistral", "[THINK]", "[/THINK]", control=True),
    # Qwen 3, DeepSeek-R1 and its kin, GLM, SmolLM 3, Magistral 1.0.
    Format("think", "<think>", "</think>", control=False),
    Format("none", "", "", control=False),
)

FORMATS: dict[str, Format] = {row.name: row for row in _ROWS}

_MAGISTRAL_1_0 = re.compile(r"magistral.*(2506|\b1[._]0\b)", re.IGNORECASE)


def detect(controls: Sequence[str], template: str | None, name: str) -> Format:
    """Return the format of a loaded model.

    controls: the control tokens in its vocabulary; template: its chat template, if it has one;
    name: its own name. [THINK] in the vocabulary decides, unless the template or the name says that
    the model writes `<think>`: fine-tunes inherit the token and never use it. A model of which
    nothing is known is watched for `<think>`: it only counts at the very start of an output, where
    an answer has no reason to say it.
    """
    control = FORMATS["mistral"]
    if control.open in controls and control.close in controls:
        written = template is not None and "<think>" in template and control.open not in template
        if not written and not _MAGISTRAL_1_0.search(name):
            return control
    return FORMATS["think"]


def detect_output(text: str) -> Format:
    """Return the format of a whole recorded output, in which control tokens are spelled as text.

    The format is the one whose marker comes first, if it can have been meant as one: an opening
    marker at the start, or a closing marker before which none was opened (see `opened_before`).
    """
    for row in _ROWS:
        if row.open and _opens(text, row.open):
            return row
    lone = [row for row in _ROWS if opened_before(text, row)]
    return min(lone, key=lambda row: text.find(row.close), default=FORMATS["none"])


def opened_before(text: str, row: Format) -> bool:
    """Whether an output begins inside a thought that its prompt opened: only its end is seen."""
    if not row.close:
        return False
    before, close, _ = text.partition(row.close)
    return bool(close) and row.open not in before


def _opens(text: str, marker: str) -> bool:
    """Whether a marker comes first, white space and broken-off beginnings of it aside."""
    broken = "|".join(re.escape(marker[:length]) for length in range(len(marker) - 1, 0, -1))
    return re.match(rf"(?:\s|{broken})*{re.escape(marker)}", text) is not None
