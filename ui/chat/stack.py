"""Messages below each other, of which only those near the eye exist: how the transcript scrolls.

Entries hold what each message says and how tall it is, roughly until it was seen. Widgets are made
for the messages near the viewport and taken away again. A change anywhere keeps in place what is
being read: an anchor is taken before it, and the scroll value follows the anchor after it. At the
bottom the anchor is the bottom, so that an answer being written stays in view.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from ui.chat import style
from ui.chat.column import Anchor
from ui.chat.entry import Entry
from ui.chat.item import LEAD, PAD_X, PAD_Y, Item
from ui.chat.jump import Jump
from ui.chat.style import COLUMN_PX, GUTTER_PX
from ui.formulas.desk import Wish

TOP_PX = 24
BOTTOM_PX = 24
PANEL_SHARE = 0.5
PANEL_LEAST_PX = 160
AT_BOTTOM_PX = 8
BESIDE_PX = 60
"""Messages that are so near are laid out; those within a screen keep their widgets."""
JUMP_FROM_PX = 48
MOST_ROUNDS = 16
"""Laying out changes heights, which changes what is seen; two or three rounds settle it."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What stays in place: a point of a message, and how far below the viewport's top it is."""

    entry: Entry
    number: int
    anchor: Anchor
    screen_y: int


