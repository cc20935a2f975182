"""The line at the sidebar's foot while something is downloaded: what, how far, and a thin bar."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from ui import theme
from ui.widgets import rounded


class TransferLine(QAbstractButton):
    """See the module. A click opens the picker; hidden while nothing is under way."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFont(theme.caption_font())
        self.hide()

    def show_progress(self, text: str, done: int, total: int) -> None:
        """Show a line and a share of the bar; "" hides it."""
        self.setVisible(bool(text))
        self._share = min(1.0, done / total) if total > 0 else 0.0
        self.setText(text)
        self.setAccessibleName(f"Downloading {text}" if text else "")
        self.setToolTip(text)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return its one height."""
        return QSize(120, 40)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the words and the bar below them."""
        painter = QPainter(self)
        colours = theme.current()
        rect = QRectF(self.rect())
        lit = self.underMouse() or self.isDown()
        line = colours.accent if self.hasFocus() else None
        if lit or line:
            rounded(painter, rect, 8, colours.line if lit else None, line)
        painter.setFont(self.font())
        painter.setPen(QColor(colours.ink if lit else colours.muted))
        box = self.rect().adjusted(8, 3, -8, -12)
        metrics = QFontMetrics(self.font())
        what, _, state = self.text().rpartition(" · ")
        room = box.width() - metrics.horizontalAdvance(f" · {state}")
        cut = metrics.elidedText(what, Qt.TextElideMode.ElideRight, room)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"{cut} · {state}")
        bar = QRectF(8, rect.height() - 10, rect.width() - 16, 4)
        rounded(painter, bar, 2, colours.line, None)
        if self._share > 0:
            painter.setClipRect(QRectF(bar.left(), bar.top(), bar.width() * self._share, 4))
            rounded(painter, bar, 2, colours.accent, None)
