"""The only object between the session, which knows no Qt, and the widgets.

A timer drains the session at most 30 times a second, and only while it says that it is busy; at
rest nothing ticks, and the next word comes as a wake-up from the store's or the engine's thread.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from ui import collecting

if TYPE_CHECKING:
    from app.chat.session import Session

TICK_MS = 33
REST_MS = 3000
"""Nothing was going on for so long: time to collect garbage."""


class Bridge(QObject):
    """Pumps a session and says what changed.

    Signals:
        changed: a non-empty frozenset of `app.chat.session.Change`.
        problem: an `app.errors.Problem` to be shown.
        _woken: from another thread: there is something to pump.
    """

    changed = Signal(object)
    problem = Signal(object)
    _woken = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.drain)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(collecting.rest)
        self._woken.connect(self._on_woken, Qt.ConnectionType.QueuedConnection)

    @property
    def ticking(self) -> bool:
        """Whether the timer runs."""
        return self._timer.isActive()

    def attach(self, session: "Session") -> None:
        """Begin to pump a session."""
        self._session = session
        self.drain()

    def detach(self) -> None:
        """Stop: the session is about to be closed."""
        self._session = None
        self._timer.stop()
        self._rest.stop()

    def wake(self) -> None:
        """Say that there is something to pump. Callable from any thread, as often as one likes."""
        self._woken.emit()

    def drain(self) -> None:
        """Pump once, pass on what changed, and go on ticking only while there is more to come."""
        session = self._session
        if session is None:
            return
        changes = session.pump()
        for problem in session.problems():
            self.problem.emit(problem)
        if changes:
            self.changed.emit(changes)
        # A slot may have acted on the session, or closed it.
        busy = self._session is session and session.busy()
        if busy and not self._timer.isActive():
            self._timer.start()
            self._rest.stop()
        elif not busy:
            self._timer.stop()
            self._rest.start()

    def _on_woken(self) -> None:
        if not self._timer.isActive():
            self.drain()
