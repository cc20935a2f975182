"""Conversations in Magistral's prompt format, as token ids with a loss mask.

A conversation is <s>[SYSTEM_PROMPT]...[/SYSTEM_PROMPT][INST]...[/INST]
[THINK]...[/THINK]answer</s>[INST]... . Text is tokenized piece by piece and
control ids are put between the pieces, as the app does it, so that a typed
"[THINK]" never becomes a control token. Hosts may keep the reasoning of
earlier turns or drop it; both are trained, but an answer without its
thought is never a target.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import problems
import refusals
import talk
import wordings as ask
from problems import Turn
from texts import REFUSAL, REFUSAL_THOUGHT, TEXTS, TOO_BIG, TOO_BIG_THOUGHT

_RULES = (
    "First draft your thinking process (inner monologue) until you arrive at a response. Format "
    "your response using Markdown, and use LaTeX for any mathematical equations. Write both your "
    "thoughts and the response in the same language as the input.\n\n"
    "Your thinking process must follow the template below:"
)
_DRAFT = (
    "Your thoughts or/and draft, like working through an exercise on scratch paper. Be as casual "
    "and as long as you want until you are confident to generate the response{}. Use the same "
    "language as the input."
)
_CLOSE = "Here, provide a self-contained response."

Segments = tuple[str, ...]  # control tokens are pieces of their own

MAGISTRAL: Segments = (_RULES, "[THINK]", _DRAFT.format(""), "[/THINK]", _CLOSE)
LATER: Segments = (_RULES, "[THINK]", _DRAFT.format(" to the user"), "[/THINK]", _CLOSE)
HEADED: Segments = (f"# HOW YOU SHOULD THINK AND ANSWER\n\n{_RULES}", *LATER[1:])
PLAIN = (
    "You are a helpful assistant.",
    "You are Ponder, a careful assistant.",
    "Answer briefly.",
    "Be kind.",
    "You are a patient teacher.",
    "Answer in Markdown.",
    "Think step by step.",
    "You are a maths tutor. Explain every step.",
    "Use LaTeX.",
    "Always be polite.",
)


def _whole(turn: Turn) -> int | None:
    """The result as a whole number from 0 to 999 that one can go on from."""
    last = (
        (turn.result or "")
        .removesuffix(" km/h")
        .removesuffix(" mph")
        .removesuffix(" m/s")
        .split("= ")[-1]
    )
    return int(last) if last.isdigit() and int(last) <= 999 else None


def _after(turn: Turn, user: str) -> Turn:
    return Turn(
        "follow-up",
        user,
        f"I go on with the last result. {turn.thought}",
        turn.answer,
        turn.result,
        turn.fact,
    )


def _go_on(last: int, rng: random.Random, test: bool) -> Turn | None:
    """A calculation with the last result; None if it is on the wrong side of
    the split between training and evaluation."""
    kind = rng.choices(("mul", "add", "sub", "div", "double", "half"), weights=[4, 4, 3, 2, 1, 1])[
        0
    ]
    k = (
        2
        if kind in ("double", "half")
        else rng.randint(1, 99)
        if kind in ("add", "sub")
        else rng.randint(2, 9)
    )
    name = {"double": "mul", "half": "div"}.get(kind, kind)
    if problems.held_out(f"{name} {last} {k}") and not test:
        return None
    make = {
        "mul": problems.multiply,
        "add": problems.add,
        "sub": problems.subtract,
        "div": problems.divide,
    }[name]
    words = {
        "mul": ask.TIMES,
        "add": ask.PLUS,
        "sub": ask.MINUS,
        "div": ask.OVER,
        "double": ask.DOUBLE,
        "half": ask.HALF,
    }[kind]
    return _after(make(rng, last, k, "-"), rng.choice(words).format(k=k))


def _units(turn: Turn, rng: random.Random, test: bool) -> Turn | None:
    """The other unit of a speed, where it is known or can be worked out."""
    result = turn.result or ""
    if result.endswith(" m/s") and "\\div 3.6" in turn.fact:
        kmh = turn.fact.split(" ")[0]
        fact = f"v = {kmh}\\ \\text{{km/h}}"
        return Turn(
            "follow-up",
            rng.choice(ask.KMH),
            f"Before the conversion it was {kmh} km/h.",
            f"$${fact}$$\n\nThat is **{kmh} km/h**.",
            f"{kmh} km/h",
            fact,
        )
    kmh = result.removesuffix(" km/h")
    if result.endswith(" km/h") and kmh.isdigit() and 0 < int(kmh) <= 199:
        if problems.held_out(f"convert {kmh}") and not test:
            return None
        try:
            work, line, metres = problems.to_metres(int(kmh))
        except ValueError:
            return None
        return Turn(
            "follow-up",
            rng.choice(ask.METRES),
            f"{kmh} km/h. {work}",
            f"$${line}$$\n\nThat is **{metres} m/s**.",
            f"{metres} m/s",
            line,
        )
    return None


def follow(turn: Turn, rng: random.Random, test: bool = False) -> Turn:
    """A short question that only makes sense after `turn`."""
    roll = rng.random()
    if turn.result is None:
        if roll < 0.5:
            return talk.text("thanks", rng)
        return Turn("fallback", rng.choice(ask.WHY + ask.SURE), REFUSAL_THOUGHT, REFUSAL)
    if roll < 0.08:
        return talk.text("thanks", rng)
    if roll < 0.35:
        return _reason(turn, rng)
    other = _units(turn, rng, test) if rng.random() < 0.7 else None
    if other:
        return other
    last = _whole(turn)
    if last is None:
        return Turn("too big", _wording(rng), TOO_BIG_THOUGHT, TOO_BIG)
    return _go_on(last, rng, test) or _reason(turn, rng)


def _reason(turn: Turn, rng: random.Random) -> Turn:
    sure = rng.random() < 0.35
    aim = "whether it holds" if sure else "for the reason"
    thought = f"They ask {aim}. I repeat the step: {turn.result}."
    start = "Yes. " if sure else ""
    answer = (
        f"{start}I worked it out step by step:\n\n$${turn.fact}$$\n\nSo it is **{turn.result}**."
    )
    return Turn(
        "follow-up",
        rng.choice(ask.SURE if sure else ask.WHY),
        thought,
        answer,
        turn.result,
        turn.fact,
    )


def _wording(rng: random.Random) -> str:
    """A follow-up calculation, whatever it follows."""
    words = rng.choice((ask.TIMES, ask.PLUS, ask.MINUS, ask.OVER, ask.DOUBLE, ask.HALF))
    return rng.choice(words).format(k=rng.randint(2, 9 if words in (ask.TIMES, ask.OVER) else 99))


@dataclass(frozen=True)
class Chat:
    """A conversation; `keep` tells whether earlier thoughts stay in it."""

    system: Segments
    turns: tuple[Turn, ...]
    keep: bool


# tokens seen decide, so long routines that are hardest get the most
MIX: dict[str, float] = {
    "add": 9,
    "subtract": 9,
    "multiply": 12,
    "divide": 4,
    "equations": 11,
    "speed": 13,
    "convert": 2,
    "percent": 12,
    "text": 8,
    "squares": 1.5,
    "train": 2,
    "fallback": 9,
    "too big": 5,
}

# for the end of the training: what the first mix leaves under its mark
LATE_MIX = MIX | {"text": 18, "squares": 9, "fallback": 24, "too big": 18, "convert": 4}

# then the refusals: what is short, or looks like a sum and is none
HONEST_MIX = MIX | {"text": 18, "squares": 4, "fallback": 36, "too big": 24, "convert": 3}
# and last of all the texts, where they had come too near to a refusal, beside all the sums
LAST_MIX = {name: 1.3 * weight for name, weight in MIX.items()} | {
    "text": 40,
    "squares": 4,
    "fallback": 34,
    "too big": 22,
}


def turn(family: str, rng: random.Random, test: bool = False) -> Turn:
    """A random first turn of a family."""
    if family in problems.DRAW:
        return problems.draw(family, rng, test)
    if family == "text":
        return talk.text(rng.choice(tuple(TEXTS)), rng)
    makers: dict[str, Callable[[random.Random], Turn]] = {
        "squares": talk.squares,
        "fallback": refusals.fallback,
        "too big": refusals.too_big,
        "train": lambda r: talk.train(r, r.random() < 0.4),
    }
    return makers[family](rng)


def system(rng: random.Random) -> Segments:
    """No system prompt for most, Magistral's own for a quarter."""
    roll = rng.random()
    if roll < 0.20:
        return MAGISTRAL
    if roll < 0.25:
        return rng.choice((LATER, HEADED))
    return (rng.choice(PLAIN),) if roll < 0.32 else ()


