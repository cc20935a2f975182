"""Where messages are written: a card with the text, its pills, and the button that sends or stops.

It imports nothing heavy: the window paints it before anything else is there.
"""

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from ui import theme
from ui.chat.pills import PILL_PX, SEND_PX, Pill, SendButton
from ui.chat.prompt_popover import PromptPopover
from ui.chat.style import COLUMN_PX, GUTTER_PX
from ui.chat.typing_box import TypingBox
from ui.chat.words import BUDGETS, budget, rate
from ui.widgets import rounded

PLACEHOLDER = "Ask anything…   (Enter to send, Shift+Enter for a new line)"
MOST_LINES = 10
RADIUS_PX = 16
TEXT_X = 18
TEXT_Y = 16
PAD_PX = 14
GAP_PX = 16
BOTTOM_PX = 18
TOP_PX = 8
SHADOW_PX = 6


class _Box(TypingBox):
    """The text itself; keys that are more than typing are the composer's.

    Signals:
        sent, stopped, edit_last: Enter, Esc, and Up in an empty box.
    """

    sent = Signal()
    stopped = Signal()
    edit_last = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, most_lines=MOST_LINES)
        self._composing = False

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:  # noqa: N802 - Qt's name
        """Know whether a character is being composed: Enter then ends that, not the message."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Send on Enter; Shift+Enter breaks the line; Up in an empty box edits the last message."""
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not self._composing:
            if plain:
                self.sent.emit()
            else:
                self.break_line()
        elif event.key() == Qt.Key.Key_Escape and plain:
            self.stopped.emit()
        elif event.key() == Qt.Key.Key_Up and plain and self.empty() and not self._composing:
            self.edit_last.emit()
        else:
            super().keyPressEvent(event)


class Composer(QWidget):
    """See the module.

    Signals:
        send_requested: the text; the box is empty again.
        stop_requested: the running answer is to stop.
        draft_changed: the text typed so far, after every change by the user.
        budget_changed: tokens of thinking, or None for unlimited.
        system_prompt_changed: the chat's own text.
        edit_last_requested: the last message of the user is to be edited.
    """

    send_requested = Signal(str)
    stop_requested = Signal()
    draft_changed = Signal(str)
    budget_changed = Signal(object)
    system_prompt_changed = Signal(str)
    edit_last_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._running = False
        self._rate = ""
        self._reason = ""
        self._budget: int | None = None
        self._prompt = ""
        self._quiet = False
        self._card = QRectF()
        self.box = _Box(self)
        self.box.setAccessibleName("Message")
        self.box.setPlaceholderText(PLACEHOLDER)
        self.box.sent.connect(self._on_send)
        self.box.stopped.connect(self._on_escape)
        self.box.edit_last.connect(self.edit_last_requested)
        self.box.textChanged.connect(self._on_text)
        self.box.height_wanted.connect(self._lay_out)
        self.thinking_pill = Pill(self, "clock", self._on_thinking_pill, tinted=True)
        self.prompt_pill = Pill(self, "", self._on_prompt_pill)
        self.send_button = SendButton(self, self._on_button)
        self.popover: PromptPopover | None = None
        self.setFocusProxy(self.box)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_budget(None)
        self.set_system_prompt("The model's", "")
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

    def set_enabled_reason(self, reason: str) -> None:
        """Say why nothing can be sent ("Choose a model first."), "" where it can."""
        self._reason = reason
        self.box.setPlaceholderText(reason or PLACEHOLDER)
        self._show_state()

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

    def _on_send(self) -> None:
        text = self.box.text()
        if self._running or self._reason or not text.strip():
            return
        self._quiet = True
        self.box.set_text("")
        self._quiet = False
        self._show_state()
        self.send_requested.emit(text)

    def _on_escape(self) -> None:
        if self._running:
            self.stop_requested.emit()

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
        tall = self.box.wanted_height()
        card = TEXT_Y + tall + GAP_PX + SEND_PX + 10
        self._card = QRectF(left, TOP_PX, width, card)
        self.box.setGeometry(left + TEXT_X, TOP_PX + TEXT_Y, inner + 10, tall)
        bottom = TOP_PX + card - 10
        self.send_button.setGeometry(
            left + width - PAD_PX - SEND_PX, bottom - SEND_PX, SEND_PX, SEND_PX
        )
        room = width - 2 * PAD_PX - SEND_PX - 100
        x = left + PAD_PX
        for pill, share in ((self.thinking_pill, 0.6), (self.prompt_pill, 1.0)):
            pill.bound(max(60, int(room * share)))
            size = pill.sizeHint()
            pill.setGeometry(x, bottom - (SEND_PX + PILL_PX) // 2, size.width(), PILL_PX)
            x += size.width() + 10
            room -= size.width() + 10
        wanted = TOP_PX + card + BOTTOM_PX
        if self.height() != wanted:
            self.setFixedHeight(wanted)
        self.update()

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
            if room.left() > self.prompt_pill.geometry().right():
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, self._rate)
        painter.end()
