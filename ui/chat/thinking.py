"""The thinking panel: a header that opens and closes it, and the thought in a height of its own.

The thought scrolls inside the panel. It follows its end while the model thinks, unless the reader
has scrolled up; then nothing moves until the end is reached again.
"""

from collections.abc import Callable
from functools import cached_property

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from ui import theme
from ui.chat.column import Anchor, Column, Place
from ui.chat.controls import Control, FilledButton, focus_ring, triangle
from ui.chat.find_marks import badge
from ui.chat.pointer import Pointer
from ui.chat.sideways import sideways_pixels
from ui.chat.style import RADIUS_PX

HEADER_PX = 38
HEADER_RUNNING_PX = 52
RULE_PX = 3
INDENT_PX = 37
RIGHT_PX = 16
BOTTOM_PX = 12

Picked = Callable[[], tuple[Place, Place] | None]


class Header(Control):
    """The line that says how long and how much the model thought, with its triangle."""

    def __init__(self, parent: QWidget, does: Callable[[], None]) -> None:
        super().__init__(parent, "Thinking", does)
        self.title = ""
        self.facts = ""
        self.open = False
        self.hits = 0

    def say(self, title: str, facts: str, *, is_open: bool) -> None:
        """Show a title and the figures beside it."""
        if (title, facts, is_open) == (self.title, self.facts, self.open):
            return
        self.title, self.facts, self.open = title, facts, is_open
        self.setAccessibleName(f"{title}, {facts}" if facts else title)
        opens = "Press Space to close the thinking." if is_open else "Press Space to read it."
        self.setAccessibleDescription(opens)
        self.update()

    def show_hits(self, count: int) -> None:
        """Show how often what is looked for is in the thought, 0 for nothing to say."""
        if count != self.hits:
            self.hits = count
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return a size that shows everything."""
        return QSize(400, HEADER_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw triangle, title and facts on one line."""
        colours = theme.current()
        painter = QPainter(self)
        middle = self.height() / 2
        triangle(painter, QPointF(17, middle), colours.thinking_ink, down=self.open)
        font = QFont(theme.thinking_font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(colours.thinking_ink))
        room = QRectF(27, 0, self.width() - 27, self.height())
        if self.hits:
            room = badge(painter, room, "1 hit" if self.hits == 1 else f"{self.hits:,} hits")
        line = Qt.AlignmentFlag.AlignVCenter
        metrics = QFontMetricsF(font)
        title = metrics.elidedText(self.title, Qt.TextElideMode.ElideRight, room.width() - 4)
        painter.drawText(room, line, title)
        used = metrics.horizontalAdvance(title) + 10
        painter.setFont(theme.ui_font())
        painter.setPen(QColor(colours.muted))
        rest = room.adjusted(used, 0, -4, 0)
        if rest.width() > 40:
            facts = QFontMetricsF(theme.ui_font()).elidedText(
                self.facts, Qt.TextElideMode.ElideRight, rest.width()
            )
            painter.drawText(rest, line, facts)
        if self.ringed:
            focus_ring(painter, QRectF(self.rect()).adjusted(RULE_PX, 2, -2, -2), 6)
        painter.end()


class _Content(QWidget):
    """The thought itself, as tall as it is; the body shows a part of it."""

    def __init__(self, parent: QWidget, column: Column, pointer: Pointer, picked: Picked) -> None:
        super().__init__(parent)
        self._column = column
        self._pointer = pointer
        self._picked = picked
        self._caret = False
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)

    def show_caret(self, shown: bool) -> None:
        """End the thought with a caret, or not."""
        if shown != self._caret:
            self._caret = shown
            self.update()

    def event(self, event: QEvent) -> bool:
        """Hand the mouse to the pointer."""
        return self._pointer.handle(self, event) or super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll a wide block sideways; all else is the body's."""
        pixels = sideways_pixels(event)
        if not pixels or not self._column.slide(round(event.position().y()), pixels):
            super().wheelEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw what is seen of the column."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._column.paint(painter, QPoint(0, 0), event.rect(), self._picked(), caret=self._caret)
        painter.end()


