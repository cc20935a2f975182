"""Held-out problems and how an answer to them is judged; no torch needed.

`cases(family, n, seed)` gives problems that training cannot have seen (see
`problems.held_out`; for texts and refusals the wording is drawn afresh), and
`judge(case, answer)` looks at the visible answer only: the last bold text
for numbers, the whole text for everything else; either of the two refusals is
honest where one is due.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import data
import talk
from problems import Turn
from texts import REFUSAL, TEXTS, TOO_BIG

NUMERIC = ("add", "subtract", "multiply", "equations", "speed", "percent")
FAMILIES = (
    *NUMERIC,
    "divide",
    "convert",
    "text",
    "squares",
    "train",
    "fallback",
    "too big",
    "follow-up",
    "unseen",
)

# wordings that training never draws, by the text they should lead to
UNSEEN = (
    ("Hello my friend", "hello"),
    ("Hi, nice to meet you!", "hello"),
    ("Hello again", "hello"),
    ("Who is speaking?", "who"),
    ("Tell me who you are.", "who"),
    ("What sort of AI are you?", "who"),
    ("Could you tell me what you can do?", "can"),
    ("What can I do with you?", "can"),
    ("Which tasks can you do?", "can"),
    ("Thank you so much!", "thanks"),
    ("thanks, great", "thanks"),
    ("Bye for now", "bye"),
    ("ok goodbye", "bye"),
    ("Please prove that the sum of angles in a triangle is 180 degrees.", "triangle"),
    ("Prove the angle sum of triangles.", "triangle"),
    ("Show that a triangle's angles add up to 180 degrees.", "triangle"),
    ("Please write a Python one-liner for me.", "python"),
    ("Show me one line of Python.", "python"),
)


@dataclass(frozen=True)
class Case:
    """A question, the turns before it, and the turn that should come."""

    family: str
    history: tuple[Turn, ...]
    turn: Turn


def cases(family: str, n: int, seed: int) -> list[Case]:
    """`n` held-out cases of a family (fewer for the fixed list "unseen")."""
    rng = random.Random(f"{family} {seed}")
    out: list[Case] = []
    if family == "unseen":
        for question, name in UNSEEN[:n]:
            _, thought, answer = TEXTS[name]
            out.append(Case(family, (), Turn(name, question, thought, answer)))
        return out
    if family == "train":
        return [
            Case(family, (), talk.train(rng, False, talk.TRAIN)),
            Case(family, (), talk.train(rng, True, talk.TRAIN)),
        ][:n]
    while len(out) < n:
        if family == "follow-up":
            first = data.turn(rng.choice((*NUMERIC, "divide", "convert")), rng, test=True)
            then = data.follow(first, rng, test=True)
            if then is not None:
                out.append(Case(family, (first,), then))
        else:
            turn = data.turn(family.removeprefix("long "), rng, test=True)
            if turn.family != "multiply" or is_long(turn) == (family == "long multiply"):
                out.append(Case(family, (), turn))
    return out


def is_long(turn: Turn) -> bool:
    """Whether a product is one of three digits by two: learned, but not promised."""
    a, b = turn.fact.split(" = ")[0].split(" \\times ")
    return len(a) + len(b) == 5


def judge(case: Case, answer: str) -> bool:
    """Is the visible answer right?"""
    if case.turn.answer in (REFUSAL, TOO_BIG):
        return answer.strip() in (REFUSAL, TOO_BIG)
    if case.turn.result is None or case.family in ("text", "squares", "unseen"):
        return answer.strip() == case.turn.answer.strip()
    bold = re.findall(r"\*\*(.+?)\*\*", answer)
    code = (
        "```" not in case.turn.answer or case.turn.answer[case.turn.answer.index("```") :] in answer
    )
    return bool(bold) and bold[-1] == case.turn.result and code
