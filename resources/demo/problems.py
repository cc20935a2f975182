"""The numeric families: questions, worked thoughts and answers.

Operands are split by a hash of the problem itself: one in ten never appears
in training, whatever its wording, and only those are used to evaluate.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import arithmetic as by_hand
import wordings as ask
from words import dress


@dataclass(frozen=True)
class Turn:
    """One exchange. `result` is what stands in bold at the end of a numeric
    answer (None for texts); `fact` is the line of LaTeX that a "why?" repeats."""

    family: str
    user: str
    thought: str
    answer: str
    result: str | None = None
    fact: str = ""


def held_out(key: str) -> bool:
    """True for the tenth of all problems that training never sees."""
    return zlib.crc32(key.encode()) % 10 == 0


def number(rng: random.Random, digits: int = 3) -> int:
    """A number of up to `digits` digits; longer ones more often."""
    n = rng.choices(range(1, digits + 1), weights=[1, 2, 3][:digits])[0]
    return rng.randint(0 if n == 1 else 10 ** (n - 1), 10**n - 1)


RIDERS = (
    *("train", "car", "bus", "cyclist", "runner", "truck", "plane", "boat", "bike", "horse"),
    *("tram", "van", "motorbike", "ship", "walker", "driver"),
)
HALVES = ("0.5", "1.5", "2.5", "3.5", "4.5")


def made(family: str, user: str, work: str, fact: str, closing: str, result: str) -> Turn:
    """A numeric turn: LaTeX first, then one sentence with the result in bold."""
    return Turn(family, user, work, f"$${fact}$$\n\n{closing}", result, fact)


def add(rng: random.Random, a: int, b: int, user: str | None = None) -> Turn:
    """A sum of two numbers."""
    work, r = by_hand.add(a, b)
    user = user or dress(rng.choice(ask.ADD).format(a=a, b=b), rng)
    return made(
        "add",
        user,
        f"I add {a} and {b} column by column. {work}",
        f"{a} + {b} = {r}",
        f"The sum is **{r}**.",
        str(r),
    )


def subtract(rng: random.Random, a: int, b: int, user: str | None = None) -> Turn:
    """A difference, which may be negative."""
    work, r = by_hand.subtract(a, b)
    user = user or dress(rng.choice(ask.SUBTRACT).format(a=a, b=b), rng)
    text = f"I take {b} from {a} column by column. {work}"
    return made("subtract", user, text, f"{a} - {b} = {r}", f"The difference is **{r}**.", str(r))


def multiply(rng: random.Random, a: int, b: int, user: str | None = None) -> Turn:
    """A product."""
    work, r = by_hand.multiply(a, b)
    user = user or dress(rng.choice(ask.MULTIPLY).format(a=a, b=b), rng)
    text = f"I multiply {a} by {b} digit by digit. {work}"
    return made(
        "multiply", user, text, f"{a} \\times {b} = {r}", f"The product is **{r}**.", str(r)
    )


def divide(rng: random.Random, a: int, b: int, user: str | None = None) -> Turn:
    """A quotient by one digit, with its remainder."""
    work, q, rest = by_hand.divide(a, b)
    user = user or dress(rng.choice(ask.DIVIDE).format(a=a, b=b), rng)
    text = f"I divide {a} by {b} from the left. {work}"
    if rest:
        fact, bold = f"{a} \\div {b} = {q}\\ \\text{{remainder}}\\ {rest}", f"{q} remainder {rest}"
    else:
        fact, bold = f"{a} \\div {b} = {q}", q
    return made("divide", user, text, fact, f"The quotient is **{bold}**.", bold)


def equation(rng: random.Random, a: int, b: int, c: int) -> Turn:
    """a x + b = c; b may be negative, zero leaves it out, a = 1 is not written."""
    v = rng.choices("xyntz", weights=[8, 2, 1, 1, 1])[0]
    left = f"{a if a > 1 else ''}{v}"
    gap = " " if rng.random() < 0.75 else ""
    sign = "+" if b > 0 else "-"
    shown, written = left, left if rng.random() < 0.85 or a == 1 else f"{a}*{v}"
    if b > 0 and rng.random() < 0.25:
        shown, written = f"{b} + {left}", f"{b}{gap}+{gap}{left}"
    elif b:
        shown, written = f"{left} {sign} {abs(b)}", f"{written}{gap}{sign}{gap}{abs(b)}"
    user = dress(rng.choice(ask.EQUATION).format(e=f"{written}{gap}={gap}{c}", v=v), rng)
    if user.isupper():
        user = user.lower()
    first = f"{left} {sign} {abs(b)} = {c}" if b else f"{left} = {c}"
    text, lines, right = f"I want {v} alone in {first}.", [f"{shown} = {c}"], c
    if b:
        work, right = by_hand.subtract(c, b) if b > 0 else by_hand.add(c, -b)
        move = f"take {b} from" if b > 0 else f"add {-b} to"
        text += f" I {move} both sides. {work}"
        if a > 1:
            lines.append(f"{left} = {right}")
    minus = "-" if right < 0 else ""
    if a == 1:
        result = str(right)
    else:
        work, q, rest = by_hand.divide(abs(right), a)
        text += f" I divide by {a}. {work}"
        if rest:
            text += " It does not come out even, so I keep the fraction."
        if minus:
            text += " With the minus."
        result = f"{minus}{abs(right)}/{a}" if rest else f"{minus}{q}"
    value = f"{minus}\\frac{{{abs(right)}}}{{{a}}}" if "/" in result else result
    lines.append(f"{v} = {value}")
    answer = (
        "\n\n".join(f"$${line}$$" for line in lines) + f"\n\nThe solution is **{v} = {result}**."
    )
    return Turn("equations", user, text, answer, f"{v} = {result}", lines[-1])


def to_metres(kmh: int) -> tuple[str, str, str]:
    """km/h to m/s by 5/18: (thought, LaTeX line, result without unit)."""
    product, five = by_hand.multiply(kmh, 5)
    work, result, _ = by_hand.divide(five, 18, decimal=True)
    exact = five * 10 % 18 == 0
    relation = "=" if exact else "\\approx"
    line = f"{kmh} \\div 3.6 {relation} {result}\\ \\text{{m/s}}"
    return f"In m/s: times 5, over 18. {product} {work}", line, result


def speed(rng: random.Random, d: int, t: str, metres: bool, user: str | None = None) -> Turn:
    """d over t hours (t may end in .5); with `metres` the result is in m/s."""
    kind = "km" if metres else rng.choices(("km", "mi", "m"), weights=[6, 1, 2])[0]
    long = {
        "km": ("km", "km", "kilometers", "kilometres"),
        "mi": ("miles",),
        "m": ("m", "meters", "metres", "m"),
    }[kind]
    span, per = ("s", "m/s") if kind == "m" else ("h", "km/h" if kind == "km" else "mph")
    words = ("second", "s") if kind == "m" else ("hour", "h")
    if user is None:
        one = rng.random()
        time = (
            f"{t} {words[0]}{'' if t == '1' else 's'}"
            if one < 0.7
            else f"{t} {words[1]}"
            if one < 0.9
            else f"{t}{words[1]}"
        )
        unit = (
            rng.choice((" in m/s", " in m/s", " in meters per second", " in metres per second"))
            if metres
            else ""
        )
        if not metres and rng.random() < 0.2:
            unit = f" in {per}"
        dist = (
            f"{d} {rng.choice(long)}"
            if rng.random() < 0.9
            else f"{d}{kind if kind != 'mi' else ' miles'}"
        )
        user = dress(
            rng.choice(ask.SPEED).format(o=rng.choice(RIDERS), d=dist, t=time, u=unit), rng
        )
    text = f"Speed is distance over time: {d} {kind} in {t} {span}."
    top, below = d, t
    if "." in t:
        work, top = by_hand.multiply(d, 2)
        below = str(int(float(t) * 2))
        text += f" I double both: {below} {span}. {work}"
    work, v, _ = by_hand.divide(top, int(below), decimal=True)
    text += f" {work}"
    relation = "=" if top * 10 % int(below) == 0 else "\\approx"
    ratio = f"\\frac{{{d}\\ \\text{{{kind}}}}}{{{t}\\ \\text{{{span}}}}}"
    line = f"v = {ratio} {relation} {v}\\ \\text{{{per}}}"
    if not metres:
        return made("speed", user, text, line, f"The average speed is **{v} {per}**.", f"{v} {per}")
    more, second, result = to_metres(int(v))
    answer = f"$${line}$$\n\n$${second}$$\n\nThe average speed is **{result} m/s**."
    return Turn("speed", user, f"{text} {more}", answer, f"{result} m/s", second)


def convert(rng: random.Random, kmh: int) -> Turn:
    """A speed in km/h turned into m/s."""
    work, line, result = to_metres(kmh)
    user = dress(rng.choice(ask.CONVERT).format(s=kmh), rng)
    return made(
        "convert", user, f"{kmh} km/h. {work}", line, f"That is **{result} m/s**.", f"{result} m/s"
    )


def percent(rng: random.Random, p: int, n: int) -> Turn:
    """p % of n: multiply, then move the point by two places."""
    work, product = by_hand.multiply(n, p)
    moved, r = by_hand.hundredth(product)
    text = f"{p}% of {n} is {n}*{p}/100. {work} {moved}"
    user = dress(rng.choice(ask.PERCENT).format(p=p, n=n), rng)
    fact = f"\\frac{{{p}}}{{100}} \\times {n} = {r}"
    return made("percent", user, text, fact, f"{p}% of {n} is **{r}**.", r)


def draw(family: str, rng: random.Random, test: bool) -> Turn:
    """A random problem of a family, from the training or the held-out side."""
    while True:
        turn = DRAW[family](rng, test)
        if turn is not None:
            return turn


def _pick(rng: random.Random, test: bool, key: str, build: Callable[[], Turn]) -> Turn | None:
    if held_out(key) != test:
        return None
    try:
        return build()
    except ValueError:  # a rounding that carries: not asked
        return None


def _draw_add(rng: random.Random, test: bool) -> Turn | None:
    a, b = number(rng), number(rng)
    return _pick(rng, test, f"add {a} {b}", lambda: add(rng, a, b))


def _draw_subtract(rng: random.Random, test: bool) -> Turn | None:
    a, b = number(rng), number(rng)
    if b > a and rng.random() < 0.7:
        a, b = b, a
    return _pick(rng, test, f"sub {a} {b}", lambda: subtract(rng, a, b))


def _draw_multiply(rng: random.Random, test: bool) -> Turn | None:
    a, b = rng.choices(
        ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (2, 2), (3, 2), (2, 3)),
        weights=[2, 4, 2, 4, 2, 12, 3, 2],
    )[0]
    a, b = (rng.randint(0 if n == 1 else 10 ** (n - 1), 10**n - 1) for n in (a, b))
    return _pick(rng, test, f"mul {a} {b}", lambda: multiply(rng, a, b))


def _draw_divide(rng: random.Random, test: bool) -> Turn | None:
    a, b = number(rng), rng.randint(2, 9)
    if rng.random() < 0.5:
        a -= a % b
    return _pick(rng, test, f"div {a} {b}", lambda: divide(rng, a, b))


def _draw_equation(rng: random.Random, test: bool) -> Turn | None:
    a = 1 if rng.random() < 0.15 else rng.randint(2, 9)
    b = (
        0
        if a > 1 and rng.random() < 0.08
        else rng.randint(1, 99 if rng.random() < 0.6 else 20) * rng.choice((1, 1, -1))
    )
    c = a * (rng.randint(0, 20) if rng.random() < 0.5 else rng.randint(0, 99)) + b
    if rng.random() < 0.15:
        c = rng.randint(0, 199)
    if c < 0 or c > 999:
        return None
    return _pick(rng, test, f"eq {a} {b} {c}", lambda: equation(rng, a, b, c))


def _draw_speed(rng: random.Random, test: bool) -> Turn | None:
    t = rng.choice(HALVES) if rng.random() < 0.35 else str(rng.randint(1, 9))
    metres = rng.random() < 0.4
    double = float(t) * 2
    if metres or rng.random() < 0.6:
        d = rng.randint(1, 199) * double / 2
    else:
        d = float(rng.randint(1, 99) * 10 if rng.random() < 0.5 else rng.randint(2, 999))
    if d != int(d) or not 1 <= d <= 999:
        return None
    return _pick(rng, test, f"speed {int(d)} {t}", lambda: speed(rng, int(d), t, metres))


def _draw_convert(rng: random.Random, test: bool) -> Turn | None:
    kmh = rng.randint(1, 199)
    return _pick(rng, test, f"convert {kmh}", lambda: convert(rng, kmh))


def _draw_percent(rng: random.Random, test: bool) -> Turn | None:
    p = rng.randint(1, 19) * 5 if rng.random() < 0.4 else rng.randint(1, 99)
    roll = rng.random()
    n = (
        rng.randint(10, 99) * 10
        if roll < 0.3
        else rng.randint(2, 99)
        if roll < 0.7
        else rng.randint(100, 999)
    )
    return _pick(rng, test, f"percent {p} {n}", lambda: percent(rng, p, n))


DRAW: dict[str, Callable[[random.Random, bool], Turn | None]] = {
    "add": _draw_add,
    "subtract": _draw_subtract,
    "multiply": _draw_multiply,
    "divide": _draw_divide,
    "equations": _draw_equation,
    "speed": _draw_speed,
    "convert": _draw_convert,
    "percent": _draw_percent,
}
