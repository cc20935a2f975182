"""The picker's small painted parts: pills that tell, steps to choose from, legend, progress."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QLabel, QProgressBar, QSizePolicy, QWidget

from ui import theme
from ui.widgets import rounded

LEGEND = (("accent", "weights"), ("thinking_rule", "context"), ("warn", "working memory"))
"""The parts of a memory bar: the token of the colour, and what it stands for."""


class Fact(QWidget):
    """A pill that only tells something: the machine's card, its memory, its disk."""

    def __init__(self, text: str, *, elastic: bool = False) -> None:
        """elastic: it is cut where there is no room."""
        super().__init__()
        self._text = text
        self.setFont(theme.ui_font())
        self.setAccessibleName(text)
        self.setToolTip(text)
        across = QSizePolicy.Policy.Maximum if elastic else QSizePolicy.Policy.Fixed
        self.setSizePolicy(across, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(90 if elastic else 0)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size at which nothing is cut."""
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self._text) + 26, 31)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the pill; what has no room is cut."""
        painter = QPainter(self)
        colours = theme.current()
        rounded(painter, QRectF(self.rect()), 15, None, colours.line)
        painter.setFont(self.font())
        painter.setPen(QColor(colours.muted))
        box = self.rect().adjusted(12, 0, -12, 0)
        cut = QFontMetrics(self.font()).elidedText(
            self._text, Qt.TextElideMode.ElideRight, box.width() + 1
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, cut)


class Step(QAbstractButton):
    """One context to choose; checkable, one of a group."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__()
        self.setText(text)
        self.setAccessibleName(name)
        self.setCheckable(True)
        self.setFont(theme.ui_font())
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of the words and the room around them."""
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self.text()) + 24, 28)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the pill as it stands: chosen, under the pointer, with the focus."""
        painter = QPainter(self)
        colours = theme.current()
        line, ground, ink = colours.line, None, colours.muted
        if self.isChecked():
            line, ground, ink = colours.thinking_rule, colours.thinking_ground, colours.ink
        elif self.underMouse():
            line = colours.muted
        rect = QRectF(self.rect())
        rounded(painter, rect, 14, ground, line)
        if self.hasFocus():
            rounded(painter, rect, 14, None, colours.accent)
            rounded(painter, rect.adjusted(1, 1, -1, -1), 13, None, colours.accent)
        painter.setPen(QColor(ink))
        painter.setFont(self.font())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())


class Legend(QWidget):
    """What the colours of a memory bar stand for."""

    def __init__(self) -> None:
        super().__init__()
        self.setFont(theme.ui_font())
        self.setAccessibleName("Parts of the memory bar: weights, context, working memory")
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(self._width("working"))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of dots and words."""
        return QSize(self._width(LEGEND[-1][1]), 20)

    def _width(self, last: str) -> int:
        metrics = QFontMetrics(self.font())
        said = (*(word for _, word in LEGEND[:-1]), last)
        return sum(metrics.horizontalAdvance(word) + 21 for word in said) - 7

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint dots and words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, metrics, x = theme.current(), QFontMetrics(self.font()), 0.0
        narrow = self.width() < self.sizeHint().width()
        for token, label in LEGEND:
            word = label.split()[0] if narrow else label
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(getattr(colours, token)))
            painter.drawEllipse(QPointF(x + 4, self.height() / 2), 4, 4)
            painter.setPen(QColor(colours.muted))
            width = metrics.horizontalAdvance(word)
            box = QRectF(x + 12, 0, width + 2, self.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, word)
            x += width + 21


class Cut(QLabel):
    """A label of one line that is cut in its middle where it has no room; its tip is whole."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint as much as there is room for."""
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        cut = QFontMetrics(self.font()).elidedText(
            self.text(), Qt.TextElideMode.ElideMiddle, self.width()
        )
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, cut)


class Progress(QProgressBar):
    """A thin bar of what is done, in the accent; a progress bar to screen readers."""

    def __init__(self, name: str, height: int = 6) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFixedHeight(height)
        self.setTextVisible(False)
        self.setRange(0, 1000)

    def show_share(self, done: int, total: int) -> None:
        """Show `done` of `total`, whatever they count."""
        self.setValue(round(1000 * min(1.0, done / total)) if total > 0 else 0)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the track and the part that is done."""
        painter = QPainter(self)
        colours = theme.current()
        rect = QRectF(self.rect())
        rounded(painter, rect, rect.height() / 2, colours.line, None)
        share = self.value() / self.maximum()
        if share > 0:
            painter.setClipRect(QRectF(0, 0, max(2.0, rect.width() * share), rect.height()))
            rounded(painter, rect, rect.height() / 2, colours.accent, None)
