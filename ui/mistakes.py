"""What happens when Ponder itself is wrong: the traceback is logged, and shown as one notice.

Installed once. Faults of other threads are brought to the window's thread first. The report can be
copied; it holds versions and the traceback, nothing that was typed.
"""

import sys
import threading
from types import TracebackType

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from ui.notices import Notice, Notices


class Mistakes(QObject):
    """Catches what nobody caught.

    Signals:
        _made: a report, from whatever thread.
    """

    _made = Signal(str)

    def __init__(self, notices: Notices) -> None:
        super().__init__(notices)
        self._notices = notices
        self._made.connect(self._on_made)

    def install(self) -> None:
        """Take over the hooks of the interpreter and of its threads."""
        sys.excepthook = self.caught
        threading.excepthook = self._caught_in_thread

    def caught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Log an exception and show it; KeyboardInterrupt ends the application instead."""
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        import logging

        logging.getLogger("ponder.ui").critical("Uncaught exception", exc_info=(kind, error, trace))
        self._made.emit(report(kind, error, trace))

    def _caught_in_thread(self, fault: threading.ExceptHookArgs) -> None:
        if fault.exc_value is not None:
            self.caught(fault.exc_type, fault.exc_value, fault.exc_traceback)

    def _on_made(self, text: str) -> None:
        self._notices.show_notice(
            Notice(
                key="mistake",
                title="Ponder made a mistake.",
                advice="Your chats are kept. The report helps to mend it.",
                detail=text,
                kind="error",
                action="Copy report",
                run=lambda: QGuiApplication.clipboard().setText(text),
            )
        )


def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """Return versions and traceback as text."""
    import platform
    import traceback

    from PySide6 import __version__ as pyside

    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    head = f"Python {platform.python_version()}, PySide6 {pyside}, {system}"
    return "\n".join([head, "", *traceback.format_exception(kind, error, trace)]).strip()
