"""The parent's side of the engine: commands down, events up, and the truth about how it ended.

Nothing here waits in the caller's thread. A writer thread starts the child and writes to its pipe
(a child that hangs lets the pipe fill); a reader thread puts what comes on a queue and, when the
pipe ends, says why. There is one child at most, none before it is needed. When it dies, the next
Generate or Tokenize starts another and loads the same model again: its Loading and Loaded events
then carry the id of that request.

The writer outlives the child it started: on Linux a child is killed with the thread that made it.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.engine import death, log
from app.engine.ledger import Job, Ledger
from app.engine.protocol import (
    Cancel,
    CloseThinking,
    Command,
    EngineDied,
    Event,
    Failed,
    Forget,
    Load,
    LoadOptions,
    Shutdown,
    Unload,
    Unloaded,
)
from app.errors import Problem

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

KILL_AFTER_S = 5.0
"""How long a cancel may go unanswered. A slice of the prompt takes 0.3 s, a token less."""

_CLOSE_S = 1.0


class _Child:
    """One life of the engine process."""

    def __init__(
        self,
        process: "SpawnProcess",
        connection: "Connection[Command, Event]",
        log_start: int,
        ooms: int,
    ) -> None:
        self.process = process
        self.pid = process.pid
        self.connection = connection
        self.log_start = log_start
        self.ooms = ooms
        self.unresponsive = False
        self.writing = threading.Lock()


class EngineClient:
    """Talks to one engine child. Thread-safe; no call blocks but `close` and `poll` with a timeout.

    log_path: the child's log, by default the user's. wakeup: called from the reader thread after
    each event; it must be quick and not call back. kill_after_s: how long a cancel may go
    unanswered before the child is killed.
    """

    def __init__(
        self,
        *,
        log_path: Path | None = None,
        wakeup: Callable[[], None] | None = None,
        kill_after_s: float = KILL_AFTER_S,
    ) -> None:
        self._log_path = log_path
        self._wakeup = wakeup
        self._lock = threading.Lock()
        self._ledger = Ledger(kill_after_s)
        self._events: queue.SimpleQueue[tuple[float, Event]] = queue.SimpleQueue()
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._writes = False  # whether the writer takes commands
        self._reader: threading.Thread | None = None
        self._child: _Child | None = None
        self._nudges: Connection[None, None] | None = None
        self._nudged: Connection[None, None] | None = None
        self._last_request = 0
        self._closed = False

    # ------------------------------------------------------------ the caller's thread

    def next_request(self) -> int:
        """Return a fresh request id."""
        with self._lock:
            self._last_request += 1
            return self._last_request

    @property
    def loaded_options(self) -> LoadOptions | None:
        """What is loaded, or will be loaded again by the next Generate after a death."""
        return self._ledger.loaded

    @property
    def pid(self) -> int | None:
        """The child's process id, None where there is no child."""
        child = self._child
        return child.pid if child else None

    def send(self, command: Command) -> None:
        """Hand a command over; events answer it. Commands for requests that are over do nothing."""
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine client is closed")
            if isinstance(command, Cancel | CloseThinking):
                if not self._ledger.is_open(command.request):
                    return
                if isinstance(command, Cancel):
                    self._ledger.cancel(command.request, time.monotonic())
                    if self._nudges is not None:
                        self._nudges.send(None)  # the reader shall look at the deadline
            elif not isinstance(command, Forget | Shutdown):
                self._ledger.open(command)
            if not self._writes:
                self._writes = True
                self._writer = _thread(self._write_commands, "engine-writer")
        self._commands.put(command)

    def poll(self, timeout_s: float = 0.0) -> list[tuple[float, Event]]:
        """Return the events since the last call, each with its time.monotonic().

        timeout_s: how long to wait for the first one where there is none.
        """
        events: list[tuple[float, Event]] = []
        try:
            if timeout_s > 0:
                events.append(self._events.get(timeout=timeout_s))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    def close(self) -> None:
        """End the child, within about two seconds at worst; leaves no process and no thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._commands.put(None)
        writer = self._writer
        if writer is None:
            return
        writer.join(_CLOSE_S)
        # From here on no child is started: the writer is gone, or stuck writing to this one.
        reader, child = self._reader, self._child
        if reader is not None and child is not None:
            reader.join(_CLOSE_S)
            if reader.is_alive():
                with suppress(ValueError):  # it ended this very moment
                    child.process.kill()
        if reader is not None:
            reader.join()
        writer.join()
        for connection in (self._nudges, self._nudged):
            if connection is not None:
                connection.close()

    def __enter__(self) -> "EngineClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ the writer thread

    def _write_commands(self) -> None:
        command: Command | None = None
        ended = False
        try:
            while (command := self._commands.get()) is not None and not self._closed:
                self._pass_on(command)
            if self._child is not None:
                self._write(self._child, Shutdown())
            ended = True
        finally:
            if not ended:
                self._give_way(command)

    def _give_way(self, command: Command | None) -> None:
        """Leave nothing waiting when a bug ends this thread; the next command begins another.

        The child goes with it, as Linux would have it anyway: what it was doing is told as lost.
        """
        with self._lock:
            self._writes = False
        if isinstance(command, Job):
            problem = Problem(
                "engine-bug",
                "Something went wrong in Ponder before the engine was asked.",
                "Try again; the log tells what it was.",
            )
            self._deliver(Failed(command.request, problem))
        child = self._child
        if child is not None:
            with suppress(ValueError):  # it ended this very moment
                child.process.kill()

    def _pass_on(self, command: Command) -> None:
        if isinstance(command, Cancel | CloseThinking | Forget | Shutdown):
            if self._child is not None:
                self._write(self._child, command)
        elif isinstance(command, Unload) and self._child is None:
            self._deliver(Unloaded(command.request))
        else:
            self._do(command)

    def _do(self, job: Job) -> None:
        with self._lock:
            steps = self._ledger.steps(job)
        try:
            for step in steps:
                self._write(self._child or self._start_child(), step)
        except OSError as error:
            problem = Problem(
                "engine-start",
                "The engine could not be started.",
                "Close other programs, then try again.",
                str(error),
            )
            self._deliver(Failed(job.request, problem))

    def _write(self, child: _Child, command: Command) -> None:
        with self._lock:
            self._ledger.written(command)
        with child.writing, suppress(OSError):  # it died; the reader tells
            child.connection.send(command)

    def _start_child(self) -> _Child:
        import multiprocessing
        import os

        from app.engine import worker

        context = multiprocessing.get_context("spawn")
        path = self._log_path or paths.engine_log()
        log_start, ooms = log.size(path), death.ooms_so_far()
        connection, theirs = context.Pipe(duplex=True)
        process = context.Process(
            target=worker.main,
            args=(theirs, str(path), os.getpid()),
            name="ponder-engine",
            daemon=True,
        )
        process.start()
        # Our copy of the child's end would keep the pipe open when the child dies.
        theirs.close()
        child = _Child(process, connection, log_start, ooms)
        with self._lock:
            if self._nudges is None:
                self._nudged, self._nudges = context.Pipe(duplex=False)
            self._child = child
            self._reader = _thread(lambda: self._read_events(child), "engine-reader")
        return child

    # ------------------------------------------------------------ the reader thread

    def _read_events(self, child: _Child) -> None:
        from app.engine.readiness import Readiness

        assert self._nudged is not None
        readiness = Readiness((child.connection, self._nudged))
        while True:
            ready = readiness.wait(self._time_left())
            if self._nudged in ready:
                self._nudged.recv()
            if child.connection in ready:
                try:
                    event = child.connection.recv()
                except (EOFError, OSError):
                    break
                self._deliver(event)
            if self._time_left() == 0.0:
                child.unresponsive = True
                with self._lock:
                    self._ledger.give_up()
                child.process.kill()
        readiness.close()
        self._bury(child)

    def _time_left(self) -> float | None:
        with self._lock:
            return self._ledger.time_left(time.monotonic())

    def _bury(self, child: _Child) -> None:
        """Say why the child ended and what that means for the requests it knew of."""
        child.process.join(_CLOSE_S)
        if child.process.exitcode is None:
            child.process.kill()
            child.process.join()
        exit_code = child.process.exitcode
        with child.writing:
            child.connection.close()
        child.process.close()
        lines = log.tail(self._log_path or paths.engine_log(), child.log_start)
        with self._lock:
            self._child = None
            lost = self._ledger.child_ended(time.monotonic())
            if self._closed:
                return
        running = lost[0] if lost else None
        problem = death.describe(
            exit_code,
            lines,
            oom_killed=death.ooms_so_far() > child.ooms,
            unresponsive=child.unresponsive,
            loading=Path(running.options.path).name if isinstance(running, Load) else "",
        )
        self._put(EngineDied(running.request if running else None, problem, exit_code, lines))
        for job in lost[1:]:
            self._put(Failed(job.request, problem))

    # ------------------------------------------------------------ both threads

    def _deliver(self, event: Event) -> None:
        """Pass an event on, unless its request is over."""
        with self._lock:
            seen = self._ledger.take(event, time.monotonic())
        if seen is not None:
            self._put(seen)

    def _put(self, event: Event) -> None:
        self._events.put((time.monotonic(), event))
        if self._wakeup is not None:
            self._wakeup()


def _thread(target: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
