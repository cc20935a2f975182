"""Files from outside: named at the start, by a second start, by the system, or dropped.

A model is loaded, everything else is taken for chats to be imported. A second start rings at this
window (`app.instance`): it comes to the front with what the other was given.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from app.errors import Problem
from app.instance import Doorbell, Ring
from ui.main_window import MainWindow
from ui.menus import model_of

if TYPE_CHECKING:
    from ui.presenter import Presenter


class Opening(QObject):
    """See the module.

    Signals:
        _rung: from another thread: a `Ring`.
    """

    _rung = Signal(object)

    def __init__(self, window: MainWindow, presenter: "Presenter") -> None:
        super().__init__(window)
        self._window = window
        self._presenter = presenter
        self._bell: Doorbell | None = None
        self._rung.connect(self._on_rung, Qt.ConnectionType.QueuedConnection)
        window.closing.connect(self._on_closing)

    def listen(self, failed: Callable[[Problem], None]) -> None:
        """Begin to hear second starts."""
        try:
            self._bell = Doorbell(self._rung.emit)
        except OSError as error:
            failed(
                Problem(
                    "doorbell-silent",
                    "A second start of Ponder will not find this window.",
                    "Start it once only; everything else works.",
                    str(error),
                )
            )

    def open(self, files: Sequence[str]) -> None:
        """Load the model among some files, and take in the chats."""
        models = [one for one in files if is_model(one)]
        chats = [one for one in files if not is_model(one)]
        if models:
            self._presenter.load_model(model_of(models[0]))
        if chats:
            self._presenter.transcripts.take_in(chats)

    def come_forward(self, token: str = "") -> None:
        """Bring the window before the others. token: Wayland's leave to do so."""
        window = self._window
        if token:
            os.environ["XDG_ACTIVATION_TOKEN"] = token  # where Qt looks for it
        if window.isMinimized():
            window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()

    def _on_rung(self, ring: Ring) -> None:
        self.come_forward(ring.token)
        self.open(ring.files)

    def _on_closing(self) -> None:
        if self._bell is not None:
            self._bell.close()
            self._bell = None


def is_model(path: str) -> bool:
    """Return whether a file or folder is a model rather than chats."""
    return path.lower().endswith(".gguf") or Path(path).is_dir() or Path(path).name == "config.json"
