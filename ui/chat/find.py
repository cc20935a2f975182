"""Finding in the chat: the bar, the hits in their order, and the way to each of them.

A hit is known by its text and its number in it. Only when it is gone to is it looked for on the
screen: its message is laid out then, and no other. Thinking that is closed says in its header how
often it has what is looked for, and opens, for as long as one is finding, when one steps into it;
what is remembered of it stays as it was.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from app.chat.find import Pattern
from ui.chat import find_sight
from ui.chat.answer import Answer
from ui.chat.cells import Cell
from ui.chat.column import Place
from ui.chat.entry import Entry
from ui.chat.find_bar import FindBar
from ui.chat.find_count import Counts, Key
from ui.chat.find_marks import Marks
from ui.chat.find_sight import Located
from ui.chat.item import Item
from ui.chat.selection import Region, Spot

if TYPE_CHECKING:
    from ui.chat.view import ChatView

AGAIN_MS = 250
"""An answer that is being written is counted again so often."""

MOST_PREFILLED = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """The hit of a number (from 0) in a text."""

    key: Key
    number: int


class Finder(QObject):
    """See the module."""

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view
        self.bar: FindBar | None = None
        self.current: Hit | None = None
        self.counts = Counts(lambda: view.entries, self)
        self.counts.changed.connect(self._on_counted)
        self._pattern = Pattern("")
        self._marks: Marks | None = None
        self.at: Located | None = None
        self._first = 0
        self._searching = False
        self._goal: Key | None = None
        self._waits = False
        self._before: QWidget | None = None
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(AGAIN_MS)
        self._again.timeout.connect(self._on_again)
        view.installEventFilter(self)

    @property
    def open(self) -> bool:
        """Whether one is finding."""
        return self.bar is not None and not self.bar.isHidden()

    # ------------------------------------------------------------ opening and closing

    def show(self) -> None:
        """Open the bar, with the few words that are selected, or go to it."""
        bar = self._open()
        if bar is None:
            return
        self._goal = None
        words = self._view.selection.copied(self._view.entries)
        if words and "\n" not in words and len(words) <= MOST_PREFILLED:
            bar.field.setText(words)
        bar.field.selectAll()
        self._on_typed()

    def look_for(self, words: str, message_id: str, region: Region) -> None:
        """Open the bar with words, and go to where a text of a message has them first."""
        bar = self._open()
        if bar is None or self._view.entry(message_id) is None:
            return
        self._goal = (message_id, region)
        # From the message on, and anew even where these words were looked for before.
        self.current, self._pattern = Hit((message_id, region), 0), Pattern("")
        bar.field.setText(words)
        bar.field.selectAll()
        self._on_typed()

    def _open(self) -> FindBar | None:
        """Show the bar with the keyboard in it; None where the chat is not seen."""
        if not self._view.isVisible():
            return None
        bar = self.bar
        if bar is None:
            bar = self.bar = FindBar(self._view)
            bar.changed.connect(self._on_typed)
            bar.stepped.connect(lambda on: self.step(forward=on))
            bar.closed.connect(self.close)
        if bar.isHidden() or not bar.isVisibleTo(self._view):
            self._before = QApplication.focusWidget()
            bar.place(self._room())
            bar.show()
        bar.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return bar

    def close(self) -> None:
        """Close the bar; the hit one was at is selected, and the focus is where it was."""
        if self.bar is None or self.bar.isHidden():
            return
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.bar.isAncestorOf(focus)
        self.bar.hide()
        self._select_current()
        self._again.stop()
        self.counts.forget()
        self._pattern = Pattern("")
        at, self.at, self._marks, self._searching = self.at, None, None, False
        keep = self._view.kept()
        for entry in self._view.entries:
            entry.text.over = entry.thinking.over = None
            # The thought that is being read stays open, as far as it is shown.
            stays = at is not None and at.column is entry.thinking
            if entry.peeked and not stays:
                entry.peeked = False
                find_sight.leave(self._view, entry)
        for item in self._view.items():
            self.dress_item(item)
            item.refresh()
            item.update()
        self._view.settle(keep)
        self.current = None
        if had_focus:
            self._give_back_focus()

    def _room(self) -> QSize:
        """Return the size that the bar has its corners in."""
        return self._view.viewport().size()

    def _give_back_focus(self) -> None:
        before, self._before = self._before, None
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _select_current(self) -> None:
        if self.at is None or self.current is None or self._marks is None:
            return
        entry, cell = self._view.entry(self.current.key[0]), self.at.cell
        if entry is None or cell is None:
            return
        hits = self._marks.hits(cell)
        if self.at.hit < len(hits):
            message, region = self._view.entries.index(entry), self.current.key[1]
            start, end = (
                Spot(message, region, Place(self.at.number, one)) for one in hits[self.at.hit]
            )
            self._view.selection.select(start, end)

    # ------------------------------------------------------------ looking

    def _on_typed(self) -> None:
        if self.bar is None:
            return
        pattern = Pattern(self.bar.field.text(), match_case=self.bar.case.isChecked())
        if (pattern.text, pattern.match_case) == (self._pattern.text, self._pattern.match_case):
            return
        self._pattern = pattern
        self._marks = Marks(pattern, self._current_in)
        self._first = self._place_now()
        self.current, self.at, self._searching = None, None, True
        self._dress()
        self.counts.look_for(pattern, self._first)

    def _place_now(self) -> int:
        """Return the number of the message one is at: the hit's, or the first that is seen."""
        entry = self._view.entry(self.current.key[0]) if self.current is not None else None
        if entry is not None:
            return self._view.entries.index(entry)
        return self._view.first_seen()

    def chat_changed(self) -> None:
        """Take note that messages came, went or grew."""
        if self.open and not self._again.isActive():
            self._again.start()

    def _on_again(self) -> None:
        if not self.open:
            return
        if self.current is not None and self._view.entry(self.current.key[0]) is None:
            self.current = self.at = None
        self._dress()
        self.counts.look_again(self._first)

    def _dress(self) -> None:
        """Have what is found marked in every text."""
        over = self._marks.draw if self._marks is not None and self._pattern else None
        for entry in self._view.entries:
            entry.text.over = entry.thinking.over = over
        for item in self._view.items():
            item.update()

    def dress_item(self, item: Item) -> None:
        """Have a message's panel say how often its thought has what is looked for."""
        if isinstance(item, Answer) and item.panel is not None:
            found = self.counts.count((item.entry.id, "thinking")) if self.open else 0
            item.panel.header.show_hits(found)
            item.panel.update()

    def _current_in(self, cell: Cell) -> int | None:
        return self.at.hit if self.at is not None and self.at.cell is cell else None

    def _on_counted(self) -> None:
        if self._searching and self._goal is not None:
            if self.counts.count(self._goal) or self.counts.done:
                self._searching = False
                goal, self._goal = self._goal, None
                key = goal if self.counts.count(goal) else self.counts.first
                if key is not None:
                    self._go(Hit(key, 0), open_panel=True)
        elif self._searching:
            # Counting began where one is, so that the first found is the first from there.
            if self.counts.first is not None:
                self._searching = False
                self._go(Hit(self.counts.first, 0), open_panel=False)
            elif self.counts.done:
                self._searching = False
        for item in self._view.items():
            self.dress_item(item)
        self._say()

    def _say(self) -> None:
        if self.bar is None:
            return
        total = self.counts.total()
        self.bar.allow_steps(total > 0)
        if not self._pattern:
            self.bar.say("")
        elif not total:
            self.bar.say("No hits" if self.counts.done else "…")
        elif not self.counts.done:
            self.bar.say(f"{total:,}+")
        elif self.current is None:
            self.bar.say("1 hit" if total == 1 else f"{total:,} hits")
        else:
            self.bar.say(f"{self._index(self.current) + 1:,} of {total:,}")

    # ------------------------------------------------------------ from hit to hit

    def _index(self, hit: Hit) -> int:
        order = self.counts.order()
        at = order.at.get(hit.key)
        return hit.number + (order.before[at] if at is not None else 0)

    def _hit_from(self, first: int) -> Hit | None:
        """Return the first hit of a message or after it, else the first of all."""
        order = self.counts.order()
        if not order.keys:
            return None
        later = {entry.id for entry in self._view.entries[first:]}
        return Hit(next((key for key in order.keys if key[0] in later), order.keys[0]), 0)

    def step(self, *, forward: bool) -> None:
        """Go to the next hit, or the one before; from the last to the first."""
        if not self.open:
            self.show()
        if not self.open:
            return
        if self.current is None:
            found = self._hit_from(self._place_now())
        elif self._waits:
            found = self.current
        else:
            found = self._beside(self.current, forward=forward)
        if found is not None:
            self._go(found, open_panel=True)
            self._say()

    def _beside(self, hit: Hit, *, forward: bool) -> Hit | None:
        number = hit.number + (1 if forward else -1)
        if 0 <= number < self.counts.count(hit.key):
            return Hit(hit.key, number)
        order = self.counts.order()
        at = order.at.get(hit.key)
        if at is None:
            return None
        key = order.keys[(at + (1 if forward else -1)) % len(order.keys)]
        return Hit(key, 0 if forward else self.counts.count(key) - 1)

    def _go(self, hit: Hit, *, open_panel: bool) -> None:
        """Show a hit. open_panel: a closed panel that it is in is opened, else only shown."""
        self.current, self.at = hit, None
        entry = self._view.entry(hit.key[0])
        if entry is None:
            return
        if hit.key[1] == "thinking" and not find_sight.panel_open(self._view, entry):
            if not open_panel:
                self._waits = True
                find_sight.show_message(self._view, entry)
                return
            entry.peeked = True
        self._waits = False
        self.at = self._located(hit, entry)
        if self.at is not None and self._marks is not None:
            find_sight.reveal(self._view, entry, self._marks, self.at)
            if self.bar is not None:
                seen = find_sight.seen_at(self._view, entry, self._marks, self.at)
                self.bar.place(self._room(), seen)
        for item in self._view.items():
            item.update()
            self.dress_item(item)

    def _located(self, hit: Hit, entry: Entry) -> Located | None:
        """Return where a hit is."""
        if hit.key[1] == "thinking":
            entry.fill_thinking()
            column = entry.thinking
        else:
            entry.fill()
            column = entry.text
        number = hit.number
        for cell, texts in enumerate(self.counts.texts(hit.key)):
            count = self._pattern.count(texts)
            if number < count:
                return Located(column, cell, number) if cell < len(column.cells) else None
            number -= count
        return None

    # ------------------------------------------------------------ Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Keep the bar in its corner."""
        if event.type() == QEvent.Type.Resize and self.bar is not None and self.open:
            self.bar.place(self._room())
        return super().eventFilter(watched, event)
