"""Code: lines of one height, colours, offsets, and growth while it streams."""

import random

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication
from pytestqt.qtbot import QtBot

from app.markup.blocks import parse
from app.markup.highlight import Kind
from tests.ui.chat import samples
from ui import theme
from ui.chat import highlighting
from ui.chat.cells import WHOLE
from ui.chat.code import CodeCell
from ui.chat.controls import QuietButton
from ui.chat.view import ChatView

pytestmark = pytest.mark.usefixtures("dressed")

CODE = 'def f(x):\n\treturn """a\nb😀"""  # done\n\n' + "y = 'wide' * 300  " + "#" * 120


def block(code: str, *, closed: bool = True) -> CodeCell:
    (found,) = parse(f"```python\n{code}\n```" if closed else f"```python\n{code}")
    made = CodeCell(found, "answer")
    made.set_width(600)
    made.lay_out()
    return made


def test_a_block_that_grew_is_as_if_it_had_come_whole() -> None:
    whole = block(CODE)
    chance = random.Random(7)
    for _ in range(20):
        cut = sorted(chance.sample(range(len(CODE)), 4))
        grown = block(CODE[: cut[0]], closed=False)
        for end in cut[1:]:
            assert grown.grow(parse(f"```python\n{CODE[:end]}")[0])
            grown.hit(QPointF(60, 60))
        assert grown.grow(parse(f"```python\n{CODE}\n```")[0])
        assert grown.height == whole.height
        assert grown.copied(0, WHOLE) == whole.copied(0, WHOLE) == CODE
        for y in range(0, whole.height, 9):
            for x in (0, 40, 130, 500):
                assert grown.hit(QPointF(x, y)) == whole.hit(QPointF(x, y))


def test_other_code_is_not_taken_for_a_continuation() -> None:
    made = block("a = 1")
    assert not made.grow(parse("```python\nb = 2\n```")[0])
    assert not made.grow(parse("```rust\na = 1\n```")[0])
    assert not made.grow(parse("a = 1")[0])


def test_its_height_is_known_before_it_is_laid_out() -> None:
    (found,) = parse(f"```python\n{CODE}\n```")
    made = CodeCell(found, "answer")
    made.set_width(600)
    guessed = made.height
    made.lay_out()
    assert made.height == guessed


def test_a_word_is_an_identifier() -> None:
    made = block("first_name = other")
    assert made.word_at(3) == (0, 10)


@pytest.mark.parametrize("dark", [False, True])
def test_every_ink_is_readable(dark: bool) -> None:
    colours = theme.DARK if dark else theme.LIGHT
    inks = highlighting.DARK if dark else highlighting.LIGHT
    for kind, ink in inks.items():
        assert contrast(ink, colours.code) >= 4.5, kind


def contrast(one: str, two: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""
    lights = sorted((luminance(QColor(one)), luminance(QColor(two))))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_lie_where_the_words_are() -> None:
    lines = highlighting.lines('x = 1\ns = """a\nb"""', "python")
    assert (4, 1, "number") in lines[0]
    strings: list[Kind] = [kind for _, _, kind in lines[1] + lines[2] if kind == "string"]
    assert len(strings) == 2
    formats = highlighting.formats("😀 = 1", [(4, 1, "number")], dark=False)
    assert (formats[0].start, formats[0].length) == (5, 1)


def test_its_button_copies_the_code_alone(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation((samples.question(), samples.answer()), samples.alone, {})
    item = view.item("a1")
    assert item is not None
    (button,) = item.entry.text.controls()
    assert isinstance(button, QuietButton)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().startswith("print(f")
    assert button.accessibleName() == "Copied"
    qtbot.waitUntil(lambda: button.accessibleName() == "Copy the python code")
