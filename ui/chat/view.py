"""The transcript: the messages of the branch shown, of which only those near the eye exist.

Entries hold what each message says and how tall it is, roughly until it was seen. Widgets are made
for the messages near the viewport and taken away again. A change anywhere keeps in place what is
being read: an anchor is taken before it, and the scroll value follows the anchor after it. At the
bottom the anchor is the bottom, so that an answer being written stays in view.

Nothing is laid out per token: `show_turn` takes a whole state, at most 30 times a second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.chat.message import Message
from app.chat.turn import TurnState
from ui import theme
from ui.chat import focus, menu
from ui.chat.answer import Answer
from ui.chat.column import Anchor, Place
from ui.chat.entry import Entry, Siblings
from ui.chat.item import PAD_X, PAD_Y, Item, Question
from ui.chat.jump import Jump
from ui.chat.pointer import Pointer
from ui.chat.reading import Reading
from ui.chat.selection import Region, Selection
from ui.chat.shelf import Shelf
from ui.chat.style import COLUMN_PX, GUTTER_PX

TOP_PX = 24
BOTTOM_PX = 24
AFTER_QUESTION_PX = 16
AFTER_ANSWER_PX = 32
PANEL_SHARE = 0.5
PANEL_LEAST_PX = 160
AT_BOTTOM_PX = 8
JUMP_FROM_PX = 48


@dataclass(frozen=True, slots=True)
class Keep:
    """What stays in place: a point of a message, and how far below the viewport's top it is."""

    entry: Entry
    number: int
    anchor: Anchor
    screen_y: int


