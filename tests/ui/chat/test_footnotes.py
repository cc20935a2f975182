"""Footnotes in the transcript: shown at the end, reached by a click, and left by another."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest

from tests.ui.chat import samples
from ui.chat import links
from ui.chat.view import ChatView

TEXT = "Said[^1] first.\n\n" + "A paragraph.\n\n" * 80 + "\n[^1]: The note.\n"


def anchor(view: ChatView, address: str) -> QPoint:
    """Return where in the viewport a link is."""
    item = view.item("a1")
    assert item is not None
    for y in range(max(0, -item.y()), view.viewport().height() - item.y(), 4):
        for x in range(0, 300, 3):
            at = QPoint(x, y)
            if item.entry.text.link_at(at - item.text_at) == address:
                return item.mapTo(view.viewport(), at)
    raise AssertionError(f"{address} is not to be seen")


def test_a_click_goes_to_the_note_and_back(view: ChatView, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: bool(opened.append(url)))
    view.show_conversation([samples.answer(TEXT, "")], samples.alone, {})
    bar = view.verticalScrollBar()
    bar.setValue(0)
    for address in ("#note-1", "#ref-1"):
        before = bar.value()
        at = anchor(view, address)
        widget = view.viewport().childAt(at)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=widget.mapFrom(view.viewport(), at))
        assert abs(bar.value() - before) > view.viewport().height()
    anchor(view, "#note-1")
    assert opened == []


def test_nothing_is_told_of_where_it_leads_nor_opened() -> None:
    assert links.told("#note-1", "1") == ""
    assert not links.open_link("#note-1")


def test_a_note_that_comes_late_turns_its_number_into_a_link(view: ChatView) -> None:
    view.show_conversation([samples.answer("Said[^1].", "")], samples.alone, {})
    (cell,) = view.entries[0].text.cells
    assert cell.copied(0, 1 << 60) == "Said[^1]."
    view.show_conversation([samples.answer("Said[^1].\n\n[^1]: N.", "")], samples.alone, {})
    said = [cell.copied(0, 1 << 60) for cell in view.entries[0].text.cells]
    assert said == ["Said1.", "1. N. ↩"]
