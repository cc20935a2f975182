"""The dialog over the window in which a model is chosen. It lies inside the window, not beside it.

A widget over everything else, with its own shade, so that it looks alike on every desktop; Tab
stays within it, and Esc closes it.
"""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.picker.listing import Item
from ui import theme
from ui.picker.detail import Detail
from ui.picker.items import ItemList
from ui.picker.small import Fact
from ui.search_field import SearchField
from ui.widgets import button, muted, rounded

WIDTH_PX, HEIGHT_PX = 1018, 739
_MARGIN_PX = 24
_HEAD_PX = 64
_LIST_PX, _NARROW_LIST_PX = 290, 232
_NARROW_PX = 900
_SEARCH_MS = 400
"""After the last key, before the hub is asked: a word is typed with less between its letters."""


class Picker(QWidget):
    """See the module. It shows what it is told; `ui.picker.desk` tells it.

    Signals:
        closed: it went from the screen.
        searched: what is in the search field, a moment after the last key.
        file_requested, server_requested: the buttons below the list.
    """

    closed = Signal()
    searched = Signal(str)
    file_requested = Signal()
    server_requested = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._host = window
        self._before: QWidget | None = None
        self.setAccessibleName("Choose a model")
        self.heading = QLabel("Choose a model")
        font = theme.body_font()
        font.setPointSizeF(font.pointSizeF() * 17 / 15)
        font.setWeight(QFont.Weight.Bold)
        self.heading.setFont(font)
        self.search = SearchField(
            "Search Hugging Face", "Search Hugging Face, or type a model's address"
        )
        self.answer = muted(QLabel())
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.hide()
        self.list = ItemList()
        self.file = button("Open a GGUF or MLX file…", "plain")
        self.server = button("Connect to a server…", "plain")
        for below in (self.file, self.server):
            below.setStyleSheet("text-align: left")
        self.detail = Detail()
        self._panel = QWidget(self)
        self._left = QWidget()
        self._lay_out()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_SEARCH_MS)
        self._pause.timeout.connect(lambda: self.searched.emit(self.search.text().strip()))
        self.search.textChanged.connect(lambda _text: self._pause.start())
        self.search.returnPressed.connect(self._on_return)
        self.file.clicked.connect(self.file_requested)
        self.server.clicked.connect(self.server_requested)
        self.detail.cancelled.connect(self.close_panel)
        window.installEventFilter(self)
        self.hide()

    def _lay_out(self) -> None:
        head = QWidget()
        head.setFixedHeight(_HEAD_PX)
        self._pills = QHBoxLayout(head)
        self._pills.setContentsMargins(22, 0, 22, 0)
        self._pills.setSpacing(16)
        self._pills.addWidget(self.heading)
        self._pills.addStretch(1)
        left = QVBoxLayout(self._left)
        left.setContentsMargins(14, 14, 14, 14)
        left.setSpacing(6)
        left.addWidget(self.search)
        left.addWidget(self.answer)
        left.addWidget(self.list, 1)
        left.addWidget(self.file)
        left.addWidget(self.server)
        body = QHBoxLayout()
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(0)
        body.addWidget(self._left)
        body.addWidget(self.detail, 1)
        rows = QVBoxLayout(self._panel)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(head)
        rows.addLayout(body, 1)

    # ------------------------------------------------------------ what it shows

    def open_panel(self) -> None:
        """Come up over the window, with the keyboard in the list."""
        self._before = QApplication.focusWidget()
        self._place()
        self.show()
        self.raise_()
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def close_panel(self) -> None:
        """Go, and give the keyboard back to where it was."""
        if not self.isVisible():
            return
        self._pause.stop()
        self.hide()
        before = self._before
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self.closed.emit()

    def show_pills(self, texts: Sequence[str]) -> None:
        """Show what the machine is."""
        while self._pills.count() > 2:
            taken = self._pills.takeAt(2)
            pill = taken.widget() if taken is not None else None
            if pill is not None:
                pill.deleteLater()
        for at, text in enumerate(texts):
            self._pills.addWidget(Fact(text, elastic=at < len(texts) - 2))

    def say_searched(self, text: str) -> None:
        """Say how the search goes, below its field; "" says nothing."""
        self.answer.setText(text)
        self.answer.setVisible(bool(text))

    def show_items(self, items: Sequence[Item], chosen: str) -> None:
        """Show the list, with one item chosen."""
        self.list.show_items(items, chosen)

    # ------------------------------------------------------------ keys, place and painting

    def _on_return(self) -> None:
        self._pause.stop()
        self.searched.emit(self.search.text().strip())

    def _place(self) -> None:
        self.setGeometry(self._host.rect())
        width = min(WIDTH_PX, self.width() - 2 * _MARGIN_PX)
        height = min(HEIGHT_PX, self.height() - 2 * _MARGIN_PX)
        self._left.setFixedWidth(_NARROW_LIST_PX if width < _NARROW_PX else _LIST_PX)
        size = QSize(width, height)
        left, top = (self.width() - width) // 2, (self.height() - height) // 2
        self._panel.setGeometry(left, top, size.width(), size.height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Keep over the window when that changes its size."""
        if watched is self._host and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """Take Esc before the window's shortcuts do: here it closes, it does not stop an answer."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Empty the search on Esc, then close; Enter takes what is chosen."""
        match event.key():
            case Qt.Key.Key_Escape if self.search.text() and self.search.hasFocus():
                self.search.clear()
            case Qt.Key.Key_Escape:
                self.close_panel()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if self.list.hasFocus():
                self.detail.lines.setFocus(Qt.FocusReason.TabFocusReason)
            case Qt.Key.Key_Down if self.search.hasFocus():
                self.list.setFocus(Qt.FocusReason.TabFocusReason)
            case _:
                # Nothing typed here may reach the window below.
                event.accept()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's name
        """Keep Tab within the dialog."""
        start: QWidget = QApplication.focusWidget() or self
        at = start
        while True:
            step = at.nextInFocusChain() if forward else at.previousInFocusChain()
            if step is None or step is start:
                return False
            at = step
            wanted = at.focusPolicy() & Qt.FocusPolicy.TabFocus
            if wanted and self.isAncestorOf(at) and at.isVisible() and at.isEnabled():
                reason = Qt.FocusReason
                at.setFocus(reason.TabFocusReason if forward else reason.BacktabFocusReason)
                return True

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Close on a click beside the dialog."""
        if not self._panel.geometry().contains(event.position().toPoint()):
            self.close_panel()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the shade, the dialog's shadow, its ground and its lines."""
        painter = QPainter(self)
        colours = theme.current()
        shade = QColor(0, 0, 0, 110) if colours.dark else QColor(251, 250, 248, 120)
        painter.fillRect(self.rect(), shade)
        panel = QRectF(self._panel.geometry())
        for grown in range(36, 0, -2):
            shadow = QColor(0, 0, 0, 7) if colours.dark else QColor(20, 16, 8, 2)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shadow)
            rect = panel.adjusted(-grown, 12 - grown, grown, 12 + grown)
            painter.drawRoundedRect(rect, 16 + grown, 16 + grown)
        rounded(painter, panel, 14, colours.background, colours.line)
        line = QColor(colours.line)
        left, top = round(panel.left()), round(panel.top()) + _HEAD_PX
        painter.fillRect(left + 1, top, round(panel.width()) - 2, 1, line)
        painter.fillRect(
            left + self._left.width(), top, 1, round(panel.height()) - _HEAD_PX - 1, line
        )
