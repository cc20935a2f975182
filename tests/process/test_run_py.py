"""run.py as a user meets it: a small project of the same shape, set up for real, and interrupted.

The project's only package and its engine are wheels of a few lines, made here and locked by their
hashes; everything else is the real thing: run.py, its steps, venv and pip. Nothing is downloaded.
"""

import ast
import base64
import fcntl
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from installers import setup_common, setup_engine, setup_formulas, setup_system
from installers.setup_common import Progress, TroubleError

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = [ROOT / "run.py", *sorted((ROOT / "installers").glob("setup_*.py"))]
REFUSED = "http://127.0.0.1:9/simple"  # the port "discard": nothing listens
PATIENCE_S = 600.0  # on a machine that is busy with other things

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="uses POSIX signals and locks"),
    pytest.mark.timeout(2 * PATIENCE_S),
]


def wheel(folder: Path, name: str, code: str, requires: str = "") -> str:
    """Make a wheel of one module; return its entry in a lock."""
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record += f"{path},sha256={digest.rstrip('=')},{len(text)}\n"
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    made = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n"


class Project:
    """A checkout of the same shape as Ponder's, with a tiny package, engine and window."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"  # with a space: people have them
        self.index = folder / "index"
        (self.root / "installers").mkdir(parents=True)
        for script in SCRIPTS:
            shutil.copy(script, self.root / script.relative_to(ROOT))
        (self.root / "ui").mkdir()
        (self.root / "ui" / "__main__.py").write_text(
            "import sys, tiny, llama_cpp\nprint('window', *sys.argv[1:], flush=True)\n"
        )
        (self.root / "app").mkdir()
        (self.root / "app" / "__main__.py").write_text("import sys\nprint('app', *sys.argv[1:])\n")
        (self.root / "requirements").mkdir()
        engine = "llama-cpp-python==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
        self.lock(wheel(self.index, "tiny", "") + engine)
        (self.root / "requirements" / "build.txt").write_text(wheel(self.index, "smith", ""))
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PIP_")},
            "XDG_CACHE_HOME": str(folder / "cache"),
            "HOME": str(folder),
            "PIP_FIND_LINKS": str(self.index),
            "PIP_INDEX_URL": REFUSED,
            "PIP_USER": "1",  # a habit that must not reach the set-up
            "QT_QPA_PLATFORM": "offscreen",
        }
        mathjax = self.root / "resources" / "mathjax"
        mathjax.mkdir(parents=True)
        for made_from in setup_formulas.MADE_FROM:
            (mathjax / made_from).write_text("{}\n")
        (self.root / "requirements" / "node.txt").write_text("")
        formulas = self.python("print(run.setup_formulas.key())")
        name = self.python("print(run.setup_engine.name_of('cpu', run.split_lock('app')[1]))")
        kept = folder / "cache" / "Ponder" / "engine" / name
        wheel(kept, "llama-cpp-python", "")
        made = kept / "llama_cpp_python-1.0-py3-none-any.whl"
        with zipfile.ZipFile(made, "a") as archive:
            archive.writestr("llama_cpp.py", "def llama_backend_init(): pass\n")
        self.bundle = folder / "cache" / "Ponder" / "formulas" / f"{formulas[:20]}.js"
        self.bundle.parent.mkdir()
        self.bundle.write_text("mathjax")

    def lock(self, text: str) -> None:
        for name in ("app", "test"):
            (self.root / "requirements" / f"{name}.txt").write_text(text)

    def python(self, code: str) -> str:
        command = [sys.executable, "-c", f"import run\n{code}"]
        done = subprocess.run(
            command, cwd=self.root, env=self.env, capture_output=True, check=True, text=True
        )
        return done.stdout.strip()

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "run.py", *arguments],
            cwd=self.root,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        with self.start(*arguments) as started:
            said = started.communicate(timeout=PATIENCE_S)[0]
        return started.returncode, said


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has been set up once."""
    project = Project(tmp_path_factory.mktemp("ready"))
    status, said = project.run("first")
    assert (status, said.splitlines()[-1]) == (0, "window first"), said
    return project


def test_a_second_start_does_nothing_but_start(ready: Project) -> None:
    marks = {path: path.stat().st_mtime_ns for path in ready.root.rglob("*") if path.is_file()}
    ready.env["PIP_INDEX_URL"] = ready.env["PIP_FIND_LINKS"] = REFUSED
    assert ready.run("second", "--flag") == (0, "window second --flag\n")
    ready.env["PIP_FIND_LINKS"] = str(ready.index)
    now = {path: path.stat().st_mtime_ns for path in ready.root.rglob("*") if path.is_file()}
    assert {path: now.get(path) for path in marks} == marks


def test_without_a_display_it_says_so_and_chats_in_the_terminal(ready: Project) -> None:
    if sys.platform != "linux":
        pytest.skip("other systems always have a display")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        ready.env.pop(name, None)
    status, said = ready.run()
    ready.env["QT_QPA_PLATFORM"] = "offscreen"
    assert (status, said.splitlines()[-1]) == (0, "app chat")
    assert "no display" in said


