"""Running the answers of a transcript again, with what they were made with, and comparing.

On the CPU the same build, weights, settings, ids and seed give the same tokens. Elsewhere, and with
another build, sums are added in another order, and after some hundred tokens a choice may fall the
other way. So what differs about the machine is told beside what differs in the answer; neither is
guessed from the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from app.chat.conversation import Conversation
from app.chat.message import Image, Message, Provenance
from app.chat.request import Wishes, generation, turn_of
from app.engine.choice import backend_for
from app.engine.protocol import (
    Delta,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    LoadOptions,
    ModelInfo,
    Started,
)
from app.engine.straight import Engine
from app.errors import Problem, WorldError
from app.models import weights
from app.transcript.record import Record

Outcome = Literal["identical", "different", "not run"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one answer.

    number: of the message, from 1. token: the first that differs, from 1, None where none is known.
    before, now: the texts, thought and answer, from where they part. why: what is known to differ
    about the run, or why there was none; () where all is alike.
    """

    number: int
    outcome: Outcome
    why: tuple[str, ...] = ()
    token: int | None = None
    before: str = ""
    now: str = ""


def replay(record: Record, opened: Engine, *, model: str | None = None) -> Iterator[Compared]:
    """Run every answer again, in the order they were made, and yield what came of each.

    model: a file to use in place of the recorded one. Raises WorldError where a model cannot be
    loaded at all.
    """
    runner = _Runner(opened, model)
    for number, message in enumerate(record.conversation.messages.values(), 1):
        if message.role == "assistant":
            yield runner.compare(number, message, record.conversation)


def hindrance(message: Message, branch: tuple[Message, ...]) -> str:
    """Return why an answer cannot be run again, "" where it can."""
    by, used = message.provenance, message.usage
    if by is None:
        return "nothing is recorded of how it was made"
    for reason, found in (
        ("a person changed what the model wrote", by.edited),
        ("it was written in several goes", by.resumed),
        ("it has no end that is recorded", used is None or not used.output_hash),
        ("it was written on a server", by.prompt_format == "messages"),
        ("pictures were shown to the model", _shows_pictures(branch)),
    ):
        if found:
            return reason
    return ""


def _shows_pictures(branch: tuple[Message, ...]) -> bool:
    parts = (part for message in branch for part in message.parts)
    return any(isinstance(part, Image) and not part.withheld for part in parts)


@dataclass(slots=True)
class _Run:
    """What one run said, token counts by where its text ended."""

    text: str = ""
    marks: list[tuple[int, int]] = field(default_factory=list)
    tokens: int = 0
    prompt_hash: str = ""
    output_hash: str = ""

    def take(self, event: Delta) -> None:
        self.text += event.text
        self.tokens += event.tokens
        self.marks.append((len(self.text), self.tokens))

    def token_at(self, character: int) -> int:
        """Return which token a character came with, from 1."""
        return next((tokens for end, tokens in self.marks if end > character), self.tokens + 1)


class _Runner:
    """Keeps a model loaded from one answer to the next, as long as it is the same."""

    def __init__(self, opened: Engine, model: str | None) -> None:
        self._opened = opened
        self._model = model
        self._options: LoadOptions | None = None
        self._info: ModelInfo | None = None
        self._sha256 = ""

    def compare(self, number: int, message: Message, conversation: Conversation) -> Compared:
        """Run one answer again."""
        branch = conversation.with_leaf(message.id).branch()[:-1]
        reason = hindrance(message, branch)
        by, used = message.provenance, message.usage
        if reason or by is None or used is None:
            return Compared(number, "not run", (reason,))
        info = self._load(by)
        run = self._run(self._command(info, message, branch, by))
        why = tuple(self._differences(by, info, run))
        if run.output_hash == used.output_hash:
            return Compared(number, "identical", why)
        thought = message.thinking.text if message.thinking else ""
        old = f"{thought}{message.text}"
        at = next(
            (at for at, (a, b) in enumerate(zip(old, run.text, strict=False)) if a != b),
            min(len(old), len(run.text)),
        )
        return Compared(number, "different", why, run.token_at(at), old[at:], run.text[at:])

    def _load(self, by: Provenance) -> ModelInfo:
        path = self._model or by.file
        if not Path(path).exists():
            raise WorldError(
                Problem(
                    "replay-no-model",
                    f"The model {by.model} is not at {path}.",
                    "Name its file with --model.",
                )
            )
        options = LoadOptions(
            path,
            backend=backend_for(path),
            context=by.context,
            gpu_layers=by.gpu_layers or -1,
            kv_type=by.kv,  # type: ignore[arg-type]  # one of KVType, or the load says so
            threads=by.threads,
            batch=by.batch or LoadOptions(path).batch,
        )
        if self._info is None or options != self._options:
            request = self._opened.next_request()
            self._opened.send(Load(request, options))
            for event in self._opened.events(request):
                if isinstance(event, Failed):
                    raise WorldError(event.problem)
                if isinstance(event, Loaded):
                    self._options, self._info = options, event.info
            found = weights.worked_out(path)
            self._sha256 = found.sha256 if found else ""
        if self._info is None:
            raise RuntimeError("a load ended without Loaded")
        return self._info

    def _command(
        self, info: ModelInfo, message: Message, branch: tuple[Message, ...], by: Provenance
    ) -> Generate:
        used = message.usage
        if used is None:
            raise RuntimeError("an answer without its counts")
        # What a person closed or stopped is closed or stopped at the same token.
        budget = used.closed_at if used.closed_by == "asked" else by.thinking_budget
        most = 0 if message.status == "done" else used.thinking_tokens + used.answer_tokens
        wishes = Wishes(
            system=by.system,
            seed=by.sampling.seed,
            max_tokens=most,
            thinking_budget=budget,
            keep_thinking=by.keep_thinking,
        )
        turns = [turn_of(one, sees=info.sees) for one in branch]
        command, _ = generation(self._opened.next_request(), info, turns, wishes)
        return replace(command, sampling=by.sampling)

    def _run(self, command: Generate) -> _Run:
        run = _Run()
        self._opened.send(command)
        for event in self._opened.events(command.request):
            match event:
                case Started(prompt_hash=prompt_hash):
                    run.prompt_hash = prompt_hash
                case Delta():
                    run.take(event)
                case Finished(usage=usage):
                    run.output_hash = usage.output_hash
                case Failed(problem=problem):
                    raise WorldError(problem)
        return run

    def _differences(self, by: Provenance, info: ModelInfo, run: _Run) -> Iterator[str]:
        """Yield what is known to be otherwise than when the answer was made."""
        if not by.sha256:
            yield "which weights it was made with was not recorded"
        elif by.sha256 != self._sha256:
            yield f"other weights: SHA-256 {self._sha256[:12]}…, then {by.sha256[:12]}…"
        for name, now, then in (
            ("quantization", info.quantization, by.quantization),
            ("engine", info.build, by.engine),
            ("device", info.device, by.device),
            ("KV cache", info.kv_type, by.kv),
            ("number of layers on a graphics device", info.gpu_layers, by.gpu_layers),
            ("number of threads", info.threads, by.threads),
        ):
            if now != then:
                yield f"another {name}: {now}, then {then}"
        if run.prompt_hash != by.prompt_hash:
            yield "another prompt: what was said before, or how it is written, differs"
