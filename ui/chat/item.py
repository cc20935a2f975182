"""A message's widget: made when the message comes near what is seen, gone when it is far away.

It draws its entry's text itself and holds real widgets for what can be used. It never decides its
own place: the transcript asks it to `settle` for a width and a visible stretch, and places it.
"""

from collections.abc import Callable
from math import ceil

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFontMetricsF,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.chat.attachments import described
from ui import theme
from ui.chat import editor, style, words
from ui.chat.attach_gallery import Gallery, kept_words
from ui.chat.column import Anchor, Place
from ui.chat.controls import QuietButton, focus_ring
from ui.chat.editor import Editor
from ui.chat.entry import Entry
from ui.chat.footer import Branch
from ui.chat.pointer import Pointer
from ui.chat.selection import Region
from ui.chat.sideways import sideways_pixels
from ui.formulas.desk import Wish

PAD_X = 8
PAD_Y = 6
"""Room around a message for the ring of the focus."""
BUBBLE_MOST_PX = 560
BUBBLE_MOST_SHARE = 0.75
BUBBLE_PAD_X = 16
BUBBLE_PAD_Y = 10
BUBBLE_RADIUS = 14
GALLERY_GAP_PX = 10
MEASURED_TEXT = 2000
"""A bubble fits itself to a text of up to this many characters; a longer one takes all its room."""
LEAD = -1
"""An anchor's cell for what stands above an item's text."""
Picked = Callable[[Region], tuple[Place, Place] | None]


