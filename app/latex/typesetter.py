"""The window's side of the typesetter: ask for a formula now, have it a moment later.

Nothing here waits. A formula that is known is returned at once; another is asked for, and
`wakeup` is called when something new can be had. The process is started for the first formula and
started again if a formula takes it down; that formula is then refused, and no other.
"""

import collections
import contextlib
import logging
import multiprocessing
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.latex import child, display

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Typeset = display.DisplayList | display.Refusal

KNOWN = 2000
"""Formulas held in memory; one of the usual kind takes 10 kB."""
_STUCK_S = 20.0
"""No answer for so long, with V8's own limit at two: the process itself is at fault."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Formula:
    """What is to be typeset. width_em: of the column; only a numbered display depends on it."""

    tex: str
    display: bool
    width_em: float = 0.0

    @classmethod
    def of(cls, tex: str, *, display: bool, width_em: float) -> "Formula":
        """Return the formula, its width left out where nothing depends on it."""
        return cls(tex, display, round(width_em, 1) if display and "\\tag" in tex else 0.0)


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
        self._known: collections.OrderedDict[Formula, Typeset] = collections.OrderedDict()
        self._waiting: dict[int, Formula] = {}
        self._fresh: list[Formula] = []
        self._number = 0
        self._asked: int | None = None
        self._lock = threading.Condition()
        self._connection: Connection[child.Question, tuple[int, str]] | None = None
        self._process: SpawnProcess | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def ask(self, formula: Formula) -> Typeset | None:
        """Return a formula typeset if it is known; else ask for it and return None."""
        with self._lock:
            known = self._known.get(formula)
            if known is not None:
                self._known.move_to_end(formula)
                return known
            if not bundle_path().exists():
                return display.Refusal("formulas cannot be typeset: run.py has not built MathJax")
            if formula not in self._waiting.values() and not self._closed:
                self._number += 1
                self._waiting[self._number] = formula
                self._send_next()
        return None

    def poll(self) -> tuple[Formula, ...]:
        """Return the formulas that became known since the last call."""
        with self._lock:
            fresh, self._fresh = tuple(self._fresh), []
        return fresh

    def all(self, formulas: Iterable[Formula]) -> list[Typeset]:
        """Return formulas typeset, however long that takes: for exports and the command line."""
        wanted = list(formulas)
        found: list[Typeset] = []
        for formula in wanted:
            known = self.ask(formula)
            with self._lock:
                while known is None:
                    self._lock.wait(timeout=0.5)
                    known = self._known.get(formula)
            found.append(known)
        return found

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            if self._connection is not None:
                self._connection.close()
            process, thread = self._process, self._thread
        if process is not None:
            # The reader waits on the connection and so keeps it open: closing it tells nobody.
            process.terminate()
            process.join(timeout=2.0)
            if process.is_alive():
                process.kill()
                process.join()
        if thread is not None:
            thread.join()

    # ------------------------------------------------------------ with the lock held

    def _send_next(self) -> None:
        """Ask what has waited longest, one at a time: neither end can then block the other."""
        if self._asked is not None or not self._waiting:
            return
        if self._connection is None:
            self._start()
        assert self._connection is not None
        self._asked = min(self._waiting)
        formula = self._waiting[self._asked]
        with contextlib.suppress(OSError):  # it died: the reader sees that and asks again
            question = (self._asked, formula.tex, formula.display, formula.width_em)
            self._connection.send(question)

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        arguments = (theirs, str(bundle_path()), str(self._cache))
        process = spawn.Process(target=child.main, args=arguments, daemon=True, name="formulas")
        process.start()
        theirs.close()
        self._connection, self._process = ours, process
        self._thread = threading.Thread(
            target=self._read, args=(ours, process), name="formulas", daemon=True
        )
        self._thread.start()

    # ------------------------------------------------------------ in the reader's thread

    def _read(
        self, connection: "Connection[child.Question, tuple[int, str]]", process: "SpawnProcess"
    ) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                while not connection.poll(_STUCK_S):
                    with self._lock:
                        stuck = self._asked is not None
                    if stuck:
                        process.kill()
                number, said = connection.recv()
                self._take(number, said)
        self._mourn(connection, process)

    def _take(self, number: int, said: str) -> None:
        with self._lock:
            formula = self._waiting.pop(number, None)
            self._asked = None
            if formula is not None:
                self._learn(formula, _understood(said))
            self._send_next()
        self._wakeup()

    def _learn(self, formula: Formula, found: Typeset) -> None:
        self._known[formula] = found
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        self._fresh.append(formula)
        self._lock.notify_all()

    def _mourn(
        self, connection: "Connection[child.Question, tuple[int, str]]", process: "SpawnProcess"
    ) -> None:
        """The process is gone: refuse the formula it was at, and ask for the rest again."""
        process.join()
        with self._lock:
            connection.close()
            self._connection = self._process = None
            if self._closed:
                return
            _log.info("the typesetter ended with %s", process.exitcode)
            asked, self._asked = self._asked, None
            if asked in self._waiting:
                self._learn(self._waiting.pop(asked), display.Refusal("typesetting broke down"))
            self._send_next()
        self._wakeup()


def _understood(said: str) -> Typeset:
    """Return what was said; the kept answers are a file, which a disk can damage."""
    try:
        return display.read(said)
    except ValueError as error:
        return display.Refusal(str(error))
