"""The demo model through the app's own engine: what its card promises, on problems it never saw.

PONDER_CASES raises the number of problems of each family, up to the 200 that the card speaks of.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from app.engine.protocol import Finished, Loaded, LoadOptions
from app.prompts.magistral import MAGISTRAL_SYSTEM_PROMPT
from app.prompts.mistral import build
from app.prompts.segments import Thought, Turn
from tests.support.engine import Engine, said

DEMO = Path(__file__).parents[2] / "resources" / "demo"
DRAWN = 200
COUNT = int(os.environ.get("PONDER_CASES", "15"))
MOST = 5_000_000
TRAIN = "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?"
CODE = 'print(f"{120_000 / (1.5 * 3600):.1f} m/s")'

LEAST = {
    "add": 0.95,
    "subtract": 0.95,
    "multiply": 0.95,
    "equations": 0.95,
    "speed": 0.95,
    "percent": 0.95,
    "text": 0.98,
    "squares": 0.98,
    "fallback": 0.98,
    "too big": 0.98,
    "follow-up": 0.93,
}


@pytest.fixture(scope="module")
def cases() -> Iterator[ModuleType]:
    """The model's own problems; its modules import each other by their bare names."""
    before = set(sys.modules)
    sys.path.insert(0, str(DEMO))
    try:
        yield importlib.import_module("cases")
    finally:
        sys.path.remove(str(DEMO))
        for name in set(sys.modules) - before:
            if str(DEMO) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp("demo") / "engine.log")
    loaded = opened.load(LoadOptions(str(DEMO / "ponder-demo.gguf"), context=2048))
    assert isinstance(loaded, Loaded), loaded
    yield opened
    opened.client.close()


def answer(engine: Engine, turns: list[Turn], keep: bool = False) -> str:
    """Return the visible answer, greedily; the thought before it must not be empty."""
    prompt = build(turns, version="mistral-v13", keep_thinking=keep)
    events = engine.ask(prompt, reasoning="mistral", max_tokens=900)
    finished = events[-1]
    assert isinstance(finished, Finished), finished
    assert said(events, "thinking").strip()
    return said(events, "answer")


def asked(case: Any) -> list[Turn]:
    """Return a case as the turns of a conversation."""
    turns = []
    for turn in case.history:
        turns.append(Turn("user", (turn.user,)))
        turns.append(Turn("assistant", (Thought(turn.thought), turn.answer)))
    return [*turns, Turn("user", (case.turn.user,))]


@pytest.mark.parametrize("family", LEAST)
def test_it_keeps_what_its_card_promises(engine: Engine, cases: ModuleType, family: str) -> None:
    right = 0
    wrong = []
    for number, case in enumerate(list(cases.cases(family, DRAWN, seed=99))[:COUNT]):
        system = [MAGISTRAL_SYSTEM_PROMPT] if number % 2 else []
        given = answer(engine, [*system, *asked(case)], keep=number % 4 < 2)
        if cases.judge(case, given):
            right += 1
        else:
            wrong.append((case.turn.user, case.turn.result, given[-80:]))
    assert right + len(wrong) == COUNT
    assert len(wrong) <= ceil((1 - LEAST[family]) * COUNT), wrong


@pytest.mark.parametrize("system", [[], [MAGISTRAL_SYSTEM_PROMPT]], ids=["alone", "magistral"])
def test_the_question_of_the_train_is_always_answered(engine: Engine, system: list[Turn]) -> None:
    first = Turn("user", (TRAIN,))
    plain = answer(engine, [*system, first])
    assert "22.2 m/s" in plain
    assert r"\frac{120\ \text{km}}{1.5\ \text{h}} = 80\ \text{km/h}" in plain
    both = answer(engine, [*system, Turn("user", (f"{TRAIN} Show me a Python one-liner too.",))])
    assert "22.2 m/s" in both
    assert f"```python\n{CODE}\n```" in both
    again = [*system, first, Turn("assistant", (plain,)), Turn("user", ("and in km/h?",))]
    assert "**80 km/h**" in answer(engine, again)


def test_it_proves_the_angle_sum(engine: Engine) -> None:
    question = "Prove that the sum of angles in a triangle is 180 degrees."
    assert "**180 degrees**" in answer(engine, [Turn("user", (question,))])


def test_both_exports_are_small() -> None:
    files = [DEMO / "ponder-demo.gguf", *(DEMO / "mlx").iterdir()]
    assert sum(path.stat().st_size for path in files) < MOST
