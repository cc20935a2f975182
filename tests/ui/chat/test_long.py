"""Blocks without an end: cut into parts that nobody sees, and each part laid out once."""

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.markup.blocks import Blocks, parse
from tests.ui.chat import samples
from ui.chat.answer import Answer
from ui.chat.cells import WHOLE, Cell
from ui.chat.column import Column
from ui.chat.long import LongCell
from ui.chat.long_table import SIDES_PX, LongTableCell, long_cell, shared
from ui.chat.prose import ProseCell, cell_for
from ui.chat.shelf import Shelf
from ui.chat.view import ChatView

WORDS = "So the *sum* of the angles is `180` degrees, and $5 is a price & nothing more. "
TEXTS = {
    "paragraph": WORDS * 300,
    "no sentence": "and then some more " * 1500,
    "Chinese": "这是一个没有尽头的段落。它一直写下去,没有空行。" * 600,
    "list": "".join(f"- {WORDS}\n  - a part of **it**\n" for _ in range(120)),
    "numbers": "".join(f"{number}. {WORDS}\n" for number in range(7, 260)),
    "one word": "x" * 30_000,
    "table": "| n | f(n), *said* | words |\n|--:|:--:|---|\n"
    + "".join(f"| {n} | `f({n})` | a few **words** of {n} |\n" for n in range(1, 90)),
    "wide table": "| n | what is said of it |\n|---|---|\n"
    + "".join(f"| {n} | {WORDS} |\n" for n in range(100, 150)),
    "too wide table": f"|{'a | ' * 30}\n|{'---|' * 30}\n" + f"|{'word | ' * 30}\n" * 40,
}


def laid_out(cell: Cell, width: int = 700) -> Cell:
    cell.set_width(width)
    cell.lay_out()
    return cell


def both(markdown: str) -> tuple[LongCell, ProseCell]:
    [block] = parse(markdown)
    long, whole = long_cell(block, "answer", None), cell_for(block, "answer")
    assert isinstance(whole, ProseCell)
    laid_out(long)
    laid_out(whole)
    return long, whole


