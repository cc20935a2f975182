"""Probes that can hang or crash, each in a process of its own, all at once, against the clock.

A driver that is broken takes down whoever asks it: then it takes down a child that was made to be
lost. The window holds no GPU context, so a card that nobody uses can sleep.
"""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.hardware import engine, linux, macos, nvidia, windows
from app.hardware.sighting import ProbeError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

NVML, SMI, SYSFS, REGISTRY, SYSCTL, PROFILER, ENGINE = (
    "NVML",
    "nvidia-smi",
    "sysfs",
    "registry",
    "sysctl",
    "system_profiler",
    engine.PROBE,
)
_INSTEAD = {NVML: SMI}  # asked where the first fails
# llama.cpp makes a CUDA context, which NVML would count as used: it waits so long for NVML.
_ENGINE_WAITS_S = 1.0
# A process starts in 0.1 s. A machine that takes longer is busy, or reads Python from a cold disk
# through a virus scanner: then its probes take longer too, and are no less right.
_PER_START = 4
_LONGEST_S = 10.0
_START_S = 20.0
_REAP_S = 0.2
_LEAST_S = 1.0
# A program that a child runs is ended by it a little before the child itself would be.
_PROGRAM_SHARE = 0.8

_Answer = tuple[bool, str]
"""Whether the probe could look, and what it saw or why it could not."""


@dataclass(slots=True)
class _Child:
    """One probe under way. Its time runs from when its process is ready to ask."""

    name: str
    process: "SpawnProcess"
    connection: "Connection[None, float | _Answer]"
    began: float
    ready: bool
    deadline: float


class _Round:
    """One asking of all probes."""

    def __init__(self, probes: Collection[str], patience_s: float, log_path: Path) -> None:
        self._patience_s = patience_s
        self._log_path = log_path
        self._began = time.monotonic()
        self._waiting = list(probes)
        self._running: list[_Child] = []
        self.texts: dict[str, str] = {}
        self.problems: dict[str, str] = {}

    def ask(self) -> None:
        """Ask all and wait for the last."""
        from multiprocessing.connection import wait

        while self._waiting or self._running:
            for name in self._waiting[:]:
                if self._may_start(name):
                    self._waiting.remove(name)
                    self._start(name)
            children = {child.connection: child for child in self._running}
            for connection in wait(list(children), self._pause_s()):
                self._listen(children[connection])  # type: ignore[index]  # typeshed: any waitable
            now = time.monotonic()
            for child in [child for child in self._running if child.deadline <= now]:
                self._give_up(child)

    def _may_start(self, name: str) -> bool:
        busy = {child.name for child in self._running} | set(self._waiting)
        return name != ENGINE or not busy & {NVML, SMI} or self._engine_wait_s() <= 0

    def _engine_wait_s(self) -> float:
        return self._began + _ENGINE_WAITS_S - time.monotonic()

    def _pause_s(self) -> float:
        pauses = [child.deadline - time.monotonic() for child in self._running]
        if self._waiting:
            pauses.append(self._engine_wait_s())
        return max(0.0, min(pauses, default=0.0))

    def _start(self, name: str) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        began = time.monotonic()
        process = context.Process(
            target=_main,
            args=(name, theirs, self._patience_of(name), began, self._log_path),
            name=f"probe {name}",
            daemon=True,
        )
        try:
            process.start()
        except OSError as error:
            ours.close()
            self._end(name, f"could not be started: {error}")
        else:
            self._running.append(_Child(name, process, ours, began, False, began + _START_S))
        finally:
            theirs.close()  # else its end would never be seen

    def _patience_of(self, name: str) -> float:
        """Return what is left of the time for a probe that is asked in another's place."""
        if name not in _INSTEAD.values():
            return self._patience_s
        spent_s = time.monotonic() - self._began
        return max(self._patience_s - spent_s, min(self._patience_s, _LEAST_S))

    def _listen(self, child: _Child) -> None:
        """Take the child's next word: that it is ready, its answer, or its end without one."""
        try:
            word = child.connection.recv()
        except (EOFError, OSError):
            child.process.join(_REAP_S)
            word = (False, _ending(child.process.exitcode))
        if not isinstance(word, tuple):
            child.ready, child.deadline = True, time.monotonic() + word
            return
        self._running.remove(child)
        _reap(child)
        able, said = word
        if able:
            self.texts[child.name] = said
        else:
            self._end(child.name, said)

    def _give_up(self, child: _Child) -> None:
        self._running.remove(child)
        child.process.kill()
        _reap(child)
        patience_s = child.deadline - child.began
        self.problems[child.name] = (
            f"did not answer within {patience_s:.0f} s"
            if child.ready
            else "its process did not start"
        )

    def _end(self, name: str, why: str) -> None:
        """Note a failure, and ask what can be asked instead."""
        self.problems[name] = why
        if name in _INSTEAD:
            self._waiting.append(_INSTEAD[name])


