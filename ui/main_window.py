"""The window: chats at the left; at the right header, chat (or first screen) and composer.

It lays things out and holds no opinion about chats: that is `ui.presenter`'s. What the first paint
does not need comes with `complete()`, after it: the transcript brings Markdown with it, and every
class of Qt that is touched for the first time has to be built by PySide.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.given import CHAT_ENDINGS
from ui.chat.composer import Composer
from ui.chat.message_box import given_in
from ui.header import HEIGHT_PX, Header
from ui.sidebar.view import Sidebar

if TYPE_CHECKING:
    from ui.actions import Actions
    from ui.chat.view import ChatView
    from ui.firstrun.view import FirstRun
    from ui.notices import Notices

NARROW_PX = 800
"""Below this width the chats are hidden unless they are asked for: the text column comes first."""

COMPACT_HEADER_PX = 560
BELOW = ("new_chat", "search", "find", "find_next", "find_before", "thinking", "rename", "sidebar")
"""Actions on what lies below a dialog."""
NOTICES_TOP_PX = HEIGHT_PX + 12


class Column(QWidget):
    """The right-hand side. The notices float over it, below the header."""

    def __init__(self, header: Header, stack: QStackedWidget, composer: Composer) -> None:
        super().__init__()
        self._header = header
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(header)
        rows.addWidget(stack, 1)
        rows.addWidget(composer)
        self.notices: Notices | None = None

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the notices in their place, and the header within the width."""
        super().resizeEvent(event)
        self._header.meter.set_compact(self.width() < COMPACT_HEADER_PX)
        if self.notices is not None:
            self.notices.place(NOTICES_TOP_PX)


class MainWindow(QMainWindow):
    """The one window.

    Signals:
        first_painted: once, when the window has been drawn and is on its way to the screen.
        model_dropped: the path of a .gguf file that was dropped.
        chats_dropped: paths of files that may hold chats, and where on the screen they fell.
        given: what was dropped to be attached: files (a list of paths) or an image (QImage).
        closing: the window is about to go.
    """

    first_painted = Signal()
    model_dropped = Signal(str)
    chats_dropped = Signal(list, QPoint)
    given = Signal(object)
    closing = Signal()

    actions_: "Actions"
    chat_view: "ChatView"
    first_run: "FirstRun"
    notices: "Notices"

    def __init__(self, geometry: str = "") -> None:
        """geometry: what `saved_geometry` gave the last time, "" for a first start."""
        super().__init__()
        self._painted = False
        self._wants_sidebar: bool | None = None
        self._was_narrow: bool | None = None
        self.setWindowTitle("Ponder")
        self.setMinimumSize(QSize(640, 480))
        self.setAcceptDrops(True)
        self.sidebar = Sidebar()
        self.header = Header()
        self.composer = Composer()
        self.stack = QStackedWidget()
        # Until the chats are read, nothing is shown that they would replace.
        self.stack.addWidget(QWidget())
        self.column = Column(self.header, self.stack, self.composer)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.sidebar)
        row.addWidget(self.column, 1)
        self.setCentralWidget(whole)
        self.header.sidebar_requested.connect(self.toggle_sidebar)
        self.resize(1280, 840)
        if geometry:
            self.restoreGeometry(QByteArray.fromBase64(QByteArray(geometry.encode("ascii"))))
        self._fold()
        self.composer.setFocus()

    def saved_geometry(self) -> str:
        """Return place and size as text, for the settings."""
        return bytes(self.saveGeometry().toBase64().data()).decode("ascii")

    def complete(self) -> None:
        """Put in what the first paint did without: the list, the pages, the notices, the keys."""
        from ui.actions import Actions
        from ui.chat.view import ChatView
        from ui.firstrun.view import FirstRun
        from ui.notices import Notices

        self.sidebar.complete()
        self.first_run = FirstRun()
        self.chat_view = ChatView()
        self.closing.connect(self.chat_view.formulas.close)
        for page in (self.first_run, self.chat_view):
            self.stack.addWidget(page)
        order = (self.header.chip, *self.first_run.keyboard_order(), self.chat_view)
        for before, after in pairwise(order):
            self.setTabOrder(before, after)
        self.notices = self.column.notices = Notices(self.column)
        self.notices.place(NOTICES_TOP_PX)
        self.actions_ = Actions(self)
        self.actions_["sidebar"].triggered.connect(self.toggle_sidebar)

    def allow_shortcuts(self, *, allowed: bool) -> None:
        """Let the keys work that act on the chats, or not, while something lies over them."""
        for name in BELOW:
            self.actions_[name].setEnabled(allowed)

    def show_first_run(self, shown: bool) -> None:
        """Show the first screen, or the transcript."""
        wanted = self.first_run if shown else self.chat_view
        if self.stack.currentWidget() is not wanted:
            self.stack.setCurrentWidget(wanted)

    def toggle_sidebar(self) -> None:
        """Show the chats where they are hidden, hide them where they are shown."""
        self._wants_sidebar = self.sidebar.isHidden()
        self._fold()

    def show_sidebar(self) -> None:
        """Show the chats."""
        self._wants_sidebar = True
        self._fold()

    def _fold(self) -> None:
        narrow = self.width() < NARROW_PX
        if narrow != self._was_narrow:
            # Crossing the threshold is a new situation: what was asked for in the other is over.
            self._wants_sidebar = None if self._was_narrow is not None else self._wants_sidebar
            self._was_narrow = narrow
        shown = not narrow if self._wants_sidebar is None else self._wants_sidebar
        self.sidebar.setVisible(shown)
        self.header.set_sidebar_shown(shown)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Notice the first time, and say so once everything else has been drawn too."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fold the chats away where it gets narrow."""
        super().resizeEvent(event)
        self._fold()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Welcome a model file, and what can be attached."""
        # What leaves this window is not meant for it, and is no file before it is asked for.
        if event.source() is not None:
            return
        if _dropped_model(event) or given_in(event.mimeData()) is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Take a model file, or files and images to attach."""
        path = _dropped_model(event)
        given = None if path else given_in(event.mimeData())
        if path or given is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        if path:
            self.model_dropped.emit(path)
        elif isinstance(given, list) and all(one.lower().endswith(CHAT_ENDINGS) for one in given):
            self.chats_dropped.emit(given, self.mapToGlobal(event.position().toPoint()))
        elif given is not None:
            self.given.emit(given)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Go from the screen at once; then let what is open be saved and ended."""
        self.hide()
        self.closing.emit()
        super().closeEvent(event)


def _dropped_model(event: QDropEvent) -> str:
    """Return the path of the first .gguf among what is dragged, "" where there is none."""
    for url in event.mimeData().urls():
        path = url.toLocalFile()
        if path.lower().endswith(".gguf"):
            return path
    return ""
