"""The command `math`: TeX in as JSON lines, whether it typesets and its box out."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from app.latex.typesetter import Typeset

_WIDTH_EM = 48.0
"""Of the window's text column: 760 px at 15 px and a little."""
_USAGE = 'the line is not {"tex": TEXT, "display": true or false}'


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    math = commands.add_parser("math", help="whether TeX typesets, and its box (JSON lines)")
    math.add_argument("--list", action="store_true", help="print what is to be drawn, too")
    math.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Answer each line {"tex": T, "display": bool} of stdin with one line, be it right or wrong."""
    from app.latex.display import Refusal
    from app.latex.typesetter import Formula, Typesetter, bundle_path

    if not bundle_path().exists():
        raise WorldError(
            Problem(
                "no-mathjax",
                "Formulas cannot be typeset: MathJax has not been built.",
                "Start Ponder once with python3 run.py.",
            )
        )
    typesetter = Typesetter()
    try:
        for line in sys.stdin.buffer:
            if not line.strip():
                continue
            asked = _question(line)
            found: Typeset
            if asked is None:
                found = Refusal(_USAGE)
            else:
                tex, display = asked
                formula = Formula.of(tex, display=display, width_em=_WIDTH_EM)
                found = typesetter.all([formula])[0]
            print(json.dumps(_answer(found, whole=arguments.list)), flush=True)
    finally:
        typesetter.close()
    return 0


def _question(line: bytes) -> tuple[str, bool] | None:
    """Return what a line asks for, None where it is none."""
    try:
        said = json.loads(line)
        tex, display = said["tex"], said.get("display", False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (tex, display) if isinstance(tex, str) and isinstance(display, bool) else None


def _answer(found: "Typeset", *, whole: bool) -> dict[str, Any]:
    import dataclasses

    from app.latex.display import Refusal

    if isinstance(found, Refusal):
        return {"ok": False, "error": found.error, "width": 0.0, "height": 0.0, "depth": 0.0}
    box = {"width": found.width, "height": found.height, "depth": found.depth}
    answer: dict[str, Any] = {"ok": True, "error": None, **box}
    if whole:
        answer["list"] = dataclasses.asdict(found)
    return answer
