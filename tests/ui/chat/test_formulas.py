"""Formulas in the transcript, typeset by the real typesetter in its process."""

from collections.abc import Iterator

import psutil
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from app.markup.blocks import parse
from tests.ui.chat import samples
from ui import theme
from ui.chat import style
from ui.chat.answer import Answer
from ui.chat.cells import WHOLE, Cell, DocumentCell
from ui.chat.column import Column
from ui.chat.formula import MathCell
from ui.chat.shelf import Shelf
from ui.chat.view import ChatView
from ui.formulas.colours import CONTRAST, contrast, legible
from ui.formulas.desk import Formulas
from ui.formulas.drawing import Drawing
from ui.main_window import MainWindow

PATIENCE_MS = 60_000


def cells(view: ChatView, message_id: str = "a1") -> list[Cell]:
    item = view.item(message_id)
    assert isinstance(item, Answer)
    return item.entry.text.cells


def until_known(view: ChatView, qtbot: QtBot) -> None:
    """Let the window live until every formula that was asked for is there."""

    def settled() -> bool:
        return not any(
            cell.waits
            for entry in view.entries
            for column in (entry.text, entry.thinking)
            for cell in column.cells
        )

    qtbot.waitUntil(settled, timeout=PATIENCE_MS)


def show(view: ChatView, qtbot: QtBot, text: str, thought: str = "") -> list[Cell]:
    branch = [samples.question("Hm?"), samples.answer(text, thought)]
    view.show_conversation(branch, samples.alone, {"a1": False})
    until_known(view, qtbot)
    return cells(view)


def image(cell: Cell, scale: int = 1, picked: tuple[int, int] | None = None) -> QImage:
    made = QImage(cell.width * scale, cell.height * scale, QImage.Format.Format_RGB32)
    made.setDevicePixelRatio(scale)
    made.fill(QColor(theme.current().background))
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    cell.paint(painter, QRectF(0, 0, cell.width, cell.height), picked, caret=False)
    painter.end()
    return made


def placed(cell: Cell) -> int:
    """Return how many formulas are drawn in the cell's lines."""
    assert isinstance(cell, DocumentCell)
    return len(cell.document().placed)


class Desk:
    """A column of one cell, its formulas known."""

    def __init__(self, qtbot: QtBot) -> None:
        self.formulas = Formulas()
        self._qtbot = qtbot

    def cell(self, markdown: str, width: int = 700) -> Cell:
        column = Column("answer", Shelf(formulas=self.formulas))
        self.formulas.known.connect(column.renew)
        column.set_blocks(parse(markdown))
        column.set_width(width)

        def laid_out() -> bool:
            column.lay_out(0, 10_000)
            return not any(cell.waits for cell in column.cells)

        self._qtbot.waitUntil(laid_out, timeout=PATIENCE_MS)
        return column.cells[0]


@pytest.fixture
def desk(dressed: QApplication, qtbot: QtBot) -> Iterator[Desk]:
    made = Desk(qtbot)
    yield made
    made.formulas.close()


def test_formulas_take_the_place_of_their_sources(view: ChatView, qtbot: QtBot) -> None:
    assert not view.formulas.begun
    branch = [samples.question(), samples.answer("So $x^2$ is:\n\n$$\\frac{a}{b}$$\n\nDone.")]
    view.show_conversation(branch, samples.alone, {})
    inline, displayed, _end = cells(view)
    assert isinstance(displayed, MathCell)
    before = image(inline), image(displayed)
    assert placed(inline) == 0
    assert displayed.drawing is None
    until_known(view, qtbot)
    assert placed(inline) == 1
    assert isinstance(displayed.drawing, Drawing)
    assert image(inline) != before[0]
    assert image(displayed) != before[1]
    drawn = ink_columns(image(displayed))
    assert abs((drawn[0][0] + drawn[-1][1]) / 2 - displayed.width / 2) <= 1.5


def test_no_typesetter_before_the_first_formula(view: ChatView, qtbot: QtBot) -> None:
    show(view, qtbot, "No mathematics, and $5 and $6 are prices.\n\n```\n$x$\n```")
    QApplication.processEvents()
    assert not view.formulas.begun


def ink_columns(picture: QImage, limit: int = 128) -> list[tuple[int, int]]:
    """Return the stretches of columns that have ink."""
    found: list[tuple[int, int]] = []
    for x in range(picture.width()):
        if last_ink(picture, x, limit) >= 0:
            if found and found[-1][1] == x - 1:
                found[-1] = found[-1][0], x
            else:
                found.append((x, x))
    return found


