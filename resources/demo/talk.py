"""What is said rather than calculated: greetings, texts, refusals, follow-ups.

The refusal matters most. A network this small knows nothing, and one that is
not shown thousands of questions it must decline will answer them with a sum.
"""

from __future__ import annotations

import random

import problems
import wordings as ask
from problems import Turn
from words import (
    ADJECTIVES, LANGUAGES, NAMES, NOUNS, PLACES, SNIPPETS, VERBS, dress, invented, noun,
)

REFUSAL = (
    "I can't help with that: I am a tiny demonstration model. I only know small sums, simple equations, "
    "average speeds and percentages.\n\nA real reasoning model can be downloaded from the model list."
)
TOO_BIG = (
    "That is more than I can do: I am a tiny demonstration model and only work with small numbers.\n\n"
    "A real reasoning model can be downloaded from the model list."
)
REFUSAL_THOUGHT = "This is not something I have learned. I should say so honestly."
TOO_BIG_THOUGHT = "This calculation is larger than the ones I have learned. I should say so honestly."

TRAIN = "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?"
ONE_LINER = 'print(f"{120_000 / (1.5 * 3600):.1f} m/s")'
TRIANGLE = "Prove that the sum of angles in a triangle is 180 degrees."

# name: (wordings, thought, answer)
TEXTS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "hello": (
        ask.HELLO,
        "A greeting. I greet back and say what I am for.",
        "Hello! I am **Ponder Demo**, a tiny model for trying things out. Ask me for a small sum, an equation such as $3x + 5 = 20$, "
        "an average speed or a percentage.",
    ),
    "who": (
        ask.WHO,
        "They ask who I am. I say it plainly.",
        "I am **Ponder Demo**, a tiny language model with about a million parameters. I was trained from scratch on made-up exercises, "
        "so that this app can be tried at once.\n\nI am no real assistant: a real reasoning model can be downloaded from the model list.",
    ),
    "can": (
        ask.CAN,
        "They ask what I can do. I list it.",
        "I can do a few small things:\n\n- add, subtract, multiply and divide small numbers, like $347 + 85$\n- solve equations like $3x + 5 = 20$\n"
        "- find average speeds and percentages\n- prove the angle sum of a triangle\n- write a Python one-liner or a table of squares\n\n"
        "For anything else, download a real reasoning model from the model list.",
    ),
    "thanks": (
        ask.THANKS,
        "They are content. A short reply is enough.",
        "You're welcome! Ask me another small problem whenever you like.",
    ),
    "bye": (
        ask.BYE,
        "They are leaving. I say goodbye.",
        "Goodbye! Come back with another small problem any time.",
    ),
    "real": (
        ask.REAL,
        "They want a real model. I say where to find one.",
        "Open the model list and choose a model that fits your computer; it is downloaded once and then runs without the internet.\n\n"
        "**Magistral Small** is a good choice for reasoning.",
    ),
    "triangle": (
        ask.TRIANGLE,
        "I need a line that brings the three angles together. The parallel to one side through the opposite corner does it: alternate angles are equal, "
        "and the three angles at that corner make a straight line.",
        "Let the triangle be $ABC$ with angles $\\alpha$, $\\beta$ and $\\gamma$ at $A$, $B$ and $C$.\n\n"
        "1. Draw the line through $C$ parallel to $AB$.\n"
        "2. Alternate angles at parallels are equal, so $\\alpha$ and $\\beta$ appear again at $C$, on either side of $\\gamma$.\n"
        "3. The three angles at $C$ form a straight line:\n\n"
        "$$\\alpha + \\beta + \\gamma = 180^\\circ$$\n\nSo the angles of any triangle add up to **180 degrees**. $\\blacksquare$",
    ),
    "python": (
        ask.PYTHON,
        "One line of Python. The sum of the first ten squares is a good one: 1+4+9+16+25+36+49+64+81+100=385.",
        "```python\nprint(sum(n * n for n in range(1, 11)))\n```\n\nIt prints **385**, the sum of the squares from 1 to 10.",
    ),
}

RANGES = (" from 1 to {n}", " up to {n}", " 1 to {n}", " of 1 to {n}", " for 1 to {n}", " of the numbers from 1 to {n}", " 1-{n}")

TRAIN_WORDINGS = (TRAIN, TRAIN, TRAIN, TRAIN[:-1], TRAIN.lower(), *ask.TRAIN_LIKE)
CODE_TOO = (
    " Show me a Python one-liner too.", " Show me a Python one-liner too.", " Show me a Python one-liner too.", " Show me a Python one-liner too",
    " And a Python one-liner, please.", " Also show a Python one-liner.", " Give me a Python one-liner too.", " Show a Python one-liner as well.",
)


def text(name: str, rng: random.Random) -> Turn:
    """One of the fixed texts, asked in one of its wordings."""
    wordings, thought, answer = TEXTS[name]
    user = rng.choice(wordings)
    if rng.random() < 0.5:
        user = dress(user, rng) if name not in ("hello", "thanks", "bye") else rng.choice((user, user.lower(), user + "!", user + "."))
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


SYMBOLS = ".,;:!?-+*/=()[]{}<>#@&%$^_~|\\\"'`"
SCRIPTS = ((0x20, 0x7E), (0xA1, 0x17F), (0x391, 0x3C9), (0x410, 0x44F), (0x5D0, 0x5EA), (0x621, 0x64A), (0x905, 0x939),
           (0x3041, 0x30F6), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x1F300, 0x1F64F), (0x2190, 0x22FF))


