"""The one front door for every message to the user: banners over the top of the chat column.

A notice has a key: one with the same key takes the place of the last, so that a fault that repeats
is one banner. Nothing here is modal, and nothing moves what is already laid out: banners float.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ui import theme
from ui.widgets import Card, IconButton, button, muted

if TYPE_CHECKING:
    from app.errors import Problem

Kind = Literal["info", "warn", "error"]

UNDO_MS = 10_000
MAX_SHOWN = 3
MAX_WIDTH_PX = 760
_BUTTON_PX = 34
_RULES: dict[Kind, str] = {"info": "accent", "warn": "warn", "error": "bad"}


@dataclass(frozen=True, slots=True)
class Notice:
    """A message. title: what happened. advice: what to do. action: the label of the button that
    does it, run: what it does (the notice closes first). timeout_ms: 0 stays until closed."""

    key: str
    title: str
    advice: str = ""
    detail: str = ""
    kind: Kind = "info"
    action: str = ""
    run: Callable[[], None] | None = None
    timeout_ms: int = 0


def from_problem(
    problem: "Problem", *, action: str = "", run: Callable[[], None] | None = None
) -> Notice:
    """Return the notice of a fault of the world."""
    return Notice(problem.key, problem.title, problem.advice, problem.detail, "error", action, run)


def announce(widget: QWidget, text: str) -> None:
    """Say something to a screen reader, if one is listening."""
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


class Banner(Card):
    """One notice as it is shown."""

    def __init__(self, notice: Notice, close: Callable[[], None]) -> None:
        super().__init__(radius=10, rule=_RULES[notice.kind])
        self.notice = notice
        self._close = close
        self.setAccessibleName(f"{notice.title} {notice.advice}".strip())
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(22, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self._words(notice), 1)
        if notice.detail:
            self.details = button("Details", "ghost")
            self.details.setCheckable(True)
            self.details.setFixedHeight(_BUTTON_PX)
            self.details.toggled.connect(self._on_details)
            row.addWidget(self.details, 0, Qt.AlignmentFlag.AlignTop)
        if notice.action:
            self.action = button(notice.action, "plain")
            self.action.setFixedHeight(_BUTTON_PX)
            self.action.clicked.connect(self._on_action)
            row.addWidget(self.action, 0, Qt.AlignmentFlag.AlignTop)
        self.closer = IconButton("close", "Close this message", size=QSize(28, _BUTTON_PX))
        self.closer.clicked.connect(close)
        row.addWidget(self.closer, 0, Qt.AlignmentFlag.AlignTop)
        if notice.timeout_ms:
            timer = QTimer(self)
            timer.setSingleShot(True)
            timer.timeout.connect(close)
            timer.start(notice.timeout_ms)

    def height_for(self, width: int) -> int:
        """Return the height in pixels that shows everything at a width."""
        self.ensurePolished()
        self._row.invalidate()
        return self._row.totalHeightForWidth(width)

    def _words(self, notice: Notice) -> QWidget:
        words = QWidget()
        column = QVBoxLayout(words)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(2)
        title = _label(notice.title)
        font = theme.ui_font()
        font.setWeight(QFont.Weight.DemiBold)
        title.setFont(font)
        column.addWidget(title)
        if notice.advice:
            column.addWidget(muted(_label(notice.advice)))
        self.folded = muted(_label(notice.detail))
        self.folded.setFont(theme.mono_font(12))
        self.folded.hide()
        column.addWidget(self.folded)
        return words

    def _on_details(self, opened: bool) -> None:
        self.folded.setVisible(opened)
        self.details.setText("Less" if opened else "Details")

    def _on_action(self) -> None:
        self._close()
        if self.notice.run is not None:
            self.notice.run()


def _label(text: str) -> QLabel:
    label = QLabel(text)
    # A message may hold what a file or a model said: never markup.
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return label


class Notices(QWidget):
    """The stack of banners. It floats over its parent's top; `place` keeps it there."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._host = parent
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._banners: dict[str, Banner] = {}
        self._top = 0
        self.hide()

    def show_notice(self, notice: Notice) -> None:
        """Show a notice, in place of the one with its key; the oldest goes when there are many."""
        self._drop(notice.key)
        while len(self._banners) >= MAX_SHOWN:
            self._drop(next(iter(self._banners)))
        banner = Banner(notice, lambda: self.dismiss(notice.key))
        self._banners[notice.key] = banner
        self._column.addWidget(banner)
        self.show()
        self._settle()
        announce(self, banner.accessibleName())

    def show_problem(
        self, problem: "Problem", *, action: str = "", run: Callable[[], None] | None = None
    ) -> None:
        """Show a fault of the world."""
        self.show_notice(from_problem(problem, action=action, run=run))

    def dismiss(self, key: str) -> None:
        """Take a notice away, if it is there."""
        self._drop(key)
        self._settle()

    def shown(self) -> dict[str, Banner]:
        """Return the banners by key, oldest first."""
        return dict(self._banners)

    def place(self, top: int) -> None:
        """Lie centred over the parent, `top` px from its upper edge."""
        self._top = top
        self._settle()

    def _drop(self, key: str) -> None:
        banner = self._banners.pop(key, None)
        if banner is not None:
            had_focus = banner.isAncestorOf(QApplication.focusWidget() or self)
            self._column.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
            if had_focus:
                self._host.setFocus(Qt.FocusReason.OtherFocusReason)

    def _settle(self) -> None:
        if not self._banners:
            self.hide()
            return
        host = self._host
        width = min(MAX_WIDTH_PX, host.width() - 32)
        gaps = self._column.spacing() * (len(self._banners) - 1)
        height = gaps + sum(banner.height_for(width) for banner in self._banners.values())
        height = min(height, host.height() - self._top)
        self.setGeometry((host.width() - width) // 2, self._top, width, height)
        self.raise_()

    def event(self, event: QEvent) -> bool:
        """Grow and shrink with what is unfolded inside."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._settle()
        return super().event(event)