class ChatView(QAbstractScrollArea):
    """See the module.

    Signals:
        retry_requested: another answer is wanted in place of this message's.
        edit_requested: message id and its new text.
        branch_requested: message id, and -1 or +1 for the version before or after.
        collapsed_changed: message id, and whether its thinking is now closed.
        answer_now_requested: the running thought is to be closed.
        continue_requested: the answer that ended early is to be gone on with.
    """

    retry_requested = Signal(str)
    edit_requested = Signal(str, str)
    branch_requested = Signal(str, int)
    collapsed_changed = Signal(str, bool)
    answer_now_requested = Signal()
    continue_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self.selection = Selection()
        self.shelf = Shelf()
        self._items: dict[str, Item] = {}
        self._tops: list[int] = [TOP_PX]
        self._following = True
        self._settling = False
        self._hold: Keep | None = None
        self.reading = Reading(self)
        self.pointer = Pointer(self.reading, self)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Conversation")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self.verticalScrollBar().setSingleStep(24)
        self.jump = Jump(self, self.jump_to_latest)
        theme.notifier().changed.connect(self._on_theme)

    # ------------------------------------------------------------ what is shown

    def show_conversation(
        self,
        branch: Sequence[Message],
        siblings: Callable[[str], tuple[int, int]],
        collapsed: Mapping[str, bool],
    ) -> None:
        """Show a branch. siblings: a message's index (from 0) among its versions, and their count.

        What is shown already stays as it is. Another chat is shown at its end, and so is a message
        that the user has just sent.
        """
        keep = self._hold or self._kept()
        self._hold = None
        known = {entry.id: entry for entry in self.entries}
        entries: list[Entry] = []
        for message in branch:
            if message.role == "system":
                continue
            entry = known.pop(message.id, None)
            if entry is None:
                entry = Entry(message, self.shelf)
            elif entry.message != message:
                entry.take(message)
            if message.id in collapsed:
                entry.collapsed = collapsed[message.id]
            if message.status != "running":
                entry.turn = None
            entry.siblings = Siblings(*siblings(message.id))
            entry.last = False
            entries.append(entry)
        if entries:
            entries[-1].last = True
        same_chat = bool(entries and self.entries and entries[0].id == self.entries[0].id)
        sent = same_chat and _sent(self.entries, entries)
        if [entry.id for entry in entries[: len(self.entries)]] != [one.id for one in self.entries]:
            self.selection.clear()
        for gone in known.values():
            self._release(gone.id)
            gone.forget()
        self.entries = entries
        for item in self._items.values():
            item.refresh()
        if sent or not same_chat:
            self._following = True
            keep = None
        self._settle(self._replaced(keep))

    def show_turn(self, message_id: str, turn: TurnState, *, budget: int | None = None) -> None:
        """Show a running answer. budget: the limit of its thinking in tokens, None for none."""
        entry = self._entry(message_id)
        if entry is None:
            parent = self.entries[-1].id if self.entries else None
            entry = Entry(Message(message_id, parent, "assistant", (), 0.0, "running"), self.shelf)
            for other in self.entries:
                other.last = False
            entry.last = True
            self.entries.append(entry)
        entry.turn, entry.budget = turn, budget
        self._refresh(entry)

    def finish_turn(self, message: Message) -> None:
        """Show the end of an answer: the message as it is kept."""
        entry = self._entry(message.id)
        if entry is None:
            return
        entry.take(message)
        entry.turn = None
        self._refresh(entry)

    def clear(self) -> None:
        """Show nothing."""
        for entry in self.entries:
            self._release(entry.id)
            entry.forget()
        self.entries = []
        self.selection.clear()
        self._following = True
        self._settle(None)

    def jump_to_latest(self) -> None:
        """Go to the end and follow it."""
        self._following = True
        self._settle(None)

    def toggle_thinking(self) -> None:
        """Open or close the thinking of the message with the focus, or of the last one with any."""
        for entry in [*focus.focused(self), *reversed(self.entries)]:
            if entry.thinking.cells or (entry.message.thinking and entry.fill()):
                item = self._items.get(entry.id)
                open_now = isinstance(item, Answer) and item.panel and not item.panel.collapsed
                self._on_toggled(entry, bool(open_now))
                return

    def edit_last(self) -> None:
        """Edit the last message of the user in its place."""
        for number in reversed(range(len(self.entries))):
            entry = self.entries[number]
            if entry.message.role == "user":
                if entry.id not in self._items:
                    self.verticalScrollBar().setValue(self._tops[number])
                self._made(number).begin_edit()
                return

    def copy(self) -> bool:
        """Put what is selected on the clipboard; whether anything is."""
        return self.reading.copy()

    def _entry(self, message_id: str) -> Entry | None:
        for entry in reversed(self.entries):
            if entry.id == message_id:
                return entry
        return None

    def _refresh(self, entry: Entry) -> None:
        keep = self._kept()
        item = self._items.get(entry.id)
        if item is not None:
            item.refresh()
            item.update()
        else:
            entry.fill()
            entry.measured_for = -1
        self._settle(keep)

    # ------------------------------------------------------------ layout

    @property
    def column_width(self) -> int:
        """The width of the text column in pixels."""
        return max(120, min(COLUMN_PX, self.width() - 2 * GUTTER_PX))

    @property
    def following(self) -> bool:
        """Whether the view stays at the end."""
        return self._following

    def item(self, message_id: str) -> Item | None:
        """Return the widget of a message, None while it has none."""
        return self._items.get(message_id)

    def item_top(self, number: int) -> int:
        """Return the top of a message, from the top of everything."""
        return self._tops[number]

    def _kept(self) -> Keep | None:
        """Take the anchor of what is being read: None at the end, which is followed."""
        if self._following or not self.entries:
            return None
        return self.keep_at(0)

    def keep_at(self, below: int) -> Keep | None:
        """Return an anchor of what is `below` pixels under the viewport's top."""
        top = self.verticalScrollBar().value() + below
        for number, entry in enumerate(self.entries):
            if self._tops[number] + entry.height > top or number == len(self.entries) - 1:
                item = self._items.get(entry.id)
                inside = max(0, top - self._tops[number])
                anchor = item.anchor(inside) if item is not None else Anchor(-1, inside)
                return Keep(entry, number, anchor, below + self._tops[number] + inside - top)
        return None

    def _replaced(self, keep: Keep | None) -> Keep | None:
        """Carry an anchor over to the entries there are now."""
        if keep is None or not self.entries or keep.entry in self.entries:
            return keep
        number = min(keep.number, len(self.entries) - 1)
        return Keep(self.entries[number], number, Anchor(-1, 0), keep.screen_y)

    def _stack(self) -> int:
        """Place the messages below each other; return the height of everything."""
        width = self.column_width
        self._tops = []
        y = TOP_PX - PAD_Y
        for entry in self.entries:
            if entry.height == 0 or (entry.measured_for != width and entry.id not in self._items):
                entry.height = entry.estimate(width)
                entry.measured_for = width
            self._tops.append(y)
            gap = AFTER_QUESTION_PX if entry.message.role == "user" else AFTER_ANSWER_PX
            y += entry.height + gap - 2 * PAD_Y
        if self.entries:
            gap = AFTER_QUESTION_PX if self.entries[-1].message.role == "user" else AFTER_ANSWER_PX
            return y - gap + 2 * PAD_Y + BOTTOM_PX - PAD_Y
        return 0

    def _value_for(self, keep: Keep | None, most: int) -> int:
        if keep is None:
            return most if self._following else min(most, self.verticalScrollBar().value())
        number = self.entries.index(keep.entry)
        item = self._items.get(keep.entry.id)
        inside = item.y_of(keep.anchor) if item is not None else keep.anchor.below
        return max(0, min(most, self._tops[number] + inside - keep.screen_y))

    def _settle(self, keep: Keep | None) -> None:
        """Lay out what is seen, until laying out changes no more heights, and place it."""
        if self._settling:
            return
        self._settling = True
        width = self.column_width
        tall = self.viewport().height()
        panel_px = max(PANEL_LEAST_PX, int(tall * PANEL_SHARE))
        top = 0
        near: list[int] = []
        for _ in range(16):
            most = max(0, self._stack() - tall)
            top = self._value_for(keep, most)
            near = self._near(top - tall // 2, top + tall + tall // 2)
            changed = False
            for number in near:
                entry = self.entries[number]
                item = self._made(number)
                at = self._tops[number]
                height = item.settle(width, top - at, top + tall - at, panel_px)
                entry.measured_for = width
                changed = changed or height != entry.height
                entry.height = height
            if not changed:
                break
        self._place(near, top, width)
        bar = self.verticalScrollBar()
        bar.setPageStep(tall)
        bar.setRange(0, max(0, self._stack() - tall))
        bar.setValue(top)
        self._following = top >= bar.maximum() - AT_BOTTOM_PX if keep is None else self._following
        self.jump.place(shown=not self._following and bar.maximum() - top > JUMP_FROM_PX)
        self._settling = False

    def _near(self, top: int, bottom: int) -> list[int]:
        return [
            number
            for number, entry in enumerate(self.entries)
            if self._tops[number] + entry.height >= top and self._tops[number] <= bottom
        ]

    def _place(self, near: list[int], top: int, width: int) -> None:
        left = (self.width() - width) // 2 - PAD_X
        for number in near:
            entry = self.entries[number]
            self._items[entry.id].setGeometry(
                left, self._tops[number] - top, width + 2 * PAD_X, entry.height
            )
        kept = {self.entries[number].id for number in near}
        focused = {entry.id for entry in focus.focused(self)}
        for message_id, item in list(self._items.items()):
            if message_id not in kept:
                item.move(left, -item.height() - 100)
                if message_id not in focused and item.editor is None:
                    self._release(message_id)

    def _made(self, number: int) -> Item:
        """Return the widget of a message, made if need be."""
        entry = self.entries[number]
        item = self._items.get(entry.id)
        if item is not None:
            return item
        kind = Question if entry.message.role == "user" else Answer

        def picked(region: Region) -> tuple[Place, Place] | None:
            return self.reading.picked(entry, region)

        item = kind(self.viewport(), entry, self.pointer, picked)
        item.retry.connect(lambda: self.retry_requested.emit(entry.id))
        item.go_on.connect(lambda: self.continue_requested.emit(entry.id))
        item.answer_now.connect(self.answer_now_requested)
        item.edited.connect(lambda text: self.edit_requested.emit(entry.id, text))
        item.stepped.connect(lambda step: self._on_stepped(entry, step))
        item.toggled.connect(lambda closed: self._on_toggled(entry, closed))
        item.moved.connect(lambda: self._on_moved(entry))
        self._items[entry.id] = item
        item.show()
        return item

    def _release(self, message_id: str) -> None:
        item = self._items.pop(message_id, None)
        if item is None:
            return
        for column in (item.entry.text, item.entry.thinking):
            for cell in column.cells:
                cell.release()
        item.hide()
        item.deleteLater()

    # ------------------------------------------------------------ what the user does

    def _hold_top_of(self, entry: Entry) -> Keep:
        number = self.entries.index(entry)
        screen_y = self._tops[number] - self.verticalScrollBar().value()
        return Keep(entry, number, Anchor(-1, 0), screen_y)

    def _on_toggled(self, entry: Entry, closed: bool) -> None:
        entry.collapsed = closed
        self._settle_around(entry)
        self.collapsed_changed.emit(entry.id, closed)

    def _on_moved(self, entry: Entry) -> None:
        self._settle_around(entry)

    def _settle_around(self, entry: Entry) -> None:
        """Lay out anew; the top of one message stays where it is."""
        keep = self._hold_top_of(entry)
        item = self._items.get(entry.id)
        if item is not None:
            item.refresh()
        self._settle(keep)
        self._note_bottom()

    def _on_stepped(self, entry: Entry, step: int) -> None:
        # The version that takes its place comes with the next show_conversation.
        self._hold = self._hold_top_of(entry)
        self._following = False
        self.branch_requested.emit(entry.id, step)

    def _note_bottom(self) -> None:
        bar = self.verticalScrollBar()
        self._following = bar.value() >= bar.maximum() - AT_BOTTOM_PX
        self.jump.place(shown=not self._following and bar.maximum() - bar.value() > JUMP_FROM_PX)

    def _on_theme(self) -> None:
        for entry in self.entries:
            entry.text.restyle()
            entry.thinking.restyle()
        for item in self._items.values():
            item.refresh()
        self._settle(self._kept())
        self.viewport().update()

    # ------------------------------------------------------------ Qt

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:  # noqa: N802 - Qt's name
        """Show another part. Reaching the end follows it; leaving it stops following."""
        if self._settling:
            return
        self._note_bottom()
        self._settle(None if self._following else self.keep_at(0))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Lay out for the new width, what is read staying in place."""
        super().resizeEvent(event)
        self._settle(self._kept())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll, select and copy by keyboard."""
        if not self.reading.key(event):
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Pass a focus that comes backwards on to the last thing there is."""
        super().focusInEvent(event)
        if event.reason() == Qt.FocusReason.BacktabFocusReason:
            focus.enter_last(self)

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: N802, A002 - Qt's names
        """Move the focus among messages and their controls, and out at both ends."""
        return focus.move(self, forward=next)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Offer what can be done with the message under the mouse or with the focus."""
        menu.show(self, event)


def _sent(before: Sequence[Entry], after: Sequence[Entry]) -> bool:
    """Whether the branch has grown by something the user sent."""
    known = {entry.id for entry in before}
    return any(entry.id not in known and entry.message.role == "user" for entry in after)
