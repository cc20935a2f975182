"""What a block's rich text gives when it is copied, and what it never does."""

from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtWidgets import QApplication

from app.markup.blocks import parse
from ui.chat import style
from ui.chat.cells import WHOLE, Cell
from ui.chat.document import Document, copied
from ui.chat.formula import MathCell
from ui.chat.prose import RuleCell, TableCell, cell_for
from ui.chat.utf16 import characters, part, units

pytestmark = pytest.mark.usefixtures("dressed")


def cell(markdown: str) -> Cell:
    (block,) = parse(markdown)
    made = MathCell(block, "answer") if block.kind == "math" else cell_for(block, "answer")
    made.set_width(700)
    made.lay_out()
    return made


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("A *good* **loop** with `code`.", "A good loop with code."),
        ("- one\n- two\n  1. inner", "• one\n• two\n  1. inner"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("- [x] done\n- [ ] open", "☑ done\n☐ open"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a\tb\n1\t2"),
        (r"so $\frac{a}{b} < 1$ and \(x\)", r"so $\frac{a}{b} < 1$ and \(x\)"),
        (r"$a$$b$", r"$a$$b$"),
        ("😀 costs $5 and $6", "😀 costs $5 and $6"),
        ("one  \ntwo", "one\ntwo"),
        ("$$\nx^2\n$$", "$$\nx^2\n$$"),
        ("---", "---"),
        ("a <b>tag</b> stays", "a <b>tag</b> stays"),
    ],
)
def test_copying_keeps_what_reading_needs(markdown: str, text: str) -> None:
    assert cell(markdown).copied(0, WHOLE) == text


def test_a_part_is_cut_between_characters_and_formulas_stay_whole() -> None:
    made = cell(r"😀😀 so $\alpha+\beta$ is")
    assert made.copied(2, 7) == "😀 so"
    inside_formula = len("😀😀 so ".encode("utf-16-le")) // 2 + 3
    assert made.copied(inside_formula, WHOLE) == r"$\alpha+\beta$ is"


def test_kinds_of_prose() -> None:
    assert isinstance(cell("| a |\n|---|\n| 1 |"), TableCell)
    assert isinstance(cell("---"), RuleCell)


def test_a_table_has_no_empty_lines_around_it() -> None:
    one_row = cell("| a |\n|---|").height
    two_rows = cell("| a |\n|---|\n| 1 |").height
    assert two_rows < 2 * one_row + 8
    assert one_row < 60


def test_nothing_is_ever_fetched(tmp_path: Path) -> None:
    picture = tmp_path / "seen.png"
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(0xFF0000)
    assert image.save(str(picture))
    url = QUrl.fromLocalFile(str(picture))
    plain = QTextDocument()
    plain.setHtml(f'<img src="{url.toString()}">')
    assert plain.resource(2, url), "Qt itself would load it"
    document = Document(style.of("answer"))
    document.setHtml(f'<img src="{url.toString()}">')
    document.setTextWidth(100)
    assert not document.resource(2, url)
    assert copied(document, 0, WHOLE)


def test_an_endless_word_is_laid_out_in_linear_time_and_within_its_width() -> None:
    made = cell("x" * 20_000)
    assert made.height > 20 * 100
    assert made.document().size().width() <= 700  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["plain", "é漢字", "a😀b👩‍👩‍👧c", ""])
def test_counting_in_utf16_and_back(text: str) -> None:
    for count in range(len(text) + 1):
        assert characters(text, units(text, count)) == count
        assert part(text, 0, units(text, count)) == text[:count]


def test_styles_follow_the_theme(dressed: QApplication) -> None:
    from ui import theme

    light = style.of("thinking")
    theme.set_mode("dark")
    dark = style.of("thinking")
    assert light.ink == theme.LIGHT.thinking_ink
    assert dark.ink == theme.DARK.thinking_ink
    assert dark.css != light.css
