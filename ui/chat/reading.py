"""Reading with mouse and keyboard: which text lies where, selecting and copying it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSlider

from ui.chat import copying, focus, footnotes, menu
from ui.chat.answer import Answer
from ui.chat.cells import WHOLE
from ui.chat.column import Column, Place
from ui.chat.entry import Entry
from ui.chat.hint import Hint
from ui.chat.item import Item
from ui.chat.selection import Region, Selection, Spot

if TYPE_CHECKING:
    from ui.chat.view import ChatView

EDGE_STEP_PX = 24

_SCROLLS = {
    Qt.Key.Key_Home: QAbstractSlider.SliderAction.SliderToMinimum,
    Qt.Key.Key_End: QAbstractSlider.SliderAction.SliderToMaximum,
    Qt.Key.Key_Space: QAbstractSlider.SliderAction.SliderPageStepAdd,
}

_MESSAGES = {Qt.Key.Key_Up: False, Qt.Key.Key_Down: True}


class Reading:
    """The transcript as one text; the pointer's `Surface`."""

    def __init__(self, view: "ChatView") -> None:
        self._view = view
        self._hint = Hint(view)
        view.verticalScrollBar().valueChanged.connect(self._hint.clear)

    @property
    def selection(self) -> Selection:
        """What is selected."""
        return self._view.selection

    def picked(self, entry: Entry, region: Region) -> tuple[Place, Place] | None:
        """Return what is selected of one text of a message."""
        if self.selection.empty or entry not in self._view.entries:
            return None
        return self.selection.part(self._view.entries.index(entry), region)

    # ------------------------------------------------------------ where

    def spot_at(self, point: QPoint, keep_to: Spot | None) -> Spot | None:
        """Return the text position nearest to a global point, None where there is no text."""
        view = self._view
        if keep_to is not None and keep_to.region == "thinking":
            item = view.item(view.entries[keep_to.message].id)
            return _in_panel(item, keep_to.message, point) if item is not None else None
        local = view.viewport().mapFromGlobal(point)
        found: tuple[int, Item] | None = None
        for number, entry in enumerate(view.entries):
            item = view.item(entry.id)
            if item is None:
                continue
            if found is None or item.y() <= local.y():
                found = number, item
        if found is None:
            return None
        number, item = found
        if keep_to is None and not item.geometry().contains(local):
            return None
        if keep_to is None and isinstance(item, Answer) and _over_panel(item, point):
            return _in_panel(item, number, point)
        inside = item.mapFromGlobal(point) - item.text_at
        if keep_to is None and not -16 <= inside.y() <= item.entry.text.height + 16:
            return None
        if item.editor is not None:
            return None
        return Spot(number, "text", item.entry.text.hit(inside))

    def link_at(self, point: QPoint) -> str:
        """Return the address under a global point, "" where there is none."""
        column, inside = self._under(point)
        return column.link_at(inside) if column is not None else ""

    def link_words_at(self, point: QPoint) -> str:
        """Return the words of the link under a global point, "" where there is none."""
        column, inside = self._under(point)
        return column.link_words_at(inside) if column is not None else ""

    def show_link(self, told: str) -> None:
        """Show where the link under the mouse leads; "" shows nothing."""
        if told != self._hint.text:
            self._hint.say(told)

    def offer_link(self, address: str, point: QPoint) -> None:
        """Ask at a global point whether an address that is not what it seems is to be opened."""
        menu.offer_link(self._view, address).popup(point)

    def follow(self, address: str, point: QPoint) -> None:
        """Go where a link within the message leads that is under a global point."""
        column, _inside = self._under(point)
        if column is not None:
            footnotes.follow(self._view, column, address)

    def why_at(self, point: QPoint) -> str:
        """Return what is wrong with what is under a global point, "" where nothing is."""
        column, inside = self._under(point)
        return column.why_at(inside) if column is not None else ""

    def _under(self, point: QPoint) -> tuple[Column | None, QPoint]:
        """Return the text that is under a global point, and where in it that is."""
        local = self._view.viewport().mapFromGlobal(point)
        for item in self._view.items():
            if item.editor is not None or not item.geometry().contains(local):
                continue
            if isinstance(item, Answer) and _over_panel(item, point) and item.panel is not None:
                return item.entry.thinking, item.panel.body.content.mapFromGlobal(point)
            return item.entry.text, item.mapFromGlobal(point) - item.text_at
        return None, point

    def column(self, spot: Spot) -> Column:
        """Return the text a spot is in."""
        entry = self._view.entries[spot.message]
        return entry.thinking if spot.region == "thinking" else entry.text

    def word_at(self, spot: Spot) -> tuple[Spot, Spot]:
        """Return the ends of the word around a spot."""
        cells = self.column(spot).cells
        if spot.place.cell >= len(cells):
            return spot, spot
        start, end = cells[spot.place.cell].word_at(spot.place.offset)
        return _at(spot, start), _at(spot, end)

    def cell_of(self, spot: Spot) -> tuple[Spot, Spot]:
        """Return the ends of the block around a spot."""
        return _at(spot, 0), _at(spot, WHOLE)

    # ------------------------------------------------------------ what is done

    def selection_changed(self) -> None:
        """Draw the selection anew."""
        for item in self._view.items():
            item.update()

    def scroll_towards(self, point: QPoint) -> None:
        """Scroll a little if a global point lies outside of what is seen."""
        view = self._view
        anchor = self.selection.anchor
        area = view.viewport()
        bar = view.verticalScrollBar()
        if anchor is not None and anchor.region == "thinking":
            item = view.item(view.entries[anchor.message].id)
            if isinstance(item, Answer) and item.panel is not None:
                area = item.panel.body.viewport()
                bar = item.panel.body.verticalScrollBar()
        y = area.mapFromGlobal(point).y()
        if y < 0:
            bar.setValue(bar.value() - EDGE_STEP_PX)
        elif y > area.height():
            bar.setValue(bar.value() + EDGE_STEP_PX)

    def copy(self) -> bool:
        """Put what is selected on the clipboard as Markdown; whether anything is."""
        text = copying.markdown(self._view.entries, self.selection)
        if not text:
            return False
        copying.put(text)
        return True

    def copy_plain(self) -> bool:
        """Put what is selected on the clipboard as text without marks; whether anything is."""
        text = self.selection.copied(self._view.entries)
        if not text:
            return False
        QGuiApplication.clipboard().setText(text)
        return True

    def select_all(self) -> None:
        """Select the message with the focus, its thinking if that has it; else the last message.

        Done again, or with the focus on no message, it selects the whole chat without its thinking.
        """
        view = self._view
        if not view.entries:
            return
        entry = next(iter(focus.focused(view)), None)
        if entry is None and self.selection.empty:
            self.select_everything()
            return
        entry = entry or view.entries[-1]
        number = view.entries.index(entry)
        item = view.item(entry.id)
        region: Region = "text"
        ends = self.selection.ends()
        if isinstance(item, Answer) and item.panel is not None and item.panel.body.hasFocus():
            region = "thinking"
        elif ends is not None and ends[0].message == number:
            region = ends[0].region
        before = self.selection.anchor, self.selection.head
        self.selection.select_text(number, region)
        if before == (self.selection.anchor, self.selection.head):
            self.select_everything()
        self.selection_changed()

    def select_everything(self) -> None:
        """Select all that was said in the chat; thinking is left out."""
        self.selection.select_through(len(self._view.entries) - 1)
        self.selection_changed()

    def key(self, event: QKeyEvent) -> bool:
        """Take a key for selecting, copying or scrolling; whether it was one."""
        if event.matches(QKeySequence.StandardKey.Copy):
            return self.copy()
        if event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
            return True
        if event.key() == Qt.Key.Key_Escape and self._view.finder.open:
            self._view.finder.close()
            return True
        if event.key() == Qt.Key.Key_Escape and not self.selection.empty:
            self.selection.clear()
            self.selection_changed()
            return True
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.key() in _MESSAGES:
            return focus.to_message(self._view, forward=_MESSAGES[Qt.Key(event.key())])
        action = _SCROLLS.get(Qt.Key(event.key()))
        if action is None:
            return False
        self._view.verticalScrollBar().triggerAction(action)
        return True


def _at(spot: Spot, offset: int) -> Spot:
    return Spot(spot.message, spot.region, Place(spot.place.cell, offset))


def _over_panel(item: Answer, point: QPoint) -> bool:
    panel = item.panel
    return (
        panel is not None
        and not panel.isHidden()
        and panel.rect().contains(panel.mapFromGlobal(point))
    )


def _in_panel(item: Item, number: int, point: QPoint) -> Spot | None:
    """Return the spot of a thought nearest to a global point, while its panel is open."""
    if not isinstance(item, Answer) or item.panel is None or item.panel.collapsed:
        return None
    body = item.panel.body
    local = body.viewport().mapFromGlobal(point)
    if local.y() < -12:
        local.setY(0)
    inside = body.content.mapFrom(body.viewport(), local)
    return Spot(number, "thinking", item.entry.thinking.hit(inside))