def last_ink(picture: QImage, x: int, limit: int = 128) -> int:
    """Return the lowest row of a column that has ink, -1 for none."""
    for y in reversed(range(picture.height())):
        if QColor(picture.pixel(x, y)).lightness() < limit:
            return y
    return -1


@pytest.mark.parametrize("scale", [1, 2])
def test_the_baseline_is_the_text_s_to_the_pixel(desk: Desk, scale: int) -> None:
    for formula in (r"\mathrm{H}", r"\mathrm{H}\quad g", r"\mathrm{H}\quad\frac{a}{\frac{b}{c}}"):
        picture = image(desk.cell(f"H ${formula}$ H"), scale)
        stretches = ink_columns(picture)
        bottoms = [
            max(last_ink(picture, x) for x in range(first, last + 1)) for first, last in stretches
        ]
        assert bottoms[0] == bottoms[1] == bottoms[-1], (formula, bottoms)


def test_copied_is_what_was_written(desk: Desk) -> None:
    for text in (
        r"so $\frac{a}{b} < 1$ and \(x\) end",
        r"$a$ \(b\)\(b\) $c$",
        "$$\nx^2\n$$",
        "\\[\nx^2\n\\]",
        "- an item with $$y$$ in it",
    ):
        copied = desk.cell(text).copied(0, WHOLE)
        assert copied.replace("• ", "- ") == text


def test_a_formula_is_selected_as_one_character(desk: Desk) -> None:
    cell = desk.cell(r"so $\alpha+\beta$ is")
    assert cell.copied(0, 4) == r"so $\alpha+\beta$"
    assert cell.copied(4, WHOLE) == " is"
    assert image(cell, picked=(3, 4)) != image(cell)
    apart = desk.cell("$$\nx\n$$")
    assert (apart.hit(QPointF(10, 10)), apart.hit(QPointF(690, 10))) == (0, 1)
    assert apart.word_at(0) == (0, 1)
    assert image(apart, picked=(0, 1)) != image(apart)


