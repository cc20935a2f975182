"""A download as the app keeps it in memory: its record, its child, how fast it is."""

import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.errors import Problem
from app.models.download_records import Kept, Record
from app.models.download_types import ELSEWHERE, Download, Progress, State, Word

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_SPEED_OVER_S = 10.0
_PASSING = ("net-name", "net-unreachable", "net-stalled", "net-broken", "hub-broken")
_KEPT: dict[State, Kept] = {"waiting": "running", "paused": "paused", "failed": "failed"}


@dataclass(slots=True)
class Child:
    """A process that downloads. began: bytes that were here before it, None until it has told."""

    process: "SpawnProcess"
    connection: "Connection[None, Word]"
    began: int | None = None


@dataclass(slots=True)
class Entry:
    """One download. The thread alone touches `child`; the rest is under the lock of Downloads."""

    record: Record
    state: State
    path: str | None = None
    child: Child | None = None
    done_bytes: int = 0
    recent: deque[tuple[float, int]] = field(default_factory=deque)
    dirty: bool = False
    failed_at: float = 0.0
    """By time.monotonic()."""

    def shown(self) -> Download:
        """Return it as the window shows it."""
        total = self.record.agreed.total_bytes if self.record.agreed else 0
        speed = self._speed() if self.state == "running" else None
        return Download(
            id=self.record.wanted.id,
            wanted=self.record.wanted,
            state=self.state,
            done_bytes=self.done_bytes,
            total_bytes=total,
            bytes_per_s=speed,
            seconds_left=(total - self.done_bytes) / speed if speed else None,
            path=self.path,
            problem=self.record.problem,
        )

    @property
    def missing_bytes(self) -> int:
        """Return what is still to come, 0 where that is not known."""
        total = self.record.agreed.total_bytes if self.record.agreed else 0
        return max(0, total - self.done_bytes)

    @property
    def has_moved(self) -> bool:
        """Return whether its child has fetched anything: one that never does may die for ever."""
        child = self.child
        return child is not None and child.began is not None and self.done_bytes > child.began

    @property
    def passes(self) -> bool:
        """Return whether what made it fail may pass by itself: there was no connection."""
        problem = self.record.problem
        return self.state == "failed" and problem is not None and problem.key in _PASSING

    def move(self, word: Progress) -> None:
        """Take up how far the child is."""
        self.done_bytes = word.done_bytes
        if word.checking:
            self.state = "checking"
            self.recent.clear()
            return
        self.state = "running"
        if self.child is not None and self.child.began is None:
            self.child.began = word.done_bytes
        now = time.monotonic()
        self.recent.append((now, word.done_bytes))
        while now - self.recent[0][0] > _SPEED_OVER_S:
            self.recent.popleft()

    def set(self, state: State, problem: Problem | None = None) -> None:
        """Set what the user decided or what went wrong, to be kept."""
        self.state = state
        if state == "failed":
            self.failed_at = time.monotonic()
        if problem is not None and problem.key == ELSEWHERE:
            # The record is that other Ponder's, and says what is true of it.
            self.record = replace(self.record, problem=problem)
            return
        self.record = replace(self.record, state=_KEPT[state], problem=problem)
        self.dirty = True

    def _speed(self) -> float | None:
        if len(self.recent) < 2:
            return None
        (began, first), (ended, last) = self.recent[0], self.recent[-1]
        # Measured up to now, so that a stalled download is seen to be one.
        took = max(ended, time.monotonic() - 1.0) - began
        return (last - first) / took if took > 0 else None
