"""Has chat templates write prompts, within limits of time and memory.

The process that runs them (`app.prompts.sandbox`) is started for the first prompt and kept, since
a start takes 0.2 s; one that overstays is killed, and the next prompt gets another.
"""

import multiprocessing
import time
from typing import TYPE_CHECKING

import psutil

from app.errors import Problem, WorldError
from app.prompts.sandbox import Work, Written, main

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

LONGEST_S = 2.0
"""Of the process's own time for one prompt. Real templates take 2 ms for 20 turns."""
_WAIT_S = 60.0
"""Without an answer, whatever the process does: it sleeps, or the machine is very busy."""
_LOOK_S = 0.02
_MEMORY_BYTES = 700 << 20


class Renderer:
    """Writes prompts, one at a time."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._connection: Connection[Work, Written | None] | None = None
        self._process: SpawnProcess | None = None

    def write(self, work: Work) -> Written:
        """Return what a template writes. Raises WorldError where it runs away or cannot be run."""
        if self._connection is None:
            self._start()
        assert self._connection is not None
        try:
            self._connection.send(work)
            written = self._answer(self._longest_s)
        except (EOFError, OSError) as error:
            self.close()
            raise _failed("The process that runs it ended.") from error
        if written is None:
            raise RuntimeError("the template's process answered out of turn")
        if written.fault:
            raise _failed(written.fault)
        return written

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._connection = self._process = None

    def _start(self) -> None:
        # The engine's process is a daemon, which multiprocessing allows no children because they
        # would outlive it: this one ends with its pipe.
        config = vars(multiprocessing.current_process())["_config"]
        was = config.get("daemon")
        config["daemon"] = False
        try:
            spawn = multiprocessing.get_context("spawn")
            ours, theirs = spawn.Pipe()
            self._process = spawn.Process(target=main, args=(theirs,), daemon=True, name="template")
            self._process.start()
        finally:
            config["daemon"] = was
        theirs.close()
        self._connection = ours
        try:
            self._answer(_WAIT_S)
        except (EOFError, OSError) as error:
            self.close()
            raise _failed("The process that runs it did not start.") from error

    def _answer(self, longest_s: float) -> Written | None:
        """Return what comes next. longest_s: of the process's own time."""
        assert self._connection is not None
        assert self._process is not None
        began = time.monotonic()
        watched = psutil.Process(self._process.pid)
        spent = _spent(watched)
        while not self._connection.poll(_LOOK_S):
            try:
                late = _spent(watched) - spent > longest_s or time.monotonic() - began > _WAIT_S
                large = watched.memory_info().rss > _MEMORY_BYTES
            except psutil.Error as error:
                raise EOFError from error
            if late or large:
                self.close()
                raise _failed("It takes too long." if late else "It takes too much memory.")
        return self._connection.recv()


def _spent(process: psutil.Process) -> float:
    """Return the processor time of a process, seconds."""
    times = process.cpu_times()
    return times.user + times.system


def _failed(detail: str) -> WorldError:
    return WorldError(
        Problem(
            "template-failed",
            "The model's chat template could not be used.",
            "Choose another prompt format for this model, or another file of it.",
            detail,
        )
    )
