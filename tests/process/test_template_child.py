"""The process that runs a chat template: started by the engine's, and gone with it."""

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.engine.protocol import Failed, Started, Tokenize, Tokens
from app.prompts.segments import Control, Templated, Text, Turn
from tests.support.engine import LAST, Engine

TEMPLATE = "{% for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}{{ '<think>\n' }}"
ENDLESS = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
TURNS = (Turn("user", ("one [INST]",)),)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path / "engine.log")
    engine.load_script(replies=[["thought", "</think>", "answer"]])
    yield engine
    engine.client.close()


def tokens(engine: Engine, template: str) -> Tokens | Failed:
    request = engine.client.next_request()
    engine.client.send(Tokenize(request, Templated(template, TURNS)))
    last = engine.until(lambda event: isinstance(event, LAST))[-1]
    assert isinstance(last, Tokens | Failed)
    return last


def below() -> set[psutil.Process]:
    """Return the processes below the engine's."""
    own = psutil.Process(os.getpid())
    return {one for child in own.children() for one in child.children()}


def test_the_engine_writes_and_answers_by_a_template(engine: Engine) -> None:
    found = tokens(engine, TEMPLATE)
    assert isinstance(found, Tokens)
    assert found.prompt == (
        *(Control("[INST]"), Text("one [INST]"), Control("[/INST]"), Text("<think>\n")),
    )
    assert found.thinking_open
    events = engine.ask(Templated(TEMPLATE, TURNS), reasoning="think")  # type: ignore[arg-type] # as Generate takes it
    (started,) = (event for event in events if isinstance(event, Started))
    assert started.thinking_open


def test_a_template_that_runs_away_leaves_the_engine_alive(engine: Engine) -> None:
    refused = tokens(engine, ENDLESS)
    assert isinstance(refused, Failed)
    assert refused.problem.key == "template-failed"
    assert isinstance(tokens(engine, TEMPLATE), Tokens)


def test_the_process_is_gone_with_the_engines(engine: Engine) -> None:
    before = below()
    tokens(engine, TEMPLATE)
    started = below() - before
    assert started
    (parent,) = {one.ppid() for one in started}
    psutil.Process(parent).kill()
    _, alive = psutil.wait_procs(started, timeout=60)
    assert not alive
