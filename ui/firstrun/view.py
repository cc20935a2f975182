"""The first screen: this machine, the model that suits it best, and what works offline now."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.picker import words
from app.picker.progress import ACTIVE
from ui import theme
from ui.widgets import Card, button, muted

if TYPE_CHECKING:
    from app.hardware.types import Hardware
    from app.models.downloads import Download
    from app.picker.offer import Offer
    from ui.picker.card import DownloadCard

CARD_WIDTH_PX = 620
NARROW_PX = 520
DEMO = "It does small sums and answers a few questions."
NOTHING_FITS = (
    "No reasoning model of the catalogue fits into what is free now. Close other programs, choose "
    "a smaller context under Other models, or try the demo that comes with Ponder."
)


class FirstRun(QScrollArea):
    """See the module. It scrolls where the window is small.

    Signals:
        download_requested: "Download 19.3 GB", or "Use it" where the file is here already.
        demo_requested: "Try the demo now".
        others_requested: "Other models…".
        file_requested: "Open a GGUF file…".
    """

    download_requested = Signal()
    demo_requested = Signal()
    others_requested = Signal()
    file_requested = Signal()

    card: "DownloadCard"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Welcome")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._offered = False
        self._demo_bytes = -1
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
        self.machine.setTextFormat(Qt.TextFormat.PlainText)
        self.facts = muted(QLabel("Looking at this computer…"))
        self.facts.setTextFormat(Qt.TextFormat.PlainText)
        self.facts.setWordWrap(True)
        self.offer_word = QLabel("A tiny model comes with Ponder, so that you can try it at once.")
        self.offer = QLabel()
        strong = theme.body_font()
        strong.setWeight(QFont.Weight.Bold)
        self.offer_word.setFont(theme.body_font())
        self.offer_word.setWordWrap(True)
        self.offer.setFont(strong)
        self.offer.setWordWrap(True)
        self.offer.setTextFormat(Qt.TextFormat.PlainText)
        self.offer.hide()
        self.advice = muted(QLabel(DEMO))
        self.advice.setWordWrap(True)
        self.note = muted(QLabel())
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.note.hide()
        self.download = button("Download", "primary")
        self.download.clicked.connect(self.download_requested)
        self.download.hide()
        self.demo = button("Try the demo now", "plain")
        self.demo.clicked.connect(self.demo_requested)
        self.others = button("Other models…", "plain")
        self.others.clicked.connect(self.others_requested)
        self.file = button("Open a GGUF file…", "ghost")
        self.file.clicked.connect(self.file_requested)
        self._lay_out(title, promise)

    def _lay_out(self, title: QLabel, promise: QLabel) -> None:
        found = QHBoxLayout()
        found.setSpacing(10)
        found.addWidget(self.machine)
        found.addWidget(self.facts, 1)
        offered = QHBoxLayout()
        offered.setSpacing(4)
        offered.addWidget(self.offer_word)
        offered.addWidget(self.offer, 1)
        self._buttons = buttons = QHBoxLayout()
        buttons.setSpacing(10)
        for each in (self.download, self.demo, self.others):
            buttons.addWidget(each)
        buttons.addStretch(1)
        card = Card(radius=14)
        self._inside = inside = QVBoxLayout(card)
        inside.setContentsMargins(25, 21, 25, 21)
        inside.setSpacing(14)
        inside.addLayout(found)
        inside.addLayout(offered)
        inside.addWidget(self.advice)
        inside.addWidget(self.note)
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
        column.addSpacing(10)
        column.addWidget(self.file, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def keyboard_order(self) -> tuple[QPushButton, ...]:
        """Return the controls in the order in which Tab visits them."""
        return self.download, self.demo, self.others, self.file

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the buttons below each other where they have no room beside each other."""
        super().resizeEvent(event)
        narrow = self.width() < NARROW_PX
        way = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        self._buttons.setDirection(way)

    def show_hardware(self, hardware: "Hardware") -> None:
        """Name the graphics card, or else the processor, and the memory."""
        self.note.setText(words.unused_card(hardware))
        self.note.setVisible(bool(self.note.text()))
        ram = f"{words.nominal(hardware.ram.total_bytes)} RAM"
        if not hardware.gpus:
            self.machine.setText(hardware.cpu.name)
            self.facts.setText(f"{hardware.cpu.cores} cores · {ram}")
            return
        gpu = hardware.gpus[0]
        driver = f"driver {gpu.driver}" if gpu.driver else ""
        self.machine.setText(words.gpu(gpu))
        self.facts.setText(" · ".join(filter(None, (words.gpu_memory(gpu), driver, ram))))

    def show_offer(self, offer: "Offer | None") -> None:
        """Offer the model that suits the machine; None says that nothing does."""
        self._offered = offer is not None
        self.offer.setVisible(offer is not None)
        self.download.setVisible(offer is not None)
        if offer is None:
            self.offer_word.setText("Try the demo" if self._demo_bytes else "Nothing fits")
            self.advice.setText(NOTHING_FITS)
        else:
            self.offer_word.setText("Best fit:")
            self.offer.setText(offer.title)
            self.advice.setText(offer.facts)
            size = offer.line.download_bytes
            self.download.setText(f"Download {words.file_size(size)}" if size else "Use it")
            self.download.setAccessibleName(f"{self.download.text()}: {offer.title}")
        _restyle(self.demo, "plain" if self._offered else "primary")

    def show_demo_size(self, size_bytes: int) -> None:
        """Say how large the demo is; 0 says that it is missing, and takes its button away."""
        self._demo_bytes = size_bytes
        self.demo.setVisible(size_bytes > 0)
        if size_bytes > 0:
            self.demo.setText(f"Try the {words.file_size(size_bytes)} demo now")
        elif not self._offered:
            self.offer_word.setText("Open a reasoning model to begin.")
            self.advice.setText("Magistral Small, for example, as a GGUF file.")

    def show_download(self, download: "Download | None") -> None:
        """Show the download of what was offered; None, or one that is over, takes it away."""
        active = download is not None and download.state in (*ACTIVE, "failed")
        if not active and not hasattr(self, "card"):
            return
        if not hasattr(self, "card"):
            self._make_card()
        self.card.show_download(download if active else None)
        self.download.setVisible(self._offered and not active)

    def _make_card(self) -> None:
        from ui.picker.card import DownloadCard

        self.card = DownloadCard()
        self._inside.addWidget(self.card)


def _restyle(control: QPushButton, kind: str) -> None:
    """Give a button another of the sheet's kinds."""
    if control.property("kind") != kind:
        control.setProperty("kind", kind)
        control.style().unpolish(control)
        control.style().polish(control)


def _centred(label: QLabel) -> QLabel:
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label
