"""The few plain widgets that the window's parts share: a card, an icon button, muted words."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QPushButton, QWidget

from ui import icons, theme


def muted(label: QLabel) -> QLabel:
    """Make a label speak in the muted ink, whatever the theme becomes."""
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def button(text: str, kind: str) -> QPushButton:
    """Return a push button of one of the sheet's kinds (see ui.style)."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def rounded(
    painter: QPainter, rect: QRectF, radius: float, ground: str | None, line: str | None
) -> None:
    """Fill and outline a rounded rectangle, its line of one pixel kept inside `rect`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(line), 1.0) if line else Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground) if ground else Qt.BrushStyle.NoBrush)
    inset = 0.5 if line else 0.0
    painter.drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), radius, radius)
    painter.restore()


class Card(QFrame):
    """A rounded ground with a line around it. rule: the name of a token for a bar on its left."""

    def __init__(
        self, parent: QWidget | None = None, *, radius: float = 14, rule: str = ""
    ) -> None:
        super().__init__(parent)
        self._radius = radius
        self._rule = rule

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the ground, its line and its rule."""
        painter = QPainter(self)
        colours = theme.current()
        rect = QRectF(self.rect())
        rounded(painter, rect, self._radius, colours.card, colours.line)
        if self._rule:
            bar = QRectF(rect.left() + 8, rect.top() + 10, 3, rect.height() - 20)
            rounded(painter, bar, 1.5, getattr(colours, self._rule), None)


class IconButton(QAbstractButton):
    """A button that shows an icon. bordered: on the card's ground with a line, else bare."""

    def __init__(
        self, name: str, label: str, *, size: QSize, bordered: bool = False, text: str = ""
    ) -> None:
        super().__init__()
        self._icon = name
        self._bordered = bordered
        self._size = size
        self.setText(text)
        self.setAccessibleName(label)
        self.setToolTip(label)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if text:
            width = 16 + 8 + 8 + self.fontMetrics().horizontalAdvance(text) + 8
            self._size = QSize(width, size.height())
        self.setFixedSize(self._size)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the one size of the button."""
        return self._size

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the button as it stands: at rest, under the pointer, with the focus."""
        painter = QPainter(self)
        colours = theme.current()
        rect = QRectF(self.rect())
        lit = self.underMouse() or self.isDown()
        line = colours.line if self._bordered else None
        if self.hasFocus():
            line = colours.accent
        ground = colours.card if self._bordered else (colours.line if lit else None)
        if self._bordered and lit and not self.hasFocus():
            line = colours.muted
        rounded(painter, rect, 8, ground, line)
        ink = colours.ink if self._bordered or lit else colours.muted
        if self.text():
            icons.paint(painter, self._icon, ink, QRectF(8, rect.center().y() - 7, 14, 14))
            painter.setPen(QColor(ink))
            painter.drawText(
                rect.adjusted(28, 0, 0, 0),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
                self.text(),
            )
        else:
            box = QRectF(rect.center().x() - 8, rect.center().y() - 8, 16, 16)
            icons.paint(painter, self._icon, ink, box)