class Item(QWidget):
    """What question and answer have in common.

    Signals:
        retry, go_on, answer_now: the user asked for it.
        edited: the new text of the message. thought_edited: that of its thinking.
        stepped: the version before (-1) or after (+1) is wanted.
        toggled: the thinking was closed (True) or opened (False) by the user.
        moved: something in the message changed its height.
        opened: the number of an attachment that is to be shown whole.
    """

    retry = Signal()
    go_on = Signal()
    answer_now = Signal()
    edited = Signal(str)
    thought_edited = Signal(str)
    stepped = Signal(int)
    toggled = Signal(bool)
    moved = Signal()
    opened = Signal(int)

    def __init__(self, parent: QWidget, entry: Entry, pointer: Pointer, picked: Picked) -> None:
        super().__init__(parent)
        self.entry = entry
        self.pointer = pointer
        self.picked = picked
        self.editor: Editor | None = None
        self.text_at = QPoint(PAD_X, PAD_Y)
        self.last_height = 0
        self._by_keyboard = False
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMouseTracking(True)
        # Growing draws only what is new; what else changed is found out in `_lay_out_text`.
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)
        self._drawn_at = QPoint()
        self._seen = 0, 0

    @property
    def behind(self) -> bool:
        """Whether there is more to be read of what it shows."""
        return self.entry.behind(thinking=False)

    # ------------------------------------------------------------ layout

    def settle(self, width: int, top: int, bottom: int, panel_px: int) -> int:
        """Lay out for a column width what lies between top and bottom; return the height.

        panel_px: the most that an open thought may take.
        """
        if self.editor is not None:
            tall = self.editor.settle(width)
            self.editor.setGeometry(PAD_X, PAD_Y, width, tall)
            return tall + 2 * PAD_Y
        return self._settle(width, top, bottom, panel_px)

    def _settle(self, width: int, top: int, bottom: int, panel_px: int) -> int:
        raise NotImplementedError

    def _lay_out_text(self, width: int, top: int, bottom: int) -> int:
        """Lay out what is seen of the text, which begins at `text_at`; return its height."""
        column = self.entry.text
        column.set_width(width)
        first, last = self._seen = top - self.text_at.y(), bottom - self.text_at.y()
        self.entry.lay_out(first, last)
        self._draw_changed()
        return column.height + self.entry.unread_px(width, last)

    def place_controls(self) -> None:
        """Put the controls of what is seen of the text where they belong, once all is laid out."""
        if self.editor is None:
            self.entry.text.place_controls(self, self.text_at, *self._seen)

    def _draw_changed(self) -> None:
        """Have drawn anew what of the text was laid out or moved, and all below it."""
        stretches = self.entry.text.take_changed()
        if self.text_at != self._drawn_at:
            self._drawn_at = self.text_at
            self.update()
            return
        for top, tall in stretches:
            # One that has become shorter leaves something below it.
            last = top + tall >= self.entry.text.height
            self.update(0, self.text_at.y() + top, self.width(), 1 << 16 if last else tall)

    def anchor(self, y: int, reach: int, known: frozenset[Wish] = frozenset()) -> Anchor | None:
        """Return what is to be kept in place so that what is seen from `y` down stays.

        It is the first cell before `reach` whose height was measured, None where there is none.
        """
        if self.editor is not None:
            return None
        return self.entry.anchor(y - self.text_at.y(), reach - self.text_at.y(), known)

    def y_of(self, anchor: Anchor) -> int:
        """Return where an anchored point is now."""
        if anchor.cell == LEAD:
            return anchor.below
        return self.text_at.y() + self.entry.text.y_of(anchor)

    # ------------------------------------------------------------ editing

    def begin_edit(self, *, thought: bool = False) -> None:
        """Put an editor in the message's place; thought: for its thinking, to go on from there."""
        if self.editor is not None:
            return
        message = self.entry.message
        thinking = message.thinking if thought else None
        self.editor = Editor(
            self,
            message.text if thinking is None else thinking.text,
            save=editor.SAVE["thought" if thinking else message.role],
            name=editor.NAME["thought" if thinking else message.role],
            keeps=kept_words(message.attachments),
        )
        self.editor.saved.connect(self._on_saved if thinking is None else self._on_thought)
        self.editor.cancelled.connect(self.end_edit)
        self.editor.resized.connect(self.moved)
        for child in self.parts():
            child.hide()
        for cell in self.entry.text.cells:
            cell.release()
        self.editor.show()
        self.moved.emit()
        self.editor.box.setFocus(Qt.FocusReason.OtherFocusReason)

    def end_edit(self) -> None:
        """Take the editor away again."""
        if self.editor is None:
            return
        self.editor.hide()
        self.editor.deleteLater()
        self.editor = None
        self.refresh()
        self.moved.emit()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_saved(self, text: str) -> None:
        changed = text.strip() and text != self.entry.message.text
        self.end_edit()
        if changed:
            self.edited.emit(text)

    def _on_thought(self, text: str) -> None:
        self.end_edit()
        self.thought_edited.emit(text)

    # ------------------------------------------------------------ for the transcript

    def refresh(self) -> None:
        """Bring widgets and texts up to the entry."""
        raise NotImplementedError

    def parts(self) -> list[QWidget]:
        """Return the direct children that show the message."""
        raise NotImplementedError

    def stops(self) -> list[QWidget]:
        """Return what the keyboard can reach, in order, the message itself first."""
        raise NotImplementedError

    def copy_all(self) -> None:
        """Put the message on the clipboard as it was written, without its thinking."""
        QGuiApplication.clipboard().setText(self.entry.message.markdown)

    @property
    def holds_focus(self) -> bool:
        """Whether the focus is in the message."""
        focus = self.window().focusWidget()
        return focus is not None and (focus is self or self.isAncestorOf(focus))

    @property
    def active(self) -> bool:
        """Whether the mouse or the focus is in the message."""
        return self.underMouse() or self.holds_focus

    def describe(self) -> None:
        """Tell screen readers what the message says."""
        why = dict.fromkeys(self.entry.text.refusals)
        notes = [f"A formula is shown as its source: {one}." for one in why]
        attached = [described(part) for part in self.entry.message.attachments]
        attached += [words.LEFT_OUT] if self.entry.left_out else []
        self.setAccessibleDescription("\n".join([*attached, self.entry.message.text, *notes]))

    def event(self, event: QEvent) -> bool:
        """Hand the mouse to the pointer, where text is shown."""
        if self.editor is None and self.pointer.handle(self, event):
            if event.type() == QEvent.Type.MouseButtonPress:
                self.setFocus(Qt.FocusReason.MouseFocusReason)
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Scroll a wide block sideways; all else is the transcript's."""
        y = round(event.position().y()) - self.text_at.y()
        pixels = sideways_pixels(event)
        if not pixels or self.editor is not None or not self.entry.text.slide(y, pixels):
            super().wheelEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Say to screen readers what is here; ring it where the keyboard came."""
        self._by_keyboard = event.reason() != Qt.FocusReason.MouseFocusReason
        self.describe()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the ring around the new size."""
        super().resizeEvent(event)
        if self.hasFocus():
            self.update()

    def focusOutEvent(self, _event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Take the ring off."""
        self.update()

    def enterEvent(self, _event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Show what only shows under the mouse."""
        self.update()

    def leaveEvent(self, _event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Hide it again."""
        self.update()

    def paint_text(self, painter: QPainter, clip: QRect, *, caret: bool = False) -> None:
        """Draw the text that a clip shows; faintly where the model is not shown it any more."""
        painter.setOpacity(self.entry.opacity)
        self.entry.text.paint(painter, self.text_at, clip, self.picked("text"), caret=caret)
        painter.setOpacity(1.0)

    def paint_focus(self, painter: QPainter) -> None:
        """Draw the ring where the keyboard's focus is on the message itself."""
        if self.hasFocus() and self._by_keyboard:
            focus_ring(painter, QRectF(self.rect()).adjusted(0, 0, 0, 0), 12)


class _Hinted(QuietButton):
    """A button that is drawn only while its message has mouse or focus."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw, or leave the ground as it is."""
        item = self.parentWidget()
        if isinstance(item, Item) and item.active:
            super().paintEvent(event)


class Question(Item):
    """What the user said: a bubble at the right, its controls at its left."""

    def __init__(self, parent: QWidget, entry: Entry, pointer: Pointer, picked: Picked) -> None:
        super().__init__(parent, entry, pointer, picked)
        self.setAccessibleName("You said")
        self.branch = Branch(self, wordy=False)
        self.branch.stepped.connect(self.stepped)
        self.copy_button = _Hinted(self, "", "copy", self.copy_all, name="Copy this message")
        self.edit_button = _Hinted(self, "", "edit", self.begin_edit, name="Edit this message")
        self._bubble = QRect()
        self.gallery: Gallery | None = None
        self.refresh()

    def refresh(self) -> None:
        """Bring widgets and texts up to the entry."""
        self.entry.fill()
        self._show_attached()
        for child in self.parts():
            child.setVisible(self.editor is None)
        self.branch.show_place(self.entry.siblings.index, self.entry.siblings.count)
        self.describe()
        self.update()

    def _show_attached(self) -> None:
        """Make the widgets of what is attached, where it is not what they show."""
        parts = self.entry.message.attachments
        if self.gallery is not None and self.gallery.parts != parts:
            self.gallery.close()
            self.gallery = None
        if self.gallery is None and parts:
            self.gallery = Gallery(self, parts, self.entry.pictures)
            self.gallery.opened.connect(self.opened)

    def parts(self) -> list[QWidget]:
        """Return the buttons, and what is attached."""
        attached = self.gallery.widgets if self.gallery is not None else []
        return [*attached, self.copy_button, self.edit_button, self.branch]

    def _settle(self, width: int, top: int, bottom: int, panel_px: int) -> int:
        most = min(style.scaled(BUBBLE_MOST_PX), int(width * BUBBLE_MOST_SHARE)) - 2 * BUBBLE_PAD_X
        inner = min(most, self._natural_width(most))
        above = QSize(0, 0)
        if self.gallery is not None:
            above = self.gallery.lay_out(most)
            inner = max(inner, above.width())
        left = PAD_X + width - inner - BUBBLE_PAD_X
        said = bool(self.entry.message.text)
        gap = GALLERY_GAP_PX if said and above.height() else 0
        self.text_at = QPoint(left, PAD_Y + BUBBLE_PAD_Y + above.height() + gap)
        text = self._lay_out_text(inner, top, bottom) if said or not above.height() else 0
        text += above.height() + gap
        if self.gallery is not None:
            self.gallery.place(QPoint(left, PAD_Y + BUBBLE_PAD_Y))
        bubble = QRect(
            left - BUBBLE_PAD_X, PAD_Y, inner + 2 * BUBBLE_PAD_X, text + 2 * BUBBLE_PAD_Y
        )
        if bubble != self._bubble:
            self._bubble = bubble
            self.update()
        x = self._bubble.left() - 4
        y = self._bubble.bottom() - 35
        for part in (self.edit_button, self.copy_button, self.branch):
            size = part.size() if part is self.branch else part.sizeHint()
            x -= size.width() + 2
            part.setGeometry(x, y, size.width(), size.height())
        return self._bubble.height() + 2 * PAD_Y

    def _natural_width(self, most: int) -> int:
        text = self.entry.message.text
        if len(text) > MEASURED_TEXT:
            return most
        metrics = QFontMetricsF(style.of("user").font)
        widest = max(metrics.horizontalAdvance(line) for line in text.split("\n"))
        return max(16, ceil(widest) + 2)

    def stops(self) -> list[QWidget]:
        """Return what the keyboard can reach, in order."""
        if self.editor is not None:
            return self.editor.stops()
        found: list[QWidget] = [self]
        if self.gallery is not None:
            found += self.gallery.widgets
        if not self.branch.isHidden():
            found += [one for one in (self.branch.back, self.branch.on) if one.isEnabled()]
        return [*found, self.copy_button, self.edit_button]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw bubble and text."""
        if self.editor is not None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.current().bubble))
        painter.drawRoundedRect(QRectF(self._bubble), BUBBLE_RADIUS, BUBBLE_RADIUS)
        if self.gallery is not None:
            at = QPoint(self._bubble.left() + BUBBLE_PAD_X, PAD_Y + BUBBLE_PAD_Y)
            self.gallery.paint_caption(painter, at)
        self.paint_text(painter, event.rect())
        self.paint_focus(painter)
        painter.end()
