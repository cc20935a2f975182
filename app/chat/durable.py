"""Writes that must not be lost: done in order, tried again until the disk takes them.

A full disk or a pulled stick fails a write. What it would have said is still on the screen, so it
is kept here and tried again; later writes wait behind it, because they build on it (a checkpoint of
a message that was never added would be an error).
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from app.chat.store import Store
from app.chat.store_worker import StoreWorker
from app.errors import Problem

RETRY_S = 2.0
"""How long to wait before a failed write is tried again: quick for a person who frees space, and
nothing for the disk."""


class DurableWrites:
    """A queue of writes in front of a StoreWorker. Belongs to the session's thread."""

    def __init__(self, store: StoreWorker, *, on_problem: Callable[[Problem], None]) -> None:
        self._store = store
        self._on_problem = on_problem
        self._waiting: deque[tuple[Callable[[Store], Any], Callable[[Any], None] | None]] = deque()
        self._in_flight = False
        self._retry_at: float | None = None
        self._told = ""

    @property
    def empty(self) -> bool:
        """Whether everything put in has reached the disk."""
        return not self._waiting

    def put(self, work: Callable[[Store], Any], done: Callable[[Any], None] | None = None) -> None:
        """Queue a write; `done` gets what it returns once it has succeeded."""
        self._waiting.append((work, done))
        self._next()

    def tick(self, now: float) -> None:
        """Try a failed write again once its time has come. now: seconds, monotonic."""
        if self._retry_at is None:
            return
        if self._retry_at == 0.0:
            self._retry_at = now + RETRY_S
        elif now >= self._retry_at:
            self._retry_at = None
            self._next()

    def flush(self) -> None:
        """Hand all that waits to the store at once, for the last try before it closes."""
        waiting, self._waiting = list(self._waiting), deque()
        for work, _ in waiting[1:] if self._in_flight else waiting:
            self._store.call(work, failed=self._on_problem)

    def _next(self) -> None:
        if self._in_flight or self._retry_at is not None or not self._waiting:
            return
        self._in_flight = True
        self._store.call(self._waiting[0][0], self._done, self._failed)

    def _done(self, result: Any) -> None:
        self._in_flight = False
        self._told = ""
        if self._waiting:  # flush() may have taken them all
            _, done = self._waiting.popleft()
            if done is not None:
                done(result)
        self._next()

    def _failed(self, problem: Problem) -> None:
        self._in_flight = False
        self._retry_at = 0.0
        # Said once, not at every try: whoever closed the notice has read it.
        if problem.key != self._told:
            self._told = problem.key
            self._on_problem(problem)
