"""`ponder doctor --model MODEL`: the exact prompt of a model, where it came from, if it thinks.

The engine opens the model without its weights: its vocabulary decides what a control token is.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from app.chat.request import prompt_for, with_system
from app.cli.engine import engine, loaded, model_path
from app.engine.protocol import Failed, ModelInfo, Tokenize, Tokens
from app.errors import Problem, WorldError
from app.prompts import detect, doctor
from app.prompts.messages import parse
from app.prompts.segments import Turn
from app.reasoning.formats import FORMATS

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
    with engine() as opened:
        info = loaded(opened, path, words_only=True)
        wanted = arguments.prompt_format
        choice = detect.choose(info, wanted)
        row = detect.reasoning(info, wanted)
        replaced = arguments.replace_system and bool(arguments.system.strip())
        turns = with_system(info, turns, arguments.system, replace=replaced)
        prompt, _ = prompt_for(
            info,
            turns,
            keep_thinking=True,
            unfinished=unfinished,
            think=arguments.thinking_budget != 0,
            wanted=wanted,
        )
        request = opened.next_request()
        opened.send(Tokenize(request, prompt, row.name))
        tokens = _tokens(list(opened.events(request)))
    row = FORMATS[tokens.reasoning or row.name]
    expected, why = doctor.thinks(
        info,
        choice,
        row,
        replaced=replaced,
        budget=arguments.thinking_budget,
        opened=tokens.thinking_open,
        closed=tokens.thinking_closed,
    )
    found = {
        "model": info.name,
        "file": info.path,
        "architecture": info.architecture,
        "format": choice.name,
        "origin": choice.origin,
        "reasoning": row.name,
        "thinking": {"expected": expected, "why": why},
        "notes": [note for note in (choice.note, *tokens.notes) if note],
        "prompt": doctor.listed(tokens.prompt),
        "ids": list(tokens.ids),
    }
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print(info, found, doctor.marked(tokens.prompt))
    return 0


def _tokens(events: list[Any]) -> Tokens:
    for event in events:
        if isinstance(event, Failed):
            raise WorldError(event.problem)
        if isinstance(event, Tokens):
            return event
    raise RuntimeError("a prompt was not answered with tokens")


def _print(info: ModelInfo, found: dict[str, Any], prompt: str) -> None:
    print(f"Model      {info.name} ({info.architecture})")
    print(f"Prompt     {found['format']}, {found['origin']}")
    verdict = "yes" if found["thinking"]["expected"] else "no"
    print(f"Thinks     {verdict}. {found['thinking']['why']} Read as: {found['reasoning']}.")
    for note in found["notes"]:
        print(f"Note       {note}")
    print(f"\n{prompt}\n")
    print(f"{len(found['ids'])} tokens; ⟦…⟧ is a control token, all else is text.")
