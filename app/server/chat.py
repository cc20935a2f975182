"""A model on a server, as the engine's worker uses it: load it, let it answer.

It takes the same commands and gives the same events as a model that runs here, so that nothing
above knows the difference. What a server's protocol has no word for is done with what it has: a
thought is closed by breaking the answer off and asking for its continuation with the thought
closed, or anew without thinking where a kind of server cannot continue.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, Literal, TypeVar

from app.engine.backends.base import LoadProgress, load_cancelled
from app.engine.flags import Flags
from app.engine.outbox import Outbox
from app.engine.protocol import (
    Finished,
    Generate,
    LoadOptions,
    ModelInfo,
    PromptProgress,
    ServerFacts,
    Started,
)
from app.errors import WorldError
from app.models import servers
from app.models.servers import Server
from app.prompts.segments import Thought, Turn
from app.server import address, kinds, probe, problems, requests
from app.server.counting import Running
from app.server.kinds import KINDS
from app.server.probe import Found
from app.server.speech import Speech
from app.server.stream import Comment, Done, Event, words
from app.server.wire import Wire

PURPOSE = "Chat with a model on a server"

_LOOK_S = 0.03
"""How often a running answer looks whether it shall stop."""

_AFTER_END_S = 5.0
"""How long the counts may come after the last word: a server that keeps the connection open then
must not keep the answer from being over."""

_IGNORES_NAMES = ("llama_cpp", "llama_cpp_python", "mlx_lm")
"""Servers with one model, which answers to any name, or with models that they do not list."""

_MISTRALS = ("[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[/THINK]")

_KEEPALIVE = re.compile(r"keepalive (\d+)/(\d+)")

_T = TypeVar("_T")
_Stop = Literal["", "cancelled", "close"]


class ServerModel:
    """One model on one server. Its methods belong to the child's main thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._wire: Wire | None = None
        self._kind = KINDS["other"]
        self._host = self._model = ""
        self._key: str | None = None

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Look at the server and find the model there. Raises WorldError."""
        server_id, self._model = address.split(options.path)
        server = servers.find(server_id)
        self._host, self._key = server.address.host, servers.key_of(server)
        self._wire = Wire(server, self._key, PURPOSE)

        def stop() -> _Stop:
            return "" if progress(0.0) else "cancelled"

        looking = _until(probe.look(self._wire, server), stop)
        found, _ = self._loop.run_until_complete(looking)
        if found is None:
            raise load_cancelled()
        self._kind = found.kind
        if self._model not in found.models and found.kind.name not in _IGNORES_NAMES:
            raise WorldError(problems.no_model(self._host, self._model))
        return _info(options, server, self._model, found)

    def unload(self) -> None:
        """Close what is open. The model is not used again."""
        if self._wire is not None:
            self._loop.run_until_complete(self._wire.close())
        self._loop.close()

    def generate(self, command: Generate, *, flags: Flags, outbox: Outbox, received: float) -> None:
        """Answer a Generate, up to its Finished. Raises WorldError; what came by then was sent."""
        thought, answer = "", ""
        if command.unfinished:
            thought, answer = requests.said(command.turns[-1])
        speech = Speech(command.request, outbox, thought, answer)
        running = Running(command.request, speech, received)
        outbox.send(PromptProgress(command.request, 0, 0, 0))
        try:
            whole = self._loop.run_until_complete(self._answer(command, running, flags, outbox))
        finally:
            closed = speech.finish()
            outbox.flush()
        reason = "length" if running.finish in requests.CUT else "stop"
        end: Any = reason if whole else "cancelled"
        outbox.send(Finished(command.request, end, running.usage(), closed))

    async def _answer(
        self, command: Generate, running: Running, flags: Flags, outbox: Outbox
    ) -> bool:
        """Ask, and ask on once the thought was ended; return False where it was cancelled."""

        def stop() -> _Stop:
            outbox.flush()  # the last word before a silence is to be seen too
            if flags.cancelled(command.request):
                return "cancelled"
            wanted = flags.closing(command.request) and not running.closed
            return "close" if wanted and running.speech.thinking else ""

        body = self._first(command, running)
        while True:
            running.ask()
            try:
                ended, stopped = await _until(self._reply(command, body, running, outbox), stop)
            except WorldError as error:
                # A server that does not take a thought from us is asked anew, without thinking.
                quiet = "reasoning_effort" in body
                if error.problem.key != "server-refused" or not running.closed or quiet:
                    raise
                body = self._anew(command)
                continue
            if stopped == "cancelled":
                return False
            if stopped != "close" and ended != "close":
                return True
            running.closed = True
            if stopped == "close":
                running.closed_by = "asked"
            running.speech.close()
            outbox.flush()
            body = self._after_thought(command, running.speech)

    def _first(self, command: Generate, running: Running) -> dict[str, Any]:
        """Return the first request. Raises WorldError where the server cannot do what is asked."""
        kind = self._kind
        if not command.unfinished:
            if command.thinking_budget == 0:
                running.closed, running.closed_by = True, "budget"
                return self._anew(command)
            return requests.body(command, kind, self._model)
        goes_on = kind.prefill != "none" and (kind.thoughts or not running.speech.thought)
        if goes_on:
            return requests.body(command, kind, self._model)
        if running.speech.answer or command.thinking_open:
            raise WorldError(problems.cannot_continue(self._host))
        running.closed = True
        return self._anew(command)

    def _after_thought(self, command: Generate, speech: Speech) -> dict[str, Any]:
        """Return the request for the answer that follows a thought closed by us."""
        if self._kind.prefill == "none" or not self._kind.thoughts:
            return self._anew(command)
        turns = command.turns[:-1] if command.unfinished else command.turns
        said = (speech.answer,) if speech.answer.strip() else ()
        last = Turn("assistant", (Thought(speech.thought), *said))
        return requests.body(
            command, self._kind, self._model, turns=(*turns, last), unfinished=True
        )

    def _anew(self, command: Generate) -> dict[str, Any]:
        """Return the request for another answer, without thinking."""
        turns = command.turns[:-1] if command.unfinished else command.turns
        body = requests.body(command, self._kind, self._model, turns=turns, unfinished=False)
        return body | requests.without_thinking(self._kind)

    async def _reply(
        self, command: Generate, body: dict[str, Any], running: Running, outbox: Outbox
    ) -> _Stop:
        """Take in one reply, to its end ("") or to where its thought is to be ended ("close")."""
        if self._wire is None:
            raise RuntimeError("no server is connected")
        began = False
        event: Event | None = None
        async with aclosing(self._wire.ask(body)) as events:
            while not isinstance(event, Done):
                try:
                    async with asyncio.timeout(_AFTER_END_S if running.finish else None):
                        event = await anext(events, None)
                except TimeoutError:
                    break
                if event is None:
                    break
                if isinstance(event, dict):
                    self._check(event)
                    began = True
                if _take(command, event, body, running, outbox):
                    return "close"
        if not began:
            raise WorldError(problems.empty(self._host))
        if not running.finish and not isinstance(event, Done):
            raise WorldError(problems.cut(self._host))
        if running.finish in ("error", "content_filter"):
            raise WorldError(problems.broken_off(self._host, running.finish))
        return ""

    def _check(self, event: dict[str, Any]) -> None:
        """Raise WorldError where an event tells of an error."""
        problem = problems.of_error((self._host, self._model), event, self._key)
        if problem is not None:
            raise WorldError(problem)


def _take(
    command: Generate, event: Event, body: dict[str, Any], running: Running, outbox: Outbox
) -> bool:
    """Take in one event of a reply; return whether the thought shall end with it."""
    if isinstance(event, Comment):
        told = _KEEPALIVE.match(event.text)
        if told is not None:
            running.read(int(told[1]), int(told[2]), 0, outbox)
        return False
    if isinstance(event, Done):
        return False
    said = words(event)
    if said.progress is not None:
        running.read(*said.progress, outbox)
    if said.counts is not None:
        running.counts.append(said.counts)
    if (said.texts or said.finish) and not running.started:
        running.started = True
        facts = (running.prompt, running.cached, command.thinking_open, requests.hash_of(body))
        outbox.send(Started(command.request, *facts))
    for at, (channel, text) in enumerate(said.texts):
        running.first = running.first or time.monotonic()
        running.speech.say(channel, text, 0 if at else 1)
    running.finish = said.finish or running.finish
    return running.ends(command, [text for _, text in said.texts])


async def _until(
    work: Coroutine[Any, Any, _T], stop: Callable[[], _Stop]
) -> tuple[_T | None, _Stop]:
    """Return what a piece of work returns, or why it was stopped; its connection closes then."""
    task = asyncio.ensure_future(work)
    try:
        while True:
            await asyncio.wait({task}, timeout=_LOOK_S)
            if task.done():
                return task.result(), ""
            if asked := stop():
                return None, asked
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


def _info(options: LoadOptions, server: Server, model: str, found: Found) -> ModelInfo:
    where = server.address
    name = address.name_of(options.path)
    return ModelInfo(
        name=name,
        path=options.path,
        size_bytes=0,
        architecture="",
        quantization="",
        parameters=0,
        layers=0,
        vocabulary=0,
        # One with a single model answers to any name.
        context=found.contexts.get(model if model in found.models else found.models[0], 0),
        context_train=0,
        controls=_controls(name, found),
        template=found.template or None,
        sampling=None,
        backend="openai",
        device=where.host,
        build=f"{found.kind.label} {found.version}".strip(),
        sees=model in found.sees,
        server=ServerFacts(
            where.host,
            found.kind.label,
            where.reach == "here",
            kinds.limits(found.kind),
            kinds.ignores(found.kind),
        ),
    )


def _controls(name: str, found: Found) -> tuple[str, ...]:
    """Return the control tokens that a model by this name has, as far as prompts depend on them.

    A server tells no vocabulary. Without its own system prompt Magistral does not think, so it has
    to be known by its name; Mistral's own API adds that prompt by itself.
    """
    named = name.lower()
    thinks = "magistral" in named or ("ministral" in named and "reasoning" in named)
    return _MISTRALS if thinks and found.kind.name != "mistral" else ()