def test_a_refused_formula_says_why(view: ChatView, qtbot: QtBot) -> None:
    inline, displayed = show(view, qtbot, "$\\nosuchmacro$ x\n\n$$\\frac{1$$")
    item = view.item("a1")
    assert isinstance(item, Answer)
    assert placed(inline) == 0
    assert "Undefined control sequence" in inline.why_at(QPointF(20, inline.height / 2))
    assert "Missing close brace" in displayed.why_at(QPointF(displayed.width / 2, 10))
    assert "Undefined control sequence \\nosuchmacro" in item.accessibleDescription()
    assert "$\\nosuchmacro$ x" in item.accessibleDescription()
    at = item.text_at + QPoint(20, inline.height // 2)
    event = QHelpEvent(QHelpEvent.Type.ToolTip, at, item.mapToGlobal(at))
    QApplication.sendEvent(item, event)
    assert "Undefined control sequence" in QToolTip.text()
    QToolTip.hideText()


def test_another_theme_draws_anew(view: ChatView, qtbot: QtBot) -> None:
    (cell,) = show(view, qtbot, "$$x = \\color{blue}{y}$$")
    light = image(cell)
    theme.set_mode("dark")
    until_known(view, qtbot)
    dark = image(cell)
    assert light != dark
    brightest = max(
        QColor(dark.pixel(x, y)).lightness()
        for x in range(dark.width())
        for y in range(dark.height())
    )
    assert brightest > 200


def test_colours_are_legible_on_every_ground() -> None:
    for ground in (theme.LIGHT.background, theme.DARK.background, "#FFFF00", "#777777"):
        for name in ("red", "blue", "lime", "yellow", "white", "black", "#808080"):
            found = legible(QColor(name).rgb(), QColor(ground).rgb())
            assert contrast(found, QColor(ground)) >= CONTRAST, (name, ground)
    blue = legible(QColor("blue").rgb(), QColor(theme.DARK.background).rgb())
    assert abs(blue.hslHue() - 240) < 6


def test_a_source_is_quiet_and_legible(dressed: QApplication) -> None:
    for mode in ("light", "dark"):
        theme.set_mode("dark" if mode == "dark" else "light")
        for kind in ("answer", "thinking"):
            made = style.of("thinking" if kind == "thinking" else "answer")
            quiet = QColor(style.quiet_ink(made.ink, made.code_ground))
            assert contrast(quiet, QColor(made.code_ground)) >= CONTRAST, (mode, kind)
            assert quiet != QColor(made.ink)


def test_a_box_keeps_its_colour_and_its_text_is_legible_on_it(desk: Desk) -> None:
    theme.set_mode("dark")
    picture = image(desk.cell("$$\\colorbox{yellow}{$\\rule{1em}{1em}$}$$"), 2)
    colours = {
        QColor(picture.pixel(x, y)).name()
        for x in range(picture.width())
        for y in range(picture.height())
    }
    assert "#ffff00" in colours
    assert any(QColor(colour).lightness() < 40 for colour in colours - {theme.DARK.background})


def test_wide_ones_scroll_or_shrink_and_numbered_ones_are_full_width(desk: Desk) -> None:
    many = " + ".join(f"a_{{{number}}}" for number in range(60))
    wide = desk.cell(f"$$\n{many}\n$$", 300)
    assert isinstance(wide, MathCell)
    assert wide.drawing is not None
    assert wide.height > desk.cell("$$\na_{1}\n$$", 300).height
    fitting = " + ".join(f"a_{{{number}}}" for number in range(13))
    for formula, drawn in ((many, 0), (fitting, 1)):
        line = desk.cell(f"so ${formula}$ is", 400)
        assert isinstance(line, DocumentCell)
        assert placed(line) == drawn
        assert line.document().size().width() <= 400
    numbered = desk.cell("$$\nx = 1 \\tag{7}\n$$", 500)
    stretches = ink_columns(image(numbered))
    assert stretches[-1][1] > 480


def test_an_unfinished_formula_stays_its_source(view: ChatView, qtbot: QtBot) -> None:
    view.show_conversation([samples.question()], samples.alone, {})
    text = "First.\n\n$$\n\\frac{a}{b}\n$$\n\nThen $x_1$ follows."
    for end in range(1, len(text) + 1):
        view.show_turn("a1", samples.answering(text[:end]))
        first = cells(view)[0].copied(0, WHOLE)
        assert first in ("First."[: len(first)], "First.")
    unfinished = samples.answering("First.\n\n$$\n\\frac{a}")
    view.show_turn("a1", unfinished)
    until_known(view, qtbot)
    apart = cells(view)[1]
    assert isinstance(apart, MathCell)
    assert apart.drawing is None
    assert not apart.waits
    view.show_turn("a1", samples.answering(text))
    until_known(view, qtbot)
    apart, last = cells(view)[1:]
    assert isinstance(apart, MathCell)
    assert apart.drawing is not None
    assert placed(last) == 1


def test_what_is_read_stays_where_it_is(view: ChatView, qtbot: QtBot) -> None:
    section = (
        "Text of $\\frac{a}{b}$ here.\n\n$$\\sum_{i=1}^n \\frac{i}{2}$$\n\nA line to read.\n\n"
    )
    text = "".join(section.replace("{2}", f"{{{number}}}") for number in range(12))
    view.show_conversation([samples.question(), samples.answer(text)], samples.alone, {})
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    item = view.item("a1")
    assert isinstance(item, Answer)
    top = view.verticalScrollBar().value()
    column = item.entry.text

    def on_screen(number: int) -> int:
        return item.y() + item.text_at.y() + column.top(number)

    read = next(
        number
        for number, cell in enumerate(column.cells)
        if on_screen(number) >= 0 and not cell.waits and cell.exact
    )
    above = [cell for cell in column.cells[:read] if cell.waits]
    before, heights = on_screen(read), [cell.height for cell in above]
    until_known(view, qtbot)
    assert [cell.height for cell in above] != heights
    assert on_screen(read) == before, top


def test_thinking_has_its_formulas_too(view: ChatView, qtbot: QtBot) -> None:
    show(view, qtbot, "Yes.", "Let $x^2 = 4$.\n\n$$x = \\pm 2$$")
    item = view.item("a1")
    assert isinstance(item, Answer)
    first, second = item.entry.thinking.cells
    assert placed(first) == 1
    assert isinstance(second, MathCell)
    assert second.drawing is not None


def test_a_released_cell_is_laid_out_with_what_is_known_since(view: ChatView, qtbot: QtBot) -> None:
    cell = show(view, qtbot, "$$\\frac{a}{b}$$")[0]
    height = cell.height
    cell.release()
    assert not cell.exact
    view.settle(None)
    assert cell.height == height
    assert isinstance(cell, MathCell)
    assert cell.drawing is not None


def typesetters() -> list[psutil.Process]:
    found = psutil.Process().children()
    return [child for child in found if "spawn_main" in " ".join(child.cmdline())]


def test_closing_the_window_ends_the_typesetter(dressed: QApplication, qtbot: QtBot) -> None:
    window = MainWindow()
    window.complete()
    qtbot.addWidget(window)
    window.show()
    window.show_first_run(shown=False)
    show(window.chat_view, qtbot, "So $x^2$.")
    assert len(typesetters()) == 1
    window.close()
    assert not typesetters()