def test_what_the_stamp_was_not_made_for_is_not_ready(ready: Project) -> None:
    stamp, lock = ready.root / ".setup" / "ready.json", ready.root / "requirements" / "app.txt"
    interpreter = ready.root / ".venv" / "bin" / "python"
    question = "print(run.is_ready(run.stamp_key(), testing=False))"
    good = {path: path.read_text() for path in (stamp, lock)}
    assert ready.python(question) == "True"
    for path, text in ((stamp, '{"key": '), (stamp, ""), (lock, good[lock] + "#")):
        path.write_text(text)
        assert ready.python(question) == "False"
        path.write_text(good[path])
    target = interpreter.readlink()
    interpreter.unlink()
    interpreter.symlink_to("gone")
    assert ready.python(question) == "False"
    interpreter.unlink()
    interpreter.symlink_to(target)
    assert ready.python(question) == "True"


def test_killed_at_any_moment_the_next_start_mends_it(ready: Project) -> None:
    (ready.root / ".setup" / "ready.json").unlink()
    for moment in ("Making", "Fetching"):
        with ready.start() as started:
            assert started.stdout is not None
            for line in started.stdout:
                if line.startswith(moment):
                    time.sleep(random.uniform(0, 1))
                    started.send_signal(signal.SIGKILL)
        assert started.returncode == -signal.SIGKILL
        assert not (ready.root / ".setup" / "ready.json").exists()
    status, said = ready.run()
    assert (status, said.splitlines()[-1]) == (0, "window"), said


def test_two_at_once_and_what_a_killed_one_left_running(ready: Project) -> None:
    stamp = ready.root / ".setup" / "ready.json"
    good = stamp.read_text()
    stamp.unlink()
    with (ready.root / ".setup" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        status, said = ready.run()
        assert status == 1
        assert "Another run.py is setting Ponder up" in said
        gone = subprocess.Popen(["true"])
        gone.wait()
        lock.seek(0)
        lock.truncate()
        lock.write(str(gone.pid))
        lock.flush()
        with ready.start() as started:
            assert started.stdout is not None
            assert "Waiting" in started.stdout.readline()
            stamp.write_text(good)
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert started.stdout.read() == "window\n"


def test_what_is_wrong_with_a_package_is_one_sentence(ready: Project) -> None:
    tiny = wheel(ready.index, "tiny", "")
    absent = tiny.replace("tiny", "absent")
    changed = re.sub("sha256:.*", "sha256:" + "0" * 64, tiny).replace("tiny", "smith")
    cases = [
        (changed, "", "a downloaded package is not the one that Ponder was tested with"),
        (absent, "", "the package index could not be reached"),
        (absent, "1", "there is no build of absent==1.0 for this computer (Python "),
    ]
    for lock, no_index, sentence in cases:
        code = f"try: run.install(run.python_of(run.VENV), {lock!r}, 'Fetching')\n"
        code += "except run.TroubleError as trouble: print(trouble)"
        ready.env["PIP_NO_INDEX"] = no_index or "0"
        said = ready.python(code).splitlines()[-1]
        ready.env.pop("PIP_NO_INDEX")
        assert said.startswith(f"The packages could not be installed: {sentence}"), said
        assert said.endswith(".setup/build.log.")


def test_an_interrupt_is_no_traceback(ready: Project) -> None:
    stamp = ready.root / ".setup" / "ready.json"
    good = stamp.read_text()
    stamp.unlink()
    with ready.start() as started:
        assert started.stdout is not None
        started.stdout.readline()
        started.send_signal(signal.SIGINT)
        said = started.stdout.read()
    stamp.write_text(good)
    assert started.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "Stopped. The same command goes on where this stopped."


NODE = """#!/bin/sh
case "$1" in
  --version) echo v20.1.0 ;;
  build.mjs) mkdir -p dist && echo bundled > dist/mathjax.js ;;
esac
"""
NPM = """#!/bin/sh
if [ "$1" = ci ] && [ -e "$0.cut" ]; then echo npm error code ENOTFOUND; exit 1; fi
"""


def test_mathjax_is_bundled_once_and_its_trouble_is_one_sentence(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.bundle.unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, code in (("node", NODE), ("npm", NPM)):
        (tools / name).write_text(code)
        (tools / name).chmod(0o755)
    project.env["PATH"] = f"{tools}{os.pathsep}{project.env['PATH']}"
    cut = tools / "npm.cut"
    cut.touch()
    status, said = project.run()
    assert status == 1
    assert said.splitlines()[-1].startswith("MathJax could not be fetched: the package index could")
    assert "Traceback" not in said
    cut.unlink()
    status, said = project.run("next")
    assert (status, said.splitlines()[-1]) == (0, "window next"), said
    made = project.root / "resources" / "mathjax" / "dist" / "mathjax.js"
    assert made.read_text() == project.bundle.read_text() == "bundled\n"
    (made.parent.parent / "entry.js").write_text("other")
    status, said = project.run("changed")
    assert (status, said.splitlines()[-1]) == (0, "window changed"), said
    assert "Bundling it" in said
    assert "virtual environment" not in said


def test_an_old_python_is_told_in_a_sentence() -> None:
    for script in SCRIPTS:
        ast.parse(script.read_text(), feature_version=(3, 9))
    code = (
        "import sys, runpy; sys.version_info = (3, 9, 18); runpy.run_path('run.py', {}, '__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Ponder needs Python 3.11 or later; this is 3.9.")
    assert len(done.stderr.splitlines()) == 1


def test_the_disk_is_looked_at_before_it_is_full() -> None:
    setup_common.require_space(1, "it")
    with pytest.raises(TroubleError, match=r"too full.* needs 1024\.0 GB and [\d.]+ GB are free"):
        setup_common.require_space(2**40, "it")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQ", "not the one that Ponder"),
        ("NewConnectionError('<…>: [Errno -3] Temporary failure in name resolution')", "network"),
        ("ERROR: No matching distribution found for numpy==2.3.5", "no build of numpy==2.3.5"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "out of memory"),
        ("CMake Error: CMAKE_CXX_COMPILER not set, after EnableLanguage", "compiler does not work"),
        ("something else", ""),
    ],
)
def test_a_tools_failure_in_words(output: str, words: str) -> None:
    assert words in setup_common.cause(output)
    assert bool(words) == bool(setup_common.cause(output))