@pytest.mark.parametrize("name", TEXTS)
def test_offsets_and_text_are_those_of_the_whole(dressed: QApplication, name: str) -> None:
    long, whole = both(TEXTS[name])
    assert long.copied(0, WHOLE) == whole.copied(0, WHOLE)
    last = whole.document().characterCount() - 1
    for offset in range(0, last, max(1, last // 50)):
        word, meant = long.word_at(offset), whole.word_at(offset)
        # Where no space parts two sentences, Qt's word goes on past the cut between them.
        assert word == meant or (name == "Chinese" and meant[0] <= word[0] <= word[1] <= meant[1])
        one, two = long.rects(offset, offset + 1), whole.rects(offset, offset + 1)
        assert [box.size() for box in one] == [box.size() for box in two], offset
        for box in one:
            middle = box.center() - QPointF(0.2, 0)
            assert long.hit(middle) in (offset, offset + 1)


@pytest.mark.parametrize("name", ["list", "numbers", "table", "wide table", "too wide table"])
def test_a_list_in_parts_looks_like_the_whole(dressed: QApplication, name: str) -> None:
    long, whole = both(TEXTS[name])
    assert abs(long.height - whole.height) <= 1
    for top in (0, long.height // 3, long.height - 900):
        shown = []
        for cell in (long, whole):
            image = QImage(700, 900, QImage.Format.Format_RGB32)
            image.fill(QColor("white"))
            painter = QPainter(image)
            painter.translate(0, -top)
            cell.paint(painter, QRectF(0, top, 700, 900), None, caret=False)
            painter.end()
            shown.append(image)
        ink = [ink_rows(image) for image in shown]
        assert ink[0]
        assert abs(len(ink[0]) - len(ink[1])) <= len(ink[1]) // 20


def ink_rows(image: QImage) -> list[int]:
    white = bytes([255]) * image.bytesPerLine()
    return [y for y in range(image.height()) if image.constScanLine(y) != white]


@pytest.mark.parametrize("name", TEXTS)
def test_streamed_it_is_cut_as_it_is_at_once(dressed: QApplication, name: str) -> None:
    text = TEXTS[name]
    column, blocks = Column("answer", Shelf()), Blocks()
    column.set_width(700)
    cells = set()
    for start in range(0, len(text), 997):
        unchanged, found = blocks.append(text[start : start + 997])
        column.set_blocks(found, unchanged)
        column.lay_out(0, 10**6)
        cells.add(id(column.cells[0]))
    assert len(cells) <= 2
    [streamed] = column.cells
    [whole] = parse(text)
    if name == "one word":
        return
    assert isinstance(streamed, LongCell)
    fresh = laid_out(long_cell(whole, "answer", None))
    assert streamed.height == fresh.height
    assert streamed.copied(0, WHOLE) == fresh.copied(0, WHOLE)


def test_what_is_cut_off_is_not_laid_out_again(
    view: ChatView, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    measure = ProseCell._measure

    def noted(self: ProseCell, width: int) -> int:
        tall = measure(self, width)
        sizes.append(self.characters)
        return tall

    monkeypatch.setattr(ProseCell, "_measure", noted)
    view.show_conversation([samples.question()], samples.alone, {})
    text = WORDS * 200
    for end in range(40, len(text), 400):
        view.show_turn("a1", samples.answering(text[:end]))
        QApplication.processEvents()
    item = view.item("a1")
    assert isinstance(item, Answer)
    assert isinstance(item.entry.text.cells[0], LongCell)
    assert max(sizes) < 7000
    view.resize(640, 500)
    assert item.entry.text.cells[0].exact


def test_a_long_answer_that_is_opened_is_read_bit_by_bit(view: ChatView, qtbot: QtBot) -> None:
    text = "".join(f"## Part {number}\n\n{WORDS}\n\n" for number in range(400))
    branch = [samples.question(), samples.answer(text, "Hm.\n\n" * 3000)]
    view.show_conversation(branch, samples.alone, {"a1": False})
    [_, entry] = view.entries
    assert entry.behind(thinking=True)
    assert 0 < len(entry.text.cells) < 400
    qtbot.waitUntil(lambda: not entry.behind(thinking=True), timeout=60_000)
    assert len(entry.text.cells) == 800
    assert len(entry.thinking.cells) == 3000
    bar = view.verticalScrollBar()
    assert bar.value() == bar.maximum()


def test_what_is_read_stays_where_it_is_while_the_rest_is_read(
    view: ChatView, qtbot: QtBot
) -> None:
    text = "".join(f"## Part {number}\n\n{WORDS}\n\n" for number in range(400))
    branch = [samples.question("Hm? " * 400), samples.answer(text)]
    view.show_conversation(branch, samples.alone, {})
    view.verticalScrollBar().setValue(100)
    entry, item = view.entries[1], view.item("a1")
    assert entry.behind(thinking=True)
    assert item is not None
    before = item.y()
    qtbot.waitUntil(lambda: not entry.behind(thinking=True), timeout=60_000)
    assert item.y() == before
    assert view.verticalScrollBar().value() == 100


def test_a_thought_that_is_closed_is_not_read_on(view: ChatView, qtbot: QtBot) -> None:
    branch = [samples.question(), samples.answer("Yes.", "Hm.\n\n" * 9000)]
    view.show_conversation(branch, samples.alone, {"a1": False})
    entry = view.entries[1]
    view.toggle_thinking()
    QApplication.processEvents()
    read = len(entry.thinking.cells)
    assert 0 < read < 9000
    QApplication.processEvents()
    assert len(entry.thinking.cells) == read
    view.toggle_thinking()
    qtbot.waitUntil(lambda: not entry.behind(thinking=True), timeout=60_000)
    assert len(entry.thinking.cells) == 9000


def test_a_table_in_parts_has_other_widths_at_another_zoom(view: ChatView) -> None:
    view.show_conversation([samples.question(), samples.answer(TEXTS["table"])], samples.alone, {})
    heights = []
    for percent in (100, 150, 80):
        view.zoom.set_percent(percent)
        [cell] = view.entries[1].text.cells
        assert isinstance(cell, LongTableCell)
        fresh = long_cell(parse(TEXTS["table"])[0], "answer", None)
        laid_out(fresh, cell.width)
        assert cell.height == fresh.height
        assert cell.rects(40, 44) == fresh.rects(40, 44)
        heights.append(cell.height)
    assert heights[1] > heights[0] > heights[2]


@pytest.mark.parametrize("room", [200, 420, 700, 2000])
def test_columns_share_the_room_there_is(room: int) -> None:
    widths = [((30.0, 400.0, 90.0), (30.0, 60.0, 40.0)), ((20.0, 500.0, 80.0), (20.0, 70.0, 45.0))]
    given = shared(widths, room)
    words = [one - SIDES_PX for one in given]
    assert words[0] == 30
    assert all(one >= least for one, least in zip(words, (30, 70, 45), strict=True))
    assert all(one <= most for one, most in zip(words, (30, 500, 90), strict=True))
    if room == 2000:
        assert words == [30, 500, 90]
    elif room > 300:
        # Nothing is left over but a pixel for each.
        assert room - 10 <= sum(given) <= room
    else:
        assert words == [30, 70, 45]
