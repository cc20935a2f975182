"""Starting twice, starting without a display that answers, and files named at the start."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from app import instance, paths
from app.chat.store import Store
from app.errors import WorldError
from app.instance import Claim, Doorbell, Ring

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180.0

needs_x11 = pytest.mark.skipif(sys.platform != "linux", reason="X11 and Wayland are Linux's")


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PONDER_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", **more}


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextmanager
def window(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Open a window in a process of its own, and end it as a crash would."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ui", *arguments],
        cwd=ROOT,
        env=environment(home),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.communicate()


def start(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ui", *arguments],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def transcript(path: Path, title: str) -> Path:
    """Write messages as OpenAI has them: what any program may hand over."""
    messages = [{"role": "user", "content": title}, {"role": "assistant", "content": "Yes."}]
    path.write_text(json.dumps({"messages": messages}), encoding="utf-8")
    return path


def titles(home: Path) -> list[str]:
    database = home / "data" / "chats.sqlite3"
    if not database.exists():
        return []
    store = Store(database)
    try:
        return sorted(chat.title for chat in store.list_chats())
    finally:
        store.close()


def test_the_second_start_hands_its_files_over_and_ends(tmp_path: Path) -> None:
    """Two real windows: one that is killed, whose lock dies with it, and the one after it."""
    named = transcript(tmp_path / "chat.json", "Named at a second start")
    with window(tmp_path) as first:
        until((tmp_path / "data" / instance.LOCK).exists)
        done = start(tmp_path, str(named))
        assert (done.returncode, done.stderr) == (0, "")
        # The store is read here beside the window, as the command line reads it.
        until(lambda: titles(tmp_path) == ["Named at a second start"])
        assert first.poll() is None
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        with window(tmp_path, str(named)) as next_one:
            until(lambda: len(titles(tmp_path)) == 2)
            assert next_one.poll() is None


def test_the_lock_is_one_process_s_at_a_time(ponder_home: Path) -> None:
    first, second = Claim(paths.data_dir()), Claim(paths.data_dir())
    assert (first.first, second.first) == (True, False)
    second.close()
    first.close()
    third = Claim(paths.data_dir())
    assert third.first
    third.close()


@pytest.mark.parametrize("deep", [False, True])
def test_what_is_said_at_the_door_is_heard(
    ponder_home: Path, deep: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if deep:  # a folder whose name is too long for a socket's
        monkeypatch.setenv("PONDER_HOME", str(tmp_path / ("d" * 120)))
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "leave")
    claim = instance.first_or_ring([])
    assert claim is not None
    heard: list[Ring] = []
    bell = Doorbell(heard.append)
    assert instance.first_or_ring(["a.gguf"]) is None
    assert instance.first_or_ring([]) is None
    bell.close()
    assert heard == [Ring((str(Path("a.gguf").absolute()),), "leave"), Ring((), "leave")]
    # A window that ends while the other calls leaves its place to it.
    threading.Timer(0.2, claim.close).start()
    heir = instance.first_or_ring([])
    assert heir is not None
    heir.close()


def test_nonsense_at_the_door_is_not_heard(ponder_home: Path) -> None:
    claim = instance.first_or_ring([])
    assert claim is not None
    heard: list[Ring] = []
    bell = Doorbell(heard.append)
    for said in (b"{", b"[]", b'{"files": 3, "token": ""}', b'{"files": [3], "token": ""}'):
        caller = instance._call(said)
        caller.close()
    with instance._call(b"x" * (1 << 17)):
        pass
    assert instance.first_or_ring(["b"]) is None
    assert [len(ring.files) for ring in heard] == [1]
    bell.close()
    claim.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe there is in no folder")
def test_a_window_closes_after_someone_tidied_its_socket_away(ponder_home: Path) -> None:
    claim = instance.first_or_ring([])
    assert claim is not None
    bell = Doorbell(lambda _: None)
    socket = Path(instance._address())
    aside = socket.with_name("aside")
    socket.rename(aside)
    bell.close()
    with pytest.raises(FileNotFoundError):
        instance._call(b"")
    # The thread ends with its process; here it is called to its end by the other name.
    aside.rename(socket)
    with suppress(OSError):
        instance._call(b"").close()
    claim.close()


def test_a_window_that_does_not_answer_is_told_in_a_sentence(
    ponder_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = instance.first_or_ring([])
    assert claim is not None
    monkeypatch.setattr(instance, "_ANSWERED_S", 0.2)
    with pytest.raises(WorldError, match="does not answer"):
        instance.first_or_ring([])
    claim.close()


@needs_x11
def test_a_display_that_is_gone_is_one_sentence_and_no_core_dump(tmp_path: Path) -> None:
    for named in (
        {"DISPLAY": ":87", "WAYLAND_DISPLAY": ""},
        {"DISPLAY": "", "WAYLAND_DISPLAY": "wayland-gone"},
        {"DISPLAY": ":87", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": "xcb"},
        {"DISPLAY": "nonsense", "WAYLAND_DISPLAY": ""},
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ui"],
            cwd=ROOT,
            env=environment(tmp_path, **{"QT_QPA_PLATFORM": "", **named}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert done.stderr.startswith("ponder: the display does not answer (")
        assert len(done.stderr.splitlines()) == 1
