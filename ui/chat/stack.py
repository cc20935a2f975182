"""Messages below each other, of which only those near the eye exist: how the transcript scrolls.

Entries hold what each message says and how tall it is, roughly until it was seen. Widgets are made
for the messages near the viewport and taken away again. A change anywhere keeps in place what is
being read: an anchor is taken before it, and the scroll value follows the anchor after it. At the
bottom the anchor is the bottom, so that an answer being written stays in view.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from ui.chat import style
from ui.chat.column import Anchor
from ui.chat.entry import READ_AT_ONCE, Entry
from ui.chat.heights import Heights
from ui.chat.item import LEAD, PAD_X, PAD_Y, Item
from ui.chat.jump import Jump
from ui.chat.shelf import Shelf
from ui.chat.style import COLUMN_PX, GUTTER_PX
from ui.formulas.desk import Wish

TOP_PX = 24
BOTTOM_PX = 24
PANEL_SHARE = 0.5
PANEL_LEAST_PX = 160
AT_BOTTOM_PX = 8
BESIDE_PX = 60
"""Messages that are so near are laid out; those within a screen keep their widgets. After a jump
that waits until what is seen has been drawn."""
FAR_SHARE = 0.5
"""Of a screen: to scroll further than that at once is a jump."""
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
        self.shelf = Shelf()
        self._items: dict[str, Item] = {}
        self._heights = Heights()
        self._numbers: dict[Entry, int] = {}
        # The message that was jumped to, until anything else is scrolled to.
        self._landed: Keep | None = None
        self._landed_at = 0
        self._stacked_of: tuple[list[Entry], int] | None = None
        self._following = True
        self._settling = False
        self._reads_on = QTimer(self)
        self._reads_on.setSingleShot(True)
        self._reads_on.timeout.connect(self._read_on)
        self._looks_on = QTimer(self)
        self._looks_on.setSingleShot(True)
        self._looks_on.timeout.connect(lambda: self.settle(self.kept(), reads=0))
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

    @property
    def resting(self) -> bool:
        """Whether all is laid out and read that is to be, as far as it is known."""
        return not self._looks_on.isActive() and not self._reads_on.isActive()

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
        self._stacked()
        found = sorted(self._items.values(), key=lambda item: self._numbers.get(item.entry, -1))
        return [item for item in found if item.entry in self._numbers]

    def item_top(self, number: int) -> int:
        """Return the top of a message, from the top of everything."""
        return TOP_PX - PAD_Y + self._heights.before(number)

    def number_at(self, y: int) -> int:
        """Return the number of the message at a height, counted from the top of everything."""
        return self._heights.at(y - TOP_PX + PAD_Y)

    def _stacked(self) -> int:
        """Place the messages below each other; return the height of everything."""
        width = self.column_width
        of = self._stacked_of
        count = len(self.entries)
        if of is None or of[0] is not self.entries or of[1] != width or len(self._heights) != count:
            self._stacked_of = self.entries, width
            self._numbers = {entry: number for number, entry in enumerate(self.entries)}
            self._guess(self.entries, width)
            self._heights.fill(map(_room, self.entries))
        elif self.shelf.outdated:
            known = [entry for entry in self.shelf.outdated if entry in self._numbers]
            self._guess(known, width)
            for entry in known:
                self._heights.put(self._numbers[entry], _room(entry))
        self.shelf.outdated.clear()
        end = self._heights.before(count)
        return end + TOP_PX - self.entries[-1].below + BOTTOM_PX if count else 0

    def _guess(self, entries: Iterable[Entry], width: int) -> None:
        """Guess the heights that are not known for a width; a widget's is known soon."""
        for entry in entries:
            if entry.measured_for != width and entry.id not in self._items:
                entry.guess(width)

    def _near(self, top: int, bottom: int) -> list[int]:
        found: list[int] = []
        number = max(0, self.number_at(top) - 1)
        y = self.item_top(number)
        while number < len(self._heights) and y <= bottom:
            if y + self.entries[number].height >= top:
                found.append(number)
            y += self._heights[number]
            number += 1
        return found

    # ------------------------------------------------------------ keeping the place

    def kept(self, known: frozenset[Wish] = frozenset()) -> Keep | None:
        """Return the anchor of what is being read: None at the end, which is followed.

        known: formulas that are about to be shown.
        """
        if self._following:
            return None
        landed = self._landed
        stays = landed is not None and landed.entry in self._numbers
        if stays and self._landed_at == self.verticalScrollBar().value():
            return landed
        return self._seen(known)

    def kept_top(self, entry: Entry) -> Keep:
        """Return an anchor that keeps the top of a message where it is."""
        self._stacked()
        number = self._numbers[entry]
        screen_y = self.item_top(number) - self.verticalScrollBar().value()
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
            at = self.item_top(number)
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
        if keep.entry in self._numbers:
            number = self._numbers[keep.entry]
            item = self._items.get(keep.entry.id)
            inside = item.y_of(keep.anchor) if item is not None else keep.anchor.below
        return max(0, min(most, self.item_top(number) + inside - keep.screen_y))

    # ------------------------------------------------------------ layout

    def settle(self, keep: Keep | None, reads: int = READ_AT_ONCE) -> None:
        """Lay out what is seen, until laying out changes no more heights, and place it.

        reads: characters of Markdown that it may read for that.
        """
        if self._settling:
            return
        self._settling = True
        self.shelf.to_read = reads
        width = self.column_width
        tall = self.viewport().height()
        panel_px = max(PANEL_LEAST_PX, int(tall * PANEL_SHARE))
        bar = self.verticalScrollBar()
        top = 0
        near: list[int] = []
        far = False
        for _ in range(MOST_ROUNDS):
            most = max(0, self._stacked() - tall)
            top = self._value_for(keep, most) if self.entries else 0
            far = far or abs(top - bar.value()) > tall * FAR_SHARE
            # Of a message that only touches the edge nothing but the room for its ring is seen.
            beside = -PAD_Y if far else BESIDE_PX
            near = self._near(top - beside, top + tall + beside)
            if not self._lay_out(near, top, beside, panel_px):
                break
            # What grew a little at the end was laid out with what is near.
            end, before = self._stacked(), top
            top = self._value_for(keep, max(0, end - tall))
            if 0 <= top - before <= beside and end <= before + tall + beside:
                break
        self._place(near, top, width)
        bar.setPageStep(tall)
        bar.setRange(0, max(0, self._stacked() - tall))
        bar.setValue(top)
        self._note_bottom()
        self._settling = False
        if keep is not None and keep is self._landed:
            self._landed_at = bar.value()
        if far:
            self._looks_on.start()
        elif not self._reads_on.isActive() and any(self._behind()):
            self._reads_on.start()

    def _behind(self) -> list[Item]:
        return [item for item in self._items.values() if item.behind]

    def _read_on(self) -> None:
        """Read more of the long texts that are shown: they grow as one that is written does."""
        keep = self.kept()
        for item in self._behind()[-1:]:
            item.refresh()
        self.settle(keep, reads=0)

    def settle_around(self, entry: Entry) -> None:
        """Lay out anew; the top of one message stays where it is."""
        keep = self.kept_top(entry)
        item = self._items.get(entry.id)
        if item is not None:
            item.refresh()
        self.settle(keep)

    def _lay_out(self, near: list[int], top: int, beside: int, panel_px: int) -> bool:
        """Lay out the messages near the viewport; whether a height changed by it."""
        width, tall = self.column_width, self.viewport().height()
        changed = False
        for number in near:
            entry = self.entries[number]
            at = self.item_top(number)
            if changed and at > top + tall + beside:
                break  # those above are taller than it was thought
            item = self._made(entry)
            height = item.settle(width, top - at, top + tall - at, panel_px)
            entry.measured(height, width)
            self._heights.put(number, _room(entry))
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
        kept = set()
        for number in self._near(top - tall, top + 2 * tall):
            entry = self.entries[number]
            kept.add(entry.id)
            item = self._items.get(entry.id)
            if item is not None:
                item.setGeometry(left, self.item_top(number) - top, width + 2 * PAD_X, entry.height)
                if number in near:
                    item.place_controls()
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
            self.item_top(number) - top - item.y()
            for number in near
            if (item := self._items.get(self.entries[number].id)) is not None
            and item.geometry().intersects(seen)
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
        if item.entry.measured_for != self.column_width:
            item.entry.outdate()

    # ------------------------------------------------------------ scrolling

    def jump_to_latest(self) -> None:
        """Go to the end and follow it."""
        self._following = True
        self.settle(None)

    def show_item(self, number: int) -> Item:
        """Scroll so that the top of a message is in view; return its widget."""
        entry = self.entries[number]
        bar = self.verticalScrollBar()
        self._stacked()
        at = self.item_top(number)
        if not bar.value() <= at < bar.value() + self.viewport().height() - TOP_PX:
            # By what it is, not by where it is thought to be: what is above is mostly guessed.
            self._landed = Keep(entry, number, Anchor(LEAD, 0), TOP_PX)
            self.settle(self._landed)
        return self._made(entry)

    def _note_bottom(self) -> None:
        bar = self.verticalScrollBar()
        self._following = bar.value() >= bar.maximum() - AT_BOTTOM_PX
        below = bar.maximum() - bar.value()
        self.jump.place(shown=not self._following and below > JUMP_FROM_PX)

    def scrollContentsBy(self, _dx: int, dy: int) -> None:  # noqa: N802 - Qt's name
        """Show another part. Reaching the end follows it; leaving it stops following.

        To go to the beginning from afar is to jump to the first message: it stays in its place.
        """
        if self._settling:
            return
        self._note_bottom()
        far = abs(dy) > self.viewport().height() * FAR_SHARE
        if far and self.entries and not self._following and not self.verticalScrollBar().value():
            self._landed = Keep(self.entries[0], 0, Anchor(LEAD, 0), self.item_top(0))
            self.settle(self._landed)
        else:
            self.settle(self.kept())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Lay out for the new width, what is read staying in place."""
        super().resizeEvent(event)
        self.settle(self.kept())


def _room(entry: Entry) -> int:
    """Return how far below the top of a message the next one's is."""
    return entry.height + entry.below - 2 * PAD_Y
