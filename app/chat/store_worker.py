"""The store on a thread of its own, so that the window never waits for the disk.

One queue, one thread: calls run in the order they were made. What they return is delivered by
`poll()`, on the thread that calls it; no callback ever runs on the worker's thread. The database is
opened there too, by the first call. An opening that failed is that call's problem, and is tried
again by the next: a disk may have been freed or plugged in. Only a damaged database is dealt with
at once, whenever it is found to be so: it is moved aside, untouched, and what can be saved of it is
in its place, because the person in front of it can do nothing else to go on.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from app.chat.store import Store
from app.chat.store_errors import DamagedDatabaseError
from app.chat.store_repair import repair, take_place
from app.errors import Problem, WorldError

T = TypeVar("T")

_ORPHAN_CHECK_S = 5.0
"""How often the idle thread looks whether the main thread is still there. Without it, a program
that ends by an exception before close() would hang for ever."""


@dataclass(frozen=True, slots=True)
class _Call:
    work: Callable[[Store], Any]
    done: Callable[[Any], None] | None
    failed: Callable[[Problem], None] | None
    key: str | None


class StoreWorker:
    """Serialises all that is done to the chats. `call`, `poll` and `close` belong to one thread."""

    def __init__(
        self,
        path: Path,
        *,
        on_problem: Callable[[Problem], None],
        wakeup: Callable[[], None] | None = None,
        open_store: Callable[[Path], Store] = Store,
    ) -> None:
        """Start the thread; the first call opens the database on it.

        on_problem: told by poll() of every problem that no call's `failed` takes. wakeup: called
        on the worker's thread when there is something to poll; it must only pass the word on.
        """
        self._path = path
        self._on_problem = on_problem
        self._wakeup = wakeup
        self._open_store = open_store
        self._store: Store | None = None
        self._calls: deque[_Call] = deque()
        self._answers: deque[Callable[[], None]] = deque()
        self._outstanding = 0
        self._closing = False
        self._news = threading.Condition()
        # Not a daemon: what is queued is written even if close() is forgotten.
        self._thread = threading.Thread(target=self._run, name="store")
        self._thread.start()

    def call(
        self,
        work: Callable[[Store], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[Problem], None] | None = None,
        *,
        key: str | None = None,
    ) -> None:
        """Queue `work`; poll() later calls `done` with its result or `failed` with its problem.

        Without `failed` a problem goes to on_problem. Any other exception is a bug and is raised
        by poll(). key: a call that has not begun is dropped, its callbacks with it, when another
        with the same key comes (a checkpoint, a draft): only the newest counts.
        """
        with self._news:
            if self._closing:
                raise RuntimeError("the store is closed")
            if key is not None:
                kept = deque(call for call in self._calls if call.key != key)
                self._outstanding -= len(self._calls) - len(kept)
                self._calls = kept
            self._calls.append(_Call(work, done, failed, key))
            self._outstanding += 1
            self._news.notify()

    def poll(self) -> int:
        """Run the callbacks of what is done; return how many calls are still outstanding."""
        while True:
            with self._news:
                if not self._answers:
                    return self._outstanding
                answer = self._answers.popleft()
            answer()

    def close(self) -> None:
        """Do what is queued, close the database, deliver the last callbacks. Waits for the disk."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join()
        self.poll()

    # ------------------------------------------------------------ on the worker's thread

    def _run(self) -> None:
        while (call := self._next()) is not None:
            self._answer(self._do(call), counts=True)
        if self._store is not None:
            self._store.close()

    def _next(self) -> _Call | None:
        """Wait for a call; None where there will be no more."""
        with self._news:
            while not self._calls:
                if self._closing or not threading.main_thread().is_alive():
                    return None
                self._news.wait(_ORPHAN_CHECK_S)
            return self._calls.popleft()

    def _do(self, call: _Call) -> Callable[[], None]:
        """Do a call; return what poll() has to do about it."""
        try:
            result = self._result(call)
        except WorldError as error:
            return partial(call.failed or self._on_problem, error.problem)
        except BaseException as bug:  # noqa: BLE001  raised again by poll(), on the thread that can report it
            return partial(_raise, bug)
        return partial(call.done, result) if call.done else _nothing

    def _result(self, call: _Call) -> Any:
        if self._store is None:
            self._store = self._open()
        try:
            return call.work(self._store)
        except DamagedDatabaseError as error:
            # The damage lay where nobody had looked before.
            self._store.close()
            self._store = None
            self._store = self._repaired(error)
            try:
                return call.work(self._store)
            except KeyError:  # what it is about could not be saved
                raise error from None

    def _open(self) -> Store:
        take_place(self._path)
        try:
            store = self._open_store(self._path)
        except DamagedDatabaseError as error:
            return self._repaired(error)
        if store.trouble is not None:
            self._answer(partial(self._on_problem, store.trouble), counts=False)
        return store

    def _repaired(self, error: DamagedDatabaseError) -> Store:
        problem = repair(self._path, self._open_store, error.problem.detail)
        store = self._open_store(self._path)
        self._answer(partial(self._on_problem, problem), counts=False)
        return store

    def _answer(self, answer: Callable[[], None], *, counts: bool) -> None:
        with self._news:
            self._answers.append(answer)
            self._outstanding -= counts
        if self._wakeup is not None:
            self._wakeup()


def _raise(bug: BaseException) -> NoReturn:
    raise bug


def _nothing() -> None:
    pass
