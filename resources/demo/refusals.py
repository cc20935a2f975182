"""Questions the model must decline: the unknown, and sums that are too large.

The refusal matters most. A network this small knows nothing, and one that is
not shown thousands of questions it must decline will answer them with a sum.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import problems
import wordings as ask
from problems import Turn
from texts import REFUSAL, REFUSAL_THOUGHT, TOO_BIG, TOO_BIG_THOUGHT
from words import (
    ADJECTIVES,
    LANGUAGES,
    NAMES,
    NOUNS,
    PLACES,
    SNIPPETS,
    VERBS,
    dress,
    invented,
    noun,
)

SMALL = ("a", "the", "of", "in", "is", "to", "and")
SYMBOLS = ".,;:!?-+*/=()[]{}<>#@&%$^_~|\\\"'`"
SCRIPTS = (
    *((0x20, 0x7E), (0xA1, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x621, 0x64A)),
    *((0x905, 0x939), (0x3041, 0x30F6), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3)),
    *((0x1F300, 0x1F64F), (0x2190, 0x22FF)),
)


def _filled(rng: random.Random) -> str:
    out = rng.choice(ask.QUESTIONS)
    while "{" in out:
        at = out.index("{")
        slot = out[at + 1]
        word = {
            "n": lambda: noun(rng),
            "w": lambda: rng.choice(NAMES) if rng.random() < 0.6 else invented(rng).capitalize(),
            "p": lambda: rng.choice(PLACES) if rng.random() < 0.6 else invented(rng).capitalize(),
            "v": lambda: rng.choice(VERBS),
            "a": lambda: rng.choice(ADJECTIVES),
            "l": lambda: rng.choice(LANGUAGES),
            "d": lambda: str(problems.number(rng)),
            "y": lambda: str(rng.randint(1000, 2100)),
        }[slot]()
        out = out[:at] + word + out[at + 3 :]
    return dress(out[0].upper() + out[1:], rng)


def _letters(count: int, code: Callable[[], int]) -> str:
    return "".join(chr(code()) for _ in range(count)).strip()


def _noise(rng: random.Random) -> str:
    """Empty-ish text, letters, symbols, foreign scripts, code, word salad."""
    kind = rng.randrange(8)
    if kind == 0:
        return "".join(rng.choice(SYMBOLS) for _ in range(rng.randint(1, 6)))
    if kind == 1:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, 12)))
    if kind == 2:
        low, high = rng.choice(SCRIPTS)
        return _letters(rng.randint(1, 10), lambda: rng.randint(low, high)) or "?"
    if kind == 3:
        return rng.choice(ask.FOREIGN)
    if kind == 4:
        return rng.choice(SNIPPETS)
    if kind == 5:
        return " ".join(
            rng.choice(NOUNS + VERBS + ADJECTIVES) if rng.random() < 0.6 else invented(rng)
            for _ in range(rng.randint(1, 14))
        )
    if kind == 6:
        return " ".join(
            rng.choice((*SMALL, str(rng.randint(0, 2000)), invented(rng)))
            for _ in range(rng.randint(2, 12))
        )
    return (
        _letters(
            rng.randint(2, 16),
            lambda: rng.choice((rng.randint(32, 126), rng.randint(0xA1, 0x24F))),
        )
        or "."
    )


def fallback(rng: random.Random) -> Turn:
    """Something the model does not know, or a follow-up to nothing."""
    roll = rng.random()
    user = _filled(rng) if roll < 0.68 else _noise(rng) if roll < 0.96 else rng.choice(ask.LOOSE)
    if rng.random() < 0.1:
        user = f"{user} {_filled(rng)}"
    return Turn("fallback", user, REFUSAL_THOUGHT, REFUSAL)


def _big(rng: random.Random, low: int = 4, high: int = 7) -> str:
    n = rng.randint(10 ** (rng.randint(low, high) - 1), 10**high - 1)
    return f"{n:,}" if rng.random() < 0.1 else str(n)


def _point(rng: random.Random) -> str:
    return f"{problems.number(rng)}.{rng.randint(1, 99)}"


def _big_product(rng: random.Random, a: str, b: str) -> str:
    if rng.random() < 0.6:
        a, b = str(rng.randint(100, 999)), str(rng.randint(100, 999))
    return rng.choice(ask.MULTIPLY).format(a=a, b=b)


def _big_quotient(rng: random.Random, a: str, b: str) -> str:
    if rng.random() < 0.6:
        a, b = str(problems.number(rng)), str(rng.randint(10, 999))
    return rng.choice(ask.DIVIDE).format(a=a, b=b)


def _chain(rng: random.Random) -> str:
    terms = [str(problems.number(rng)) for _ in range(rng.randint(3, 5))]
    gap = rng.choice((" ", ""))
    user = terms[0] + "".join(f"{gap}{rng.choice('+-*')}{gap}{t}" for t in terms[1:])
    words = ("{}", "{} =", "What is {}?", "{}=", "Calculate {}.", "What's {}?")
    return rng.choice(words).format(user)


def _big_percent(rng: random.Random) -> str:
    if rng.random() < 0.5:
        p, n = str(rng.randint(1, 99)), _big(rng)
    else:
        p = rng.choice((_point(rng), str(rng.randint(101, 999))))
        n = str(problems.number(rng))
    return rng.choice(ask.PERCENT).format(p=p, n=n)


def _big_equation(rng: random.Random) -> str:
    a = rng.choice((_big(rng, 2, 4), _point(rng)))
    sign = rng.choice("+-")
    b = rng.choice((_big(rng), str(rng.randint(1, 99))))
    e = f"{a}x {sign} {b} = {_big(rng)}"
    return rng.choice(ask.EQUATION).format(e=e, v="x")


def _big_speed(rng: random.Random) -> str:
    long = str(rng.randint(10, 99))
    quarter = f"{rng.randint(1, 9)}.25"
    t = rng.choice((long, quarter, f"{rng.randint(1, 9)}.{rng.choice('12346789')}"))
    d = rng.choice((_big(rng, 4, 5), str(problems.number(rng))))
    time = f"{t} hours"
    if rng.random() >= 0.6:
        minutes = f"{rng.randint(5, 90)} minutes"
        time = rng.choice((minutes, f"{rng.randint(1, 9)} hours and {rng.randint(5, 55)} minutes"))
    question = rng.choice(ask.SPEED)
    rider = rng.choice(problems.RIDERS)
    return question.format(o=rider, d=f"{d} km", t=time, u=rng.choice(("", " in m/s")))


def too_big(rng: random.Random) -> Turn:
    """A calculation of a known kind outside the ranges that were learned."""
    if rng.random() < 0.5:
        a, b = _big(rng), str(problems.number(rng))
    else:
        a, b = _big(rng), _big(rng)
    if rng.random() < 0.25:
        a, b = _point(rng), rng.choice((_point(rng), str(problems.number(rng))))
    if rng.random() < 0.06:
        a, b = f"-{problems.number(rng)}", str(problems.number(rng))
    if rng.random() < 0.4:
        a, b = b, a
    kinds: tuple[Callable[[], str], ...] = (
        lambda: rng.choice(ask.ADD).format(a=a, b=b),
        lambda: rng.choice(ask.SUBTRACT).format(a=a, b=b),
        lambda: _big_product(rng, a, b),
        lambda: _big_quotient(rng, a, b),
        lambda: _chain(rng),
        lambda: _big_percent(rng),
        lambda: _big_equation(rng),
        lambda: _big_speed(rng),
    )
    user = kinds[rng.randrange(8)]()
    return Turn("too big", dress(user, rng), TOO_BIG_THOUGHT, TOO_BIG)
