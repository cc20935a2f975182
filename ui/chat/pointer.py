"""The mouse over text: drags select, clicks open links, links show at once where they lead.

The widgets that draw text hand their mouse events here; which text lies where is asked of the
transcript through `Surface`, so that a drag that leaves the widget it began in goes on.
"""

from html import escape
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from ui.chat import links
from ui.chat.selection import Selection, Spot

EDGE_SCROLL_MS = 30


class Surface(Protocol):
    """What the pointer asks of the transcript. Points are global."""

    @property
    def selection(self) -> Selection:
        """What is selected."""

    def spot_at(self, point: QPoint, keep_to: Spot | None) -> Spot | None:
        """Return the text position nearest to a point, in the same panel as keep_to if given."""

    def link_at(self, point: QPoint) -> str:
        """Return the address under a point, "" where there is none."""

    def link_words_at(self, point: QPoint) -> str:
        """Return the words of the link under a point, "" where there is none."""

    def show_link(self, told: str) -> None:
        """Show where the link under the mouse leads; "" shows nothing."""

    def offer_link(self, address: str, point: QPoint) -> None:
        """Ask at a point whether an address that is not what it seems is to be opened."""

    def follow(self, address: str, point: QPoint) -> None:
        """Go where a link within the message leads that is under a point."""

    def why_at(self, point: QPoint) -> str:
        """Return what is wrong with what is under a point, "" where nothing is."""

    def word_at(self, spot: Spot) -> tuple[Spot, Spot]:
        """Return the ends of the word around a spot."""

    def cell_of(self, spot: Spot) -> tuple[Spot, Spot]:
        """Return the ends of the block around a spot."""

    def selection_changed(self) -> None:
        """Draw the selection anew."""

    def scroll_towards(self, point: QPoint) -> None:
        """Scroll a little if the point lies outside of what is seen."""


class Pointer(QObject):
    """See the module."""

    def __init__(self, surface: Surface, parent: QObject) -> None:
        super().__init__(parent)
        self._surface = surface
        self._dragging = False
        self._pressed_link = ""
        self._clicks = 1
        self._at = QPoint()
        self._first: tuple[Spot, Spot] | None = None
        self._edge = QTimer(self)
        self._edge.setInterval(EDGE_SCROLL_MS)
        self._edge.timeout.connect(self._on_edge)

    def handle(self, widget: QWidget, event: QEvent) -> bool:
        """Take a mouse or help event of a widget that draws text; whether it is used up."""
        kind = event.type()
        if isinstance(event, QHelpEvent) and kind == QEvent.Type.ToolTip:
            return self._tool_tip(widget, event)
        if kind == QEvent.Type.Leave:
            self._surface.show_link("")
        if not isinstance(event, QMouseEvent):
            return False
        if kind == QEvent.Type.MouseMove:
            return self._move(widget, event)
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        if kind == QEvent.Type.MouseButtonPress:
            return self._press(event)
        if kind == QEvent.Type.MouseButtonDblClick:
            return self._double(event)
        if kind == QEvent.Type.MouseButtonRelease:
            return self._release(event)
        return False

    def _press(self, event: QMouseEvent) -> bool:
        self._at = event.globalPosition().toPoint()
        self._pressed_link = self._surface.link_at(self._at)
        spot = self._surface.spot_at(self._at, None)
        selection = self._surface.selection
        if spot is None:
            selection.clear()
            self._surface.selection_changed()
            return False
        near = (event.globalPosition().toPoint() - self._at).manhattanLength() < 4
        self._clicks = 3 if self._clicks == 2 and near and self._in_word(spot) else 1
        if self._clicks == 3:
            self._first = self._surface.cell_of(spot)
            selection.select(*self._first)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and selection.anchor is not None:
            self._extend(spot)
        else:
            self._first = (spot, spot)
            selection.select(spot, spot)
        self._dragging = True
        self._surface.selection_changed()
        return True

    def _in_word(self, spot: Spot) -> bool:
        """Whether a press falls into the word a double click has just selected: a triple click."""
        ends = self._surface.selection.ends()
        return ends is not None and ends[0].key() <= spot.key() <= ends[1].key()

    def _double(self, event: QMouseEvent) -> bool:
        spot = self._surface.spot_at(event.globalPosition().toPoint(), None)
        if spot is None:
            return False
        self._clicks = 2
        self._first = self._surface.word_at(spot)
        self._surface.selection.select(*self._first)
        self._dragging = True
        self._surface.selection_changed()
        return True

    def _move(self, widget: QWidget, event: QMouseEvent) -> bool:
        self._at = event.globalPosition().toPoint()
        if not self._dragging:
            link = self._surface.link_at(self._at)
            self._surface.show_link(self._told(self._at))
            over = Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.IBeamCursor
            on_text = self._surface.spot_at(self._at, None) is not None
            widget.setCursor(over if on_text else Qt.CursorShape.ArrowCursor)
            return False
        self._drag()
        if not self._edge.isActive():
            self._edge.start()
        return True

    def _drag(self) -> None:
        anchor = self._surface.selection.anchor
        spot = self._surface.spot_at(self._at, anchor)
        if spot is not None and anchor is not None and spot.region == anchor.region:
            self._extend(spot)
            self._surface.selection_changed()

    def _extend(self, spot: Spot) -> None:
        """Select from what the drag began with, which is a word or block after several clicks."""
        selection = self._surface.selection
        start, end = self._first or (selection.anchor or spot, selection.anchor or spot)
        if start == end:
            selection.select(start, spot)
            return
        two = self._surface.word_at(spot) if self._clicks == 2 else self._surface.cell_of(spot)
        if spot.key() < start.key():
            selection.select(end, two[0])
        else:
            selection.select(start, max(end, two[1], key=Spot.key))

    def _release(self, event: QMouseEvent) -> bool:
        self._edge.stop()
        was, self._dragging = self._dragging, False
        at = event.globalPosition().toPoint()
        link = self._surface.link_at(at)
        if link and link == self._pressed_link and self._surface.selection.empty:
            if links.is_within(link):
                self._surface.follow(link, at)
            elif links.deceives(link, self._surface.link_words_at(at)):
                self._surface.offer_link(link, at)
            else:
                links.open_link(link)
        return was

    def _told(self, at: QPoint) -> str:
        return links.told(self._surface.link_at(at), self._surface.link_words_at(at))

    def _tool_tip(self, widget: QWidget, event: QHelpEvent) -> bool:
        at = event.globalPos()
        said = self._told(at) or self._surface.why_at(at)
        if said:
            # Qt takes a tip for rich text where it looks so, and that would read files.
            rich = "<" in said
            QToolTip.showText(at, f"<p>{escape(said)}</p>" if rich else said, widget)
        else:
            QToolTip.hideText()
        return True

    def _on_edge(self) -> None:
        if not self._dragging or not QApplication.mouseButtons() & Qt.MouseButton.LeftButton:
            self._edge.stop()
            return
        self._surface.scroll_towards(self._at)
        self._drag()
