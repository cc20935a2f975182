"""Above what is typed: that an answer finds no room in the context, and the ways to make some.

Each way is a row that says what it does and how many tokens it gains. Nothing happens without a
choice: Esc and the cross leave everything as it is.
"""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QLabel, QWidget

from ui import theme
from ui.chat.controls import Control, focus_ring
from ui.notices import announce
from ui.widgets import IconButton, muted, rounded

if TYPE_CHECKING:
    from app.chat.room import NoRoom, Offer

ROW_PX = 36
TALL_ROW_PX = 52
GAP_PX = 6
PAD_PX = 12
RULE_PX = 12
BOTTOM_PX = 12
CLOSE_PX = 26


class OfferRow(Control):
    """One way to make room: what it does at the left, what it gains at the right or below."""

    def __init__(self, parent: QWidget, offer: "Offer", gain: str) -> None:
        super().__init__(parent, f"{offer.label}: {gain}", lambda: None)
        self.offer = offer
        self._gain = gain
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFont(theme.ui_font())

    def tall(self, width: int) -> int:
        """Return the height that shows all of it at a width."""
        said = QFontMetrics(self.font()).horizontalAdvance(self.offer.label)
        gained = QFontMetrics(theme.caption_font()).horizontalAdvance(self._gain)
        return ROW_PX if said + gained + 3 * PAD_PX <= width else TALL_ROW_PX

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw ground, border and the two texts."""
        colours = theme.current()
        painter = QPainter(self)
        lit = self.underMouse() or self.ringed or self.isDown()
        rect = QRectF(self.rect())
        rounded(painter, rect, 8, colours.background, colours.muted if lit else colours.line)
        inner = self.rect().adjusted(PAD_PX, 0, -PAD_PX, 0)
        apart = self.height() == ROW_PX
        above, below = Qt.AlignmentFlag.AlignTop, Qt.AlignmentFlag.AlignBottom
        middle = Qt.AlignmentFlag.AlignVCenter
        if not apart:
            inner.adjust(0, 7, 0, -8)
        painter.setFont(self.font())
        painter.setPen(QColor(colours.ink))
        _elided(painter, inner, self.offer.label, middle if apart else above)
        painter.setFont(theme.caption_font())
        painter.setPen(QColor(colours.muted))
        side = middle | Qt.AlignmentFlag.AlignRight if apart else below
        _elided(painter, inner, self._gain, side)
        if self.ringed:
            focus_ring(painter, rect, 8)
        painter.end()


def _elided(painter: QPainter, box: QRect, text: str, align: Qt.AlignmentFlag) -> None:
    said = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, align, said)


class RoomCard(QWidget):
    """See the module.

    Signals:
        chosen: the kind of the offer.
        dismissed: nothing of it is wanted.
        height_wanted: `wanted_height` is another one.
    """

    chosen = Signal(str)
    dismissed = Signal()
    height_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("No room for an answer")
        self.room: NoRoom | None = None
        self.rows: list[OfferRow] = []
        self._wanted = 0
        self.title = _words(self)
        font = theme.ui_font()
        font.setWeight(QFont.Weight.DemiBold)
        self.title.setFont(font)
        self.advice, self.limit = muted(_words(self)), muted(_words(self))
        for label in (self.advice, self.limit):
            label.setFont(theme.caption_font())
        self.closer = IconButton("close", "Leave it as it is", size=QSize(CLOSE_PX, CLOSE_PX))
        self.closer.setParent(self)
        self.closer.clicked.connect(self.dismissed)
        self.hide()

    def show_room(self, room: "NoRoom | None") -> None:
        """Say what stands in the way, None for nothing; the first offer gets the focus."""
        if room == self.room:
            return
        new = self.room is None or room is None or self.room.title != room.title
        focused = next((row.offer.kind for row in self.rows if row.hasFocus()), None)
        self.room = room
        for row in self.rows:
            row.hide()
            row.deleteLater()
        self.rows = []
        self.setVisible(room is not None)
        if room is not None:
            self.title.setText(room.title)
            self.advice.setText(room.advice)
            self.limit.setText("Looking for a larger context…" if room.looking else room.limit)
            self.limit.setVisible(bool(self.limit.text()))
            for offer in room.offers:
                row = OfferRow(self, offer, room.gain(offer))
                row.clicked.connect(partial(self.chosen.emit, offer.kind))
                row.show()
                self.rows.append(row)
            if new:
                announce(self, f"{room.title} {room.advice}")
            wanted = [row for row in self.rows if new or row.offer.kind == focused]
            if wanted:
                wanted[0].setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.lay_out()
        self.height_wanted.emit()

    # ------------------------------------------------------------ layout

    def lay_out(self) -> None:
        """Arrange words and rows for the width."""
        width = self.width()
        y = 0
        for label in (self.title, self.advice):
            room = width - RULE_PX - CLOSE_PX - 8
            tall = label.heightForWidth(room)
            label.setGeometry(RULE_PX, y + 2, room, tall)
            y += tall + 2
        self.closer.move(width - CLOSE_PX, 0)
        y += 8
        for row in self.rows:
            tall = row.tall(width - RULE_PX)
            row.setGeometry(RULE_PX, y, width - RULE_PX, tall)
            y += tall + GAP_PX
        if self.limit.text():
            tall = self.limit.heightForWidth(width - RULE_PX)
            self.limit.setGeometry(RULE_PX, y + 2, width - RULE_PX, tall)
            y += tall + 4
        self._wanted = y

    def wanted_height(self) -> int:
        """Return the height in pixels that shows all there is."""
        return self._wanted + BOTTOM_PX if self.room is not None else 0

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Arrange for the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.lay_out()
            self.height_wanted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Move among the offers, or leave everything as it is."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        at = next((at for at, row in enumerate(self.rows) if row.hasFocus()), None)
        if event.key() == Qt.Key.Key_Escape:
            self.dismissed.emit()
        elif event.key() in steps and at is not None:
            to = min(len(self.rows) - 1, max(0, at + steps[Qt.Key(event.key())]))
            self.rows[to].setFocus(Qt.FocusReason.TabFocusReason)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Mark the card as something that stands in the way."""
        painter = QPainter(self)
        bar = QRectF(0, 2, 3, max(0, self._wanted - 8))
        rounded(painter, bar, 1.5, theme.current().warn, None)
        painter.end()


def _words(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
