"""A tick draws only what changed: what is on the screen is what drawing everything would show."""

import random
from typing import cast

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.chat.turn import TurnState
from tests.ui.chat import samples
from ui import theme
from ui.chat.column import Column
from ui.chat.view import ChatView


def on_screen(view: ChatView) -> QImage:
    """Return what the platform shows, drawn tick by tick."""
    QApplication.processEvents()
    shown = view.screen().grabWindow(view.winId()).toImage()
    return shown.convertToFormat(QImage.Format.Format_RGB32)


def drawn_anew(view: ChatView) -> QImage:
    return view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


ROUNDING = 12
"""Of 255: what a smoothed edge may differ by where it is cut off at another row."""


def differing_rows(view: ChatView) -> list[int]:
    """Return the rows in which the screen and a fresh drawing differ."""
    shown, fresh = on_screen(view), drawn_anew(view)
    assert shown.size() == fresh.size()
    found = []
    for y in range(shown.height()):
        one, two = (bytes(cast("memoryview", image.constScanLine(y))) for image in (shown, fresh))
        if one != two and max(abs(a - b) for a, b in zip(one, two, strict=True)) > ROUNDING:
            found.append(y)
    return found


@pytest.mark.parametrize("channel", ["answer", "thinking"])
def test_what_is_drawn_by_ticks_is_what_is_there(view: ChatView, channel: str) -> None:
    text = (samples.RICH + samples.SCRIPTS) * 2
    view.show_conversation([samples.question(), samples.answer("Yes.\n\n" * 9)], samples.alone, {})
    for number, end in enumerate(range(40, len(text), 61)):
        turn: TurnState = samples.answering(text[:end])
        if channel == "thinking":
            turn = samples.thinking(text[:end])
        view.show_turn("a2", turn)
        QApplication.processEvents()
        if number % 9 == 0:
            assert not differing_rows(view)


GROWING = {
    "paragraph": "So the *sum* of &lt;all&gt; in `f({n})` is **more**  than $x_{n}$,\n[so](u) on. ",
    "arabic": "وهذا **مجموع** الزوايا {n} كما قلنا في `x` ثم نمضي. ",
    "chinese": "所以这个*三角形*的角之和是{n}度，我们继续。",
    "list": "- the *first* of {n}, which goes on and on to the end of it\n  - and $y_{n}$\n",
    "loose": "- the first of {n}\n- another\n\n",
    "tasks": "- [x] done with {n}, and what was done\n- [ ] and this is not\n",
    "quotation": "> said **{n}** times, and then said again\n> - in a list\n",
    "late": "See [this{n}], which is [that] and *more* of the same.\n",
    "table": "| {n} | $x_{n}$ | a few words |\n",
}


@pytest.mark.parametrize("name", GROWING)
def test_what_grows_in_its_place_is_drawn_as_it_is(view: ChatView, name: str) -> None:
    """Only its last lines are drawn at a tick, unless something above them changes."""
    draw = random.Random(name)
    head = "| a | b | c |\n|--|--:|--|\n" if name == "table" else ""
    body = head + "".join(GROWING[name].replace("{n}", str(n)) for n in range(25))
    text = body + "\n\n[that]: https://a.b\n\n[this3]: https://a.b\n\n" + body + "\n===\n"
    view.show_conversation([samples.question()], samples.alone, {})
    end = 0
    while end < len(text):
        end += draw.choice([1, 5, 12, 12, 40, 130])
        view.show_turn("a1", samples.answering(text[:end]))
        QApplication.processEvents()
        if draw.random() < 0.1:
            assert not differing_rows(view), text[:end][-200:]


def test_scrolling_folding_and_themes_leave_nothing_behind(view: ChatView, qtbot: QtBot) -> None:
    answers = [samples.answer(samples.RICH, samples.THOUGHT, at=f"a{n}") for n in range(6)]
    branch = [samples.question(), *answers]
    view.show_conversation(branch, samples.alone, {})
    bar = view.verticalScrollBar()
    for step in (-30, -300, 40, -2000, 700, 5, -90):
        bar.setValue(bar.value() + step)
        assert not differing_rows(view)
    view.toggle_thinking()
    assert not differing_rows(view)
    bar.setValue(bar.value() + 60)
    assert not differing_rows(view)
    view.resize(700, 500)
    assert not differing_rows(view)
    view.toggle_thinking()
    assert not differing_rows(view)
    theme.set_mode("dark")
    assert not differing_rows(view)
    bar.setValue(bar.maximum())
    assert not differing_rows(view)
    theme.set_mode("light")
    assert not differing_rows(view)


def test_nothing_above_a_formula_moves_when_it_is_typeset(view: ChatView, qtbot: QtBot) -> None:
    text = "".join(
        f"Part {n} of *it*, $x_{n}$.\n\n$$\\frac{{{n}}}{{\\sqrt{{x}}}} = y$$\n\n- so, $y$\n\n"
        for n in range(12)
    )
    view.show_conversation([samples.question()], samples.alone, {})
    column: Column | None = None
    tops: list[int] = []
    waited: list[int] = []
    typeset = 0

    def look() -> None:
        """Compare with what was there before: only what follows a new formula may have moved."""
        nonlocal tops, waited, typeset
        assert column is not None
        # Of what is written, the last two blocks may still become another.
        settled = max(0, len(column.cells) - 2)
        now = [column.top(number) for number in range(settled)]
        moved = [n for n, (a, b) in enumerate(zip(tops, now, strict=False)) if a != b]
        if moved:
            assert waited
            assert moved[0] > min(waited)
            typeset += 1
        tops = now
        waited = [number for number, cell in enumerate(column.cells) if cell.waits]
        bar = view.verticalScrollBar()
        assert bar.value() == bar.maximum()

    for end in range(30, len(text), 30):
        view.show_turn("a1", samples.answering(text[:end]))
        column = view.entries[-1].text
        look()
        QApplication.processEvents()
        look()
    view.finish_turn(samples.answer(text))
    look()
    qtbot.waitUntil(lambda: not view.formulas.waiting, timeout=60_000)
    look()
    QApplication.processEvents()
    look()
    assert typeset
