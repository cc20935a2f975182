"""MathJax itself, in its process: what models write typesets; what is hostile ends, and no more."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.latex.display import DisplayList, Refusal, segments
from app.latex.typesetter import Formula, Typeset, Typesetter


@pytest.fixture
def typesetter(tmp_path: Path) -> Iterator[Typesetter]:
    made = Typesetter(cache=tmp_path / "formulas.db")
    yield made
    made.close()


def one(typesetter: Typesetter, tex: str, *, display: bool = True) -> Typeset:
    return typesetter.all([Formula.of(tex, display=display, width_em=48.0)])[0]


WELL_FORMED = [
    r"x^2 + y^2 = z^2",
    r"\frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
    r"\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
    r"f(x) = \begin{cases} 1 & x > 0 \\ 0 & \text{sonst} \end{cases}",
    r"\begin{align} a &= b \tag{1} \\ c &= d \end{align}",
    r"\begin{array}{|c|c|} \hline 1 & 2 \\ \hline \end{array}",
    r"\ce{2H2 + O2 -> 2H2O}",
    r"\boxed{x = 3} \quad \cancel{y}",
    r"\text{速度} = 22.2\ \mathrm{m/s}",
    r"\dv{y}{x} = \pdv{f}{t}, \quad \bm{v} \cdot \oiint",
    r"\color{red}{a} + \colorbox{yellow}{$b$}",
    r"\underbrace{a + b}_{n} \overbrace{c + d + e + f + g + h}^{m}",
    r"\xrightarrow[\text{under}]{\text{over and wide}}",
]


def test_what_models_write_typesets(typesetter: Typesetter) -> None:
    for tex in WELL_FORMED:
        found = one(typesetter, tex)
        assert isinstance(found, DisplayList), (tex, found)
        assert found.items
        assert found.width > 0 < found.height
        for path in found.paths:
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


HOSTILE = {
    r"\undefinedmacro": "Undefined control sequence",
    r"\frac{1": "Missing close brace",
    r"\def\a{\a\a}\a": "recursive",
    r"\rule{99999em}{99999em}": "too large",
    "{" * 3000 + "x" + "}" * 3000: "stack",
    "x" * 30_000: "too long",
    r"\begin{matrix}" + r"1 & 2 \\ " * 9000 + r"\end{matrix}": "too",
    r"\documentclass{article}": "Undefined control sequence",
}


def test_hostile_formulas_are_refused_and_the_next_one_typesets(typesetter: Typesetter) -> None:
    for tex, why in HOSTILE.items():
        found = one(typesetter, tex)
        assert isinstance(found, Refusal), tex[:40]
        assert why in found.error, (tex[:40], found.error)
    assert isinstance(one(typesetter, "x + 1"), DisplayList)


def test_a_definition_stays_in_its_formula(typesetter: Typesetter) -> None:
    assert isinstance(one(typesetter, r"\def\mine{x}\mine"), DisplayList)
    assert isinstance(one(typesetter, r"\mine"), Refusal)


def children() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [child for child in found if "spawn_main" in " ".join(child.cmdline())]


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
