"""The window's side of the typesetter: ask for a formula now, have it a moment later.

Nothing here waits. A formula that is known is returned at once; another is put on a list, and
`poll` says when it can be had. One thread does the rest: it starts the process for the first
formula, asks it one formula at a time, and starts it again if a formula takes it down; that formula
is then refused, and no other. The thread alone touches process and connection, and never while it
holds the lock, so that asking costs a look into a dictionary whatever the process is doing. It ends
the process once nothing was asked for a while: it takes as much memory as all else of the window.
"""

import collections
import contextlib
import logging
import multiprocessing
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from app import paths
from app.latex import child, display

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

T = TypeVar("T")
Typeset = display.DisplayList | display.Refusal

KNOWN_BYTES = 200_000
"""Of what was said that is held as it is read, some ten times that: a usual formula's are 5 kB, and
take 0.3 ms to be read."""
PACKED_BYTES = 1_500_000
"""Of what is held as it was said, packed: of a usual formula, 2 kB. More of them are on disk."""
IDLE_S = 60.0
"""Nothing asked for so long: the process ends. The next formula waits half a second for another."""
_STUCK_S = 20.0
"""No answer for so long, with V8's own limit at two: the process itself is at fault."""
_LOOK_S = 0.05
"""How often the thread looks whether it is to end, while the process is at a formula."""
_SPREAD = re.compile(r"\\tag|\{flalign")
"""What is laid out over the whole width of the column."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Formula:
    """What is to be typeset. width_em: of the column; few displays depend on it."""

    tex: str
    display: bool
    width_em: float = 0.0

    @classmethod
    def of(cls, tex: str, *, display: bool, width_em: float) -> "Formula":
        """Return the formula, its width left out where nothing depends on it."""
        return cls(tex, display, round(width_em, 1) if display and _SPREAD.search(tex) else 0.0)


def bundle_path() -> Path:
    """Return the path of MathJax's bundle, which the set-up makes."""
    return paths.resources() / "mathjax" / "dist" / "mathjax.js"


