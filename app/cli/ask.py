"""`ponder ask`: one question, its thinking dimmed, its answer; with --json one event a line."""

import argparse
import dataclasses
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from app.chat.answer import Answer
from app.chat.message import Message, Provenance, Text, new_id
from app.chat.request import Wishes, generation, provenance, turn_of
from app.chat.sight import blind
from app.chat.weighed import weighed
from app.cli import ask_images
from app.cli.ask_images import Shown
from app.cli.engine import Engine, engine, load, model_path, options_for
from app.cli.numbers import MOST_SEED, whole
from app.engine.choice import is_planned
from app.engine.protocol import (
    Cancel,
    Delta,
    Event,
    Failed,
    Finished,
    Loaded,
    Loading,
    LoadOptions,
    ModelInfo,
    PromptProgress,
    Started,
)
from app.errors import Problem, WorldError
from app.models.weights import known

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from app.chat.load_plan import LoadPlan
    from app.cli.ask_saving import Keeper

_DIM, _PLAIN = "\033[2m", "\033[0m"


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `ask` to the commands."""
    parser = commands.add_parser("ask", help="ask one question and stream the answer")
    parser.add_argument("prompt", metavar="PROMPT", help='the question ("-" reads it from stdin)')
    parser.add_argument("--model", metavar="M", help='a GGUF file, an MLX folder, or "demo"')
    parser.add_argument("--system", metavar="S", default="", help="added to the system prompt")
    parser.add_argument("--replace-system", action="store_true", help="--system replaces it")
    parser.add_argument("--prompt-format", metavar="FORMAT", default="", help="not the model's own")
    parser.add_argument("--seed", type=whole(0, MOST_SEED), metavar="N")
    parser.add_argument("--max-tokens", type=whole(0), default=0, metavar="N")
    parser.add_argument("--thinking-budget", type=whole(0), metavar="N")
    parser.add_argument("--temperature", type=_temperature, metavar="T")
    parser.add_argument("--image", action="append", default=[], metavar="FILE", help="to look at")
    parser.add_argument("--save", action="store_true", help="keep it as a chat")
    parser.add_argument("--json", action="store_true", help="one event a line")
    parser.set_defaults(run=run)


def _temperature(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 10:
        raise argparse.ArgumentTypeError("must be between 0 and 10")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Ask, stream, optionally save; 130 where the user interrupted."""
    text = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
    if not text.strip():
        raise WorldError(Problem("empty-prompt", "There is no question.", "Write one after ask."))
    images = ask_images.read(arguments.image)
    path = model_path(arguments.model)
    plan = _plan(path)
    options = plan.options(str(path)) if plan else options_for(path)
    show = _JsonLines(options, plan) if arguments.json else _Words()
    seen = [image.part for image in images]
    user = Message(new_id(), None, "user", (*seen, Text(text)), time.time())
    reply = Message(new_id(), user.id, "assistant", (), time.time(), "running")
    answer = Answer.start(new_id(), reply, (user,), time.monotonic())
    wishes = Wishes(
        system=arguments.system,
        seed=arguments.seed,
        temperature=arguments.temperature,
        max_tokens=arguments.max_tokens,
        thinking_budget=arguments.thinking_budget,
        replace_system=arguments.replace_system,
        prompt_format=arguments.prompt_format,
    )
    keeper = _keeper(text, user, answer, images) if arguments.save else None
    try:
        info = _converse(options, answer, wishes, images, show, keeper)
        if plan is not None:
            _learn(plan, info, answer)
    except WorldError as error:
        if arguments.json:
            _write({"event": "failed", **dataclasses.asdict(error.problem)})
        answer.fail(error.problem)
        raise
    finally:
        if keeper is not None:
            keeper.close()
    return 130 if answer.turn.status == "cancelled" else 0


def _plan(path: Path) -> "LoadPlan | None":
    """Return the best way to load a file on this machine, None where that cannot be told."""
    from app import settings
    from app.chat import load_plan, planner

    if not is_planned(str(path)):
        return None
    context = load_plan.wanted_context(settings.load()[0].context)
    try:
        return planner.best(str(path), context)
    except WorldError:
        return None  # what is wrong with the file the engine will say


def _learn(plan: "LoadPlan", info: ModelInfo, answer: Answer) -> None:
    """Hold the load against its promise, for the next plan, and keep how fast it wrote."""
    from app.chat.load_plan import load_of, speed_of
    from app.fit.learned import Learned

    load = load_of(plan, info, speed_of(plan, answer.turn.usage))
    if load is not None:
        Learned().record(load)


