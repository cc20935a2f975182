"""Real servers on this machine, through the real engine process: llama.cpp's and mlx_lm's."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from app.engine.protocol import (
    Cancel,
    Delta,
    Event,
    Failed,
    Finished,
    Loaded,
    LoadOptions,
    Sampling,
    Started,
)
from app.models import servers
from app.prompts.mistral import build
from app.prompts.segments import Thought, Turn
from app.server import address
from tests.support import keychain, real_servers
from tests.support.engine import Engine, said
from tests.support.real_servers import CONTEXT, DEMO, Running

QUESTION = Turn("user", ("What is 347 + 85?",))
GREEDY = Sampling(temperature=0.0)

needs_llama = pytest.mark.skipif(not real_servers.HAS_LLAMA, reason="xllamacpp is not installed")
needs_mlx = pytest.mark.skipif(not real_servers.HAS_MLX, reason="mlx_lm is not installed")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine(tmp_path / "engine.log")
    yield opened
    opened.client.close()


def connect(engine: Engine, server: Running) -> Loaded:
    loaded = engine.load(LoadOptions(server.path, backend="openai"))
    assert isinstance(loaded, Loaded), loaded
    return loaded


def ask(engine: Engine, *turns: Turn, **options: object) -> tuple[list[Event], Finished]:
    events = engine.ask((), turns=turns, sampling=GREEDY, **options)
    assert isinstance(events[-1], Finished), events[-1]
    return events, events[-1]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """The same question to the same model in our own engine."""
    opened = Engine(tmp_path_factory.mktemp("local") / "engine.log")
    try:
        opened.load(LoadOptions(str(DEMO / "ponder-demo.gguf"), context=CONTEXT, threads=1))
        prompt = build([QUESTION], version="mistral-v13", keep_thinking=False)
        return opened.ask(prompt, reasoning="mistral", sampling=GREEDY)
    finally:
        opened.client.close()


SERVERS = (pytest.param("llama", marks=needs_llama), pytest.param("mlx", marks=needs_mlx))


@pytest.fixture(scope="class", params=SERVERS)
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    starts: AbstractContextManager[Running] = getattr(real_servers, request.param)()
    with starts as running:
        yield running


@pytest.fixture(scope="class")
def loaded(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp("server") / "engine.log")
    connect(opened, running)
    yield opened
    opened.client.close()


class TestEveryServer:
    """What holds for each."""

    def test_it_answers_as_the_same_model_does_here(
        self, loaded: Engine, local: list[Event]
    ) -> None:
        events, end = ask(loaded, QUESTION)
        assert said(events, "thinking") == said(local, "thinking")
        assert said(events, "answer") == said(local, "answer")
        assert "432" in said(events, "answer")
        here = local[-1]
        assert isinstance(here, Finished)
        assert (end.reason, end.thinking_closed) == ("stop", True)
        assert end.usage.prompt_tokens == here.usage.prompt_tokens
        made = end.usage.thinking_tokens + end.usage.answer_tokens
        # A server counts the end as a token, or not.
        assert made - (here.usage.thinking_tokens + here.usage.answer_tokens) in (0, 1)
        assert [type(event) for event in events].count(Started) == 1

    def test_the_limit_cuts_a_thought(self, loaded: Engine) -> None:
        events, end = ask(loaded, QUESTION, max_tokens=8)
        assert (end.reason, end.thinking_closed) == ("length", False)
        assert said(events, "thinking")
        assert said(events, "answer") == ""

    def test_a_second_turn_and_a_dropped_thought(self, loaded: Engine) -> None:
        first = Turn("assistant", ("$$347 + 85 = 432$$\n\nThe sum is **432**.",))
        events, end = ask(loaded, QUESTION, first, Turn("user", ("now add 5",)))
        assert end.reason == "stop"
        assert "437" in said(events, "answer")

    def test_a_budget_ends_in_an_answer(self, loaded: Engine) -> None:
        events, end = ask(loaded, QUESTION, thinking_budget=10)
        assert end.thinking_closed
        assert said(events, "answer").strip()

    def test_a_cancel_in_the_middle(self, loaded: Engine) -> None:
        request = loaded.generate((), turns=(QUESTION,), sampling=GREEDY)
        loaded.until(lambda event: isinstance(event, Delta))
        loaded.client.send(Cancel(request))
        last = loaded.until(lambda event: isinstance(event, Finished | Failed))[-1]
        # The demo model may have been quicker.
        assert isinstance(last, Finished)
        assert last.reason in ("cancelled", "stop")
        assert ask(loaded, QUESTION)[1].reason == "stop"


@needs_llama
def test_a_thought_goes_on_where_it_stopped(engine: Engine, local: list[Event]) -> None:
    thought, answer = said(local, "thinking"), said(local, "answer")
    with real_servers.llama() as running:
        info = connect(engine, running).info
        assert (info.context, info.build.split()[0]) == (CONTEXT, "llama.cpp")
        assert info.server is not None
        assert [limit.split(" by ")[0] for limit in info.server.limits] == ["Tokens are counted"]
        half = Turn("assistant", (Thought(thought[:40], closed=False),))
        events, end = ask(engine, QUESTION, half, unfinished=True, thinking_open=True)
        assert thought[:40] + said(events, "thinking") == thought
        assert said(events, "answer") == answer
        assert end.thinking_closed
        # A thought that is closed, and a part of the answer.
        half = Turn("assistant", (Thought(thought), answer[:8]))
        events, end = ask(engine, QUESTION, half, unfinished=True)
        assert answer[:8] + said(events, "answer") == answer
        assert said(events, "thinking") == ""
        # A thought that is closed and nothing yet: as after "Answer now".
        events, end = ask(engine, QUESTION, Turn("assistant", (Thought(thought),)), unfinished=True)
        assert said(events, "answer") == answer


@needs_llama
def test_a_chat_that_is_too_long_is_told_with_its_figures(engine: Engine) -> None:
    with real_servers.llama() as running:
        connect(engine, running)
        last = engine.ask((), turns=(Turn("user", ("word " * CONTEXT,)),))[-1]
    assert isinstance(last, Failed)
    assert last.problem.key == "prompt-too-long"
    assert f"context holds {CONTEXT:,}" in last.problem.title


@needs_llama
def test_a_server_that_asks_for_a_key(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chain = keychain.install(monkeypatch, tmp_path / "keychain.json")
    with real_servers.llama("sk-secret") as running:
        options = LoadOptions(running.path, backend="openai")
        failed = engine.load(options)
        assert isinstance(failed, Failed)
        assert failed.problem.title == f"{running.host} asks for a key."
        server = servers.Server(address.parse(running.host).base)
        servers.remember(server, "sk-wrong")
        failed = engine.load(options)
        assert isinstance(failed, Failed)
        assert failed.problem.title == f"{running.host} does not accept the key."
        assert "sk-wrong" not in str(failed)
        servers.remember(server, "sk-secret")
        connect(engine, running)
        assert ask(engine, QUESTION)[1].reason == "stop"
        servers.forget(server.id)
    assert chain.kept() == {}
    assert "sk-" not in engine.log_path.read_text()


@needs_llama
def test_a_server_that_hangs_and_one_that_is_killed(engine: Engine) -> None:
    with real_servers.llama() as running:
        known = servers.Server(address.parse(running.host).base)
        servers.remember(replace(known, first_s=0.5))
        connect(engine, running)
        os.kill(running.pid, signal.SIGSTOP)
        silent = engine.ask((), turns=(QUESTION,))[-1]
        assert isinstance(silent, Failed)
        assert silent.problem.title == f"{running.host} has not begun to answer within 0.5 seconds."
        servers.remember(replace(known, first_s=600.0))
        os.kill(running.pid, signal.SIGCONT)
        connect(engine, running)
        os.kill(running.pid, signal.SIGSTOP)
        request = engine.generate((), turns=(QUESTION,))
        engine.until(lambda event: event.request == request)
        os.kill(running.pid, signal.SIGKILL)
        killed = engine.until(lambda event: isinstance(event, Finished | Failed))[-1]
    assert isinstance(killed, Failed)
    assert killed.problem.key in ("server-closed", "server-unreachable")
    gone = engine.load(LoadOptions(running.path, backend="openai"))
    assert isinstance(gone, Failed)
    assert gone.problem.key == "server-unreachable"
