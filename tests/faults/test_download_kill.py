"""kill -9 of the download's child and of the whole app, at random points; then count the bytes.

    PONDER_KILLS=20 PONDER_BYTES=210000000 python -m pytest -s tests/faults/test_download_kill.py

The ordinary run kills twice each. The server is real, and counts what it sends.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.models.download_file import CHUNK_BYTES
from app.models.downloads import Downloads, Wanted
from tests.support.hub_server import HubServer, Repo, serving

KILLS = int(os.environ.get("PONDER_KILLS", "2"))
BYTES = int(os.environ.get("PONDER_BYTES", "16000000"))
CHANCE = random.Random(int(os.environ.get("PONDER_SEED", "1")))
REPO, FILE = "maker/Model-GGUF", "Model-Q4_K_M.gguf"
IN_THE_NETWORK = 1 << 20
"""What the two sockets may hold at the moment of a kill: sent, and never seen by the child."""
ORPHAN_S = 5.0
PATIENCE_S = 60.0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.gguf"
    with path.open("wb") as file:
        for start in range(0, BYTES, 1 << 22):
            file.write(CHANCE.randbytes(min(1 << 22, BYTES - start)))
    return path


@pytest.fixture
def hub(source: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    # So fast that a kill can still be aimed.
    with serving(
        {REPO: Repo({FILE: source}, tags=["gguf"])}, bytes_per_s=min(BYTES / 2, 40e6)
    ) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def points() -> list[int]:
    """Return where to kill: a random one in each part of the file, in bytes that have arrived."""
    step = (BYTES - 4 * CHUNK_BYTES) // KILLS
    return [CHANCE.randrange(step * number, step * (number + 1)) for number in range(KILLS)]


def parts() -> list[Path]:
    return list(Path(os.environ["PONDER_HOME"]).glob(f"data/models/{REPO}/{FILE}.*.part"))


def arrived() -> int:
    """Return the bytes in the part file; all of them once it has got its name."""
    for path in parts():
        try:
            return path.stat().st_size
        except FileNotFoundError:
            break
    return BYTES if final().exists() else 0


def final() -> Path:
    return Path(os.environ["PONDER_HOME"]) / "data" / "models" / REPO / FILE


def wait_for(size: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    # Something has to come in each life.
    size = min(max(size, arrived() + 1), BYTES)
    while not (parts() or final().exists()) or arrived() < size:
        assert time.monotonic() < deadline, f"{arrived()} of {size} bytes arrived"
        time.sleep(0.002)


def wait_until_dead(child: psutil.Process) -> None:
    """Wait without asking how it ended: that is for its parent, here this process's own thread."""
    deadline = time.monotonic() + ORPHAN_S
    with suppress(psutil.NoSuchProcess):
        while child.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def check(hub: HubServer, source: Path, begun_at: list[int], what: str) -> None:
    """The file is right, every request began where the part ended, and little came twice."""
    with final().open("rb") as found, source.open("rb") as wanted:
        assert (
            hashlib.file_digest(found, "sha256").digest()
            == hashlib.file_digest(wanted, "sha256").digest()
        )
    twice = hub.total_sent() - BYTES
    starts = [int(text.removeprefix("bytes=").rstrip("-") or 0) for text in hub.ranges()]
    print(f"{what}: {KILLS} kills, {len(starts)} requests, {twice:,} of {BYTES:,} bytes sent twice")
    assert len(starts) == KILLS + 1
    assert set(starts) <= {0, *begun_at}, "a request did not begin where the part ended"
    assert twice <= KILLS * (CHUNK_BYTES + IN_THE_NETWORK)
    assert not parts()


def children_of(pid: int) -> list[psutil.Process]:
    """Return the processes that download."""
    return [child for child in psutil.Process(pid).children(recursive=True) if is_download(child)]


def is_download(child: psutil.Process) -> bool:
    try:
        return any("spawn_main" in word for word in child.cmdline())
    except psutil.NoSuchProcess:  # a zombie is one, too
        return False


def test_kill_the_child(hub: HubServer, source: Path) -> None:
    begun_at = []
    with Downloads() as downloads:
        name = downloads.start(Wanted(REPO, files=(FILE,)))
        for point in points():
            wait_for(point)
            for child in children_of(os.getpid()):
                child.kill()
                wait_until_dead(child)
            begun_at.append(arrived())
            downloads.resume(name)
        deadline = time.monotonic() + PATIENCE_S
        while downloads.all()[0].state != "done":
            if downloads.all()[0].state == "failed":
                # One that was killed before it had begun is not started again by itself.
                problem = downloads.all()[0].problem
                assert problem is not None
                assert problem.key == "hub-ended"
                downloads.resume(name)
            assert time.monotonic() < deadline, downloads.all()
            time.sleep(0.01)
        assert downloads.all()[0].path == str(final())
    check(hub, source, begun_at, "child")


def test_kill_the_app(hub: HubServer, source: Path) -> None:
    begun_at = []
    command = [sys.executable, "-m", "tests.support.download_writer", REPO, FILE]
    for point in points():
        with subprocess.Popen(command) as app:
            wait_for(point)
            children = children_of(app.pid)
            app.kill()
        assert app.returncode == -signal.SIGKILL, "it was done before it was killed"
        psutil.wait_procs(children, ORPHAN_S)
        assert not [child for child in children if child.is_running()], "a child lived on"
        begun_at.append(arrived())
    done = subprocess.run(command, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0
    check(hub, source, begun_at, "app")
