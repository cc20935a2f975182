"""The downloads, as the window sees them: their news on its thread, and what is to be loaded after.

What was asked for with "Download and use" is remembered here with its planned settings; a download
that ends after a restart of the window is offered instead, not loaded unasked.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.picker.progress import ACTIVE

if TYPE_CHECKING:
    from app.chat.load_plan import LoadPlan
    from app.models.downloads import Download, Downloads, Wanted

PACE_MS = 100
"""News come with every chunk; so often they are shown."""


class Transfers(QObject):
    """See the module.

    Signals:
        changed: `all()` is another one.
        finished: a Download that is done now, and the LoadPlan to use it with, or None.
        failed: a Download that has failed now.
        _woken: from another thread: there is news.
    """

    changed = Signal()
    finished = Signal(object, object)
    failed = Signal(object)
    _woken = Signal()

    def __init__(
        self, open_downloads: "Callable[[Callable[[], None]], Downloads]", parent: QObject
    ) -> None:
        super().__init__(parent)
        self._plans: dict[str, LoadPlan] = {}
        self._states: dict[str, str] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PACE_MS)
        self._timer.timeout.connect(self._show)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)
        self._downloads = open_downloads(self._woken.emit)
        self._states = {each.id: each.state for each in self.all()}

    def all(self) -> "tuple[Download, ...]":
        """Return the downloads as they stand."""
        return self._downloads.all()

    def start(self, wanted: "Wanted", plan: "LoadPlan | None") -> str:
        """Begin a download and return its id. plan: to load it with when it is here."""
        found = self._downloads.start(wanted)
        if plan is not None:
            self._plans[found] = plan
        self._show()
        return found

    def pause(self, download_id: str) -> None:
        """Stop a download for now; what is here stays."""
        self._downloads.pause(download_id)
        self._show()

    def resume(self, download_id: str) -> None:
        """Go on with a download that was paused or has failed."""
        self._downloads.resume(download_id)
        self._show()

    def cancel(self, download_id: str) -> None:
        """Give a download up, and its partial file."""
        self._plans.pop(download_id, None)
        self._downloads.cancel(download_id)
        self._show()

    def close(self) -> None:
        """Stop; the next window goes on with what was running."""
        self._timer.stop()
        self._downloads.close()

    def _on_woken(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _show(self) -> None:
        before, now = self._states, self.all()
        self._states = {each.id: each.state for each in now}
        self.changed.emit()
        for each in now:
            if before.get(each.id, "waiting") not in ACTIVE:
                continue
            if each.state == "done":
                self.finished.emit(each, self._plans.pop(each.id, None))
            elif each.state == "failed":
                self.failed.emit(each)
