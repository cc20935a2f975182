"""Fixed texts, the table of squares and the question the app is shown with."""

from __future__ import annotations

import random

import problems
import wordings as ask
from problems import Turn
from texts import TEXTS
from words import dress

TRAIN = "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?"
ONE_LINER = 'print(f"{120_000 / (1.5 * 3600):.1f} m/s")'
RANGES = (
    " from 1 to {n}",
    " up to {n}",
    " 1 to {n}",
    " of 1 to {n}",
    " for 1 to {n}",
    " of the numbers from 1 to {n}",
    " 1-{n}",
)

TRAIN_WORDINGS = (TRAIN, TRAIN, TRAIN, TRAIN[:-1], TRAIN.lower(), *ask.TRAIN_LIKE)
CODE_TOO = (
    *[" Show me a Python one-liner too."] * 3,
    " Show me a Python one-liner too",
    " And a Python one-liner, please.",
    " Also show a Python one-liner.",
    " Give me a Python one-liner too.",
    " Show a Python one-liner as well.",
)


def text(name: str, rng: random.Random) -> Turn:
    """One of the fixed texts, asked in one of its wordings."""
    wordings, thought, answer = TEXTS[name]
    user = rng.choice(wordings)
    if rng.random() < 0.5:
        if name in ("hello", "thanks", "bye"):
            user = rng.choice((user, user.lower(), user + "!", user + "."))
        else:
            user = dress(user, rng)
    return Turn(name, user, thought, answer)


def squares(rng: random.Random) -> Turn:
    """A Markdown table of squares up to n; ten if none is asked for."""
    n = 10 if rng.random() < 0.5 else rng.randint(3, 12)
    span = rng.choice(RANGES).format(n=n) if n != 10 or rng.random() < 0.5 else ""
    user = rng.choice(ask.SQUARES).format(r=span)
    rows = "\n".join(f"| {i} | {i * i} |" for i in range(1, n + 1))
    thought = f"A table with each number and its square, from 1 to {n}."
    answer = f"Here are the squares from 1 to {n}:\n\n| $n$ | $n^2$ |\n|---|---|\n{rows}"
    return Turn("squares", dress(user, rng), thought, answer)


def train(rng: random.Random, code: bool = False, user: str | None = None) -> Turn:
    """The question this app is first shown with, with or without the code."""
    exact = user is not None
    user = user or rng.choice(TRAIN_WORDINGS)
    turn = problems.speed(rng, 120, "1.5", True, user)
    if not code:
        return Turn("train", turn.user, turn.thought, turn.answer, turn.result, turn.fact)
    user += CODE_TOO[0] if exact else rng.choice(CODE_TOO)
    thought = f"{turn.thought} In Python: metres over seconds."
    answer = f"{turn.answer}\n\n```python\n{ONE_LINER}\n```"
    return Turn("train", user, thought, answer, turn.result, turn.fact)
