"""How an answer is drawn, as fields to be filled in: what each means and what is the model's own.

A field that is empty is the model's own. What is typed is read as it is typed, and what is wrong
with it is said in a few words.
"""

import re
from dataclasses import dataclass

from app.chat.options import BOUNDS, ChatOptions
from app.chat.request import recommended
from app.engine.protocol import ModelInfo, Sampling

BUDGET = "thinking_budget"
MOST_BUDGET = 1_000_000

_WORDS = {
    "temperature": ("Temperature", "0 takes the likeliest word; higher varies more."),
    "top_p": ("Top p", "Only the likeliest words that make up this share; 1 is all of them."),
    "top_k": ("Top k", "Only so many of the likeliest words; 0 is all of them."),
    "min_p": ("Min p", "Only words with this share of the likeliest one's chance; 0 is all."),
    "repetition": ("Repetition penalty", "Makes what was just written less likely; 1 is off."),
    "seed": ("Seed", "The same seed gives the same answer again."),
    BUDGET: ("Thinking budget", "Tokens after which a thought is closed; 0 answers at once."),
}

NAMES = tuple(_WORDS)

_ARABIC = str.maketrans("٫٬", ".,")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+")
"""Digits in groups; "0,5" is half of something, and never 5."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field. own: what is asked with where it is empty. taken: False where a server ignores it.

    text: what is in it, "" for the model's own.
    """

    name: str
    label: str
    hint: str
    own: str
    text: str
    taken: bool = True


def fields(info: ModelInfo | None, options: ChatOptions, budget: int | None) -> tuple[Field, ...]:
    """Return the fields of a chat. info: of the model that is asked, None before its load."""
    best = recommended(info) if info is not None else Sampling()
    ignored = info.server.ignores if info is not None and info.server is not None else ()
    found: list[Field] = []
    for name, (label, hint) in _WORDS.items():
        if name == BUDGET:
            own, value = "unlimited", budget
        else:
            own = "by chance" if name == "seed" else in_words(name, getattr(best, name))
            value = getattr(options, name)
        if name in ignored and info is not None and info.server is not None:
            own, hint = "not taken", f"{info.server.kind} takes no such field: it is not sent."
        text = "" if value is None else in_words(name, value)
        found.append(Field(name, label, hint, own, text, name not in ignored))
    return tuple(found)


def in_words(name: str, value: float) -> str:
    """Return a value as its field shows it."""
    bounds = BOUNDS.get(name)
    decimals = bounds.decimals if bounds is not None else 0
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".") if decimals else f"{value:.0f}"


def read(name: str, text: str) -> tuple[float | int | None, str]:
    """Return the value that was typed, None for nothing, and what is wrong with it, or ""."""
    text = text.strip().translate(_ARABIC)
    if not text:
        return None, ""
    least, most, decimals = _limits(name)
    if decimals:
        text = text.replace(",", ".")
    elif _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    kind = "a number" if decimals else "a whole number"
    wrong = f"Must be {kind} from {in_words(name, least)} to {in_words(name, most)}."
    try:
        if "_" in text:
            raise ValueError  # Python's way to group digits, nobody else's
        value = float(text) if decimals else int(text)
    except ValueError:
        return None, wrong
    return (value, "") if least <= value <= most else (None, wrong)


def stepped(name: str, text: str, own: str, steps: int) -> str:
    """Return what a field says after so many steps up (or down, negative)."""
    least, most, _ = _limits(name)
    step = BOUNDS[name].step if name in BOUNDS else 256
    value, wrong = read(name, text)
    if value is None or wrong:
        value, wrong = read(name, own)
    if value is None or wrong:
        value = least
    return in_words(name, min(most, max(least, value + steps * step)))


def _limits(name: str) -> tuple[float, float, int]:
    if name == BUDGET:
        return 0, MOST_BUDGET, 0
    bounds = BOUNDS[name]
    return bounds.least, bounds.most, bounds.decimals
