"""Starts the window, and what is behind it only once the window has been painted.

Order is the point: with the settings (theme, place) the window is laid out and painted, and only
then come the log, the transcript with its Markdown, the store and the client of the engine.
The engine itself starts with the first model.
"""

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from app import paths
from ui import collecting, theme
from ui.main_window import MainWindow

if TYPE_CHECKING:
    from app.errors import Problem
    from app.settings import Settings
    from ui.presenter import Presenter


class Application(QApplication):
    """Ponder's application. early: files that came before anyone listened.

    Signals:
        file_given: the system hands a file over (macOS: a double click on it).
    """

    file_given = Signal(str)

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(arguments)
        self.early: list[str] = []

    def event(self, event: QEvent) -> bool:
        """Take a file that is handed over."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self.early.append(event.file())
            self.file_given.emit(event.file())
            return True
        return super().event(event)


def run(
    settings: "Settings",
    problem: "Problem | None",
    *,
    files: Sequence[str] = (),
    smoke: bool = False,
) -> int:
    """Open the window and return its exit status when it is closed.

    settings, problem: as `app.settings.load` gave them. files: to be opened at once: a model, or
    chats to be taken in. smoke: print what the start cost and close.
    """
    # Qt's loop does not see Python's signals while it rests: let Ctrl+C in the terminal end us.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    app = Application(["ponder", *theme.FUSION])
    app.setApplicationName("Ponder")
    app.setApplicationDisplayName("Ponder")
    app.setDesktopFileName("ponder")
    theme.install(app, settings.theme, sheet=False)
    window = MainWindow(settings.geometry)
    start = _Start(app, window, settings, problem, files, smoke=smoke)
    window.first_painted.connect(start.begin)
    window.show()
    return app.exec()


class _Start:
    """What happens after the first paint."""

    def __init__(
        self,
        app: Application,
        window: MainWindow,
        settings: "Settings",
        problem: "Problem | None",
        files: Sequence[str],
        *,
        smoke: bool,
    ) -> None:
        self._app = app
        self._window = window
        self._settings = settings
        self._problem = problem
        self._files = files
        self._smoke = smoke

    def begin(self) -> None:
        """Bring up log, session and transcript; then load the model or report."""
        painted_ms = 0.0
        if self._smoke:
            from ui import smoke

            painted_ms = smoke.process_age_ms()
        collecting.begin()
        theme.add_sheet(self._app)
        from app import logs
        from ui.mistakes import Mistakes

        problems = (self._problem, logs.set_up())
        presenter = assemble(self._window, self._settings)
        Mistakes(self._window.notices).install()
        for problem in problems:
            if problem is not None:
                self._window.notices.show_problem(problem)
        if self._smoke:
            from ui import smoke

            print(smoke.report(painted_ms), flush=True)
            self._window.close()
            return
        from ui import app_icon
        from ui.opening import Opening

        self._app.setWindowIcon(app_icon.icon())
        opening = Opening(self._window, presenter)
        opening.listen(self._window.notices.show_problem)
        opening.open([*self._files, *self._app.early])
        self._app.file_given.connect(lambda path: opening.open([path]))


def assemble(window: MainWindow, settings: "Settings") -> "Presenter":
    """Complete a window, and put session and presenter behind it; they live as long as it does."""
    from app.chat.session import Session
    from ui.bridge import Bridge
    from ui.presenter import Presenter

    window.complete()
    bridge = Bridge(window)
    session = Session(paths.database(), settings=settings, wakeup=bridge.wake)
    presenter = Presenter(window, session, bridge)
    bridge.attach(session)
    return presenter
