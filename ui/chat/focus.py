"""The keyboard's way through the transcript: message by message, control by control.

Qt's own tab chain holds only widgets that exist; here most do not. So the view is one stop in it,
and inside the view the next stop is looked for in reading order, making messages as it goes.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QWidget

from ui.chat.entry import Entry

if TYPE_CHECKING:
    from ui.chat.view import ChatView

MARGIN_PX = 24


def focused(view: "ChatView") -> list[Entry]:
    """Return the entry that the focus is in, in a list; an empty one where it is elsewhere."""
    return [item.entry for item in view.items() if item.holds_focus]


def move(view: "ChatView", *, forward: bool) -> bool:
    """Move the focus one stop on or back; leave the view at its ends."""
    inside = focused(view)
    step = 1 if forward else -1
    if not inside:
        if view.hasFocus() and forward and view.entries:
            return _to(view, first_seen(view), 0)
        if view.jump.hasFocus() and not forward:
            return enter_last(view)
        return _leave(view, forward=forward)
    number = view.entries.index(inside[0])
    item = view.item(inside[0].id)
    stops = item.stops() if item is not None else []
    widget = view.window().focusWidget()
    at = next((n for n, stop in enumerate(stops) if stop is widget), 0)
    if 0 <= at + step < len(stops):
        return _focus(view, stops[at + step], forward=forward)
    if 0 <= number + step < len(view.entries):
        return _to(view, number + step, 0 if forward else -1)
    if forward and not view.jump.isHidden():
        view.jump.setFocus(Qt.FocusReason.TabFocusReason)
        return True
    return _leave(view, forward=forward)


def to_message(view: "ChatView", *, forward: bool) -> bool:
    """Focus the next message, or the one before; from outside of all, the first that is seen."""
    inside = focused(view)
    number = view.entries.index(inside[0]) + (1 if forward else -1) if inside else first_seen(view)
    if not 0 <= number < len(view.entries):
        return False
    return _to(view, number, 0, forward=forward)


def enter_last(view: "ChatView") -> bool:
    """Focus the last stop of the last message."""
    return bool(view.entries) and _to(view, len(view.entries) - 1, -1, forward=False)


def first_seen(view: "ChatView") -> int:
    """Return the number of the first message that is seen."""
    top = view.verticalScrollBar().value()
    for number in range(view.number_at(top), len(view.entries)):
        if view.item_top(number) + view.entries[number].height > top:
            return number
    return 0


def _to(view: "ChatView", number: int, stop: int, *, forward: bool = True) -> bool:
    """Focus a stop of a message, which is brought into view first."""
    item = view.item(view.entries[number].id) or view.show_item(number)
    return _focus(view, item.stops()[stop], forward=stop == 0 and forward)


def _focus(view: "ChatView", widget: QWidget, *, forward: bool) -> bool:
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    widget.setFocus(reason)
    _show(view, widget)
    return True


def _show(view: "ChatView", widget: QWidget) -> None:
    """Scroll so that a widget is seen; of one that is taller than the view, its top."""
    top = widget.mapTo(view.viewport(), QPoint(0, 0)).y()
    bottom = top + widget.height()
    bar = view.verticalScrollBar()
    tall = view.viewport().height()
    if top < MARGIN_PX or bottom - top > tall - 2 * MARGIN_PX:
        if top < MARGIN_PX or top > tall - MARGIN_PX:
            bar.setValue(bar.value() + top - MARGIN_PX)
    elif bottom > tall - MARGIN_PX:
        bar.setValue(bar.value() + bottom - tall + MARGIN_PX)


def _leave(view: "ChatView", *, forward: bool) -> bool:
    """Give the focus to the nearest tab stop outside the view."""
    widget: QWidget = view
    while True:
        following = widget.nextInFocusChain() if forward else widget.previousInFocusChain()
        if following is None or following is view:
            return False
        widget = following
        takes = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if takes and widget.isVisible() and widget.isEnabled() and not view.isAncestorOf(widget):
            reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
            widget.setFocus(reason)
            return True
