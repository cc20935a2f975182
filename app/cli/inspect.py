"""The commands that look and tell: `hardware`, `tokens`, `reasoning`, `doctor`."""

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING

from app.errors import WorldError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_GB = 1e9


def add_parsers(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands of this module."""
    from app.reasoning.formats import FORMATS

    hardware = commands.add_parser("hardware", help="what this machine has, by which probe")
    hardware.add_argument("--json", action="store_true")
    hardware.set_defaults(run=run_hardware)

    tokens = commands.add_parser("tokens", help="the token ids exactly as the engine gets them")
    tokens.add_argument("model", metavar="MODEL", help='a GGUF file, or "demo"')
    tokens.add_argument("messages", metavar="MESSAGES.json", help='"-" reads it from stdin')
    _add_format(tokens)
    tokens.add_argument("--json", action="store_true")
    tokens.set_defaults(run=run_tokens)

    reasoning = commands.add_parser("reasoning", help="split a raw output (stdin) into its pieces")
    reasoning.add_argument("--format", default="auto", choices=("auto", *FORMATS))
    reasoning.add_argument("--json", action="store_true")
    reasoning.set_defaults(run=run_reasoning)

    doctor = commands.add_parser("doctor", help="what is installed, what works, what to do")
    doctor.add_argument("--model", metavar="M", help="examine a model's prompts instead")
    doctor.add_argument("--messages", metavar="MESSAGES.json", help="of this conversation")
    doctor.add_argument("--system", metavar="S", default="", help="added to the system prompt")
    doctor.add_argument("--replace-system", action="store_true", help="--system replaces it")
    doctor.add_argument("--thinking-budget", type=int, metavar="N")
    _add_format(doctor)
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(run=run_doctor)


def _add_format(parser: argparse.ArgumentParser) -> None:
    from app.prompts.detect import FORMATS

    parser.add_argument(
        "--prompt-format",
        metavar="FORMAT",
        default="",
        help=f"one of {', '.join(FORMATS)}; the model's own where not given",
    )


def run_hardware(arguments: argparse.Namespace) -> int:
    """Print what was detected."""
    from app.fit.explain import GB
    from app.hardware.detect import detect

    found = detect()
    if arguments.json:
        print(json.dumps(dataclasses.asdict(found), ensure_ascii=False))
        return 0
    for gpu in found.gpus:
        total = f", {gpu.total_bytes / GB:.1f} GB" if gpu.total_bytes is not None else ""
        shared = " of the computer's memory" if gpu.unified and total else ""
        free = f", {gpu.free_bytes / GB:.1f} GB free" if gpu.free_bytes is not None else ""
        speed = f", {gpu.bandwidth_bytes_s / _GB:.0f} GB/s" if gpu.bandwidth_bytes_s else ""
        driver = f"driver {gpu.driver}; " if gpu.driver else ""
        print(f"Graphics   {gpu.name}{total}{shared}{free}{speed} ({driver}found by {gpu.probe})")
    cpu = found.cpu
    print(f"Processor  {cpu.name}, {cpu.cores} cores, {cpu.threads} threads ({cpu.machine})")
    ram = found.ram
    print(f"Memory     {ram.total_bytes / GB:.1f} GB, {ram.available_bytes / GB:.1f} GB available")
    print(f"Disk       {found.disk.free_bytes / _GB:.1f} GB free at {found.disk.path}")
    for note in found.notes:
        print(f"Note       {note}")
    return 0


def run_tokens(arguments: argparse.Namespace) -> int:
    """Print the ids and pieces of a conversation's prompt, by the engine's own vocabulary."""
    from app.chat.request import prompt_for
    from app.cli.doctor_model import read_messages
    from app.cli.engine import engine, loaded, model_path
    from app.engine.protocol import Failed, Tokenize, Tokens
    from app.prompts.detect import reasoning

    turns, unfinished = read_messages(arguments.messages)
    wanted = arguments.prompt_format
    with engine() as opened:
        info = loaded(opened, model_path(arguments.model), words_only=True)
        prompt, version = prompt_for(
            info, turns, keep_thinking=True, unfinished=unfinished, wanted=wanted
        )
        request = opened.next_request()
        opened.send(Tokenize(request, prompt, reasoning(info, wanted).name))
        for event in opened.events(request):
            if isinstance(event, Failed):
                raise WorldError(event.problem)
            if isinstance(event, Tokens):
                if arguments.json:
                    value = {"ids": event.ids, "pieces": event.pieces, "format": version}
                    print(json.dumps(value, ensure_ascii=False))
                else:
                    for number, piece in zip(event.ids, event.pieces, strict=True):
                        print(f"{number:>7}  {piece!r}")
                    print(f"{len(event.ids)} tokens, format {version}")
    return 0


def run_reasoning(arguments: argparse.Namespace) -> int:
    """Split stdin into pieces: a raw model output, or JSON lines of chunks (strings)."""
    from app.reasoning.recorded import cli_pieces

    pieces = cli_pieces(_chunks(sys.stdin.read()), arguments.format)
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            found, closed = end.value
            break
        if arguments.json:
            print(json.dumps({"channel": piece.channel, "text": piece.text}, ensure_ascii=False))
        elif piece.channel != "marker":
            print(f"--- {piece.channel}\n{piece.text}")
    if arguments.json:
        print(json.dumps({"closed": closed, "format": found.name}))
    elif not closed:
        print("(the thought was never closed)")
    return 0


def _chunks(text: str) -> list[str]:
    """Return the chunks where every line is a JSON string, else the text as one chunk."""
    chunks: list[str] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            return [text]
        if not isinstance(value, str):
            return [text]
        chunks.append(value)
    return chunks or [text]


def run_doctor(arguments: argparse.Namespace) -> int:
    """Print every check, or how a model's prompts are made; 1 where something needed failed."""
    from app.cli.doctor import examine
    from app.cli.doctor_model import run as run_doctor_of_model

    if arguments.model is not None:
        return run_doctor_of_model(arguments)

    checks = examine()
    if arguments.json:
        print(json.dumps({"checks": [dataclasses.asdict(check) for check in checks]}))
    else:
        for check in checks:
            mark = "ok" if check.ok else ("MISSING" if check.needed else "no")
            print(f"{mark:>8}  {check.name}: {check.detail}")
            if not check.ok and check.advice:
                print(f"{'':>10}{check.advice}")
    return 0 if all(check.ok or not check.needed for check in checks) else 1
