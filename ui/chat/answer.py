"""The widget of an answer: what it waits for, its thinking, its text, and what is below it."""

from PySide6.QtCore import QPoint, QRect, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.chat.message import Message
from ui.chat import words
from ui.chat.column import Place
from ui.chat.entry import READ_AT_ONCE, Entry
from ui.chat.footer import ROW_PX, Footer
from ui.chat.item import PAD_X, PAD_Y, Item, Picked
from ui.chat.pointer import Pointer
from ui.chat.progress import HEIGHT_PX as PROGRESS_PX
from ui.chat.progress import Progress
from ui.chat.thinking import Panel

PANEL_GAP_PX = 16
FOOTER_GAP_PX = 24
EMPTY_PX = 24


class Answer(Item):
    """See the module.

    Signals:
        details: how the answer was made is to be shown.
    """

    details = Signal()

    def __init__(self, parent: QWidget, entry: Entry, pointer: Pointer, picked: Picked) -> None:
        super().__init__(parent, entry, pointer, picked)
        self.setAccessibleName("The answer")
        self.progress: Progress | None = None
        self.panel: Panel | None = None
        self.footer: Footer | None = None
        self._has_caret = False
        # Whether there is a footer; its widget is made only when it comes into sight.
        self._is_over = False
        self._footer_at = QRect()
        self.refresh()

    # ------------------------------------------------------------ contents

    def refresh(self) -> None:
        """Bring widgets and texts up to the entry."""
        self.entry.fill(READ_AT_ONCE)
        if self.editor is not None:
            return
        if self._writing != self._has_caret:
            self._has_caret = self._writing
            self.update()
        self._refresh_progress()
        self._refresh_panel()
        self._refresh_footer()
        if not self.entry.running:
            self.describe()

    @property
    def _writing(self) -> bool:
        turn = self.entry.turn
        return turn is not None and turn.phase == "answering"

    @property
    def behind(self) -> bool:
        """Whether there is more to be read of the text, or of a thought that is open."""
        is_open = self.panel is not None and not self.panel.collapsed
        return self.entry.behind(thinking=is_open and self.editor is None)

    def _refresh_progress(self) -> None:
        turn = self.entry.turn
        waits = words.progress(turn) if turn is not None and self.entry.running else None
        if waits is None:
            if self.progress is not None:
                self.progress.hide()
            return
        if self.progress is None:
            self.progress = Progress(self)
        self.progress.show_progress(*waits)
        self.progress.show()

    def _refresh_panel(self) -> None:
        entry = self.entry
        turn = entry.turn
        thinking = turn is not None and turn.phase == "thinking"
        if not thinking and not entry.thought:
            if self.panel is not None:
                self.panel.hide()
            return
        if self.panel is None:
            self.panel = Panel(self, entry.thinking, self.pointer, self._picked_thought)
            self.panel.toggled.connect(self.toggled)
            self.panel.answer_now.connect(self.answer_now)
        if turn is not None and thinking:
            title, facts = words.running_thought(turn, entry.budget)
        else:
            title, facts = _ended(entry)
            self._keep_open_for_the_reader()
        collapsed = (not thinking) if entry.collapsed is None else entry.collapsed
        collapsed = collapsed and not entry.peeked
        if not collapsed:
            entry.fill_thinking(READ_AT_ONCE)
        self.panel.say(
            title, facts, running=thinking, collapsed=collapsed, offered=self._may_answer_now()
        )
        self.panel.show()

    def _may_answer_now(self) -> bool:
        """Whether a thought that was never closed can be answered from."""
        entry = self.entry
        return not entry.running and entry.last and words.can_answer_now(entry.message)

    def _keep_open_for_the_reader(self) -> None:
        """Leave the panel open where the user has scrolled up in it: they are reading."""
        panel = self.panel
        if panel is None or self.entry.collapsed is not None or panel.collapsed:
            return
        if self.entry.peeked:
            return
        if panel.reader_is_up:
            self.entry.collapsed = False

    def _refresh_footer(self) -> None:
        self._is_over = not self.entry.running and self.entry.message.status != "running"
        if self.footer is not None:
            self._say_below(self.footer)

    def _say_below(self, footer: Footer) -> None:
        """Bring the footer up to the message."""
        message = self.entry.message
        if self._is_over:
            footer.say(
                note=self._ending,
                can_continue=self._can_continue,
                facts=words.footer_facts(message),
                index=self.entry.siblings.index,
                count=self.entry.siblings.count,
                has_text=bool(message.text),
            )
        footer.setVisible(self._is_over)

    @property
    def _ending(self) -> str:
        return words.ending(self.entry.message, left_out=self.entry.left_out)

    @property
    def _can_continue(self) -> bool:
        return self.entry.last and words.can_continue(self.entry.message)

    def _made_footer(self) -> Footer:
        """Return the footer, in its place, made if need be: six buttons take 2 ms."""
        if self.footer is None:
            self.footer = Footer(self)
            self.footer.copy.connect(self._on_copy)
            self.footer.retry.connect(self.retry)
            self.footer.edit.connect(self.begin_edit)
            self.footer.go_on.connect(self.go_on)
            self.footer.details.connect(self.details)
            self.footer.stepped.connect(self.stepped)
            self._say_below(self.footer)
            self.footer.settle(self._footer_at.width())
            self.footer.setGeometry(self._footer_at)
        return self.footer

    def _picked_thought(self) -> tuple[Place, Place] | None:
        return self.picked("thinking")

    def _on_copy(self) -> None:
        self.copy_all()
        if self.footer is not None:
            self.footer.copy_button.show_done("Copied")

    def parts(self) -> list[QWidget]:
        """Return progress, panel and footer, as far as they exist."""
        return [one for one in (self.progress, self.panel, self.footer) if one is not None]

    def stops(self) -> list[QWidget]:
        """Return what the keyboard can reach, in order."""
        if self.editor is not None:
            return self.editor.stops()
        found: list[QWidget] = [self]
        if self.panel is not None and not self.panel.isHidden():
            found += self.panel.stops()
        found += self.entry.text.controls()
        if self._is_over:
            found += self._made_footer().stops()
        return found

    # ------------------------------------------------------------ layout

    def _settle(self, width: int, top: int, bottom: int, panel_px: int) -> int:
        y = PAD_Y
        if self.panel is not None and not self.panel.isHidden():
            tall = self.panel.settle(width, panel_px)
            self.panel.setGeometry(PAD_X, y, width, tall)
            y += tall + PANEL_GAP_PX
        if self.progress is not None and not self.progress.isHidden():
            self.progress.setGeometry(PAD_X, y, width, PROGRESS_PX)
            y += PROGRESS_PX
        self.text_at = QPoint(PAD_X, y)
        text = self._lay_out_text(width, top, bottom)
        y += text
        if self._is_over:
            y += FOOTER_GAP_PX if text else 0
            y += self._settle_footer(QRect(PAD_X, y, width, ROW_PX), bottom)
        return max(y, PAD_Y + EMPTY_PX) + PAD_Y

    def _settle_footer(self, place: QRect, bottom: int) -> int:
        """Place the footer, made if it can be seen or is more than its buttons; return its height.

        place: where it is if there is nothing but its buttons.
        """
        self._footer_at = place  # and of the height that is found
        plain = not self._ending and not self._can_continue
        if plain and self.footer is None and place.top() > bottom:
            return ROW_PX
        footer = self._made_footer()
        place.setHeight(footer.settle(place.width()))
        footer.setGeometry(place)
        return place.height()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the text; a caret ends it while it is written."""
        if self.editor is not None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_text(painter, event.rect(), caret=self._has_caret)
        self.paint_focus(painter)
        painter.end()


def _ended(entry: Entry) -> tuple[str, str]:
    """Return title and facts of a thought that is over, be it in a running answer or a kept one."""
    turn = entry.turn
    if turn is not None:
        message = Message(entry.id, None, "assistant", turn.parts(), 0.0, status=turn.status)
        speed = turn.tokens_per_s
    else:
        message = entry.message
        speed = words.usage_rate(message.usage)
    thought = message.thinking
    if thought is None:
        return "", ""
    closed_by = message.usage.closed_by if message.usage else "model"
    return words.ended_thought(thought, message.status, speed, closed_by)