class Body(QAbstractScrollArea):
    """A bounded window on the thought."""

    def __init__(self, parent: QWidget, column: Column, pointer: Pointer, picked: Picked) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("The thinking")
        # It fills its own ground, so that what is drawn can move along when it scrolls.
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self.column = column
        self.following = True
        self.content = _Content(self.viewport(), column, pointer, picked)
        self._settling = False
        self.verticalScrollBar().setSingleStep(22)

    def restyle(self) -> None:
        """Take the ground of the theme in force."""
        ground = QColor(theme.current().thinking_ground)
        colours = self.viewport().palette()
        if colours.color(QPalette.ColorRole.Window) != ground:
            colours.setColor(QPalette.ColorRole.Window, ground)
            self.viewport().setPalette(colours)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Take the ground again: the style sheet takes it away when a widget is first shown."""
        super().showEvent(event)
        self.restyle()

    def settle(self, height: int) -> None:
        """Lay out what a window of this height shows, and keep the place or the end."""
        bar = self.verticalScrollBar()
        anchor = None if self.following else self._anchor(bar.value(), height)
        self._show(height, anchor)

    def _anchor(self, top: int, height: int) -> Anchor:
        """Return the anchor of what is read; after a jump, whatever is at the top."""
        found = self.column.anchor(top, top + height)
        first = max(0, self.column.cell_at(top))
        return found or Anchor(first, top - self.column.top(first))

    def _show(self, height: int, anchor: Anchor | None) -> None:
        bar = self.verticalScrollBar()
        self._settling = True
        top = 0
        for _ in range(12):
            end = max(0, self.column.height - height)
            top = end if anchor is None else min(end, max(0, self.column.y_of(anchor)))
            if not self.column.lay_out(top, top + height):
                break
        total = self.column.height
        bar.setPageStep(height)
        bar.setRange(0, max(0, total - height))
        bar.setValue(top)
        moved = -top - self.content.y()
        if 0 < abs(moved) < height:
            self.viewport().scroll(0, moved)
        self.content.setGeometry(0, -top, self.viewport().width(), max(total, height))
        self.column.place_controls(self.content, QPoint(0, 0), top, top + height)
        for y, tall in self.column.take_changed():
            self.content.update(0, y, self.content.width(), 1 << 16 if y + tall >= total else tall)
        self._settling = False

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the layout to settle(), which the panel calls."""
        self.content.resize(self.viewport().width(), self.content.height())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll; with Ctrl it is the transcript's."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().wheelEvent(event)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:  # noqa: N802 - Qt's name
        """Show another part; reaching the end follows it again, leaving it stops following."""
        if self._settling:
            return
        bar = self.verticalScrollBar()
        self.following = bar.value() >= bar.maximum() - 4
        height = self.viewport().height()
        self._show(height, None if self.following else self._anchor(bar.value(), height))


class Panel(QWidget):
    """See the module.

    Signals:
        toggled: the user opened (False) or closed (True) the panel.
        answer_now: the user wants the thought closed and the answer begun, or one from a thought
            that was never closed.
    """

    toggled = Signal(bool)
    answer_now = Signal()

    def __init__(self, parent: QWidget, column: Column, pointer: Pointer, picked: Picked) -> None:
        super().__init__(parent)
        self.column = column
        self.collapsed = True
        self.header = Header(self, self._on_header)
        self._pointer = pointer
        self._picked = picked
        self._offered = False

    @cached_property
    def now(self) -> FilledButton:
        """The button that has the thought closed, made for one that can be."""
        made = FilledButton(self, "Answer now", self.answer_now.emit)
        made.setAccessibleDescription("Close the thinking and let the model answer.")
        made.hide()
        return made

    @cached_property
    def body(self) -> Body:
        """The window on the thought, made when it is first opened: most stay closed."""
        made = Body(self, self.column, self._pointer, self._picked)
        made.hide()
        return made

    @property
    def reader_is_up(self) -> bool:
        """Whether the reader has scrolled away from the end of the thought."""
        return "body" in self.__dict__ and not self.body.following

    def say(
        self, title: str, facts: str, *, running: bool, collapsed: bool, offered: bool = False
    ) -> None:
        """Show a state of the thought. offered: it stopped unclosed, and may be answered from."""
        if self.collapsed and not collapsed:
            # What is over is read from its beginning; what is being written, at its end.
            self.body.following = running
            self.body.verticalScrollBar().setValue(0)
        self.collapsed = collapsed
        self._offered = running or offered
        self.header.say(title, facts, is_open=not collapsed)
        if self._offered or "now" in self.__dict__:
            self.now.setVisible(self._offered)
        if not collapsed or "body" in self.__dict__:
            self.body.setVisible(not collapsed)
            self.body.content.show_caret(running)
            self.body.restyle()

    def settle(self, width: int, most_px: int) -> int:
        """Lay out for a width, the thought at most `most_px` tall; return the panel's height."""
        head = HEADER_RUNNING_PX if self._offered else HEADER_PX
        shown = 0
        if not self.collapsed:
            self.column.set_width(width - INDENT_PX - RIGHT_PX)
            for _ in range(4):
                shown = min(most_px, self.column.height)
                self.body.setGeometry(INDENT_PX, head, width - INDENT_PX - 4, shown)
                self.body.settle(shown)
                if shown == min(most_px, self.column.height):
                    break
        right = 0
        if self._offered:
            button = self.now.sizeHint()
            right = button.width() + 14
            self.now.setGeometry(width - right, 8, button.width(), button.height())
        self.header.setGeometry(0, 0, width - right, head)
        return head + (shown + BOTTOM_PX if shown else 0)

    def stops(self) -> list[QWidget]:
        """Return what the keyboard can reach, in order."""
        found: list[QWidget] = [self.header]
        if self._offered:
            found.append(self.now)
        if not self.collapsed:
            found.append(self.body)
            found.extend(self.column.controls())
        return found

    def _on_header(self) -> None:
        self.toggled.emit(not self.collapsed)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the ground, rounded at the right, and the rule at the left."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.thinking_ground))
        whole = QRectF(self.rect())
        painter.drawRoundedRect(whole, RADIUS_PX, RADIUS_PX)
        painter.drawRect(whole.adjusted(0, 0, -RADIUS_PX * 2, 0))
        painter.fillRect(QRect(0, 0, RULE_PX, self.height()), QColor(colours.thinking_rule))
        if not self.collapsed and self.body.hasFocus():
            around = QRectF(self.body.geometry()).adjusted(-8, -4, 0, 4)
            focus_ring(painter, around, 6)
        painter.end()
