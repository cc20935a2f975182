"""Running the answers of a transcript again, with what they were made with, and comparing.

On the CPU the same build, weights, settings, ids and seed give the same tokens. Elsewhere, and with
another build, sums are added in another order, and after some hundred tokens a choice may fall the
other way. So what differs about the machine is told beside what differs in the answer; neither is
guessed from the other.

Other weights, another seed, another prompt or a record that was changed since it was written are
no matter of the machine: the answer is not the recorded one then, even where its words are.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from app.chat.message import Image, Message, Provenance
from app.chat.options import shown
from app.chat.request import Wishes, generation, turn_of
from app.engine.choice import backend_for
from app.engine.protocol import (
    Delta,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    Loading,
    LoadOptions,
    ModelInfo,
    Started,
)
from app.engine.straight import Engine
from app.errors import Problem, WorldError
from app.models import gguf, weights
from app.transcript.record import Record

Outcome = Literal["identical", "different", "not run"]


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of one answer.

    number: of the message, from 1. token: the first that differs, from 1, None where the words are
    the same or there was no run. before, now: the texts, thought and answer, from where they part;
    thought: how many characters of `now` are still the thought's. why: what is known to differ
    about the run, or why there was none; () where all is alike.
    """

    number: int
    outcome: Outcome
    why: tuple[str, ...] = ()
    token: int | None = None
    before: str = ""
    now: str = ""
    thought: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. loaded: the share of a model that is being loaded, None when it is there.

    answer: which answer is being run again, from 1, of `answers`; tokens: how many of it there are.
    """

    answer: int
    answers: int
    tokens: int = 0
    loaded: float | None = None


def replay(
    record: Record,
    opened: Engine,
    *,
    model: str | None = None,
    seed: int | None = None,
    changed: Collection[int] = (),
    others: Callable[[str], str] = lambda _: "",
    told: Callable[[Progress], None] = lambda _: None,
) -> Iterator[Compared]:
    """Run every answer again, in the order they were made, and yield what came of each.

    model, seed: to use in place of the recorded ones. changed: the numbers of messages that are not
    as they were written (`chain.verify`), 0 among them for the chat's own data. others: gives, for
    a path where there is no file, another where the same may be, or "". told: hears how far it is,
    often. Raises WorldError where a model cannot be loaded at all.
    """
    numbered = list(enumerate(record.conversation.messages.values(), 1))
    answers = [(number, one) for number, one in numbered if one.role == "assistant"]
    runner = _Runner(opened, model, seed, others, told)
    places = {message.id: number for number, message in numbered}
    for at, (number, message) in enumerate(answers, 1):
        runner.progress = Progress(at, len(answers))
        told(runner.progress)
        branch = record.conversation.with_leaf(message.id).branch()
        ours = [places[one.id] for one in branch if places[one.id] in changed]
        compared = runner.compare(number, message, branch[:-1])
        yield _suspected(compared, ours) if ours else compared


def _suspected(compared: Compared, changed: list[int]) -> Compared:
    """Return what came of an answer to which messages lead that were changed since."""
    named = ", ".join(str(number) for number in changed)
    why = f"the transcript was changed after it was written: message {named}"
    outcome: Outcome = "not run" if compared.outcome == "not run" else "different"
    return replace(compared, outcome=outcome, why=(why, *compared.why))


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
    thought: int = 0

    def take(self, event: Delta) -> None:
        self.text += event.text
        if event.channel == "thinking":
            self.thought = len(self.text)
        self.tokens += event.tokens
        self.marks.append((len(self.text), self.tokens))

    def token_at(self, character: int) -> int:
        """Return which token a character came with, from 1."""
        return next((tokens for end, tokens in self.marks if end > character), self.tokens + 1)


class _Runner:
    """Keeps a model loaded from one answer to the next, as long as it is the same."""

    def __init__(
        self,
        opened: Engine,
        model: str | None,
        seed: int | None,
        others: Callable[[str], str],
        told: Callable[[Progress], None],
    ) -> None:
        self.progress = Progress(1, 1)
        self._opened = opened
        self._model = model
        self._seed = seed
        self._others = others
        self._told = told
        self._options: LoadOptions | None = None
        self._info: ModelInfo | None = None
        self._sha256 = ""

    def compare(self, number: int, message: Message, branch: tuple[Message, ...]) -> Compared:
        """Run one answer again, to the messages before it."""
        reason = hindrance(message, branch)
        by, used = message.provenance, message.usage
        if reason or by is None or used is None:
            return Compared(number, "not run", (reason,))
        info = self._load(by)
        run = self._run(self._command(info, message, branch, by))
        other = tuple(self._other_run(by, info, run))
        why = (*other, *self._other_machine(by, info))
        if run.output_hash == used.output_hash:
            if other:
                return Compared(number, "different", (*why, "the words are the same all the same"))
            return Compared(number, "identical", why)
        thought = message.thinking.text if message.thinking else ""
        old = f"{thought}{message.text}"
        at = next(
            (at for at, (a, b) in enumerate(zip(old, run.text, strict=False)) if a != b),
            min(len(old), len(run.text)),
        )
        thought_left = max(0, run.thought - at)
        said, now = old[at:], run.text[at:]
        return Compared(number, "different", why, run.token_at(at), said, now, thought_left)

    def _load(self, by: Provenance) -> ModelInfo:
        path = self._model or by.file
        if self._model is None and not Path(path).exists():
            path = self._others(path) or path
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
            gpu_layers=_layers_on_cards(path, by.gpu_layers),
            kv_type=by.kv,  # type: ignore[arg-type]  # one of KVType, or the load says so
            threads=by.threads,
            batch=by.batch or LoadOptions(path).batch,
            projector="",  # an answer to pictures is never run again
        )
        if self._info is None or options != self._options:
            request = self._opened.next_request()
            self._opened.send(Load(request, options))
            for event in self._opened.events(request):
                if isinstance(event, Failed):
                    raise WorldError(event.problem)
                if isinstance(event, Loading):
                    self._told(replace(self.progress, loaded=event.fraction))
                if isinstance(event, Loaded):
                    self._options, self._info = options, event.info
            # Gigabytes are read for it: not once nobody waits.
            found = weights.worked_out(path, lambda: self._opened.abandoned)
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
            max_tokens=most,
            thinking_budget=budget,
            keep_thinking=by.keep_thinking,
        )
        turns = [turn_of(one, sees=info.sees) for one in shown(branch, by.left_out)]
        command, _ = generation(self._opened.next_request(), info, turns, wishes)
        seed = by.sampling.seed if self._seed is None else self._seed
        return replace(command, sampling=replace(by.sampling, seed=seed))

    def _run(self, command: Generate) -> _Run:
        run = _Run()
        self._opened.send(command)
        for event in self._opened.events(command.request):
            match event:
                case Started(prompt_hash=prompt_hash):
                    run.prompt_hash = prompt_hash
                case Delta():
                    run.take(event)
                    self._told(replace(self.progress, tokens=run.tokens))
                case Finished(usage=usage):
                    run.output_hash = usage.output_hash
                case Failed(problem=problem):
                    raise WorldError(problem)
        return run

    def _other_run(self, by: Provenance, info: ModelInfo, run: _Run) -> Iterator[str]:
        """Yield what makes this another run than the recorded one, whatever comes of it."""
        if by.sha256 and by.sha256 != self._sha256:
            yield f"other weights: SHA-256 {self._sha256[:12]}…, then {by.sha256[:12]}…"
        if info.quantization != by.quantization:
            yield f"another quantization: {info.quantization}, then {by.quantization}"
        if self._seed is not None and self._seed != by.sampling.seed:
            yield f"another seed: {self._seed}, then {by.sampling.seed}"
        if run.prompt_hash != by.prompt_hash:
            yield "another prompt: what was said before, or how it is written, differs"

    def _other_machine(self, by: Provenance, info: ModelInfo) -> Iterator[str]:
        """Yield what is otherwise about the machine and the engine, and what is not known."""
        if not by.sha256:
            yield "which weights it was made with was not recorded"
        for name, now, then in (
            ("engine", info.build, by.engine),
            ("device", info.device, by.device),
            ("KV cache", info.kv_type, by.kv),
            ("number of layers on a graphics device", info.gpu_layers, by.gpu_layers),
            ("number of threads", info.threads, by.threads),
            ("size of a batch", info.batch, by.batch),
        ):
            if now != then:
                yield f"another {name}: {now}, then {then}"
        if by.flash_attention is not None and info.flash_attention != by.flash_attention:
            yield f"flash attention {'off, then on' if by.flash_attention else 'on, then off'}"


def _layers_on_cards(path: str, recorded: int) -> int:
    """Return what to ask for, so that as many layers are on graphics devices as were then.

    With all of them there, what follows the last is there too, and has no number in the record.
    """
    if not recorded or not path.lower().endswith(".gguf"):
        return recorded
    header = gguf.read_header(Path(path))
    layers = header.number("{arch}.block_count")
    return -1 if layers is not None and recorded >= layers else recorded
