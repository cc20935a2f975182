"""What the operating system must bring: shared libraries for Qt, a C++ compiler, Python's venv.

Everything is checked before anything is downloaded, so that there is one command to run. On Debian
and Ubuntu as root that command is run; anyone else is shown it. (No library is taken for there
because a package is: each is opened, as Qt will.)
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from installers.setup_common import WINDOWS, Progress, TroubleError, run

# Qt's shared libraries that its wheel does not bring: the library, Debian's package, Arch's.
# dnf and zypper install by the library's own name. tests/process/test_run_py.py holds the list
# against what Qt's plugins ask for.
QT_LIBRARIES = """
libEGL.so.1 libegl1 libglvnd
libGL.so.1 libgl1 libglvnd
libX11.so.6 libx11-6 libx11
libX11-xcb.so.1 libx11-xcb1 libx11
libdbus-1.so.3 libdbus-1-3 dbus
libfontconfig.so.1 libfontconfig1 fontconfig
libfreetype.so.6 libfreetype6 freetype2
libglib-2.0.so.0 libglib2.0-0 glib2
libgthread-2.0.so.0 libglib2.0-0 glib2
libxcb.so.1 libxcb1 libxcb
libxcb-cursor.so.0 libxcb-cursor0 xcb-util-cursor
libxcb-glx.so.0 libxcb-glx0 libxcb
libxcb-icccm.so.4 libxcb-icccm4 xcb-util-wm
libxcb-image.so.0 libxcb-image0 xcb-util-image
libxcb-keysyms.so.1 libxcb-keysyms1 xcb-util-keysyms
libxcb-randr.so.0 libxcb-randr0 libxcb
libxcb-render.so.0 libxcb-render0 libxcb
libxcb-render-util.so.0 libxcb-render-util0 xcb-util-renderutil
libxcb-shape.so.0 libxcb-shape0 libxcb
libxcb-shm.so.0 libxcb-shm0 libxcb
libxcb-sync.so.1 libxcb-sync1 libxcb
libxcb-util.so.1 libxcb-util1 xcb-util
libxcb-xfixes.so.0 libxcb-xfixes0 libxcb
libxcb-xkb.so.1 libxcb-xkb1 libxcb
libxkbcommon.so.0 libxkbcommon0 libxkbcommon
libxkbcommon-x11.so.0 libxkbcommon-x11-0 libxkbcommon-x11
"""
MANAGERS = {
    "apt-get": "apt-get install -y",
    "dnf": "dnf install -y",
    "zypper": "zypper install -y",
    "pacman": "pacman -S --needed",
}
COMPILER = {"apt-get": "g++", "dnf": "gcc-c++", "zypper": "gcc-c++", "pacman": "gcc"}
VENV = {"apt-get": f"python3.{sys.version_info[1]}-venv"}


def prepare(*, compiling: bool, testing: bool) -> bool:
    """See that the system has what Ponder needs, installing it where that is ours to do.

    Returns whether anything that was needed had to be installed: Python itself may be another now.
    Raises TroubleError with the one command to run, or with the reason why there is none.
    """
    for module in ("ctypes", "ssl", "sqlite3", "zlib"):
        if importlib.util.find_spec(f"_{module}" if module != "zlib" else module) is None:
            raise TroubleError(f"This Python was built without {module}; use another Python.")
    system: str = sys.platform
    if system == "linux":
        return _prepare_linux(compiling=compiling, testing=testing)
    if system == "darwin":
        if compiling and not _works(["xcode-select", "-p"]):
            raise TroubleError(
                "Ponder needs Apple's compiler. Run this, then run.py again:\n"
                "    xcode-select --install"
            )
    elif compiling and not _has_visual_studio():
        raise TroubleError(
            "Ponder needs Microsoft's C++ compiler. Run this, then run.py again:\n"
            "    winget install Microsoft.VisualStudio.2022.BuildTools --override "
            '"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
        )
    return False


def _prepare_linux(*, compiling: bool, testing: bool) -> bool:
    manager = next((name for name in MANAGERS if shutil.which(name)), "")
    missing = missing_packages(manager, compiling=compiling)
    if manager == "apt-get" and os.geteuid() == 0:
        optional = ["xvfb"] if testing and not shutil.which("Xvfb") else []
        if missing or optional:
            _install_with_apt(missing, optional)
        still = missing_packages(manager, compiling=compiling)
        if still:
            raise TroubleError(
                f"Ponder needs {' '.join(still)} from the system, and apt-get did not bring it."
            )
        return bool(missing)
    if missing and manager:
        sudo = "" if os.geteuid() == 0 else "sudo "
        raise TroubleError(
            "Ponder needs some system packages. Run this, then run.py again:\n"
            f"    {sudo}{MANAGERS[manager]} {' '.join(missing)}"
        )
    if missing:
        raise TroubleError(f"Ponder needs these from the system: {', '.join(missing)}.")
    return False


def missing_packages(manager: str, *, compiling: bool) -> list[str]:
    """Return what the system lacks, as this package manager names it (each once, in order)."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(VENV.get(manager, "python3-venv"))
    if compiling and not has_compiler():
        missing.append(COMPILER.get(manager, "a C++ compiler"))
    for line in QT_LIBRARIES.split("\n")[1:-1]:
        library, debian, arch = line.split()
        by_library = f"'{library}()(64bit)'" if manager in ("dnf", "zypper") else library
        if not _opens(library):
            missing.append({"apt-get": debian, "pacman": arch}.get(manager, by_library))
    return list(dict.fromkeys(missing))


def has_compiler() -> bool:
    """Return whether CMake will find a C and a C++ compiler."""
    kinds = (("CC", "cc", "gcc", "clang"), ("CXX", "c++", "g++", "clang++"))
    return all(
        any(shutil.which(name) for name in (os.environ.get(variable, ""), *names) if name)
        for variable, *names in kinds
    )


def _opens(library: str) -> bool:
    import ctypes

    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _install_with_apt(needed: list[str], optional: list[str]) -> None:
    progress = Progress(f"Installing system packages ({' '.join(needed + optional)})")
    command = ["apt-get", "install", "-y", "--no-install-recommends"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if not run([*command, *needed, *optional], env=env):
        run(["apt-get", "update"], env=env)  # the lists of a fresh image are empty
        if needed:
            run([*command, *needed], env=env, failed="The system packages were not installed")
        if optional:
            run([*command, *optional], env=env)
    progress.end()


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _has_visual_studio() -> bool:
    if not WINDOWS or shutil.which("cl"):
        return True
    programs = os.environ.get("PROGRAMFILES(X86)", "C:\\Program Files (x86)")
    finder = Path(programs) / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    tools = [f"Microsoft.VisualStudio.Component.VC.Tools.{kind}" for kind in ("x86.x64", "ARM64")]
    query = [str(finder), "-products", "*", "-requires", *tools, "-requiresAny"]
    query += ["-property", "installationPath"]
    try:
        found = subprocess.run(query, capture_output=True, check=False, text=True).stdout
    except OSError:
        return False
    return bool(found.strip())
