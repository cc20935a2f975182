"""What every step of the set-up uses: the sentence for a failure, progress, the lock, tools.

Standard library only: it runs before anything is installed. A tool's whole output goes to
`.setup/build.log`; the terminal gets one line a step.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

WINDOWS = os.name == "nt"
ROOT = Path(__file__).resolve().parent.parent
SETUP = ROOT / ".setup"
LOG = SETUP / "build.log"
GIB = 2**30

_FULL = r"No space left on device|ENOSPC|Errno 28\b|not enough space"
_CHANGED = r"DO NOT MATCH THE HASHES|EINTEGRITY"
_NETWORK = (
    r"NewConnectionError|NameResolution|name resolution|getaddrinfo|Max retries exceeded|"
    r"ConnectTimeout|Read timed out|ProxyError|Network is unreachable|SSLError|Could not fetch|"
    r"ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ENETUNREACH"  # npm's words
)
_NO_BUILD = r"No matching distribution found for (\S+)"
_MEMORY = r"Killed signal|fatal error: Killed|[Oo]ut of memory|Cannot allocate memory"
_COMPILER = r"CMAKE_C(?:XX)?_COMPILER|is not able to compile a simple test program"
# What a tool's output says, and how to say it. The first that is found counts.
CAUSES = {
    _FULL: "the disk is full; make room",
    _CHANGED: "a downloaded package is not the one that Ponder was tested with; try again later",
    _NETWORK: "the package index could not be reached; check the network connection",
    _NO_BUILD: "there is no build of {0} for this computer ({1})",
    _MEMORY: "the computer ran out of memory; close other programs",
    _COMPILER: "the C++ compiler does not work; mend or reinstall it",
}


class TroubleError(Exception):
    """The world's fault, as a sentence for the person in front of it."""


def cause(output: str) -> str:
    """Return in words why a tool failed, from what it printed; "" where that is not known."""
    for pattern, words in CAUSES.items():
        found = re.search(pattern, output)
        if found:
            return words.format(*found.groups(), computer())
    return ""


def computer() -> str:
    """Return what decides which builds fit this computer."""
    libc = " ".join(platform.libc_ver()) or "musl"
    return ", ".join(
        [f"Python {platform.python_version()}", platform.system(), platform.machine()]
        + ([libc] if sys.platform == "linux" else [])
    )


def run(
    command: Sequence[str | Path],
    *,
    failed: str = "",
    on_line: Callable[[str], None] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> bool:
    """Run a tool, its output into the log and line by line to on_line; return whether it worked.

    failed: begins the sentence of the TroubleError that a failure raises; without it the caller
    decides.
    """
    said: list[str] = []
    words = [str(word) for word in command]
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n$ {' '.join(words)}\n")
        log.flush()
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env=env,
            cwd=cwd,
            close_fds=WINDOWS,  # a tool that outlives us keeps the lock until it has ended
        ) as tool:
            assert tool.stdout is not None
            for line in tool.stdout:
                log.write(line)
                said.append(line)
                if on_line:
                    on_line(line)
    if tool.returncode and failed:
        why = cause("".join(said))
        if not why and tool.returncode < 0:
            why = f"something ended it from outside (signal {-tool.returncode})"
        sentence = f"{failed}: {why}." if why else f"{failed}."
        raise TroubleError(f"{sentence} The whole output is in {shown(LOG)}.")
    return tool.returncode == 0


def shown(path: Path) -> str:
    """Return a path as the user would write it."""
    return str(path.relative_to(ROOT)) if Path.cwd() == ROOT else str(path)


def require_space(needed_bytes: int, what: str) -> None:
    """Raise TroubleError where the disk of this folder has less than needed_bytes left."""
    free_bytes = shutil.disk_usage(ROOT).free
    if free_bytes < needed_bytes:
        raise TroubleError(
            f"The disk is too full to set Ponder up: {what} needs {needed_bytes / GIB:.1f} GB and "
            f"{free_bytes / GIB:.1f} GB are free; make room and run the same command again."
        )


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there, whatever its permissions."""
    if path.is_dir() and not path.is_symlink():

        def force(function: Callable[[str], object], name: str, _: object) -> None:
            Path(name).chmod(0o700)  # Windows keeps git's files read-only
            function(name)

        shutil.rmtree(path, onerror=force)
    else:
        path.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    draft = path.with_name(path.name + ".part")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class Progress:
    """One line that tells how far a step is: rewritten on a terminal, else a line every 10 %."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.began = time.monotonic()
        self.shown = 0
        self.last = self.began
        self.live = sys.stdout.isatty()
        print(f"{label} ...", end="" if self.live else "\n", flush=True)

    def note(self, text: str) -> None:
        """Show what is being done now; where that is no terminal, at most twice a minute."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print("\r" + f"{self.label}: {text}"[:width].ljust(width), end="", flush=True)
        elif time.monotonic() - self.last > 30:
            self.last = time.monotonic()
            print(f"  {text}", flush=True)

    def part(self, done: int, total: int) -> None:
        """Show that `done` of `total` equal parts are over, and the time that leaves."""
        percent = 100 * done // total
        passed = time.monotonic() - self.began
        text = f"{percent} %"
        if passed > 20 and done:
            left = passed * (total - done) / done
            text += f" · {left / 60:.0f} min left" if left > 90 else f" · {left:.0f} s left"
        if self.live:
            self.note(text)
        elif percent >= self.shown + 10:
            self.shown = percent - percent % 10
            print(f"  {text}", flush=True)

    def end(self, how: str = "done") -> None:
        """Finish the line."""
        passed = time.monotonic() - self.began
        if self.live:
            self.note(f"{how} ({passed:.0f} s)")
            print(flush=True)
        else:
            print(f"  {how} ({passed:.0f} s)", flush=True)


class Lock:
    """At most one set-up in this folder. The operating system lets go of it when we die."""

    def __enter__(self) -> Lock:
        SETUP.mkdir(exist_ok=True)
        self.file = (SETUP / "lock").open("a+")
        waiting = False
        while not self._take():
            self.file.seek(0)
            owner = self.file.read().strip()
            if WINDOWS or not owner.isdigit() or lives(int(owner)):
                raise TroubleError(
                    "Another run.py is setting Ponder up in this folder; wait until it is done."
                )
            # It was killed, but a tool that it started still holds the lock: that one ends when it
            # next has something to say.
            if not waiting:
                print("Waiting for what an interrupted set-up left running ...", flush=True)
            waiting = True
            time.sleep(0.5)
        self.file.truncate(0)
        self.file.write(str(os.getpid()))
        self.file.flush()
        return self

    def _take(self) -> bool:
        try:
            if sys.platform == "win32":
                import msvcrt

                self.file.seek(2**20)  # beyond the text, which stays readable
                msvcrt.locking(self.file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.set_inheritable(self.file.fileno(), True)
        except OSError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self.file.close()


def lives(process: int) -> bool:
    """Return whether a process with this id exists (POSIX)."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
