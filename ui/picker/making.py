"""A model being quantized here: one at a time, told like a download, loaded when it is there."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.errors import Problem
from app.models.download_types import Download, Wanted
from app.picker.progress import MAKING
from ui import jobs

if TYPE_CHECKING:
    from app.chat.load_plan import LoadPlan
    from app.models.quantize import Made, Progress, Quantizing


class Making(QObject):
    """See the module.

    Signals:
        changed: how far it is.
        finished: the path of what was made, and the LoadPlan to use it with, or None.
        failed: the Problem.
        _told: from its thread: an `app.models.quantize.Progress`.
    """

    changed = Signal()
    finished = Signal(str, object)
    failed = Signal(object)
    _told = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._work: Quantizing | None = None
        self._shown: Download | None = None
        self._told.connect(self._on_told)

    def all(self) -> tuple[Download, ...]:
        """Return what is being made, as a download is told; () where nothing is."""
        return () if self._shown is None else (self._shown,)

    def start(
        self, source: str, quantization: str, name: str, size_bytes: int, plan: "LoadPlan | None"
    ) -> None:
        """Begin to make a file of this name; nothing happens while another one is being made."""
        if self._work is not None:
            return
        from app.models.quantize import Quantizing

        work = Quantizing(Path(source), quantization, progress=self._told.emit)
        self._work = work
        wanted = Wanted("", "", (name,), name)
        self._shown = Download(MAKING, wanted, "running", 0, size_bytes)

        def done(made: "Made | None") -> None:
            self._end()
            if made is not None:
                self.finished.emit(str(made.path), plan)

        def failed(problem: Problem) -> None:
            self._end()
            self.failed.emit(problem)

        jobs.run(work.run, then=done, failed=failed, owner=self)
        self.changed.emit()

    def cancel(self) -> None:
        """Stop, and leave nothing behind."""
        if self._work is not None:
            self._work.cancel()

    def _end(self) -> None:
        self._work = self._shown = None
        self.changed.emit()

    def _on_told(self, told: "Progress") -> None:
        shown = self._shown
        if shown is None:
            return
        done = round(told.share * shown.total_bytes)
        self._shown = Download(
            MAKING,
            shown.wanted,
            "running",
            done,
            shown.total_bytes,
            seconds_left=told.seconds_left,
        )
        self.changed.emit()
