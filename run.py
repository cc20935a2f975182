#!/usr/bin/env python3
"""Make Ponder ready in this folder and start it. Standard library only.

    python3 run.py [arguments]         the window
    python3 run.py test [arguments]    every check there is; arguments go to pytest

What is made: `.venv` (the locked packages, each checked against its hash) and `.setup` (the log,
the engine while it is being built, and `ready.json`, the stamp). The stamp holds a hash of all that
`.venv` was made from; it is removed before `.venv` is touched and written last. So a set-up cut
short at any moment is seen as such and `.venv` is made anew (from pip's cache), and a start with a
good stamp compares it and goes: nothing else runs and the network is not used.

The steps are in installers/: setup_system (what the operating system must bring), setup_engine
(llama.cpp, compiled once per computer), setup_formulas (MathJax, bundled once per computer),
setup_common (progress, the lock, failures in words).
"""

from __future__ import annotations  # so that an old Python gets as far as being told

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))
from installers import setup_engine, setup_formulas  # noqa: E402 - found through the line above
from installers.setup_common import (  # noqa: E402
    GIB,
    LOG,
    SETUP,
    WINDOWS,
    Lock,
    Progress,
    TroubleError,
    remove,
    require_space,
    run,
    write_whole,
)

OLDEST = (3, 11)
VENV = ROOT / ".venv"
STAMP = SETUP / "ready.json"
PACKAGES = VENV / "packages"  # there while `.venv` is whole but for the engine being built
EXTENDING = SETUP / "extending"  # there while the tests' packages are added to a good `.venv`
LOCKS = ROOT / "requirements"
ENGINE = "llama-cpp-python"
VENV_BYTES = 3 * GIB // 2  # measured: 1.0 GB with the test tools, beside pip's downloads
# The settings of pip that say how the network is reached. The others (a user's "user = yes", a
# target folder, a constraint) would change what is installed where: they are left out.
PIP_NETWORK = re.compile(
    "cache-dir|cert|client-cert|default-timeout|extra-index-url|find-links|index-url|"
    "keyring-provider|no-index|proxy|timeout|trusted-host"
)


def python_of(folder: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if WINDOWS else "bin/python")


