"""A window over a real session, for those who drive it: tests, and the screenshots' script."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEvent, QEventLoop
from PySide6.QtWidgets import QApplication

from app.settings import Settings
from ui import jobs
from ui.application import assemble
from ui.main_window import MainWindow

PATIENCE_MS = 180_000


class Driven:
    """The window, its session, and the words for waiting."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.window = MainWindow()
        self.window.show()
        self.presenter = assemble(self.window, settings or Settings())
        self.session = self.presenter.session
        self.until(lambda: self.session.state.opened)

    def script(self, *replies: list[Any], **script: Any) -> str:
        """Write a script of the scripted back end and return its path."""
        path = self.folder / f"{len(list(self.folder.iterdir()))}.script.json"
        path.write_text(json.dumps({"replies": list(replies), **script}), encoding="utf-8")
        return str(path)

    def until(self, true: Callable[[], bool]) -> None:
        """Let the window live until something is true."""
        clock = QElapsedTimer()
        clock.start()
        while not true():
            assert clock.elapsed() < PATIENCE_MS, f"waited in vain: {self.session.state}"
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    def idle(self) -> None:
        """Let the window live until the session is at rest."""
        self.until(lambda: not self.session.busy())

    def texts(self) -> list[str]:
        """Return the visible texts of the branch shown."""
        return [message.text for message in self.session.state.conversation.branch()]

    def close(self) -> None:
        """Close the window as its user does, once its jobs are over."""
        self.until(jobs.idle)
        self.window.close()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