def _keeper(text: str, user: Message, answer: Answer, images: Sequence[Shown]) -> "Keeper":
    from app.cli.ask_saving import Keeper

    return Keeper(text, user, answer, images)


def _converse(
    options: LoadOptions,
    answer: Answer,
    wishes: Wishes,
    images: Sequence[Shown],
    show: Any,
    keeper: "Keeper | None",
) -> ModelInfo:
    with engine() as opened:
        info = _loaded(opened, options, show)
        answer.context = info.context
        if keeper is not None:
            keeper.loaded(info)
        if images and not info.sees:
            raise WorldError(blind(info.name, info, left_out=not options.projector))
        turns = [turn_of(message, sees=info.sees) for message in answer.branch]
        pictures = tuple({image.file.key: image.file for image in images}.values())
        request = opened.next_request()
        command, version = generation(request, info, turns, wishes, pictures=pictures)
        opened.send(command)
        events = opened.events(command.request)

        def take(event: Event) -> None:
            if isinstance(event, Failed):
                raise WorldError(event.problem)
            if isinstance(event, Started):
                by = provenance(
                    info, command, version, event.prompt_hash, wishes, weights=known(info.path)
                )
                eyes = known(by.projector) if by.projector else None
                answer.provenance = weighed(by, {by.projector: eyes} if eyes else {})
            answer.take(event, time.monotonic())
            if keeper is not None:
                keeper.took()
            show(event, answer.provenance)

        while not answer.turn.over:
            try:
                take(next(events))
            except KeyboardInterrupt:
                # Cancel is a stop reason: the engine answers with what there is. A generator that
                # was interrupted is finished, so a new one takes the rest.
                opened.send(Cancel(command.request))
                events = opened.events(command.request)
    return info


def _loaded(opened: Engine, options: LoadOptions, show: Any) -> ModelInfo:
    info: ModelInfo | None = None
    for event in load(opened, Path(options.path), options=options):
        show(event, None)
        if isinstance(event, Loaded):
            info = event.info
    if info is None:
        raise RuntimeError("a load ended without Loaded")
    return info


def _write(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class _JsonLines:
    """Writes one event a line in the contract's shape."""

    _NAMES: ClassVar[dict[type, str]] = {
        PromptProgress: "prompt",
        Started: "started",
        Delta: "delta",
        Finished: "finished",
    }

    def __init__(self, options: LoadOptions, plan: "LoadPlan | None") -> None:
        self._options = options
        self._plan = plan

    def __call__(self, event: Event, made_by: Provenance | None) -> None:
        if isinstance(event, Loading | Loaded):
            _write(self._loading(event))
            return
        name = self._NAMES.get(type(event))
        if name is None:
            return
        value = {"event": name, **dataclasses.asdict(event)}
        del value["request"]
        if isinstance(event, Finished):
            value["provenance"] = dataclasses.asdict(made_by) if made_by else {}
        _write(value)

    def _loading(self, event: Loading | Loaded) -> dict[str, Any]:
        """Return the settings and the promise; with the last of these events, what was used."""
        from app.chat.load_plan import load_of

        options, plan = self._options, self._plan
        value = {
            "event": "loading",
            "fraction": event.fraction if isinstance(event, Loading) else 1.0,
            "context": options.context,
            "kv": options.kv_type,
            "gpu_layers": options.gpu_layers,
            "cpu_experts": options.cpu_experts,
            "promised_bytes": plan.promised_bytes if plan else None,
        }
        if isinstance(event, Loaded):
            load = load_of(plan, event.info) if plan else None
            value |= {"context": event.info.context, "used_bytes": load and load.actual_bytes}
        return value


class _Words:
    """Writes for a person: thinking dimmed where the terminal can, a blank line, the answer."""

    def __init__(self) -> None:
        self._channel = ""
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, event: Event, made_by: Provenance | None) -> None:
        if isinstance(event, Delta):
            if event.channel != self._channel:
                self._turn_to(event.channel)
            sys.stdout.write(event.text)
            sys.stdout.flush()
        elif isinstance(event, Finished):
            self._turn_to("")
            if event.reason == "length":
                print("(stopped: no more room)", file=sys.stderr)
            elif event.reason == "loop":
                print("(stopped: it went in circles)", file=sys.stderr)
            elif event.reason == "cancelled":
                print("(stopped)", file=sys.stderr)

    def _turn_to(self, channel: str) -> None:
        if self._channel == "thinking" and self._colour:
            sys.stdout.write(_PLAIN)
        if self._channel:
            sys.stdout.write("\n\n" if channel else "\n")
        if channel == "thinking" and self._colour:
            sys.stdout.write(_DIM)
        self._channel = channel
        sys.stdout.flush()