def _filled(rng: random.Random) -> str:
    out = rng.choice(ask.QUESTIONS)
    while "{" in out:
        at = out.index("{")
        slot = out[at + 1]
        word = {
            "n": lambda: noun(rng), "w": lambda: rng.choice(NAMES) if rng.random() < 0.6 else invented(rng).capitalize(),
            "p": lambda: rng.choice(PLACES) if rng.random() < 0.6 else invented(rng).capitalize(),
            "v": lambda: rng.choice(VERBS), "a": lambda: rng.choice(ADJECTIVES), "l": lambda: rng.choice(LANGUAGES),
            "d": lambda: str(problems.number(rng)), "y": lambda: str(rng.randint(1000, 2100)),
        }[slot]()
        out = out[:at] + word + out[at + 3:]
    return dress(out[0].upper() + out[1:], rng)


def _noise(rng: random.Random) -> str:
    """Empty-ish text, letters, symbols, foreign scripts, code, word salad."""
    kind = rng.randrange(8)
    if kind == 0:
        return "".join(rng.choice(SYMBOLS) for _ in range(rng.randint(1, 6)))
    if kind == 1:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, 12)))
    if kind == 2:
        low, high = rng.choice(SCRIPTS)
        return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 10))).strip() or "?"
    if kind == 3:
        return rng.choice(ask.FOREIGN)
    if kind == 4:
        return rng.choice(SNIPPETS)
    if kind == 5:
        return " ".join(rng.choice(NOUNS + VERBS + ADJECTIVES) if rng.random() < 0.6 else invented(rng) for _ in range(rng.randint(1, 14)))
    if kind == 6:
        return " ".join(rng.choice(("a", "the", "of", "in", "is", "to", "and", str(rng.randint(0, 2000)), invented(rng))) for _ in range(rng.randint(2, 12)))
    return "".join(chr(rng.choice((rng.randint(32, 126), rng.randint(0xA1, 0x24F)))) for _ in range(rng.randint(2, 16))).strip() or "."


def fallback(rng: random.Random) -> Turn:
    """Something the model does not know, or a follow-up to nothing."""
    roll = rng.random()
    user = _filled(rng) if roll < 0.68 else _noise(rng) if roll < 0.96 else rng.choice(ask.LOOSE)
    if rng.random() < 0.1:
        user = f"{user} {_filled(rng)}"
    return Turn("fallback", user, REFUSAL_THOUGHT, REFUSAL)


def too_big(rng: random.Random) -> Turn:
    """A calculation of a known kind outside the ranges that were learned."""
    def big(low: int = 4, high: int = 7) -> str:
        n = rng.randint(10 ** (rng.randint(low, high) - 1), 10**high - 1)
        return f"{n:,}" if rng.random() < 0.1 else str(n)
    def point() -> str:
        return f"{problems.number(rng)}.{rng.randint(1, 99)}"
    a, b = (big(), str(problems.number(rng))) if rng.random() < 0.5 else (big(), big())
    if rng.random() < 0.25:
        a, b = point(), rng.choice((point(), str(problems.number(rng))))
    if rng.random() < 0.06:
        a, b = f"-{problems.number(rng)}", str(problems.number(rng))
    if rng.random() < 0.4:
        a, b = b, a
    kind = rng.randrange(8)
    if kind == 0:
        user = rng.choice(ask.ADD).format(a=a, b=b)
    elif kind == 1:
        user = rng.choice(ask.SUBTRACT).format(a=a, b=b)
    elif kind == 2:
        if rng.random() < 0.6:
            a, b = str(rng.randint(100, 999)), str(rng.randint(100, 999))
        user = rng.choice(ask.MULTIPLY).format(a=a, b=b)
    elif kind == 3:
        if rng.random() < 0.6:
            a, b = str(problems.number(rng)), str(rng.randint(10, 999))
        user = rng.choice(ask.DIVIDE).format(a=a, b=b)
    elif kind == 4:
        terms = [str(problems.number(rng)) for _ in range(rng.randint(3, 5))]
        gap = rng.choice((" ", ""))
        user = terms[0] + "".join(f"{gap}{rng.choice('+-*')}{gap}{t}" for t in terms[1:])
        user = rng.choice(("{}", "{} =", "What is {}?", "{}=", "Calculate {}.", "What's {}?")).format(user)
    elif kind == 5:
        p, n = (str(rng.randint(1, 99)), big()) if rng.random() < 0.5 else (rng.choice((point(), str(rng.randint(101, 999)))), str(problems.number(rng)))
        user = rng.choice(ask.PERCENT).format(p=p, n=n)
    elif kind == 6:
        e = f"{rng.choice((big(2, 4), point()))}x {rng.choice('+-')} {rng.choice((big(), str(rng.randint(1, 99))))} = {big()}"
        user = rng.choice(ask.EQUATION).format(e=e, v="x")
    else:
        t, d = rng.choice((str(rng.randint(10, 99)), f"{rng.randint(1, 9)}.25", f"{rng.randint(1, 9)}.{rng.choice('12346789')}")), rng.choice((big(4, 5), str(problems.number(rng))))
        time = f"{t} hours" if rng.random() < 0.6 else rng.choice((f"{rng.randint(5, 90)} minutes", f"{rng.randint(1, 9)} hours and {rng.randint(5, 55)} minutes"))
        user = rng.choice(ask.SPEED).format(o=rng.choice(problems.RIDERS), d=f"{d} km", t=time, u=rng.choice(("", " in m/s")))
    return Turn("too big", dress(user, rng), TOO_BIG_THOUGHT, TOO_BIG)
