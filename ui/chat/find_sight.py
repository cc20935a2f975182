"""Bringing a hit into view: the transcript is scrolled, a panel in it, a wide block sideways.

Heights above what was never seen are guesses, so what is scrolled to is laid out first and then
placed by what it is, not by where it was thought to be.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect

from ui.chat.answer import Answer
from ui.chat.cells import Cell
from ui.chat.column import Anchor, Column
from ui.chat.entry import Entry
from ui.chat.find_marks import Marks
from ui.chat.item import LEAD
from ui.chat.stack import Keep
from ui.chat.thinking import Panel

if TYPE_CHECKING:
    from ui.chat.view import ChatView

SHOWN_AT = 1 / 3
"""How far down the view a hit is shown."""

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Located:
    """Where a hit is: a column, the number of the cell in it, the number of the hit in that."""

    column: Column
    number: int
    hit: int

    @property
    def cell(self) -> Cell | None:
        """The cell, None where the text has changed and it is gone."""
        return self.column.cells[self.number] if self.number < len(self.column.cells) else None


def show_message(view: "ChatView", entry: Entry, below: int = 0) -> None:
    """Scroll to a message, or to a point below its top."""
    _keep(view, entry, Anchor(LEAD, below))


def panel_open(view: "ChatView", entry: Entry) -> bool:
    """Whether the thinking of a message, which is brought into view, is open."""
    if view.item(entry.id) is None:
        show_message(view, entry)
    panel = _panel(view, entry)
    return panel is not None and not panel.collapsed


def reveal(view: "ChatView", entry: Entry, marks: Marks, at: Located) -> None:
    """Scroll to a hit."""
    if at.column is entry.thinking:
        _reveal_thought(view, entry, marks, at)
        return
    if entry.message.role == "user":
        # Only its widget knows how wide a bubble is.
        _keep(view, entry, Anchor(at.number, 0))
    else:
        at.column.set_width(view.column_width)
    _keep(view, entry, Anchor(at.number, _below_top(marks, at)))


def _reveal_thought(view: "ChatView", entry: Entry, marks: Marks, at: Located) -> None:
    show_message(view, entry)
    item = view.item(entry.id)
    if item is not None:
        item.refresh()
    show_message(view, entry)
    panel = _panel(view, entry)
    if item is None or panel is None or panel.collapsed:
        return
    bar = panel.body.verticalScrollBar()
    for _ in range(ROUNDS):
        y = at.column.top(at.number) + _below_top(marks, at)
        bar.setValue(round(y - panel.body.viewport().height() * SHOWN_AT))
    y = at.column.top(at.number) + _below_top(marks, at)
    show_message(view, entry, panel.body.content.mapTo(item, QPoint(0, y)).y())


def seen_at(view: "ChatView", entry: Entry, marks: Marks, at: Located) -> QRect:
    """Return where in the view a hit is drawn, an empty rectangle where it is not."""
    item, cell = view.item(entry.id), at.cell
    hits = marks.hits(cell) if cell is not None else []
    if item is None or cell is None or at.hit >= len(hits):
        return QRect()
    corner = item.mapTo(view, item.text_at)
    if at.column is entry.thinking:
        panel = _panel(view, entry)
        if panel is None or panel.collapsed:
            return QRect()
        corner = panel.body.content.mapTo(view, QPoint(0, 0))
    found = QRect()
    for box in cell.rects(*hits[at.hit]):
        found = found.united(box.toAlignedRect())
    return found.translated(corner + QPoint(0, at.column.top(at.number)))


def leave(view: "ChatView", entry: Entry) -> None:
    """Let a panel that was opened for a look close: nobody reads in it any more."""
    panel = _panel(view, entry)
    if panel is not None:
        panel.body.following = True


def _panel(view: "ChatView", entry: Entry) -> Panel | None:
    item = view.item(entry.id)
    return item.panel if isinstance(item, Answer) else None


def _keep(view: "ChatView", entry: Entry, anchor: Anchor) -> None:
    number = view.entries.index(entry)
    view.settle(Keep(entry, number, anchor, int(view.viewport().height() * SHOWN_AT)))


def _below_top(marks: Marks, at: Located) -> int:
    """Return how far below its cell's top a hit is; a wide cell is scrolled to it sideways."""
    cell = at.cell
    if cell is None:
        return 0
    if not cell.exact:
        cell.lay_out()
    hits = marks.hits(cell)
    boxes = cell.rects(*hits[at.hit]) if at.hit < len(hits) else []
    if not boxes:
        return 0
    if boxes[0].left() < 0 or boxes[0].right() > cell.width:
        cell.slide(round(boxes[0].left() - cell.width * SHOWN_AT))
    return round(boxes[0].top())
