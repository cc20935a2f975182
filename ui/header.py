"""The bar above the chat: the chip that says which model answers, and how full its context is."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QWidget,
)

from ui import theme
from ui.widgets import IconButton, button, muted, rounded

if TYPE_CHECKING:
    from app.chat.model_slot import ModelState
    from app.engine.protocol import ModelInfo

HEIGHT_PX = 52
WARN_SHARE, FULL_SHARE = 0.70, 0.85
_EXPORT_PX = 34
_ENGINES = {"llama_cpp": "llama.cpp", "mlx": "MLX", "scripted": "scripted"}


def _facts(info: "ModelInfo") -> str:
    """Return what the chip says of a loaded model: how it was made and where it runs."""
    if info.server is not None:
        from app.server import words

        return words.chip(info.server)
    facts = (info.quantization, _ENGINES[info.backend], info.device)
    return " · ".join(fact for fact in facts if fact)


class ModelChip(QAbstractButton):
    """Name and facts of the model, with a dot for its state. A click asks for the menu."""

    def __init__(self) -> None:
        super().__init__()
        self._name = "No model loaded"
        self._detail = self._promise = self._limits = ""
        self._dot = ""
        self._bold = theme.ui_font()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._small = theme.caption_font()
        self._small.setPointSizeF(self._small.pointSizeF() * 11.2 / 12)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(120)
        self._say()

    def show_model(self, model: "ModelState") -> None:
        """Show the state of the model. A model never chosen has no dot."""
        self._name = model.name or "No model loaded"
        self._detail = ""
        self._dot = ""
        match model.phase:
            case "none" if model.path:
                self._dot, self._detail = "muted", "not loaded"
            case "loading":
                self._dot, self._detail = "warn", f"loading {model.fraction:.0%}".replace("%", " %")
            case "ready":
                self._dot = "good"
                if model.info is not None:
                    self._detail = _facts(model.info)
            case "failed":
                self._dot, self._detail = "bad", "failed"
        self._promise = model.promise
        server = model.info.server if model.info is not None else None
        self._limits = "\n".join(server.limits) if server is not None else ""
        self._say()
        self.updateGeometry()
        self.update()

    def _say(self) -> None:
        self.setAccessibleName(" ".join(f"Model: {self._name} {self._detail}".split()))
        tip = f"{self._name} {self._detail}".strip()
        self.setToolTip("\n".join(filter(None, (tip, self._promise.capitalize(), self._limits))))
        self.setAccessibleDescription(self._promise or self._limits)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size at which nothing is cut."""
        width = (31 if self._dot else 15) + QFontMetrics(self._bold).horizontalAdvance(self._name)
        if self._detail:
            width += 8 + QFontMetrics(self._small).horizontalAdvance(self._detail)
        return QSize(width + 30, 33)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the chip: dot, name, facts, triangle; the facts are cut first, then the name."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = theme.current()
        rect = QRectF(self.rect())
        lit = self.underMouse() or self.isDown()
        line = colours.accent if self.hasFocus() else colours.muted if lit else colours.line
        rounded(painter, rect, rect.height() / 2 - 0.5, colours.card, line)
        middle = rect.center().y()
        left = 15.0
        if self._dot:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(getattr(colours, self._dot)))
            painter.drawEllipse(QPointF(19, middle), 4, 4)
            left = 31.0
        right = rect.right() - 30
        left = self._words(painter, self._bold, colours.ink, self._name, left, right)
        if self._detail and right - left > 24:
            left = self._words(painter, self._small, colours.muted, self._detail, left + 8, right)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.ink))
        at = QPointF(left + 11, middle)
        painter.drawPolygon(
            QPolygonF([at + QPointF(-4, -3), at + QPointF(4, -3), at + QPointF(0, 4)])
        )

    def _words(
        self, painter: QPainter, font: QFont, ink: str, text: str, left: float, right: float
    ) -> float:
        """Draw words between two edges, cut where they do not fit; return where they end."""
        metrics = QFontMetrics(font)
        cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(right - left) + 1)
        painter.setFont(font)
        painter.setPen(QColor(ink))
        width = metrics.horizontalAdvance(cut)
        box = QRectF(left, 0, width + 2, self.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, cut)
        return left + width


class _Bar(QProgressBar):
    """The meter's bar: calm, then amber, then red. A progress bar to screen readers."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(6)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setTextVisible(False)
        self.setRange(0, 1000)
        self.setAccessibleName("Context in use")

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(120, 6)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        # Beside the sidebar in a narrow window it gives way: what is counted is read beside it.
        return QSize(40, 6)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        colours = theme.current()
        share = self.value() / self.maximum()
        rect = QRectF(self.rect())
        rounded(painter, rect, 3, colours.line, None)
        if share > 0:
            fill = QRectF(rect)
            fill.setWidth(max(4.0, rect.width() * share))
            painter.setClipRect(fill)
            rounded(painter, rect, 3, getattr(colours, level(share)), None)


def level(share: float) -> str:
    """Return the token for a share of the context: accent, warn from 70 %, bad from 85 %."""
    return "bad" if share >= FULL_SHARE else "warn" if share >= WARN_SHARE else "accent"


class ContextMeter(QWidget):
    """How much of the context is used, as a bar and in figures."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        self._word = muted(QLabel("Context"))
        self.bar = _Bar()
        self.count = muted(QLabel())
        row.addWidget(self._word)
        row.addWidget(self.bar)
        row.addWidget(self.count)
        self.hide()

    def show_usage(self, used: int, total: int, filled: str = "") -> None:
        """Show `used` of `total` tokens; hidden while the total is not known (0).

        filled: what they are, in words.
        """
        self.setVisible(total > 0)
        if total <= 0:
            return
        share = min(1.0, used / total)
        self.bar.setValue(round(share * 1000))
        self.bar.update()
        self.count.setText(f"{used:,} / {total:,}")
        percent = f"{share * 100:.0f} %"
        free = f"{max(0, total - used):,} tokens are free."
        words = "\n".join(one for one in (f"{percent} of the context.", filled, free) if one)
        self.setToolTip(words)
        self.bar.setAccessibleDescription(words)

    def set_compact(self, compact: bool) -> None:
        """Leave the word out where there is little room."""
        self._word.setVisible(not compact)


class Header(QWidget):
    """Chip at the left, meter and export at the right.

    Signals:
        sidebar_requested: the button that brings the hidden sidebar back.
    """

    sidebar_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEIGHT_PX)
        self.chip = ModelChip()
        self.meter = ContextMeter()
        self.opener = IconButton("sidebar", "Show the chats", size=QSize(33, 33))
        self.opener.hide()
        self.opener.clicked.connect(self.sidebar_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 0, 20, 1)
        row.setSpacing(12)
        row.addWidget(self.opener)
        row.addWidget(self.chip)
        row.addStretch(1)
        row.addWidget(self.meter)
        self.export = button("Export ▾", "plain")
        self.export.setAccessibleName("Export the chat")
        self.export.setToolTip("Write the chat into a file (Ctrl+E)")
        self.export.setFixedHeight(_EXPORT_PX)
        self.export.hide()
        row.addWidget(self.export)

    def set_sidebar_shown(self, shown: bool) -> None:
        """Offer the button for the sidebar only where it is hidden."""
        self.opener.setVisible(not shown)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the line below."""
        painter = QPainter(self)
        line = QColor(theme.current().line)
        painter.fillRect(0, self.height() - 1, self.width(), 1, line)
