"""How large the transcript's text is: by keys, by the wheel, within bounds; what is read stays.

Formulas and code grow with the text, the column as far as there is room. The controls do not: they
are the window's.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QWheelEvent

from ui.chat import style
from ui.chat.hint import Hint
from ui.chat.stack import Keep

if TYPE_CHECKING:
    from ui.chat.view import ChatView

STEPS = (50, 60, 70, 80, 90, 100, 110, 125, 150, 175, 200, 250, 300)
USUAL = 100
NOTCH = 120
"""What a wheel turns by one notch, in Qt's eighths of a degree."""
SHOWN_MS = 1200


@dataclass(frozen=True, slots=True)
class _Held:
    """What stays in place: a point of a message, and what share of its block is above that.

    scrolled: the value of the scroll bar at which it was noted.
    """

    keep: Keep
    share: float
    scrolled: int

    def now(self) -> Keep:
        """Return it for the height that the block has now."""
        anchor = self.keep.anchor
        cells = self.keep.entry.text.cells
        if not 0 <= anchor.cell < len(cells):
            return self.keep
        below = round(self.share * cells[anchor.cell].height)
        return replace(self.keep, anchor=replace(anchor, below=below))


def _share(keep: Keep) -> float:
    cells = keep.entry.text.cells
    if not 0 <= keep.anchor.cell < len(cells):
        return 0.0
    return keep.anchor.below / max(1, cells[keep.anchor.cell].height)


class Zoom(QObject):
    """See the module.

    Signals:
        changed: another size was chosen, in percent.
    """

    changed = Signal(int)

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view
        self._turned = 0
        self._held: _Held | None = None
        self.hint = Hint(view, middle=True)

    @property
    def percent(self) -> int:
        """The size in percent of the usual one."""
        return style.zoom()

    def set_percent(self, percent: int) -> None:
        """Take a size, the nearest there is within bounds."""
        percent = max(STEPS[0], min(STEPS[-1], percent))
        if percent == self.percent:
            return
        view = self._view
        held = self._place()
        grown = percent / self.percent
        style.set_zoom(percent)
        for entry in view.entries:
            for column in (entry.text, entry.thinking):
                column.restyle()
                width = column.width
                column.set_width(-1)
                if width >= 0 and view.item(entry.id) is not None:
                    # Until it is laid out: guesses by which it is found again.
                    column.set_width(round(width * grown))
            entry.outdate()
        for item in view.items():
            item.refresh()
            item.update()
        view.settle(held.keep if held is not None else None)
        if held is None:
            # What went out of reach meanwhile is a guess again, and the end elsewhere.
            view.jump_to_latest()
        else:
            # Only now is it known how tall the block is.
            view.settle(held.now())
            self._held = replace(held, scrolled=view.verticalScrollBar().value())
        self.changed.emit(percent)

    def _place(self) -> "_Held | None":
        """Return what is to stay where it is, None at the end, which is followed."""
        view = self._view
        value = view.verticalScrollBar().value()
        held = self._held
        if held is not None and held.scrolled == value and held.keep.entry in view.entries:
            # Zooming in and out again leads back to the very same place.
            return held
        keep = view.kept()
        return _Held(keep, _share(keep), value) if keep is not None else None

    def larger(self) -> None:
        """Go one step up."""
        self._choose(next((step for step in STEPS if step > self.percent), STEPS[-1]))

    def smaller(self) -> None:
        """Go one step down."""
        self._choose(next((step for step in reversed(STEPS) if step < self.percent), STEPS[0]))

    def reset(self) -> None:
        """Take the usual size."""
        self._choose(USUAL)

    def _choose(self, percent: int) -> None:
        self.set_percent(percent)
        self.hint.say(f"Text {self.percent} %", ms=SHOWN_MS)

    def wheel(self, event: QWheelEvent) -> bool:
        """Take a turn of the wheel with Ctrl; whether it was one."""
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return False
        self._turned += event.angleDelta().y()
        while abs(self._turned) >= NOTCH:
            if self._turned > 0:
                self.larger()
                self._turned -= NOTCH
            else:
                self.smaller()
                self._turned += NOTCH
        event.accept()
        return True