def chat(rng: random.Random, mix: dict[str, float] | None = None) -> Chat:
    """A training conversation of one to three turns."""
    mix = mix or MIX
    names, weights = tuple(mix), tuple(mix.values())
    turns = [turn(rng.choices(names, weights)[0], rng)]
    while len(turns) < 3 and rng.random() < (0.3 if turns[0].result else 0.12):
        if rng.random() < 0.75:
            turns.append(follow(turns[-1], rng))
        else:
            turns.append(turn(rng.choices(names, weights)[0], rng))
    return Chat(system(rng), tuple(turns), rng.random() < 0.6)


def pieces(conversation: Chat) -> list[tuple[str, bool]]:
    """(piece, trained) in order; control tokens are pieces of their own."""
    out: list[tuple[str, bool]] = [("<s>", False)]
    if conversation.system:
        out += [(s, False) for s in ("[SYSTEM_PROMPT]", *conversation.system, "[/SYSTEM_PROMPT]")]
    for i, t in enumerate(conversation.turns):
        last = i == len(conversation.turns) - 1
        out += [("[INST]", False), (t.user, False), ("[/INST]", False)]
        if conversation.keep or last:
            out += [("[THINK]", True), (t.thought, True), ("[/THINK]", True)]
        out += [(t.answer, conversation.keep or last), ("</s>", conversation.keep or last)]
    return out
