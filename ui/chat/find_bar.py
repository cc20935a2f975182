"""The slim bar that finding in a chat is done with; it floats over the transcript's upper edge."""

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from ui import theme
from ui.chat.controls import QuietButton
from ui.chat.toggle import Toggle
from ui.widgets import rounded

HEIGHT_PX = 44
WIDTH_PX = 420
EDGE_PX = 12
LEAST_FIELD_PX = 90
LOW_PX = 64
"""Above the lower edge, and above the button that leads to the end."""


class _Field(QLineEdit):
    """What is looked for. Esc is the bar's, whatever the window does with it."""

    def __init__(self) -> None:
        super().__init__()
        self.setPlaceholderText("Find in this chat")
        self.setAccessibleName("Find in this chat")
        self.setFrame(False)
        self.setProperty("kind", "clear")
        see_through = self.palette()
        see_through.setColor(QPalette.ColorRole.Base, QColor(0, 0, 0, 0))
        self.setPalette(see_through)
        self.setFont(theme.ui_font())
        self.setMinimumWidth(LEAST_FIELD_PX)

    def event(self, event: QEvent) -> bool:
        """Keep Esc from the window's shortcuts."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()
            return True
        return super().event(event)


class FindBar(QWidget):
    """See the module.

    Signals:
        changed: another text is looked for, or in another way.
        stepped: the next hit is wanted (True), or the one before (False).
        closed: it is to go away.
    """

    changed = Signal()
    stepped = Signal(bool)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Find")
        self.field = _Field()
        self.count = QLabel()
        self.count.setTextFormat(Qt.TextFormat.PlainText)
        self.count.setFont(theme.caption_font())
        self.case = Toggle(self, "Aa", "", self.changed.emit, name="Match case")
        self.before = QuietButton(
            self, "", "chevron-up", lambda: self.stepped.emit(False), name="Hit before"
        )
        self.after = QuietButton(
            self, "", "chevron-down", lambda: self.stepped.emit(True), name="Next hit"
        )
        self.close_button = QuietButton(self, "", "close", self.closed.emit, name="Close")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(4)
        row.addWidget(self.field, 1)
        row.addWidget(self.count)
        for one in (self.case, self.before, self.after, self.close_button):
            one.setFixedSize(one.sizeHint().expandedTo(QSize(26, 28)))
            row.addWidget(one)
        self.field.textChanged.connect(lambda _text: self.changed.emit())
        self.say("")

    def say(self, count: str) -> None:
        """Show how many hits there are, and whether there is one to go to."""
        self.count.setText(count)
        self.count.setStyleSheet(f"color: {theme.current().muted};")
        self.count.setVisible(bool(count))
        self.field.setAccessibleDescription(count)

    def allow_steps(self, allowed: bool) -> None:
        """Let the hits be gone through, or not."""
        self.before.setEnabled(allowed)
        self.after.setEnabled(allowed)

    def place(self, room: QSize, seen: QRect | None = None) -> None:
        """Take the upper right corner of a view, the lower one where that would hide `seen`."""
        wide = min(WIDTH_PX, room.width() - 2 * EDGE_PX)
        upper = QRect(room.width() - wide - EDGE_PX, 8, wide, HEIGHT_PX)
        hides = seen is not None and upper.intersects(seen)
        self.setGeometry(
            upper.translated(0, room.height() - HEIGHT_PX - LOW_PX) if hides else upper
        )
        self.raise_()

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: N802, A002 - Qt's names
        """Go round its own controls."""
        stops: list[QWidget] = [self.field, self.case, self.before, self.after, self.close_button]
        stops = [one for one in stops if one.isEnabled()]
        here = next_to = self.window().focusWidget()
        at = stops.index(here) if here in stops else 0
        next_to = stops[(at + (1 if next else -1)) % len(stops)]
        reason = Qt.FocusReason.TabFocusReason if next else Qt.FocusReason.BacktabFocusReason
        next_to.setFocus(reason)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take the keys that its field leaves."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F3):
            self.stepped.emit(not shift)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the card, and a line in the accent while something is typed into it."""
        colours = theme.current()
        painter = QPainter(self)
        line = colours.accent if self.field.hasFocus() else colours.line
        rounded(painter, QRectF(self.rect()), 10, colours.card, line)
        painter.end()
