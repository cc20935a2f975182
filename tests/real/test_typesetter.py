"""MathJax itself, in its process: what models write typesets; what is hostile ends, and no more."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.latex import child
from app.latex.display import DisplayList, Refusal, segments
from app.latex.typesetter import Formula, Typeset, Typesetter
from tests.support.formulas import hostile, last_words, well_formed


@pytest.fixture
def typesetter(tmp_path: Path) -> Iterator[Typesetter]:
    made = Typesetter(cache=tmp_path / "formulas.db")
    yield made
    made.close()


def one(typesetter: Typesetter, tex: str, *, display: bool = True) -> Typeset:
    return typesetter.all([Formula.of(tex, display=display, width_em=48.0)])[0]


def test_what_models_write_typesets(typesetter: Typesetter) -> None:
    corpus = well_formed()
    assert len(corpus) >= 200
    asked = [Formula.of(tex, display=display, width_em=48.0) for tex, display in corpus]
    found = typesetter.all(asked)
    refused = [
        formula.tex for formula, made in zip(asked, found, strict=True) if isinstance(made, Refusal)
    ]
    assert len(refused) <= 0.02 * len(corpus), refused
    for made in found:
        if isinstance(made, DisplayList):
            assert made.width > 0 or not made.items
            for path in made.paths:
                assert segments(path)


def test_a_number_stands_at_the_right_of_the_column(typesetter: Typesetter) -> None:
    found = one(typesetter, r"\begin{equation} a = b \tag{7} \end{equation}")
    assert isinstance(found, DisplayList)
    assert found.width == 48.0
    right = max(item.matrix[4] for item in found.items)
    middle = min(item.matrix[4] for item in found.items)
    assert 46_000 < right < 48_000
    assert 20_000 < middle < 26_000


def test_inline_and_displayed_differ(typesetter: Typesetter) -> None:
    displayed = one(typesetter, r"\sum_{i=1}^n i", display=True)
    inline = one(typesetter, r"\sum_{i=1}^n i", display=False)
    assert isinstance(displayed, DisplayList)
    assert isinstance(inline, DisplayList)
    assert displayed.height > inline.height


WHY = {
    r"\undefinedmacro": "Undefined control sequence",
    r"\frac{1": "Missing close brace",
    r"\def\a{\a\a}\a": "recursive",
    r"\rule{99999em}{99999em}": "too large",
    "{" * 3000 + "x" + "}" * 3000: "stack",
    "x" * 30_000: "too long",
    r"\documentclass{article}": "Undefined control sequence",
}


def test_a_refusal_says_why(typesetter: Typesetter) -> None:
    for tex, why in WHY.items():
        found = one(typesetter, tex)
        assert isinstance(found, Refusal), tex[:40]
        assert why in found.error, (tex[:40], found.error)


def test_hostile_formulas_end_and_the_next_one_typesets(typesetter: Typesetter) -> None:
    corpus = hostile(slow=os.environ.get("PONDER_FORMULAS") == "all")
    assert len(corpus) >= 60
    for number, formula in enumerate(corpus):
        found = one(typesetter, formula.tex)
        assert isinstance(found, Refusal) or not formula.refused, formula.name
        if isinstance(found, DisplayList):
            assert max(found.width, found.height + found.depth) <= 400, formula.name
            assert len(found.items) <= 20_001, formula.name
            assert all(segments(path) for path in found.paths), formula.name
        # Another formula each time: one that is known would not be typeset.
        assert isinstance(one(typesetter, f"x + {number}"), DisplayList), formula.name


IMPATIENT = r"""
import os
from app.latex import child, typesetter
mathjax = child.MathJax(typesetter.bundle_path())
print(mathjax.typeset("x", display=True, width_em=0)[:10], mathjax.spent)
child.PATIENCE_S = 1e-3
child.LEAST_S = -1.0
print(mathjax.typeset(r"\frac{a}{b}" * 500, display=True, width_em=0), mathjax.spent, flush=True)
os._exit(0)
"""


def test_what_takes_too_long_is_refused() -> None:
    done = subprocess.run([sys.executable, "-c", IMPATIENT], capture_output=True, text=True)
    first, second = done.stdout.splitlines()
    assert first == '{"ok":true False'
    assert "took too long" in second
    assert second.endswith("True")


HOLDING = r"""
import json, os
from app.latex import child, typesetter
mathjax = child.MathJax(typesetter.bundle_path())
def taken(count):
    for number in range(count):
        tex = rf"\frac{{x_{{{number}}}}}{{\sqrt{{{number}}}}}"
        said = mathjax.typeset(tex, display=True, width_em=0)
        assert json.loads(said)["ok"]
    mathjax._context.low_memory_notification()
    return mathjax._context.heap_stats()["used_heap_size"]
