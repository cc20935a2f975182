"""Formulas that have come, on their way into the texts that wait for them.

While an answer is written they are put in by its next tick, which lays out and draws anyway: two
layouts a tick would be one too many. Where no tick comes they are put in soon. When the typesetter
has just begun, those of a whole screen come at once: a tick puts in a few blocks' then, the last
ones first, where the answer is written.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer

from ui.chat.entry import Entry
from ui.formulas.desk import Wish

if TYPE_CHECKING:
    from ui.chat.view import ChatView

SOON_MS = 50
MOST = 4
"""Blocks that a tick of an answer puts formulas into: 2 ms each."""


class Arrivals:
    """See the module. put_in: lays out anew; it calls `renew` before, and `describe` after."""

    def __init__(self, view: "ChatView", put_in: Callable[[], None]) -> None:
        self.known: frozenset[Wish] = frozenset()
        self._view = view
        self._put_in = put_in
        self._soon = QTimer(view)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(put_in)

    def come(self, known: frozenset[Wish]) -> None:
        """Take formulas that can be shown from now on."""
        self.known |= known
        if not self._view.entries or not self._view.entries[-1].running:
            self._put_in()
        elif not self._soon.isActive():
            self._soon.start()

    def renew(self) -> list[Entry]:
        """Let the texts have them at the next layout; return the messages that waited for any."""
        known, self.known = self.known, frozenset()
        self._soon.stop()
        waiting = [
            entry
            for entry in (item.entry for item in self._view.items())
            if known and any(column.waiting(known) for column in entry.columns)
        ]
        entries = self._view.entries
        most = MOST if entries and entries[-1].running else None
        for entry in waiting:
            for column in entry.columns:
                if column.renew(known, most):
                    self.known = known
        if self.known:
            self._soon.start()
        return waiting

    def describe(self, waiting: list[Entry]) -> None:
        """Tell screen readers what these messages say now."""
        for entry in waiting:
            item = self._view.item(entry.id)
            if item is not None and not entry.running:
                item.describe()
