"""`ponder doctor --model MODEL`: the exact prompt of a model, where it came from, if it thinks.

The engine opens the model without its weights: its vocabulary decides what a control token is.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from app.chat.examine import examine
from app.chat.request import Wishes
from app.cli.engine import engine, loaded, model_path
from app.engine.protocol import ModelInfo
from app.errors import Problem, WorldError
from app.models import projectors
from app.models.split import read_model
from app.prompts import doctor
from app.prompts.messages import parse
from app.prompts.segments import Turn

_SAMPLE = [Turn("user", ("Hello",))]


def read_messages(given: str | None) -> tuple[list[Turn], bool]:
    """Return a conversation and whether its last answer is unfinished; None is a greeting.

    given: a path, or "-" for stdin. Raises WorldError where it cannot be read.
    """
    if given is None:
        return _SAMPLE, False
    if given == "-":
        return parse(sys.stdin.read())
    path = Path(given)
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(
            Problem(
                key="unreadable-file",
                title=f"{path.name} could not be read.",
                advice="Give the path of a UTF-8 text file.",
                detail=str(error),
            )
        ) from error


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 where the model's chat format is not known."""
    turns, unfinished = read_messages(arguments.messages)
    path = model_path(arguments.model)
    wishes = Wishes(
        system=arguments.system,
        replace_system=arguments.replace_system,
        thinking_budget=arguments.thinking_budget,
        keep_thinking=True,
        prompt_format=arguments.prompt_format,
    )
    with engine() as opened:
        info = loaded(opened, path, words_only=True)
        seen = examine(opened, info, turns, wishes, unfinished=unfinished)
    found = {
        "model": info.name,
        "file": info.path,
        "architecture": info.architecture,
        "format": seen.format,
        "origin": seen.origin,
        "reasoning": seen.reasoning,
        "thinking": {"expected": seen.thinks, "why": seen.why},
        "notes": list(seen.notes),
        "vision": _vision(path),
        "prompt": doctor.listed(seen.prompt),
        "ids": list(seen.ids),
    }
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print(info, found, doctor.marked(seen.prompt))
    return 0


def _vision(path: Path) -> dict[str, Any]:
    """Return the vision part that would be loaded with a model, and why others would not be."""
    if path.suffix != ".gguf":
        return {"projector": None, "problems": []}
    beside = projectors.beside(path, projectors.width_of(read_model(path)))
    return {
        "projector": str(beside.projectors[0].path) if beside.projectors else None,
        "problems": [problem.title for problem in beside.problems],
    }


def _print(info: ModelInfo, found: dict[str, Any], prompt: str) -> None:
    print(f"Model      {info.name} ({info.architecture})")
    print(f"Prompt     {found['format']}, {found['origin']}")
    verdict = "yes" if found["thinking"]["expected"] else "no"
    print(f"Thinks     {verdict}. {found['thinking']['why']} Read as: {found['reasoning']}.")
    vision = found["vision"]
    if vision["projector"]:
        print(f"Sees       yes, with {Path(vision['projector']).name}.")
    for problem in vision["problems"]:
        print(f"Note       {problem}")
    for note in found["notes"]:
        print(f"Note       {note}")
    print(f"\n{prompt}\n")
    print(f"{len(found['ids'])} tokens; ⟦…⟧ is a control token, all else is text.")
