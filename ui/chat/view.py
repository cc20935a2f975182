"""The transcript: what a chat says, as the session gives it, and what a user can ask for in it.

How it scrolls is `stack`'s concern, how it is read and selected `reading`'s. Nothing is laid out
per token: `show_turn` takes a whole state, at most 30 times a second.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.chat.message import Message
from app.chat.turn import TurnState
from ui import theme
from ui.chat import focus, menu, warm
from ui.chat.accessible import Announcer
from ui.chat.answer import Answer
from ui.chat.arrivals import Arrivals
from ui.chat.column import Place
from ui.chat.entry import READ_AT_ONCE, Entry
from ui.chat.find import Finder
from ui.chat.item import Item, Question
from ui.chat.picture import Pictures
from ui.chat.pointer import Pointer
from ui.chat.reading import Reading
from ui.chat.selection import Region, Selection
from ui.chat.shelf import Shelf
from ui.chat.stack import Keep, Stack
from ui.chat.wrap_desk import WrapDesk
from ui.chat.zoom import Zoom
from ui.formulas.desk import Formulas

SLOW_MS = 20.0
CLOCK_MS = 1000
"""How long after the last word the time of a thought goes on by itself."""
REST_SHARE = 3
"""A paragraph without an end costs more with every token (160 kB of it 0.2 s a frame). A frame that
took longer than SLOW_MS is followed by a rest of three times as long, so that keys and clicks get
through; all other text takes a few milliseconds whatever its length."""


class ChatView(Stack):
    """See the module.

    Signals:
        retry_requested: another answer is wanted in place of this message's.
        edit_requested: message id and its new text; thought_edit_requested: that of its thinking.
        branch_requested: message id, and -1 or +1 for the version before or after.
        collapsed_changed: message id, and whether its thinking is now closed.
        answer_now_requested: the running thought is to be closed.
        answer_from_requested: the thought that ended early is to be closed and answered from.
        continue_requested: the answer that ended early is to be gone on with.
        details_requested: how this message was made is to be shown.
        bring_back_requested: the model shall be shown again what was left out to make room.
        attachment_opened: message id, and the number of its attachment that is to be shown whole.
    """

    retry_requested = Signal(str)
    edit_requested = Signal(str, str)
    thought_edit_requested = Signal(str, str)
    branch_requested = Signal(str, int)
    collapsed_changed = Signal(str, bool)
    answer_now_requested = Signal()
    answer_from_requested = Signal(str)
    continue_requested = Signal(str)
    details_requested = Signal(str)
    attachment_opened = Signal(str, int)
    bring_back_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.selection = Selection()
        self.formulas = Formulas(self)
        self.pictures = Pictures(self)
        self.shelf = Shelf(formulas=self.formulas, pictures=self.pictures)
        self.reading = Reading(self)
        self._pointer = Pointer(self.reading, self)
        self.finder = Finder(self)
        self.zoom = Zoom(self)
        self.announcer = Announcer(self)
        self.wraps = WrapDesk(self)
        self._hold: Keep | None = None
        self._left_out: frozenset[str] = frozenset()
        self._running = ""
        self._arrivals = Arrivals(self, self._put_in)
        self._shown_at = 0.0
        self._clock = QTimer(self)
        self._clock.setInterval(CLOCK_MS)
        self._clock.timeout.connect(self._tell_time)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.timeout.connect(lambda: self._show_running(self._running))
        self.setAccessibleName("Conversation")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        theme.notifier().changed.connect(self._on_theme)
        self.formulas.known.connect(self._arrivals.come)

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
        before = self.entries
        keep = self._hold or self.kept()
        known = {entry.id: entry for entry in before}
        entries = [
            self._entry_for(message, known.get(message.id), siblings, collapsed)
            for message in branch
            if message.role != "system"
        ]
        if self._hold is None and _goes_to_end(before, entries):
            keep = None
            self._following = True
        if [entry.id for entry in entries[: len(before)]] != [entry.id for entry in before]:
            self.selection.clear()
        stay = {id(entry) for entry in entries}
        for entry in before:
            if id(entry) not in stay:
                self._forget(entry)
        self.entries = entries
        self._mark_last()
        for item in self.items():
            item.refresh()
        self.settle(keep)
        self.finder.chat_changed()

    def leave_out(self, message_ids: frozenset[str]) -> None:
        """Mark what the model is not shown any more, from the next `show_conversation` on."""
        self._left_out = message_ids

    def show_turn(self, message_id: str, turn: TurnState, *, budget: int | None = None) -> None:
        """Show a running answer. budget: the limit of its thinking in tokens, None for none."""
        warm.begin(self)
        entry = self.entry(message_id)
        if entry is None:
            parent = self.entries[-1].id if self.entries else None
            entry = Entry(Message(message_id, parent, "assistant", (), 0.0, "running"), self.shelf)
            self.entries.append(entry)
            self._mark_last()
        other_phase = entry.turn is None or entry.turn.phase != turn.phase
        entry.turn, entry.budget = turn, budget
        self.announcer.phase(turn.phase)
        self._shown_at = time.monotonic()
        if turn.phase == "thinking":
            self._clock.start()
        else:
            self._clock.stop()
        if other_phase or not self._rest.isActive():
            self._show_running(message_id)

    def _show_running(self, message_id: str) -> None:
        """Lay out the running answer; after a long time of that, leave the window a longer one."""
        self._running = message_id
        entry = self.entry(message_id)
        if entry is None:
            return
        start = time.perf_counter()
        self._refresh(entry)
        self.finder.chat_changed()
        spent_ms = (time.perf_counter() - start) * 1000
        if spent_ms > SLOW_MS:
            self._rest.start(int(spent_ms * REST_SHARE))

    def _tell_time(self) -> None:
        """Let the clock of a thought go on while no word comes: the engine is busy, not gone."""
        entry = self.entry(self._running)
        if entry is None or entry.turn is None:
            self._clock.stop()
            return
        now = time.monotonic()
        entry.turn = replace(entry.turn, now=entry.turn.now + now - self._shown_at)
        self._shown_at = now
        self._show_running(entry.id)

    def finish_turn(self, message: Message) -> None:
        """Show the end of an answer: the message as it is kept."""
        entry = self.entry(message.id)
        if entry is None:
            return
        self._rest.stop()
        self._clock.stop()
        entry.take(message)
        entry.turn = None
        self._refresh(entry)
        self.finder.chat_changed()
        self.announcer.ended(message)

    def clear(self) -> None:
        """Show nothing."""
        self._rest.stop()
        self._clock.stop()
        for entry in self.entries:
            self._forget(entry)
        self.entries = []
        self.selection.clear()
        self.jump_to_latest()
        self.finder.chat_changed()

    def _entry_for(
        self,
        message: Message,
        entry: Entry | None,
        siblings: Callable[[str], tuple[int, int]],
        collapsed: Mapping[str, bool],
    ) -> Entry:
        if entry is None:
            entry = Entry(message, self.shelf)
        elif entry.message != message:
            entry.take(message)
        if message.id in collapsed:
            entry.collapsed = collapsed[message.id]
        if message.status != "running":
            entry.turn = None
        entry.find_siblings(siblings)
        entry.left_out = message.id in self._left_out
        return entry

    def _mark_last(self) -> None:
        for entry in self.entries:
            entry.last = entry is self.entries[-1]

    def _forget(self, entry: Entry) -> None:
        self.release(entry.id)
        entry.forget()

    def _refresh(self, entry: Entry) -> None:
        keep = self.kept(self._arrivals.known)
        waiting = self._arrivals.renew()
        item = self.item(entry.id)
        if item is not None:
            item.refresh()
        elif entry.fill(READ_AT_ONCE):
            entry.outdate()
        self.settle(keep)
        self._arrivals.describe(waiting)

    def make_item(self, entry: Entry) -> Item:
        """Make the widget of a message and listen to it."""
        kind = Question if entry.message.role == "user" else Answer

        def picked(region: Region) -> tuple[Place, Place] | None:
            return self.reading.picked(entry, region)

        item = kind(self.viewport(), entry, self._pointer, picked)
        item.retry.connect(lambda: self.retry_requested.emit(entry.id))
        item.go_on.connect(lambda: self.continue_requested.emit(entry.id))
        item.answer_now.connect(lambda: self._on_answer_now(entry))
        item.edited.connect(lambda text: self.edit_requested.emit(entry.id, text))
        item.thought_edited.connect(lambda text: self.thought_edit_requested.emit(entry.id, text))
        item.stepped.connect(lambda step: self._on_stepped(entry, step))
        item.toggled.connect(lambda closed: self._on_toggled(entry, closed))
        if isinstance(item, Answer):
            item.details.connect(lambda: self.details_requested.emit(entry.id))
        item.opened.connect(lambda number: self.attachment_opened.emit(entry.id, number))
        item.moved.connect(lambda: self.settle_around(entry))
        self.finder.dress_item(item)
        return item

    def first_seen(self) -> int:
        """Return the number of the first message that is seen."""
        return focus.first_seen(self)

    # ------------------------------------------------------------ what the user does

    def _on_answer_now(self, entry: Entry) -> None:
        if entry.running:
            self.answer_now_requested.emit()
        else:
            self.answer_from_requested.emit(entry.id)

    def toggle_thinking(self) -> None:
        """Open or close the thinking of the message with the focus, or of the last one with any."""
        for entry in [*focus.focused(self), *reversed(self.entries)]:
            item = self.item(entry.id)
            if isinstance(item, Answer) and item.panel is not None and not item.panel.isHidden():
                self._on_toggled(entry, not item.panel.collapsed)
                return

    def edit_last(self) -> None:
        """Edit the last message of the user in its place."""
        for number in reversed(range(len(self.entries))):
            if self.entries[number].message.role == "user":
                self.show_item(number).begin_edit()
                return

    def copy(self) -> bool:
        """Put what is selected on the clipboard; whether anything is."""
        return self.reading.copy()

    def _on_toggled(self, entry: Entry, closed: bool) -> None:
        entry.collapsed, entry.peeked = closed, False
        self.settle_around(entry)
        self.collapsed_changed.emit(entry.id, closed)
        self.announcer.toggled(entry)

    def _on_stepped(self, entry: Entry, step: int) -> None:
        # The version that takes its place is shown while the signal is handled.
        self._hold = self.kept_top(entry)
        self.branch_requested.emit(entry.id, step)
        self._hold = None

    def _on_theme(self) -> None:
        for entry in self.entries:
            for column in entry.columns:
                column.restyle()
        for item in self.items():
            item.refresh()
        self.settle(self.kept())
        self.viewport().update()

    def _put_in(self) -> None:
        """Show formulas in the place of their sources; what is being read stays where it is."""
        keep = self.kept(self._arrivals.known)
        waiting = self._arrivals.renew()
        self.settle(keep)
        self._arrivals.describe(waiting)

    # ------------------------------------------------------------ Qt

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """End what typesets formulas; within a window, that is the window's to call."""
        self._clock.stop()
        self.formulas.close()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll, select and copy by keyboard."""
        if not self.reading.key(event):
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll, or make the text larger or smaller."""
        if not self.zoom.wheel(event):
            super().wheelEvent(event)

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


def _goes_to_end(before: Sequence[Entry], after: Sequence[Entry]) -> bool:
    """Whether another chat is shown, or the user has sent something."""
    if not before or not after or before[0] is not after[0]:
        return True
    known = {id(entry) for entry in before}
    return any(id(entry) not in known and entry.message.role == "user" for entry in after)
