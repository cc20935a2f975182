"""Code: lines of one height, colours, offsets, and growth while it streams."""

import random
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QScrollBar
from pytestqt.qtbot import QtBot

from app.markup.blocks import parse
from app.markup.highlight import Kind
from tests.ui.chat import samples
from ui import theme
from ui.chat import highlighting, wrapping
from ui.chat.cells import WHOLE
from ui.chat.code import CodeCell
from ui.chat.controls import QuietButton
from ui.chat.toggle import Toggle
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


def drawn(cell: CodeCell) -> QImage:
    image = QImage(cell.width, cell.height, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    cell.paint(painter, QRectF(image.rect()), None, caret=False)
    painter.end()
    return image


def test_lines_drawn_before_it_was_whole_take_the_colours_of_the_whole() -> None:
    grown = block("", closed=False)
    for end in range(0, len(CODE), 5):
        assert grown.grow(parse(f"```python\n{CODE[:end]}")[0])
        drawn(grown)
    assert grown.grow(parse(f"```python\n{CODE}\n```")[0])
    assert drawn(grown) == drawn(block(CODE))


def test_a_language_that_has_to_be_loaded_colours_its_lines_once_it_is_there(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = False
    monkeypatch.setattr(highlighting, "ready", lambda _language: loaded)
    made = block("x = 1", closed=False)
    plain = drawn(made)
    assert made.busy
    loaded = True
    qtbot.waitUntil(lambda: not made.busy, timeout=30_000)
    assert drawn(made) != plain
    assert drawn(made) == drawn(block("x = 1", closed=False))


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


LONG = (
    "value = ["
    + ", ".join(str(n) for n in range(60))
    + "]  # long\n\tif x:\ty = '漢字😀' * 40 "
    + ("漢字" * 60 + "\nshort = 1\n\n")
    + "x" * 200
)


@pytest.fixture
def unwrapped() -> Iterator[None]:
    yield
    wrapping.prefer(False)


def wrapped(code: str, width: int = 400, *, closed: bool = True) -> CodeCell:
    wrapping.prefer(True)
    made = block(code, closed=closed)
    made.set_width(width)
    made.lay_out()
    return made


@pytest.mark.usefixtures("unwrapped")
def test_wrapped_lines_lose_nothing_and_fit() -> None:
    made = wrapped(LONG)
    rows = made.rects(0, len(LONG))
    assert len(rows) > len(LONG.split("\n")) + 5
    assert all(box.right() <= 400 for box in rows)
    assert made.height >= rows[-1].bottom()
    assert made.copied(0, WHOLE) == LONG
    made.wrapped = False
    flat = block(LONG)
    assert made.copied(3, 90) == flat.copied(3, 90)


@pytest.mark.usefixtures("unwrapped")
def test_every_place_in_wrapped_code_is_found_where_it_is_drawn() -> None:
    made = wrapped(LONG)
    for at in range(0, len(LONG) - 1, 3):
        if LONG[at] in "\n\t":
            continue
        (box, *_rest) = made.rects(at, at + 1)
        assert made.hit(QPointF(box.left() + 1, box.center().y())) == at


@pytest.mark.usefixtures("unwrapped")
def test_wrapped_code_that_grew_is_as_if_it_had_come_whole() -> None:
    whole = wrapped(LONG)
    chance = random.Random(3)
    for _ in range(12):
        cut = sorted(chance.sample(range(len(LONG)), 4))
        grown = wrapped(LONG[: cut[0]], closed=False)
        for end in cut[1:]:
            assert grown.grow(parse(f"```python\n{LONG[:end]}")[0])
            grown.hit(QPointF(60, 60))
        assert grown.grow(parse(f"```python\n{LONG}\n```")[0])
        assert grown.height == whole.height
        assert grown.rects(0, len(LONG)) == whole.rects(0, len(LONG))


@pytest.mark.usefixtures("unwrapped")
def test_colours_of_a_wrapped_line_are_those_of_the_line() -> None:
    assert wrapping.cut_out([(0, 4, "keyword"), (6, 10, "string")], 2, 8) == [
        (0, 2, "keyword"),
        (4, 4, "string"),
    ]


@pytest.mark.usefixtures("unwrapped")
def test_a_button_wraps_and_what_was_chosen_holds_for_later_blocks(
    view: ChatView, qtbot: QtBot
) -> None:
    told: list[bool] = []
    wrapping.notifier().preferred.connect(told.append)
    text = f"Before\n\n```python\n{LONG}\n```\n\nAfter\n\n```python\na = 1\n```"
    view.show_conversation([samples.question(), samples.answer(text)], samples.alone, {})
    item = view.item("a1")
    assert item is not None
    column = item.entry.text
    flat = column.height
    buttons = {one.accessibleName(): one for one in column.controls() if isinstance(one, Toggle)}
    assert list(buttons) == ["Wrap long lines"]
    button = buttons["Wrap long lines"]
    at = button.mapTo(view, button.rect().center())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert column.height > flat + 100
    assert item.height() > flat + 100
    assert button.isChecked()
    assert abs(button.mapTo(view, button.rect().center()).y() - at.y()) <= 1
    assert not [one for one in column.controls() if isinstance(one, QScrollBar)]
    assert told == [True]
    later = block(LONG)
    assert later.wrapped
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert column.height == flat
    assert told == [True, False]
    wrapping.notifier().preferred.disconnect(told.append)


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
