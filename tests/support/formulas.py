"""The corpora of formulas: what models write, and what is malformed or hostile."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.latex import child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True, slots=True)
class Hostile:
    """A formula that is meant to do harm, or broken. refused: it must not typeset."""

    name: str
    tex: str
    refused: bool
    slow: bool


def well_formed() -> list[tuple[str, bool]]:
    """Return the formulas, and whether each is displayed."""
    rows = [line.split("\t", 1) for line in _lines("formulas.txt")]
    return [(tex, mode == "d") for mode, tex in rows]


def hostile(*, slow: bool) -> list[Hostile]:
    """Return the malformed and the hostile ones. slow: those, too, that take a second each."""
    found = []
    for line in _lines("formulas_hostile.txt"):
        fate, name, pieces = line.split("\t")
        tex = "".join(piece * times for piece, times in json.loads(pieces))
        found.append(Hostile(name, tex, fate.startswith("refused"), fate.endswith("slow")))
    return [formula for formula in found if slow or not formula.slow]


def _lines(name: str) -> list[str]:
    lines = (FIXTURES / name).read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("#")]


def last_words(
    connection: "Connection[child.Reply, child.Question]", _bundle: str, _cache: str
) -> None:
    """Stand in for the typesetter's process: refuse one formula with its own text, and end."""
    number, tex, _display, _width_em = connection.recv()
    connection.send((-number, child.refusal(tex)))
