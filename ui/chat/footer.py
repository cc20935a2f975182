"""Below an answer: how it ended if not by itself, what can be done with it, and its figures."""

from functools import cached_property

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from ui import icons, theme
from ui.chat.controls import FilledButton, QuietButton

ROW_PX = 28
GAP_PX = 10
DETAILS = "Details"


class Branch(QWidget):
    """Which version of a message is shown, and the way to the others.

    Signals:
        stepped: the user wants the version before (-1) or after (+1).
    """

    stepped = Signal(int)

    def __init__(self, parent: QWidget, *, wordy: bool) -> None:
        super().__init__(parent)
        self._wordy = wordy
        self._label = ""
        self.hide()

    @cached_property
    def back(self) -> QuietButton:
        """The way to the version before; like the other, made for a message that has versions."""
        return self._step("‹", -1, "Version before")

    @cached_property
    def on(self) -> QuietButton:
        """The way to the version after."""
        return self._step("›", 1, "Version after")

    def _step(self, text: str, step: int, name: str) -> QuietButton:
        made = QuietButton(self, text, "", lambda: self.stepped.emit(step), name=name)
        made.show()
        return made

    def show_place(self, index: int, count: int) -> None:
        """Show the version `index` (from 0) of `count`; nothing where there is only one."""
        if count <= 1:
            self.hide()
            return
        where = f"{index + 1} / {count}"
        self._label = f"Branch {where}" if self._wordy else where
        self.setAccessibleName(f"Version {index + 1} of {count}")
        self.back.setEnabled(index > 0)
        self.on.setEnabled(index + 1 < count)
        icon = 18 if self._wordy else 0
        word = round(QFontMetricsF(theme.caption_font()).horizontalAdvance(self._label))
        step = self.back.sizeHint().width()
        self.back.setGeometry(icon, 0, step, ROW_PX)
        self.on.setGeometry(icon + step + word + 2, 0, step, ROW_PX)
        self.resize(icon + 2 * step + word + 2, ROW_PX)
        self.show()
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw icon and place between the two arrows."""
        colours = theme.current()
        painter = QPainter(self)
        if self._wordy:
            icons.paint(painter, "branch", colours.muted, QRectF(2, (ROW_PX - 14) / 2, 14, 14))
        painter.setFont(theme.caption_font())
        painter.setPen(QColor(colours.muted))
        painter.drawText(
            QRectF(self.back.geometry().right() + 2, 0, self.width(), ROW_PX),
            Qt.AlignmentFlag.AlignVCenter,
            self._label,
        )
        painter.end()


class Footer(QWidget):
    """See the module.

    Signals:
        copy, retry, edit, go_on, details: the button of that name was used; the figures are the
            button of the details.
        stepped: another version is wanted, before (-1) or after (+1).
    """

    copy = Signal()
    retry = Signal()
    edit = Signal()
    go_on = Signal()
    details = Signal()
    stepped = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._facts = ""
        self.copy_button = QuietButton(
            self, "Copy", "copy", self.copy.emit, name="Copy the answer without its thinking"
        )
        self.retry_button = QuietButton(
            self, "Retry", "retry", self.retry.emit, name="Ask again for this answer"
        )
        self.edit_button = QuietButton(
            self, "Edit", "edit", self.edit.emit, name="Edit this answer"
        )
        self.details_button = QuietButton(
            self, DETAILS, "", self.details.emit, name="How this answer was made"
        )
        self.branch = Branch(self, wordy=True)
        self.branch.stepped.connect(self.stepped)

    @cached_property
    def note(self) -> QLabel:
        """The sentence that says how the answer ended; most end by themselves and need none."""
        made = QLabel(self)
        made.setWordWrap(True)
        made.setTextFormat(Qt.TextFormat.PlainText)
        made.hide()
        return made

    @cached_property
    def more(self) -> FilledButton:
        """The button that goes on with an answer that did not end by itself."""
        made = FilledButton(self, "Continue", self.go_on.emit)
        made.hide()
        return made

    @property
    def _ending(self) -> bool:
        """Whether there is a row above the buttons."""
        made = self.__dict__
        return any(name in made and not made[name].isHidden() for name in ("note", "more"))

    def say(
        self, *, note: str, can_continue: bool, facts: str, index: int, count: int, has_text: bool
    ) -> None:
        """Show how an answer ended, its figures and its place among its versions."""
        if note or "note" in self.__dict__:
            self.note.setText(note)
            self.note.setVisible(bool(note))
        if can_continue or "more" in self.__dict__:
            self.more.setVisible(can_continue)
        self._facts = facts
        self.setAccessibleDescription(facts)
        self.copy_button.setEnabled(has_text)
        self.branch.show_place(index, count)
        self.update()

    def settle(self, width: int) -> int:
        """Lay out for a width; return the height."""
        y = 0
        if self._ending:
            hint = self.more.sizeHint()
            beside = 0 if self.more.isHidden() else hint.width() + 16
            self.note.setFont(theme.ui_font())
            self.note.setStyleSheet(f"color: {theme.current().muted};")
            tall = max(24, self.note.heightForWidth(width - beside))
            row = tall if self.more.isHidden() else max(tall, hint.height())
            self.note.setGeometry(0, (row - tall) // 2, width - beside, tall)
            self.more.setGeometry(width - hint.width(), (row - hint.height()) // 2, *hint.toTuple())
            y = row + 12
        x = -4
        for button in (self.copy_button, self.retry_button, self.edit_button):
            wide = button.sizeHint().width()
            button.setGeometry(x, y, wide, ROW_PX)
            x += wide + GAP_PX - 4
        self.branch.move(x + 2, y)
        self._place_details(width, y)
        return y + ROW_PX

    def _place_details(self, width: int, y: int) -> None:
        """Show the figures at the right, as far as the buttons leave them room."""
        button = self.details_button
        last = self.edit_button if self.branch.isHidden() else self.branch
        room = width - last.geometry().right() - 12
        for said in (self._facts or DETAILS, DETAILS):
            button.setText(said)
            if button.sizeHint().width() <= room:
                break
        button.setToolTip("How this answer was made")
        wide = min(button.sizeHint().width(), room)
        # The word ends where the text column does.
        button.setGeometry(width - wide + 4, y, wide, ROW_PX)

    def stops(self) -> list[QWidget]:
        """Return what the keyboard can reach, in order."""
        everything: list[QWidget] = [self.more] if self._ending else []
        everything += [self.copy_button, self.retry_button, self.edit_button]
        if not self.branch.isHidden():
            everything += [self.branch.back, self.branch.on]
        everything.append(self.details_button)
        return [one for one in everything if not one.isHidden() and one.isEnabled()]
