"""The first screen. It names the machine once that is known, and offers what works offline now."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui import theme
from ui.widgets import Card, button, muted

if TYPE_CHECKING:
    from app.hardware.types import Hardware

CARD_WIDTH_PX = 620
NARROW_PX = 460
REAL_WORK = "For real work, open a reasoning model such as Magistral Small, as a GGUF file."


class FirstRun(QScrollArea):
    """See the module. It scrolls where the window is small.

    Signals:
        demo_requested: "Try the demo now".
        file_requested: "Open a GGUF file…".
    """

    demo_requested = Signal()
    file_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Welcome")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        title = _centred(QLabel("Reasoning, on your own machine"))
        font = theme.body_font()
        font.setPointSizeF(font.pointSizeF() * 28 / 15)
        font.setWeight(QFont.Weight.Bold)
        title.setFont(font)
        promise = muted(_centred(QLabel("Nothing you type leaves this computer.")))
        promise.setFont(theme.body_font())
        self.machine = QLabel()
        bold = theme.ui_font()
        bold.setWeight(QFont.Weight.DemiBold)
        self.machine.setFont(bold)
        self.facts = muted(QLabel("Looking at this computer…"))
        self.facts.setWordWrap(True)
        self.offer = QLabel("A tiny model comes with Ponder, so that you can try it at once.")
        self.offer.setFont(theme.body_font())
        self.offer.setWordWrap(True)
        self.advice = muted(QLabel(f"It does small sums and answers a few questions. {REAL_WORK}"))
        self.advice.setWordWrap(True)
        self.demo = button("Try the demo now", "primary")
        self.demo.clicked.connect(self.demo_requested)
        self.file = button("Open a GGUF file…", "plain")
        self.file.clicked.connect(self.file_requested)
        self._lay_out(title, promise)

    def _lay_out(self, title: QLabel, promise: QLabel) -> None:
        found = QHBoxLayout()
        found.setSpacing(10)
        found.addWidget(self.machine)
        found.addWidget(self.facts, 1)
        self._buttons = buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addWidget(self.demo)
        buttons.addWidget(self.file)
        buttons.addStretch(1)
        card = Card(radius=14)
        inside = QVBoxLayout(card)
        inside.setContentsMargins(25, 21, 25, 21)
        inside.setSpacing(14)
        inside.addLayout(found)
        inside.addWidget(self.offer)
        inside.addWidget(self.advice)
        inside.addLayout(buttons)
        card.setMaximumWidth(CARD_WIDTH_PX)
        card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(card, 100)
        middle.addStretch(1)
        page = QWidget()
        self.setWidget(page)
        column = QVBoxLayout(page)
        column.setContentsMargins(20, 0, 20, 0)
        column.setSpacing(0)
        column.addStretch(1)
        column.addWidget(title)
        column.addSpacing(24)
        column.addWidget(promise)
        column.addSpacing(20)
        column.addLayout(middle)
        column.addStretch(1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the buttons below each other where they have no room beside each other."""
        super().resizeEvent(event)
        narrow = self.width() < NARROW_PX
        way = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        self._buttons.setDirection(way)

    def show_hardware(self, hardware: "Hardware") -> None:
        """Name the graphics card, or else the processor, and the memory."""
        ram = f"{gigabytes(hardware.ram.total_bytes)} RAM"
        if not hardware.gpus:
            self.machine.setText(hardware.cpu.name)
            self.facts.setText(f"{hardware.cpu.cores} cores · {ram}")
            return
        gpu = hardware.gpus[0]
        facts: list[str] = []
        if gpu.unified:
            facts.append("shared memory")
        elif gpu.total_bytes is not None:
            free = "" if gpu.free_bytes is None else f", {gpu.free_bytes / 2**30:.1f} free"
            facts.append(f"{gigabytes(gpu.total_bytes)}{free}")
        if gpu.driver:
            facts.append(f"driver {gpu.driver}")
        self.machine.setText(gpu.name)
        self.facts.setText(" · ".join([*facts, ram]))

    def show_demo_size(self, size_bytes: int) -> None:
        """Say how large the demo is; 0 says that it is missing, and takes its button away."""
        self.demo.setVisible(size_bytes > 0)
        if size_bytes > 0:
            self.demo.setText(f"Try the {size_bytes / 1e6:.1f} MB demo now")
        else:
            self.offer.setText("Open a reasoning model to begin.")
            self.advice.setText(REAL_WORK)


def gigabytes(size_bytes: int) -> str:
    """Return a size of memory as people say it: "64 GB", "23.5 GB"."""
    gb = size_bytes / 2**30
    return f"{gb:.0f} GB" if gb >= 32 or abs(gb - round(gb)) < 0.05 else f"{gb:.1f} GB"


def _centred(label: QLabel) -> QLabel:
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label
