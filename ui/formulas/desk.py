"""Where the transcript gets its formulas: what is known at once, all else a moment later.

One typesetter serves a window. It is started by the first formula, after the frame that showed its
source. While formulas are waited for, a timer asks for those that have come: in bunches, so that a
page of them is laid out a few times and not once for each, and no more at once than fit a frame.
"""

import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.latex.display import Refusal
from ui.formulas.drawing import Drawing

if TYPE_CHECKING:
    from app.latex.typesetter import Formula, Typeset, Typesetter

Found = Drawing | Refusal

KEPT = 150
"""Drawings held; one of the usual kind takes 20 kB."""
BUNCH_MS = 15
SLICE_S = 0.004
"""For making drawings, each time: one takes 0.3 ms, a large matrix ten times that."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A formula as a text asks for it. width_em: of the column it is displayed in."""

    tex: str
    display: bool
    width_em: float = 0.0

    def formula(self) -> "Formula":
        """Return what the typesetter is asked."""
        from app.latex.typesetter import Formula

        return Formula.of(self.tex, display=self.display, width_em=self.width_em)


class Formulas(QObject):
    """See the module.

    Signals:
        known: a frozenset of the wishes that `find` answers from now on.
    """

    known = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._typesetter: Typesetter | None = None
        self._found: OrderedDict[Formula, Found] = OrderedDict()
        self._wishes: dict[Formula, set[Wish]] = {}
        self._come: deque[Formula] = deque()
        self._closed = False
        self._start = QTimer(self)
        self._start.setSingleShot(True)
        self._start.timeout.connect(self._begin)
        # Not a signal from the typesetter's thread: nothing of Qt is then touched by that thread.
        self._bunch = QTimer(self)
        self._bunch.setInterval(BUNCH_MS)
        self._bunch.timeout.connect(self._take)

    @property
    def begun(self) -> bool:
        """Whether a formula was ever asked for."""
        return self._typesetter is not None

    @property
    def waiting(self) -> bool:
        """Whether formulas were asked for that are not known yet."""
        return bool(self._wishes)

    def find(self, wish: Wish) -> Found | None:
        """Return a formula's drawing or why there is none; None, and `known` later, if need be."""
        formula = wish.formula()
        found = self._found.get(formula)
        if found is not None:
            self._found.move_to_end(formula)
            return found
        if self._closed:
            return None
        if self._typesetter is not None:
            said = self._typesetter.ask(formula)
            if said is not None and formula not in self._wishes:
                return self._keep(formula, said)
            if not self._bunch.isActive():
                self._bunch.start()
        elif not self._start.isActive():
            self._start.start(0)
        self._wishes.setdefault(formula, set()).add(wish)
        return None

    def close(self) -> None:
        """End the typesetter; nothing more becomes known."""
        self._closed = True
        self._start.stop()
        self._bunch.stop()
        self._wishes.clear()
        if self._typesetter is not None:
            self._typesetter.close()

    def _keep(self, formula: "Formula", said: "Typeset") -> Found:
        found = drawn(said)
        self._found[formula] = found
        while len(self._found) > KEPT:
            self._found.popitem(last=False)
        return found

    def _begin(self) -> None:
        from app.latex.typesetter import Typesetter

        self._typesetter = Typesetter()
        for formula in self._wishes:
            if self._typesetter.ask(formula) is not None:
                self._come.append(formula)
        self._bunch.start()

    def _take(self) -> None:
        """Make drawings of what has come, for a part of a frame, and tell who wished for them."""
        if self._typesetter is None:
            return
        self._come.extend(self._typesetter.poll())
        granted: set[Wish] = set()
        until = time.perf_counter() + SLICE_S
        while self._come and time.perf_counter() < until:
            formula = self._come.popleft()
            said = self._typesetter.ask(formula)
            if said is not None and formula in self._wishes:
                self._keep(formula, said)
                granted |= self._wishes.pop(formula)
        if not self._wishes:
            self._bunch.stop()
        if granted:
            self.known.emit(frozenset(granted))


def drawn(said: "Typeset") -> Found:
    """Return a drawing, or why there is none: `segments` says which paths it does not take."""
    if isinstance(said, Refusal):
        return said
    try:
        return Drawing(said)
    except ValueError as error:
        return Refusal(f"it cannot be drawn: {error}")