class Stack(QAbstractScrollArea):
    """See the module. Who inherits makes the widgets and changes the entries."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self._items: dict[str, Item] = {}
        self._tops: list[int] = []
        self._following = True
        self._settling = False
        self._reads_on = QTimer(self)
        self._reads_on.setSingleShot(True)
        self._reads_on.timeout.connect(self._read_on)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self.verticalScrollBar().setSingleStep(24)
        self.jump = Jump(self, self.jump_to_latest)

    def make_item(self, entry: Entry) -> Item:
        """Make the widget of a message, a child of the viewport."""
        raise NotImplementedError

    # ------------------------------------------------------------ what is where

    @property
    def column_width(self) -> int:
        """The width of the text column in pixels. The scroll bar lies beside it, so that its coming
        lays out nothing anew."""
        return max(120, min(style.scaled(COLUMN_PX), self.width() - 2 * GUTTER_PX))

    @property
    def following(self) -> bool:
        """Whether the view stays at the end."""
        return self._following

    def entry(self, message_id: str) -> Entry | None:
        """Return a message's entry, None where it is not shown."""
        for entry in reversed(self.entries):
            if entry.id == message_id:
                return entry
        return None

    def item(self, message_id: str) -> Item | None:
        """Return the widget of a message, None while it has none."""
        return self._items.get(message_id)

    def items(self) -> list[Item]:
        """Return the widgets there are, from top to bottom."""
        return [self._items[entry.id] for entry in self.entries if entry.id in self._items]

    def item_top(self, number: int) -> int:
        """Return the top of a message, from the top of everything."""
        return self._tops[number]

    def _stacked(self) -> int:
        """Place the messages below each other; return the height of everything."""
        width = self.column_width
        for entry in self.entries:
            if entry.measured_for != width and entry.id not in self._items:
                entry.height = entry.estimate(width)
                entry.measured_for = width
        # Ten thousand of them are summed several times a frame.
        tall = [entry.height + entry.below - 2 * PAD_Y for entry in self.entries]
        *self._tops, end = accumulate(tall, initial=TOP_PX - PAD_Y)
        return end - self.entries[-1].below + PAD_Y + BOTTOM_PX if self.entries else 0

    def _near(self, top: int, bottom: int) -> list[int]:
        first = max(0, bisect_right(self._tops, top) - 2)
        last = bisect_right(self._tops, bottom)
        return [
            number
            for number in range(first, last)
            if self._tops[number] + self.entries[number].height >= top
        ]

    # ------------------------------------------------------------ keeping the place

    def kept(self, known: frozenset[Wish] = frozenset()) -> Keep | None:
        """Return the anchor of what is being read: None at the end, which is followed.

        known: formulas that are about to be shown.
        """
        return None if self._following else self._seen(known)

    def kept_top(self, entry: Entry) -> Keep:
        """Return an anchor that keeps the top of a message where it is."""
        number = self.entries.index(entry)
        screen_y = self._tops[number] - self.verticalScrollBar().value()
        return Keep(entry, number, Anchor(LEAD, 0), screen_y)

    def _seen(self, known: frozenset[Wish]) -> Keep | None:
        """Return an anchor on the first block in view that was laid out before.

        What lies above it was not seen yet, so that it may still change its height. Where there is
        no such block (after a jump, or over a tall panel), the message at the top is the anchor.
        """
        top = self.verticalScrollBar().value()
        bottom = top + self.viewport().height()
        first: Keep | None = None
        for number in self._near(top, bottom):
            entry = self.entries[number]
            item = self._items.get(entry.id)
            at = self._tops[number]
            inside = max(0, top - at)
            if first is None:
                first = Keep(entry, number, Anchor(LEAD, inside), at + inside - top)
            anchor = item.anchor(inside, bottom - at, known) if item is not None else None
            if anchor is not None:
                return Keep(entry, number, anchor, at + inside - top)
        return first

    def _value_for(self, keep: Keep | None, most: int) -> int:
        if keep is None:
            return most if self._following else min(most, self.verticalScrollBar().value())
        number = min(keep.number, len(self.entries) - 1)
        inside = 0
        if keep.entry in self.entries:
            number = self.entries.index(keep.entry)
            item = self._items.get(keep.entry.id)
            inside = item.y_of(keep.anchor) if item is not None else keep.anchor.below
        return max(0, min(most, self._tops[number] + inside - keep.screen_y))

    # ------------------------------------------------------------ layout

    def settle(self, keep: Keep | None) -> None:
        """Lay out what is seen, until laying out changes no more heights, and place it."""
        if self._settling:
            return
        self._settling = True
        width = self.column_width
        tall = self.viewport().height()
        panel_px = max(PANEL_LEAST_PX, int(tall * PANEL_SHARE))
        top = 0
        near: list[int] = []
        for _ in range(MOST_ROUNDS):
            most = max(0, self._stacked() - tall)
            top = self._value_for(keep, most) if self.entries else 0
            near = self._near(top - BESIDE_PX, top + tall + BESIDE_PX)
            if not self._lay_out(near, top, width, panel_px):
                break
        self._place(near, top, width)
        bar = self.verticalScrollBar()
        bar.setPageStep(tall)
        bar.setRange(0, max(0, self._stacked() - tall))
        bar.setValue(top)
        self._note_bottom()
        self._settling = False
        if not self._reads_on.isActive() and any(self._behind()):
            self._reads_on.start()

    def _behind(self) -> list[Item]:
        return [item for item in self._items.values() if item.behind]

    def _read_on(self) -> None:
        """Read more of the long texts that are shown: they grow as one that is written does."""
        keep = self.kept()
        for item in self._behind()[-1:]:
            item.refresh()
        self.settle(keep)

    def settle_around(self, entry: Entry) -> None:
        """Lay out anew; the top of one message stays where it is."""
        keep = self.kept_top(entry)
        item = self._items.get(entry.id)
        if item is not None:
            item.refresh()
        self.settle(keep)

    def _lay_out(self, near: list[int], top: int, width: int, panel_px: int) -> bool:
        """Lay out the messages near the viewport; whether a height changed by it."""
        tall = self.viewport().height()
        changed = False
        for number in near:
            entry = self.entries[number]
            item = self._made(entry)
            at = self._tops[number]
            height = item.settle(width, top - at, top + tall - at, panel_px)
            entry.measured(height, width)
            changed = changed or height != item.last_height
            item.last_height = height
        return changed

    def _made(self, entry: Entry) -> Item:
        item = self._items.get(entry.id)
        if item is None:
            item = self.make_item(entry)
            self._items[entry.id] = item
            item.show()
        return item

    def _place(self, near: list[int], top: int, width: int) -> None:
        left = (self.width() - width) // 2 - PAD_X
        self._shift(near, top)
        tall = self.viewport().height()
        near = [
            number
            for number in self._near(top - tall, top + 2 * tall)
            if self.entries[number].id in self._items
        ]
        for number in near:
            entry = self.entries[number]
            self._items[entry.id].setGeometry(
                left, self._tops[number] - top, width + 2 * PAD_X, entry.height
            )
        kept = {self.entries[number].id for number in near}
        for message_id, item in list(self._items.items()):
            if message_id in kept:
                continue
            item.move(left, -item.height() - self.height())
            if not item.holds_focus and item.editor is None:
                self.release(message_id)

    def _shift(self, near: list[int], top: int) -> None:
        """Move the drawn pixels along where all messages move alike: a line more is no new page."""
        seen = self.viewport().rect()
        moves = {
            self._tops[number] - top - item.y()
            for number in near
            if (item := self._items[self.entries[number].id]).geometry().intersects(seen)
        }
        if len(moves) == 1 and 0 < abs(next(iter(moves))) < seen.height():
            self.viewport().scroll(0, next(iter(moves)))

    def release(self, message_id: str) -> None:
        """Take a message's widget away."""
        item = self._items.pop(message_id, None)
        if item is None:
            return
        for column in item.entry.columns:
            for cell in column.cells:
                cell.release()
        item.hide()
        item.deleteLater()

    # ------------------------------------------------------------ scrolling

    def jump_to_latest(self) -> None:
        """Go to the end and follow it."""
        self._following = True
        self.settle(None)

    def show_item(self, number: int) -> Item:
        """Scroll so that the top of a message is in view; return its widget."""
        bar = self.verticalScrollBar()
        at = self._tops[number]
        if not bar.value() <= at < bar.value() + self.viewport().height() - TOP_PX:
            bar.setValue(at - TOP_PX)
        return self._made(self.entries[number])

    def _note_bottom(self) -> None:
        bar = self.verticalScrollBar()
        self._following = bar.value() >= bar.maximum() - AT_BOTTOM_PX
        below = bar.maximum() - bar.value()
        self.jump.place(shown=not self._following and below > JUMP_FROM_PX)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:  # noqa: N802 - Qt's name
        """Show another part. Reaching the end follows it; leaving it stops following."""
        if self._settling:
            return
        self._note_bottom()
        self.settle(self.kept())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Lay out for the new width, what is read staying in place."""
        super().resizeEvent(event)
        self.settle(self.kept())