def test_progress_from_a_real_build(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("Building")
    for line in (ROOT / "tests" / "fixtures" / "ninja.log").read_text().splitlines(keepends=True):
        setup_engine.follow_ninja(progress, line)
    progress.end()
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Building ..."
    assert [line.strip() for line in said[1:-1]] == [f"{tens}0 %" for tens in range(1, 11)]
    assert said[-1].strip() == "done (0 s)"


def test_as_many_compilers_as_cores_and_memory_allow() -> None:
    assert 1 <= setup_engine.jobs() <= (os.cpu_count() or 1)


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it; the folder that it names."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_cuda_needs_the_compiler_and_the_device(bare_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("looks for Linux's devices")
    device = Path("/dev/nvidia0").exists() or Path("/usr/lib/wsl/lib/libcuda.so.1").exists()
    installed = Path("/usr/local/cuda/bin/nvcc").exists()
    assert setup_engine.accelerator() == ("cuda" if device and installed else "cpu")
    (bare_path / "nvcc").write_text("#!/bin/sh\n")
    (bare_path / "nvcc").chmod(0o755)
    assert setup_engine.accelerator() == ("cuda" if device else "cpu")


def test_the_one_command_for_each_system(bare_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup_system, "_opens", lambda name: name != "libxcb-cursor.so.0")
    commands = {
        "apt-get": "sudo apt-get install -y g++ libxcb-cursor0",
        "dnf": "sudo dnf install -y gcc-c++ 'libxcb-cursor.so.0()(64bit)'",
        "zypper": "sudo zypper install -y gcc-c++ 'libxcb-cursor.so.0()(64bit)'",
        "pacman": "sudo pacman -S --needed gcc xcb-util-cursor",
    }
    for manager, command in commands.items():
        (bare_path / manager).write_text("#!/bin/sh\n")
        (bare_path / manager).chmod(0o755)
        with pytest.raises(TroubleError) as raised:
            setup_system._prepare_linux(compiling=True, testing=False)
        assert str(raised.value).splitlines()[-1].strip() == command
        (bare_path / manager).unlink()


def test_the_list_of_qts_libraries_is_whole() -> None:
    if sys.platform != "linux" or not shutil.which("objdump"):
        pytest.skip("needs objdump, which comes with a compiler")
    import PySide6

    qt = Path(PySide6.__file__).parent / "Qt"
    loaded = [qt / "lib" / f"libQt6{name}.so.6" for name in ("Gui", "Widgets", "DBus", "XcbQpa")]
    loaded += [qt / "plugins" / "platforms" / f"libq{name}.so" for name in ("xcb", "offscreen")]
    loaded += (qt / "plugins" / "xcbglintegrations").glob("*.so")
    needed: set[str] = set()
    for path in loaded:
        with subprocess.Popen(["objdump", "-p", path], stdout=subprocess.PIPE, text=True) as dump:
            needed |= set(re.findall(r"NEEDED\s+(\S+)", dump.communicate()[0]))
    system = ("libQt6", "libicu", "libc.", "libm.", "libdl.", "libpthread.", "libstdc++.", "libgcc")
    outside = {name for name in needed if not name.startswith((*system, "ld-linux", "libz."))}
    assert outside
    assert outside <= set(setup_system.QT_LIBRARIES.split())