before = taken(20)
print(taken(80) - before, mathjax.too_large(), flush=True)
child.ENOUGH_BYTES = 1
print(mathjax.too_large(), flush=True)
os._exit(0)
"""


def test_a_formula_leaves_nothing_behind() -> None:
    done = subprocess.run([sys.executable, "-c", HOLDING], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    grown, too_large = first.split()
    # One that stays behind takes 180 kB.
    assert int(grown) < 80 * 20_000
    assert too_large == "False"
    assert second == "True"


def test_letters_of_every_part_of_the_font_are_drawn(typesetter: Typesetter) -> None:
    letters = (r"\mathbb{R}", r"\mathcal{F}", r"\mathfrak{g}", r"\mathscr{L}", "Ж", r"\mathsf{x}")
    together = one(typesetter, " ".join(letters))
    assert isinstance(together, DisplayList)
    assert len(together.items) == len(letters)
    for letter in letters:
        found = one(typesetter, letter)
        assert isinstance(found, DisplayList)
        assert found.paths[0] in together.paths


def test_the_process_ends_when_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.latex.typesetter.IDLE_S", 0.05)
    made = Typesetter(cache=tmp_path / "formulas.db")
    try:
        assert isinstance(one(made, "a"), DisplayList)
        until = time.monotonic() + 60
        while children() and time.monotonic() < until:
            time.sleep(0.01)
        assert children() == []
        assert isinstance(one(made, "b"), DisplayList)
    finally:
        made.close()


def test_what_is_known_is_bounded_in_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.latex.typesetter.KNOWN_BYTES", 1)
    monkeypatch.setattr("app.latex.typesetter.PACKED_BYTES", 1)
    made = Typesetter(cache=tmp_path / "formulas.db")
    try:
        first, second = (Formula.of(tex, display=False, width_em=0) for tex in ("a", "b"))
        [drawn] = made.all([first])
        assert made.ask(first) is drawn
        made.all([second])
        # It is no longer held here; the process has it on disk.
        assert made.ask(first) is None
        assert made.all([first]) == [drawn]
    finally:
        made.close()


def test_last_words_cost_no_other_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "main", last_words)
    made = Typesetter(cache=tmp_path / "formulas.db")
    try:
        asked = [Formula(tex, display=False) for tex in "abc"]
        said = [found.error for found in made.all(asked) if isinstance(found, Refusal)]
        assert said == ["a", "b", "c"]
    finally:
        made.close()


def test_a_definition_stays_in_its_formula(typesetter: Typesetter) -> None:
    assert isinstance(one(typesetter, r"\def\mine{x}\mine"), DisplayList)
    assert isinstance(one(typesetter, r"\mine"), Refusal)


def children() -> list[psutil.Process]:
    """Return the typesetters that run; one that has ended and was not yet waited for does not."""
    found = []
    for one_child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):  # ZombieProcess is one
            if "spawn_main" in " ".join(one_child.cmdline()):
                found.append(one_child)
    return found


def test_a_killed_typesetter_costs_one_formula(typesetter: Typesetter) -> None:
    assert isinstance(one(typesetter, "a"), DisplayList)
    [child] = children()
    os.kill(child.pid, signal.SIGSTOP)
    first, second = (Formula.of(tex, display=False, width_em=0) for tex in ("b", "c"))
    assert typesetter.ask(first) is None
    assert typesetter.ask(second) is None
    while typesetter.asking != first:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    broken, whole = typesetter.all([first, second])
    assert isinstance(broken, Refusal)
    assert isinstance(whole, DisplayList)


def test_what_is_known_is_had_at_once_and_told_once(tmp_path: Path) -> None:
    woken: list[float] = []
    typesetter = Typesetter(lambda: woken.append(time.monotonic()), cache=tmp_path / "f.db")
    try:
        formula = Formula.of("a+b", display=False, width_em=0)
        assert typesetter.ask(formula) is None
        found = typesetter.all([formula])[0]
        assert typesetter.ask(formula) is found
        assert typesetter.poll() == (formula,)
        assert typesetter.poll() == ()
        assert woken
    finally:
        typesetter.close()


def test_what_was_typeset_once_needs_no_mathjax(tmp_path: Path) -> None:
    cache = tmp_path / "formulas.db"
    first = Typesetter(cache=cache)
    drawn = one(first, r"\frac{a}{b}")
    with_mathjax = children()[0].memory_info().rss
    first.close()
    again = Typesetter(cache=cache)
    try:
        assert one(again, r"\frac{a}{b}") == drawn
        assert children()[0].memory_info().rss < with_mathjax / 2
    finally:
        again.close()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_damaged_cache_costs_nothing_but_time(tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "formulas.db"
    cache.write_bytes(content)
    made = Typesetter(cache=cache)
    try:
        assert isinstance(one(made, "x"), DisplayList)
    finally:
        made.close()


def test_the_cache_keeps_no_accident(tmp_path: Path) -> None:
    cache = tmp_path / "formulas.db"
    made = Typesetter(cache=cache)
    one(made, "x" * 30_000)
    one(made, "y")
    made.close()
    with sqlite3.connect(cache) as database:
        rows = database.execute("SELECT said FROM formula").fetchall()
    database.close()
    assert len(rows) == 1