def stamp_key() -> str:
    """Return a hash of all that `.venv` is made from: it is good while this stays the same."""
    parts = [sys.version, sys.platform, str(ROOT), setup_engine.accelerator(), setup_engine.RECIPE]
    parts += [(LOCKS / f"{name}.txt").read_text() for name in ("app", "test", "build")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_ready(key: str, *, testing: bool) -> bool:
    """Return whether the last set-up ended well and made what is wanted now."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    return stamp["key"] == key and (stamp["test"] or not testing) and python_of(VENV).exists()


def split_lock(name: str) -> tuple[str, str]:
    """Return a lock's entries that are wheels, and the engine's entry (source, built apart)."""
    text = re.sub(r"^\s*#.*\n", "", (LOCKS / f"{name}.txt").read_text(), flags=re.MULTILINE)
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    engine = "".join(entry for entry in entries if entry.startswith(ENGINE))
    return "".join(entry for entry in entries if not entry.startswith(ENGINE)), engine


def pip_environment(python: Path) -> dict[str, str]:
    """Return pip's environment: the machine's way to the network, none of its other habits."""
    env = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PIP_", "PYTHON"))
        or PIP_NETWORK.fullmatch(key[4:].lower().replace("_", "-"))
    }
    command = [str(python), "-I", "-u", "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, check=False, text=True).stdout
    for line in reversed(listed.splitlines()):  # "install.…" goes before "global.…"
        found = re.fullmatch(r"(?:global|install)\.([a-z-]+)='(.*)'", line)
        if found and PIP_NETWORK.fullmatch(found[1]):
            name = "PIP_" + found[1].upper().replace("-", "_")
            env.setdefault(name, found[2].replace("\\n", " ").strip())
    env.update(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    env["PIP_RETRIES"] = "3"  # pip says why it has to try again, and only then
    return env


def make_venv(folder: Path) -> Path:
    """Make an empty virtual environment, in place of what is there; return its interpreter."""
    remove(folder)
    base = getattr(sys, "_base_executable", sys.executable)
    run([base, "-m", "venv", folder], failed="Python's virtual environment could not be made")
    return python_of(folder)


def install(python: Path, requirements: str, label: str) -> None:
    """Install wheels that a lock names, each checked against its hash."""
    progress = Progress(label)
    wanted = SETUP / "wanted.txt"
    wanted.write_text(requirements)

    def on_line(line: str) -> None:
        found = re.match(r"(Collecting|Installing) (\S+)", line)
        if found:
            progress.note(found[2] if found[1] == "Collecting" else "unpacking")

    # --no-deps: a lock is complete.
    options = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--progress-bar", "off"]
    run(
        [python, "-I", "-u", "-m", "pip", "install", *options, "-r", wanted],
        env=pip_environment(python),
        on_line=on_line,
        failed="The packages could not be installed",
    )
    progress.end()


def install_engine(requirement: str) -> str:
    """Install the engine, built first if need be, and see that it runs; return what for."""
    kinds = list(dict.fromkeys([setup_engine.accelerator(), "cpu"]))
    for kind in kinds:
        last = kind == kinds[-1]
        for kept in (True, False):
            wheel = setup_engine.find(kind, requirement) if kept else None
            if kept and wheel is None:
                continue
            try:
                if wheel is None:
                    wheel = build_engine(kind, requirement)
                if install_wheel(wheel) and engine_runs():
                    return kind
                setup_engine.forget(kind, requirement)
                why = f"The engine for {setup_engine.NAMES[kind]} does not run on this computer"
            except TroubleError as trouble:
                if last:
                    raise
                why = str(trouble)
        if not last:
            print(f"{why}\nGoing on with the engine for the CPU.", flush=True)
    raise TroubleError(f"{why}. The whole output is in {LOG}.")


def install_wheel(wheel: Path) -> bool:
    """Install the engine's wheel, whatever is there; return whether that worked."""
    remove(PACKAGES)
    python = python_of(VENV)
    options = ["--no-deps", "--no-index", "--no-cache-dir", "--force-reinstall"]
    return run(
        [python, "-I", "-u", "-m", "pip", "install", *options, wheel],
        env=pip_environment(python),
    )


def build_engine(kind: str, requirement: str) -> Path:
    """Compile the engine with tools of its own, which go when it is done; return the wheel."""
    tools = python_of(setup_engine.BUILD_VENV)
    marker = setup_engine.BUILD_VENV / "ready"
    lock = setup_engine.BUILD_LOCK.read_text()
    if not marker.exists() or marker.read_text() != lock or not tools.exists():
        make_venv(setup_engine.BUILD_VENV)
        install(tools, lock, "Fetching the build tools")
        write_whole(marker, lock)
    wheel = setup_engine.build(kind, requirement, tools, pip_environment(tools))
    remove(setup_engine.BUILD_VENV)
    return wheel


def install_node(folder: Path, lock: str) -> Path:
    """Make an environment with Node in it; return its interpreter."""
    python = make_venv(folder)
    install(python, lock, "Fetching Node")
    return python


def engine_runs() -> bool:
    """Return whether the installed engine loads and evaluates, on the demo model where it is."""
    demo = ROOT / "resources" / "demo" / "ponder-demo.gguf"
    models = [demo] if demo.exists() else []
    return run([python_of(VENV), "-I", "-c", setup_engine.PROBE, *models])


def set_up(key: str, *, testing: bool) -> bool:
    """Make `.venv` what the stamp's key says. Raises TroubleError.

    Returns False where it must be called again by a new process: the system's Python may have been
    replaced under this one.
    """
    from installers import setup_system

    lock = "test" if testing else "app"
    packages, engine = split_lock(lock)
    compiling = setup_engine.find(setup_engine.accelerator(), engine) is None
    print("Setting Ponder up. This is done once, and goes on where it was stopped.", flush=True)
    remove(LOG)
    if setup_system.prepare(compiling=compiling, testing=testing):
        return False
    if testing and is_ready(key, testing=False) and not EXTENDING.exists():
        # The application is whole and stays so: the tests' lock has its versions and more.
        EXTENDING.touch()
        try:
            install(python_of(VENV), packages, "Fetching what the tests need")
        except TroubleError:  # pip changes nothing before it has everything
            remove(EXTENDING)
            raise
        write_stamp(key, testing=True)
        remove(EXTENDING)
        return True
    remove(STAMP)
    remove(EXTENDING)
    building = setup_engine.NEEDED_BYTES[setup_engine.accelerator()] if compiling else 0
    require_space(VENV_BYTES + building, "it")
    if not PACKAGES.exists() or PACKAGES.read_text() != key + lock:
        progress = Progress("Making Python's virtual environment")
        python = make_venv(VENV)
        progress.end()
        install(python, packages, "Fetching the packages")
        write_whole(PACKAGES, key + lock)
    kind = install_engine(engine)
    site = sysconfig.get_path("purelib", "venv", {"base": str(VENV)})
    (Path(site) / "ponder.pth").write_text(f"{ROOT}\n")  # `python -m app` from any folder
    write_stamp(key, testing=testing)
    print(f"Ponder is ready; its engine runs on {setup_engine.NAMES[kind]}.", flush=True)
    return True


def write_stamp(key: str, *, testing: bool) -> None:
    """Say that `.venv` is whole."""
    write_whole(STAMP, json.dumps({"key": key, "test": testing}))


def start(arguments: list[str]) -> int:
    """Start the window, or the same chat in the terminal where there is no display."""
    words = ["-P", "-m", "ui", *arguments]
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    screen = sys.platform != "linux" or any(os.environ.get(name) for name in screens)
    if not arguments and not screen:
        print("There is no display here, so Ponder starts in this terminal.", flush=True)
        words = ["-P", "-m", "app", "chat"]
    command = [str(python_of(VENV)), *words]
    if not WINDOWS:
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode


def test(arguments: list[str]) -> int:
    """Run every check; pytest last, so that its closing line is the last thing printed."""
    tools = python_of(VENV).parent
    failed = []
    checks = ("ruff check .", "ruff format --check .", "mypy", "lint-imports")
    for check in checks:
        name, *options = check.split()
        began = time.monotonic()
        done = subprocess.run(
            [str(tools / name), *options],
            cwd=ROOT,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode:
            failed.append(check)
            print(done.stdout, end="")
        how = "FAILED" if done.returncode else "ok"
        print(f"{check}: {how} ({time.monotonic() - began:.1f} s)", flush=True)
    if failed:
        print(f"Failed so far: {', '.join(failed)}. The tests follow.", flush=True)
    # Several at once: on two cores it halves the wait, and beyond four the slowest tests decide.
    workers = str(min(4, os.cpu_count() or 1))
    spread = ["-n", workers, "--dist", "worksteal"]
    command = [str(python_of(VENV)), "-m", "pytest", *spread, *arguments]
    tested = subprocess.run(command, cwd=ROOT, check=False).returncode
    return tested or bool(failed)


def main(arguments: list[str]) -> int:
    """Set Ponder up if need be, then start it or test it; return the exit status."""
    if sys.version_info < OLDEST:
        newer = [f"python3.{minor}" for minor in range(20, 10, -1)]
        found = next((f" Try: {name} run.py" for name in newer if shutil.which(name)), "")
        this = ".".join(map(str, sys.version_info[:2]))
        print(f"Ponder needs Python 3.11 or later; this is {this}.{found}", file=sys.stderr)
        return 1
    testing = arguments[:1] == ["test"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every console can show a "·"
    try:
        key = stamp_key()
        if not is_ready(key, testing=testing):
            with Lock():
                ready = is_ready(key, testing=testing) or set_up(key, testing=testing)
            if not ready:
                os.execv(sys.executable, [sys.executable, str(ROOT / "run.py"), *arguments])
        if not setup_formulas.is_ready():
            with Lock():
                setup_formulas.make(install_node)
        return test(arguments[1:]) if testing else start(arguments)
    except TroubleError as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nPonder could not be set up: {error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where this stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
