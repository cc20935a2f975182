"""Why the engine ended, in words a person can act on.

Only the parent can tell: a child that aborts says nothing through its pipe. What it knows is the
exit code, the kernel's count of processes ended for want of memory, and the last lines of the log.
"""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from app.errors import Problem

UNRESPONSIVE = "engine-unresponsive"
OUT_OF_MEMORY = "engine-memory"

_RESTART = "Your next message starts it again."
_OTHER_FILE = "The file may be damaged: download it again, or choose another."
_MEMORY = "Choose a smaller context or a smaller quantization, or close other programs."

# Signals by name, since Windows lacks most of them.
_SIGNALS = {
    "SIGSEGV": "crashed (segmentation fault)",
    "SIGBUS": "lost access to the model's file while using it",
    "SIGILL": "met an instruction that this processor does not have",
    "SIGFPE": "crashed (arithmetic error)",
    "SIGABRT": "gave up on an error of its own (abort)",
    "SIGKILL": "was killed from outside",
    "SIGTERM": "was ended by another program",
    "SIGHUP": "was ended with its terminal",
}
# What Windows gives as exit codes where others have signals.
_WINDOWS = {
    0xC0000005: "crashed (access violation)",
    0xC000001D: "met an instruction that this processor does not have",
    0xC0000409: "gave up on an error of its own (abort)",
    0xC0000017: "ran out of memory",
}
_OUT_OF_MEMORY = (
    "out of memory",
    "failed to allocate",
    "unable to allocate",
    "bad_alloc",
    "memoryerror",
)


def ooms_so_far() -> int:
    """Return how many processes the kernel has ended for want of memory, 0 if it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def describe(
    exit_code: int | None,
    log_tail: Sequence[str] = (),
    *,
    oom_killed: bool = False,
    unresponsive: bool = False,
    loading: str = "",
) -> Problem:
    """Return the problem to show.

    exit_code: as multiprocessing gives it. oom_killed: the kernel ended some process for want of
    memory while this child lived. unresponsive: we killed it, because it did not answer a cancel.
    loading: the name of the model's file where it died while it loaded one.
    """
    detail = "\n".join(log_tail)
    if unresponsive:
        return Problem(
            UNRESPONSIVE,
            "The engine did not stop when asked, so it was ended.",
            _RESTART,
            detail,
        )
    reason, how = _reason(exit_code)
    if (how == "SIGKILL" and oom_killed) or _says_out_of_memory(log_tail):
        return Problem(
            OUT_OF_MEMORY, f"The engine ran out of memory and {reason}.", _MEMORY, detail
        )
    if loading:
        return Problem(
            "engine-died", f"The engine {reason} while it loaded {loading}.", _OTHER_FILE, detail
        )
    return Problem("engine-died", f"The engine {reason}.", _RESTART, detail)


def _reason(exit_code: int | None) -> tuple[str, str]:
    """Return the reason in words and the signal's name ("" where there was none)."""
    if exit_code is None:
        return "ended for an unknown reason", ""
    if exit_code < 0:
        try:
            name = signal.Signals(-exit_code).name
        except ValueError:
            return f"was ended by signal {-exit_code}", ""
        return _SIGNALS.get(name, f"was ended by signal {name}"), name
    if sys.platform == "win32" and exit_code in _WINDOWS:
        return _WINDOWS[exit_code], ""
    if exit_code == 0:
        return "ended without being asked to", ""
    return f"stopped on an error of its own (exit status {exit_code})", ""


def _says_out_of_memory(log_tail: Sequence[str]) -> bool:
    return any(sign in line.lower() for line in log_tail for sign in _OUT_OF_MEMORY)