class Typesetter:
    """See the module. wakeup: called in another thread when poll() has something."""

    def __init__(
        self, wakeup: Callable[[], None] | None = None, *, cache: Path | None = None
    ) -> None:
        self._wakeup = wakeup or (lambda: None)
        self._cache = cache or paths.cache_dir() / "formulas.db"
        self._known: _Bounded[Typeset] = _Bounded(KNOWN_BYTES)
        self._packed: _Bounded[bytes] = _Bounded(PACKED_BYTES)
        self._waiting: dict[Formula, None] = {}
        self._fresh: list[Formula] = []
        self._lock = threading.Condition()
        self._thread: threading.Thread | None = None
        self._child: _Child | None = None
        self._closed = False
        self.asking: Formula | None = None
        """What the process is at."""

    def ask(self, formula: Formula) -> Typeset | None:
        """Return a formula typeset if it is known; else ask for it and return None."""
        with self._lock:
            known = self._known.get(formula)
            if known is not None:
                return known
            packed = self._packed.get(formula)
            if packed is not None:
                said = zlib.decompress(packed).decode()
                known = _understood(said)
                self._known.put(formula, known, len(said))
                return known
            if self._closed:
                return display.Refusal("formulas are no longer typeset")
            if self._thread is None:
                if not bundle_path().exists():
                    return display.Refusal(
                        "formulas cannot be typeset: run.py has not built MathJax"
                    )
                self._thread = threading.Thread(target=self._work, name="formulas", daemon=True)
                self._thread.start()
            self._waiting.setdefault(formula)
            self._lock.notify_all()
        return None

    def poll(self) -> tuple[Formula, ...]:
        """Return the formulas that became known since the last call."""
        with self._lock:
            fresh, self._fresh = tuple(self._fresh), []
        return fresh

    def all(self, formulas: Iterable[Formula]) -> list[Typeset]:
        """Return formulas typeset, however long that takes: for exports and the command line."""
        found: list[Typeset] = []
        for formula in formulas:
            known = self.ask(formula)
            while known is None:
                with self._lock:
                    if formula in self._waiting:
                        self._lock.wait(timeout=0.5)
                known = self.ask(formula)
            found.append(known)
        return found

    def close(self) -> None:
        """End the process, and the thread: whatever it is doing, that takes a moment."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            self._lock.notify_all()
            thread, process = self._thread, self._child
        if process is not None:
            process.kill()
        if thread is not None:
            thread.join()

    # ------------------------------------------------------------ in the thread

    def _work(self) -> None:
        try:
            while (formula := self._next()) is not None:
                if self._child is None or not self._child.alive:
                    self._child = _Child(self._cache)
                self.asking = formula
                said = self._child.typeset(formula, lambda: self._closed)
                self.asking = None
                self._learn(formula, said or child.refusal("typesetting broke down"))
                self._wakeup()
        finally:
            if self._child is not None:
                self._child.end()

    def _next(self) -> Formula | None:
        """Wait for what was asked first and is not known yet; None at the end."""
        while True:
            with self._lock:
                while not self._waiting and not self._closed:
                    if not self._lock.wait(IDLE_S if self._child is not None else None):
                        break
                else:
                    return None if self._closed else next(iter(self._waiting))
            if self._child is not None:
                self._child.end()
                self._child = None

    def _learn(self, formula: Formula, said: str) -> None:
        found, packed = _read(said), zlib.compress(said.encode(), 1)
        with self._lock:
            self._waiting.pop(formula, None)
            self._known.put(formula, found, len(said))
            self._packed.put(formula, packed, len(packed))
            self._fresh.append(formula)
            self._lock.notify_all()


class _Bounded(Generic[T]):
    """What is known of formulas, as far as it fits into a number of bytes: what was used last."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._held: collections.OrderedDict[Formula, tuple[T, int]] = collections.OrderedDict()

    def get(self, formula: Formula) -> T | None:
        """Return what is held of a formula."""
        held = self._held.get(formula)
        if held is None:
            return None
        self._held.move_to_end(formula)
        return held[0]

    def put(self, formula: Formula, what: T, size: int) -> None:
        """Hold something that takes so many bytes; at least this, however large it is."""
        self._bytes += size - self._held.pop(formula, (what, 0))[1]
        self._held[formula] = what, size
        while self._bytes > self._most_bytes and len(self._held) > 1:
            _formula, (_what, gone) = self._held.popitem(last=False)
            self._bytes -= gone


class _Child:
    """The process, as the one thread sees that talks to it."""

    def __init__(self, cache: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._connection: Connection[child.Question, child.Reply]
        self._connection, theirs = spawn.Pipe()
        arguments = (theirs, str(bundle_path()), str(cache))
        self._process = spawn.Process(
            target=child.main, args=arguments, daemon=True, name="formulas"
        )
        self._process.start()
        theirs.close()
        self._number = 0

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._connection.closed and self._process.is_alive()

    def typeset(self, formula: Formula, closed: Callable[[], bool]) -> str | None:
        """Return what it says of a formula, None where it ended over it, or is to end."""
        self._number += 1
        until = time.monotonic() + _STUCK_S
        try:
            self._connection.send((self._number, formula.tex, formula.display, formula.width_em))
            while not self._connection.poll(_LOOK_S):
                if closed() or time.monotonic() > until:
                    break
            else:
                number, said = self._connection.recv()
                if number < 0:  # it cannot go on
                    self.end()
                return said
        except (EOFError, OSError) as error:
            _log.info("the typesetter ended: %s", error)
        self.end()
        return None

    def kill(self) -> None:
        """Let it die; from any thread. It holds nothing that this harms: its cache survives it."""
        self._process.kill()

    def end(self) -> None:
        """End it and clear it away."""
        self.kill()
        self._process.join()
        self._connection.close()


def _read(said: str) -> Typeset:
    """Return what was said, its outlines taken apart: here that costs the window no frame."""
    found = _understood(said)
    if isinstance(found, display.DisplayList):
        for path in found.paths:
            with contextlib.suppress(ValueError):  # which the painter says when it comes to it
                display.segments(path)
    return found


def _understood(said: str) -> Typeset:
    """Return what was said; the kept answers are a file, which a disk can damage."""
    try:
        return display.read(said)
    except ValueError as error:
        return display.Refusal(str(error))
