"""The rules of the house: what ruff, mypy and import-linter cannot say."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
SHIPPED = ("app", "ui", "installers", "resources")
HEAVY = ("PySide6", "shiboken6", "llama_cpp", "numpy", "huggingface_hub", "mlx", "markdown_it")
ENGINES = {"llama_cpp", "mlx", "mlx_lm"}
# Whose terms allow Ponder to be passed on with them (Qt and PySide6 under the LGPL).
FREE = re.compile(r"MIT|BSD|Apache|PSF|Python Software Foundation|LGPL|MPL|ISC|HPND", re.IGNORECASE)


def modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*found, ROOT / "run.py"]


def tracked() -> list[Path]:
    try:
        command = ["git", "-C", str(ROOT), "ls-files", "-z"]
        listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def is_binary(path: Path) -> bool:
    try:
        return "\0" in path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return True


def project() -> dict[str, list[str]]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {"app": table["project"]["dependencies"], **table["dependency-groups"]}


def pins(lock: str) -> dict[str, list[Requirement]]:
    """Return the entries of a lock by name: one for each Python version that needs its own."""
    found: dict[str, list[Requirement]] = {}
    for line in (LOCKS / f"{lock}.txt").read_text().splitlines():
        if re.match(r"[a-z]", line):
            pin = Requirement(line.rstrip(" \\"))
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def python(code: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_modules_are_short_and_say_why_they_are_there() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in modules(*SHIPPED)}
    assert not [str(path) for path, text in texts.items() if len(text.splitlines()) > 400]
    assert not [str(path) for path, text in texts.items() if not ast.get_docstring(ast.parse(text))]


def test_what_follows_the_theme_ends_with_its_widget() -> None:
    """Qt drops the connections of a method with its object; a lambda is called for a dead one."""
    texts = {path: path.read_text(encoding="utf-8") for path in modules("ui")}
    assert not [str(path) for path, text in texts.items() if "changed.connect(lambda:" in text]


def test_only_the_back_ends_import_an_engine_and_only_when_they_run() -> None:
    offences = []
    imports = re.compile(rf"^ *(?:import|from) +(?:{'|'.join(ENGINES)})\b", re.MULTILINE)
    for path in modules("app", "ui"):
        text = path.read_text(encoding="utf-8")
        if not imports.search(text):
            continue
        tree = ast.parse(text)
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        within = {node for function in functions for node in ast.walk(function)}
        for scope in ast.walk(tree):
            for node in ast.iter_child_nodes(scope):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                if not ENGINES & {name.split(".")[0] for name in names}:
                    continue
                in_function = node in within
                types_only = isinstance(scope, ast.If) and "TYPE_CHECKING" in ast.dump(scope.test)
                home = ROOT / "app" / "engine" / "backends"
                if path.parent != home or not (in_function or types_only):
                    offences.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not offences


def test_app_imports_without_qt_and_without_anything_heavy() -> None:
    loaded = python(
        "import sys, pkgutil, importlib\n"
        "sys.modules['PySide6'] = sys.modules['shiboken6'] = None\n"
        "import app\n"
        "for found in pkgutil.walk_packages(app.__path__, 'app.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(*(name for name in sys.modules if sys.modules[name]))\n"
    ).split()
    assert "app.chat.session" in loaded
    assert not [name for name in loaded if name.split(".")[0] in ("ui", "PySide6", *ENGINES)]
    assert "numpy" not in loaded


def test_the_window_starts_before_anything_heavy_is_imported() -> None:
    loaded = python("import sys, ui.__main__\nprint(*sys.modules)").split()
    assert "ui.__main__" in loaded
    assert not set(HEAVY) & set(loaded)


def test_pyside_keeps_its_references() -> None:
    """6.12.0 aborts on Python 3.11: it drops a reference per Signal.emit and QPainter call."""
    version = tuple(map(int, importlib.metadata.version("PySide6-Essentials").split(".")[:2]))
    assert version < (6, 12)
    said = python(
        "import os\n"
        "os.environ['QT_QPA_PLATFORM'] = 'offscreen'\n"
        "from PySide6.QtCore import QObject, Signal\n"
        "from PySide6.QtGui import QGuiApplication, QImage, QPainter\n"
        "class Bell(QObject):\n"
        "    rang = Signal(bool)\n"
        "application = QGuiApplication([])\n"
        "bell, heard = Bell(), []\n"
        "bell.rang.connect(heard.append)\n"
        "image = QImage(8, 8, QImage.Format.Format_ARGB32)\n"
        "painter = QPainter(image)\n"
        "for turn in range(2000):\n"
        "    bell.rang.emit(turn % 2 == 0)\n"
        "    painter.setRenderHint(QPainter.RenderHint.Antialiasing, turn % 2 == 0)\n"
        "    painter.isActive(), painter.drawLine(0, 0, 8, 8)\n"
        "painter.end()\n"
        "print(sum(heard), len(heard))\n"
    )
    assert said.split() == ["1000", "2000"]


def test_no_tracked_file_names_a_machine_or_an_index() -> None:
    anywhere = re.compile(
        r"/root/|/work/|/home/[a-z]+/|/Users/[a-z]+/|[A-Z]:\\Users\\|/opt/(?:pypi|wheels)|"
        r"\b(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2}\b"
    )
    in_locks = re.compile(r"https?:|file:|--(?:extra-)?index|--find-links|--trusted-host| @ ")
    offences = []
    for path in tracked():
        if is_binary(path) or path == Path(__file__):
            continue
        pattern = in_locks if path.parent == LOCKS else anywhere
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [number for number, line in enumerate(lines, 1) if pattern.search(line)]
        offences += [f"{path.relative_to(ROOT)}:{number}" for number in found]
    assert not offences


def test_tracked_binary_files_are_ours() -> None:
    ours = ("resources/demo/", "resources/screenshots/")
    names = [path.relative_to(ROOT).as_posix() for path in tracked() if is_binary(path)]
    assert not [name for name in names if not name.startswith(ours)]


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    wanted = project()
    for lock, groups in {"app": ["app"], "test": ["app", "test"], "build": ["build"]}.items():
        held = pins(lock)
        for text in (text for group in groups for text in wanted[group]):
            asked = Requirement(text)
            entries = held.get(canonicalize_name(asked.name), [])
            assert entries, f"{text} is not in {lock}.txt: run requirements/lock.sh"
            for pin in entries:
                version = str(pin.specifier).removeprefix("==")
                assert asked.specifier.contains(version), f"{lock}.txt: {pin} for {text}"


def test_what_is_imported_is_asked_for() -> None:
    wanted = {canonicalize_name(Requirement(text).name) for text in project()["app"]}
    owners = importlib.metadata.packages_distributions()
    known = set(sys.stdlib_module_names) | {"app", "ui", "installers"}
    missing = set()
    for path in modules("app", "ui"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in {name.split(".")[0] for name in names} - known:
                here = {canonicalize_name(owner) for owner in owners.get(name, [name])}
                # PySide6-Essentials brings shiboken6, which is part of it.
                if not here & wanted and name != "shiboken6":
                    missing.add(f"{name} in {path.relative_to(ROOT)}")
    assert not missing


@pytest.mark.parametrize("lock", ["app", "test", "build"])
def test_a_lock_pins_and_hashes_every_entry(lock: str) -> None:
    entries = re.split(r"^(?=[a-z])", (LOCKS / f"{lock}.txt").read_text(), flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[0-9][\w.]*( ; .*)? \\\n", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\n", entry), entry[:80]


def test_the_tests_run_on_the_versions_that_users_get() -> None:
    app, test = pins("app"), pins("test")
    # Only where they are needed may differ: the tests use MLX on a Linux computer too.
    assert {name: versions(app[name]) for name in app} == {
        name: versions(test.get(name, [])) for name in app
    }


def versions(pinned: list[Requirement]) -> set[str]:
    return {str(requirement.specifier) for requirement in pinned}


@pytest.mark.parametrize("name", sorted(pins("app")))
def test_a_dependency_may_be_passed_on(name: str) -> None:
    try:
        metadata = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("not needed on this computer")
    said = [metadata.get(key, "") for key in ("License-Expression", "License")]
    said += [line for line in metadata.get_all("Classifier", []) if line.startswith("License")]
    assert FREE.search("\n".join(said)), said


def test_the_readme_names_the_two_commands_and_shows_the_window() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL))
    commands = set(re.findall(r"^python3 run\.py.*?(?=\s*(?:#|$))", blocks, re.MULTILINE))
    assert commands == {"python3 run.py", "python3 run.py test"}
    for image in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme):
        assert (ROOT / image).is_file(), image
    assert "FIGURE" not in readme


def test_ci_runs_the_one_command() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o100
    assert "set -eu" in script.read_text()
    assert "exec python3 run.py test" in script.read_text()