def ask(
    probes: Collection[str], patience_s: float, log_path: Path | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what each probe saw, as text for its reader, and why the others saw nothing.

    patience_s: what a probe has, from when its process runs. log_path: where what the drivers
    print goes.
    """
    asked = _Round(probes, patience_s, log_path or paths.log_dir() / "probes.log")
    asked.ask()
    return asked.texts, asked.problems


def _reap(child: _Child) -> None:
    child.connection.close()
    child.process.join(_REAP_S)
    # One that the kernel cannot end (asleep in a driver) stays; it is none of ours any more.
    if child.process.exitcode is not None:
        child.process.close()


def _ending(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"crashed ({signal.Signals(-exit_code).name})"
    if sys.platform == "win32" and exit_code:
        return f"crashed (0x{exit_code & 0xFFFFFFFF:08X})"
    return f"ended without an answer (exit status {exit_code})"


# ------------------------------------------------------------ in the child


def _main(
    name: str,
    connection: "Connection[float | _Answer, None]",
    patience_s: float,
    began: float,
    log_path: Path,
) -> None:
    """Ask one probe and send its answer; never returns. began: the parent's monotonic clock."""
    from app.engine import log

    log.redirect(log_path)
    faulthandler.enable(2)
    start_s = time.monotonic() - began
    patience_s = max(patience_s, min(_PER_START * start_s, _LONGEST_S))
    # Where the parent was killed nobody ends this process: it ends itself.
    faulthandler.dump_traceback_later(patience_s + 1, exit=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["GGML_NO_BACKTRACE"] = "1"  # ggml would start gdb on an abort
    connection.send(patience_s)
    try:
        answer = (True, _probe(name, patience_s * _PROGRAM_SHARE)())
    except ProbeError as error:
        answer = (False, str(error))
    connection.send(answer)
    # A driver that crashes while it is unloaded has nothing more to say.
    os._exit(0)


def _probe(name: str, patience_s: float) -> Callable[[], str]:
    def program(command: Callable[[], Sequence[str]]) -> Callable[[], str]:
        return lambda: _run(command(), patience_s)

    probes = {
        NVML: nvidia.ask_nvml,
        SMI: program(nvidia.smi_command),
        SYSFS: linux.ask_sysfs,
        REGISTRY: windows.ask_registry,
        SYSCTL: program(lambda: macos.SYSCTL),
        PROFILER: program(lambda: macos.SYSTEM_PROFILER),
        ENGINE: engine.ask_engine,
    }
    return probes[name]


def _run(command: Sequence[str], patience_s: float) -> str:
    """Return what a program prints, also where it then fails: its reader knows what is an answer.

    Raises ProbeError where it is missing, hangs or crashes.
    """
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW  # no black window flashing up
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=patience_s,
            check=False,
            creationflags=flags,
        )
    except subprocess.TimeoutExpired as error:
        raise ProbeError(f"did not answer within {patience_s:.1f} s") from error
    except OSError as error:
        raise ProbeError(f"could not be started: {error.strerror or error}") from error
    if done.returncode < 0:
        raise ProbeError(_ending(done.returncode))
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode and not text.strip():
        raise ProbeError(f"ended without an answer (exit status {done.returncode})")
    return text
