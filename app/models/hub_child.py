"""Runs what talks to the hub in a process of its own.

The hub's client takes 30 MB and a third of a second to import, and its calls cannot be cancelled:
a process can. The window keeps only what such a child sends back. A child ends with its parent.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from app import paths
from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_P = ParamSpec("_P")
_T = TypeVar("_T")

PATIENCE_S = 120.0
_END_S = 2.0

_Answer = tuple[bool, object]
"""Whether it worked, and the value or the Problem."""


def call(
    function: Callable[_P, _T],
    purpose: str,
    cancelled: Callable[[], bool] | None,
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> _T:
    """Return what a function of a module returns, run in a child; blocks, never in the window.

    purpose: for the list of connections. cancelled: asked ten times a second. Raises WorldError:
    the function's own, or that it did not end within PATIENCE_S, or was cancelled.
    """
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_main,
        args=(theirs, os.getpid(), str(log_path()), purpose, function, args, kwargs),
        name="ponder-hub",
        daemon=True,
    )
    try:
        start(process.start)
        theirs.close()  # our copy would keep the pipe open when the child dies
        worked, value = _wait(ours, cancelled)
    finally:
        theirs.close()
        ours.close()
        if process.pid is not None:
            process.kill()
            process.join()
            process.close()
    if not worked:
        assert isinstance(value, Problem)
        raise WorldError(value)
    return value  # type: ignore[return-value]  # what `function` returned, through a pipe


def start(begin: Callable[[], None]) -> None:
    """Start a process. Raises WorldError where the system has no room for one."""
    try:
        begin()
    except OSError as error:
        raise WorldError(
            Problem(
                "hub-start",
                "The part of Ponder that fetches models could not be started.",
                "Close other programs, then try again.",
                str(error),
            )
        ) from error


def log_path() -> Path:
    """Return the path of what these children print."""
    return paths.log_dir() / "hub.log"


def _wait(connection: "Connection[None, _Answer]", cancelled: Callable[[], bool] | None) -> _Answer:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if connection.poll(0.1):
            try:
                return connection.recv()
            except (EOFError, OSError):
                return False, lost()
        if cancelled is not None and cancelled():
            return False, Problem("cancelled", "Cancelled.")
    return False, Problem(
        "hub-slow",
        f"The hub did not answer within {PATIENCE_S:.0f} seconds.",
        "Check the connection, then try again.",
    )


def lost(exit_code: int | None = None) -> Problem:
    """Return the problem of a child that ended without a last word: a bug, or somebody ended it."""
    return Problem(
        "hub-ended",
        "The part of Ponder that fetches models stopped unexpectedly.",
        "Try again; what had arrived is kept.",
        f"{'' if exit_code is None else f'exit status {exit_code}; '}its log is {log_path()}",
    )


# ------------------------------------------------------------ in the child


def _main(
    connection: "Connection[_Answer, None]",
    parent_pid: int,
    log_file: str,
    purpose: str,
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> None:
    settle(parent_pid, Path(log_file), purpose)
    try:
        answer: _Answer = (True, function(*args, **kwargs))
    except WorldError as error:
        answer = (False, error.problem)
    connection.send(answer)
    os._exit(0)


def settle(parent_pid: int, log_file: Path, purpose: str) -> None:
    """Make this process a child of the hub's kind: it logs, ends with its parent, has the door.

    purpose: "" leaves the door to what runs in it.
    """
    import faulthandler
    import logging

    from app import net
    from app.engine import log

    die_with(parent_pid)
    log.redirect(log_file)
    faulthandler.enable(2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl+C means
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    if purpose:
        net.open_door(purpose)


def die_with(parent_pid: int) -> None:
    """End this process when its parent is gone: at once on Linux, within a second elsewhere."""
    if sys.platform == "linux":
        import ctypes

        set_death_signal = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it was gone before the call
            os._exit(0)
    else:
        threading.Thread(target=_watch, args=(parent_pid,), name="parent", daemon=True).start()


def _watch(parent_pid: int) -> None:
    import psutil

    try:
        parent = psutil.Process(parent_pid)
        while parent.is_running():
            time.sleep(1.0)
    except psutil.Error:
        pass
    os._exit(0)
