"""Where messages are written: a card with the text, its pills, and the button that sends or stops.

It imports nothing heavy: the window paints it before anything else is there.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from ui import theme
from ui.chat.message_box import MessageBox
from ui.chat.pills import ICON_PILL_PX, PILL_PX, SEND_PX, Pill, SendButton
from ui.chat.prompt_popover import PromptPopover
from ui.chat.style import COLUMN_PX, GUTTER_PX
from ui.chat.words import BUDGETS, budget, rate
from ui.widgets import rounded

if TYPE_CHECKING:
    from app.chat.room import NoRoom
    from ui.chat.attach_strip import AttachStrip
    from ui.chat.picture import Pictures
    from ui.chat.room_card import RoomCard

PLACEHOLDER = "Ask anything…   (Enter to send, Shift+Enter for a new line)"
SHORT_PLACEHOLDER = "Ask anything…"
RADIUS_PX = 16
TEXT_X = 18
TEXT_Y = 16
PAD_PX = 14
GAP_PX = 16
BOTTOM_PX = 18
TOP_PX = 8
SHADOW_PX = 6
NARROW_PX = 200
"""Room for the pills below which the one that attaches shows only its icon."""
WORDY_PX = 480
"""Room for the pills below which that of the sampling shows only its icon."""


class Composer(QWidget):
    """See the module.

    Signals:
        send_requested: the text; the box is empty again.
        stop_requested: the running answer is to stop.
        draft_changed: the text typed so far, after every change by the user.
        budget_changed: tokens of thinking, or None for unlimited.
        system_prompt_changed: the chat's own text.
        edit_last_requested: the last message of the user is to be edited.
        attach_requested: files are to be chosen and attached.
        given: files (a list of paths) or an image (QImage) are to be attached.
        send_without_requested: the text; what is attached goes too, images unseen by the model.
        options_requested: how the chat is answered is to be shown, above a global point.
        room_chosen: the kind of the way to make room that was chosen.
        room_dismissed: no room is to be made.
    """

    send_requested = Signal(str)
    stop_requested = Signal()
    draft_changed = Signal(str)
    budget_changed = Signal(object)
    system_prompt_changed = Signal(str)
    edit_last_requested = Signal()
    attach_requested = Signal()
    given = Signal(object)
    send_without_requested = Signal(str)
    options_requested = Signal(QPoint)
    room_chosen = Signal(str)
    room_dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strip: AttachStrip | None = None
        self.room: RoomCard | None = None
        self._running = False
        self._rate = ""
        self._reason = ""
        self._budget: int | None = None
        self._prompt = ""
        self._quiet = False
        self._card = QRectF()
        self.box = MessageBox(self)
        self.box.setAccessibleName("Message")
        self.box.sent.connect(self._on_send)
        self.box.stopped.connect(self._on_escape)
        self.box.edit_last.connect(self.edit_last_requested)
        self.box.textChanged.connect(self._on_text)
        self.box.height_wanted.connect(self._lay_out)
        self.box.given.connect(self.given)
        self.attach_pill = Pill(self, "attach", self.attach_requested.emit)
        self.attach_pill.say("Attach")
        self.attach_pill.setAccessibleDescription("Adds images and text files to the message.")
        self.thinking_pill = Pill(self, "clock", self._on_thinking_pill, tinted=True)
        self.prompt_pill = Pill(self, "", self._on_prompt_pill)
        self.options_pill = Pill(self, "sliders", self._on_options_pill)
        self.send_button = SendButton(self, self._on_button)
        self.popover: PromptPopover | None = None
        self.setFocusProxy(self.box)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_budget(None)
        self.set_system_prompt("The model's", "")
        self.set_options_own(False)
        self.set_running(False, 0.0)
        theme.notifier().changed.connect(self.update)

    # ------------------------------------------------------------ what is shown

    def text(self) -> str:
        """Return what is typed."""
        return self.box.text()

    def set_draft(self, text: str) -> None:
        """Show a text to go on with; not announced as a change."""
        if text == self.box.text():
            return
        self._quiet = True
        self.box.set_text(text)
        self._quiet = False
        self._show_state()

    def set_running(self, running: bool, tokens_per_s: float = 0.0) -> None:
        """Offer Stop with the rate beside it, or Send."""
        self._running = running
        self._rate = rate(tokens_per_s) if running else ""
        self._show_state()
        self.update()

    def set_budget(self, tokens: int | None) -> None:
        """Show the limit of thinking in tokens, None for unlimited."""
        self._budget = tokens
        self.thinking_pill.say(f"Thinking: {budget(tokens)}")
        self.thinking_pill.setAccessibleDescription("Opens a menu of limits.")
        self._lay_out()

    def set_system_prompt(self, label: str, text: str) -> None:
        """Show whose system prompt is used, and the chat's own text for the editor."""
        self._prompt = text
        self.prompt_pill.say(f"System prompt: {label}")
        self.prompt_pill.setAccessibleDescription("Opens a box for this chat's own text.")
        self._lay_out()

    def set_options_own(self, own: bool) -> None:
        """Say whether the sampling is the user's own; the model's own needs no words."""
        self.options_pill.say("Sampling: yours" if own else "Sampling")
        self.options_pill.setAccessibleDescription("Opens how this chat's answers are drawn.")
        self._lay_out()

    def show_room(self, room: "NoRoom | None") -> None:
        """Say that an answer finds no room, and how some is made; None takes it away."""
        if self.room is None:
            if room is None:
                return
            from ui.chat.room_card import RoomCard

            self.room = RoomCard(self)
            self.room.height_wanted.connect(self._lay_out)
            self.room.chosen.connect(self._on_room_chosen)
            self.room.dismissed.connect(self._on_room_dismissed)
        held_focus = self.room.isAncestorOf(self.window().focusWidget() or self)
        self.room.show_room(room)
        if room is None and held_focus:
            self.box.setFocus(Qt.FocusReason.OtherFocusReason)
        self._lay_out()

    def set_enabled_reason(self, reason: str) -> None:
        """Say why nothing can be sent ("Choose a model first."), "" where it can."""
        self._reason = reason
        self._lay_out()
        self._show_state()

    def attachments(self, pictures: "Pictures") -> "AttachStrip":
        """Return the strip of what is attached, made when it is first needed."""
        if self.strip is None:
            from ui.chat.attach_strip import AttachStrip

            self.strip = strip = AttachStrip(self, pictures)
            strip.height_wanted.connect(self._lay_out)
            strip.sent_without.connect(self._on_send_without)
            strip.show()
        return self.strip

    def _show_state(self) -> None:
        self.send_button.show_running(self._running)
        self.send_button.setEnabled(self._running or not self._reason)
        if self._reason and not self._running:
            self.send_button.setToolTip(self._reason)

    # ------------------------------------------------------------ what the user does

    def _on_text(self) -> None:
        self._show_state()
        if not self._quiet:
            self.draft_changed.emit(self.box.text())

    def _may_send(self, text: str) -> bool:
        attached = self.strip is not None and bool(self.strip.parts)
        return not (self._running or self._reason) and (attached or bool(text.strip()))

    def _taken(self) -> str:
        """Return the text that is sent; the box is empty from now on."""
        text = self.box.text()
        self._quiet = True
        self.box.set_text("")
        self._quiet = False
        self._show_state()
        return text

    def _on_send(self) -> None:
        if not self._may_send(self.box.text()):
            return
        if self.strip is not None and self.strip.holds:
            self.strip.insist()
            return
        self.send_requested.emit(self._taken())

    def _on_send_without(self) -> None:
        if self._may_send(self.box.text()):
            self.send_without_requested.emit(self._taken())
            self.box.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_escape(self) -> None:
        if self._running:
            self.stop_requested.emit()
        elif self.room is not None and self.room.room is not None:
            self._on_room_dismissed()

    def _on_room_chosen(self, kind: str) -> None:
        self.box.setFocus(Qt.FocusReason.OtherFocusReason)
        self.room_chosen.emit(kind)

    def _on_room_dismissed(self) -> None:
        self.box.setFocus(Qt.FocusReason.OtherFocusReason)
        self.room_dismissed.emit()

    def _on_options_pill(self) -> None:
        self.options_requested.emit(self.options_pill.mapToGlobal(QPoint(0, -8)))

    def _on_button(self) -> None:
        if self._running:
            self.stop_requested.emit()
        else:
            self._on_send()
        self.box.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_thinking_pill(self) -> None:
        menu = self.budget_menu()
        corner = self.thinking_pill.mapToGlobal(QPoint(0, -6))
        menu.popup(corner - QPoint(0, menu.sizeHint().height()))

    def budget_menu(self) -> QMenu:
        """Return the menu of limits."""
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        for limit in BUDGETS:
            label = budget(limit)
            action = menu.addAction(label[0].upper() + label[1:])
            action.setCheckable(True)
            action.setChecked(limit == self._budget)
            action.triggered.connect(lambda _on, limit=limit: self._on_budget(limit))
        return menu

    def _on_budget(self, limit: int | None) -> None:
        self.set_budget(limit)
        self.budget_changed.emit(limit)

    def _on_prompt_pill(self) -> None:
        if self.popover is None:
            self.popover = PromptPopover(self)
            self.popover.committed.connect(self._on_prompt)
        self.popover.open_above(self.prompt_pill.mapToGlobal(QPoint(0, -8)), self._prompt)

    def _on_prompt(self, text: str) -> None:
        self._prompt = text
        self.system_prompt_changed.emit(text)

    # ------------------------------------------------------------ layout

    def _lay_out(self) -> None:
        width = max(160, min(COLUMN_PX, self.width() - 2 * GUTTER_PX))
        left = (self.width() - width) // 2
        inner = width - 2 * TEXT_X
        self.box.setFixedWidth(inner + 10)
        words = self.box.fontMetrics().horizontalAdvance(PLACEHOLDER)
        usual = PLACEHOLDER if words <= inner else SHORT_PLACEHOLDER
        self.box.setPlaceholderText(self._reason or usual)
        tall = self.box.wanted_height()
        above = self._lay_out_room(left + PAD_PX, width - 2 * PAD_PX)
        above += self._lay_out_strip(left + PAD_PX, width - 2 * PAD_PX, above)
        card = TEXT_Y + above + tall + GAP_PX + SEND_PX + 10
        self._card = QRectF(left, TOP_PX, width, card)
        self.box.setGeometry(left + TEXT_X, TOP_PX + TEXT_Y + above, inner + 10, tall)
        bottom = TOP_PX + card - 10
        self.send_button.setGeometry(
            left + width - PAD_PX - SEND_PX, bottom - SEND_PX, SEND_PX, SEND_PX
        )
        room = width - 2 * PAD_PX - SEND_PX - 100
        x = left + PAD_PX
        least = ICON_PILL_PX if room < NARROW_PX else 60
        last = self.options_pill.natural_width() if room >= WORDY_PX else ICON_PILL_PX
        room -= last + 10
        pills = (self.attach_pill, 0.0), (self.thinking_pill, 0.6), (self.prompt_pill, 1.0)
        for pill, share in (*pills, (self.options_pill, -1.0)):
            if share < 0:
                pill.bound(last)
            else:
                pill.bound(max(60, int(room * share)) if share else max(least, int(room * 0.4)))
            size = pill.sizeHint()
            pill.setGeometry(x, bottom - (SEND_PX + PILL_PX) // 2, size.width(), PILL_PX)
            x += size.width() + 10
            room -= size.width() + 10
        wanted = TOP_PX + card + BOTTOM_PX
        if self.height() != wanted:
            self.setFixedHeight(wanted)
        self.update()

    def _lay_out_room(self, left: int, width: int) -> int:
        """Place what stands in the way, above all else; return the height it takes."""
        card = self.room
        if card is None:
            return 0
        if card.width() != width:
            card.resize(width, card.height())
        tall = card.wanted_height()
        card.setGeometry(left, TOP_PX + PAD_PX, width, tall)
        return tall

    def _lay_out_strip(self, left: int, width: int, above: int) -> int:
        """Place what is attached, above the text; return the height it takes."""
        strip = self.strip
        if strip is None:
            return 0
        if strip.width() != width:
            strip.resize(width, strip.height())
        tall = strip.wanted_height()
        strip.setGeometry(left, TOP_PX + PAD_PX + above, width, tall)
        strip.setVisible(tall > 0)
        return tall

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the height that shows what is typed."""
        return QSize(COLUMN_PX, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Lay out for the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._lay_out()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take a click anywhere on the card for one into the text."""
        self.box.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the focus to the text."""
        self.box.setFocus(event.reason())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the card with its shadow, and the rate while an answer is written."""
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for spread in range(SHADOW_PX, 0, -1):
            painter.setBrush(QColor(0, 0, 0, 2))
            grown = self._card.adjusted(-spread, 1 - spread, spread, 2 + spread)
            painter.drawRoundedRect(grown, RADIUS_PX + spread, RADIUS_PX + spread)
        rounded(painter, self._card, RADIUS_PX, colours.card, colours.line)
        if self._rate:
            painter.setPen(QColor(colours.muted))
            painter.setFont(theme.ui_font())
            advance = QFontMetricsF(theme.ui_font()).horizontalAdvance(self._rate) + 4
            button = self.send_button.geometry()
            room = QRectF(button.left() - 10 - advance, button.top(), advance, button.height())
            if room.left() > self.options_pill.geometry().right():
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self._rate)
        painter.end()
