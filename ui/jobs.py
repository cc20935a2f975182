"""The one way off the window's thread, apart from the engine and the store.

The contract of `run`:
- `op` runs on a thread of its own. It touches no widget and no QObject; it takes what it needs when
  it is made and returns a value.
- `then` runs on the window's thread with that value, unless `owner` is gone by then.
- A WorldError of `op` reaches `failed` on the window's thread. Any other exception is a bug: it is
  raised on the window's thread and goes where uncaught exceptions go.
- There is no cancelling: a job is short (seconds), or it belongs into a process.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from app.errors import Problem, WorldError

T = TypeVar("T")

_underway: set[QObject] = set()
"""Jobs not yet delivered. They must die on the window's thread, not on their own."""


def run(
    op: Callable[[], T],
    *,
    then: Callable[[T], None],
    failed: Callable[[Problem], None],
    owner: QObject,
) -> None:
    """Run `op` on a thread; see the module for the contract. Call it on the window's thread."""
    _Job(op, then, failed, owner).start()


def idle() -> bool:
    """Return whether every job is over and delivered."""
    return not _underway


class _Job(QObject, Generic[T]):
    """One job. `_ended` carries nothing: it only moves the delivery to the window's thread."""

    _ended = Signal()

    def __init__(
        self,
        op: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Problem], None],
        owner: QObject,
    ) -> None:
        super().__init__()
        self._op = op
        self._then = then
        self._failed = failed
        self._owner = owner
        self._value: list[T] = []
        self._error: BaseException | None = None
        self._ended.connect(self._deliver)

    def start(self) -> None:
        _underway.add(self)
        threading.Thread(target=self._work, name="ponder-job", daemon=True).start()

    def _work(self) -> None:
        try:
            self._value.append(self._op())
        except BaseException as error:  # noqa: BLE001 - raised again on the window's thread
            self._error = error
        self._ended.emit()

    def _deliver(self) -> None:
        _underway.discard(self)
        if isinstance(self._error, WorldError):
            if isValid(self._owner):
                self._failed(self._error.problem)
        elif self._error is not None:
            raise self._error
        elif isValid(self._owner):
            self._then(self._value[0])
