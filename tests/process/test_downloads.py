"""Downloads through the real children: pause, cancel, several at once, and another start."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.cli import main
from app.fit.candidates import from_path
from app.models import download_manifest, download_records
from app.models.download_file import CHUNK_BYTES
from app.models.download_types import Patience
from app.models.downloads import AT_ONCE, Download, Downloads, Wanted
from tests.support import synthetic, synthetic_vision
from tests.support.hub_server import HubServer, Repo, serving

REPO = "maker/Model-GGUF"
DATA = random.Random(7).randbytes(6_000_000)
NAMES = tuple(f"Model-{kind}.gguf" for kind in ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"))
PATIENCE_S = 60.0


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    files = {name: DATA[number:] for number, name in enumerate(NAMES)}
    repos = {
        REPO: Repo(dict(files), tags=["gguf"]),
        "maker/Gated": Repo({NAMES[0]: DATA}, gated=True),
    }
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("HF_TOKEN_PATH", "/nowhere")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving(repos) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


class Watched(Downloads):
    """Downloads with a way to wait for what they come to."""

    def __init__(self, **options: object) -> None:
        self._changed = threading.Event()
        super().__init__(self._changed.set, **options)  # type: ignore[arg-type]  # passed on

    def until(self, done: Callable[[tuple[Download, ...]], bool]) -> tuple[Download, ...]:
        deadline = time.monotonic() + PATIENCE_S
        while not done(found := self.all()):
            assert time.monotonic() < deadline, found
            self._changed.wait(0.2)
            self._changed.clear()
        return found

    def one(self, *states: str) -> Download:
        return self.until(lambda found: found[0].state in states)[0]


def models() -> Path:
    return Path(os.environ["PONDER_HOME"]) / "data" / "models"


def arriving(found: tuple[Download, ...]) -> bool:
    return 0 < found[0].done_bytes < found[0].total_bytes


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if is_download(child)]


def is_download(child: psutil.Process) -> bool:
    try:
        return any("spawn_main" in word for word in child.cmdline())
    except psutil.NoSuchProcess:  # a zombie is one, too
        return False


def records() -> list[str]:
    folder = download_records.records_folder()
    return sorted(path.name for path in folder.glob("*.*") if path.suffix != ".lock")


def test_it_pauses_survives_a_restart_and_ends(hub: HubServer) -> None:
    hub.bytes_per_s = 3e6
    with Watched() as downloads:
        name = downloads.start(Wanted(REPO, files=(NAMES[0],), title="Model"))
        found = downloads.until(lambda all_: arriving(all_) and bool(all_[0].bytes_per_s))[0]
        assert found.total_bytes == len(DATA)
        assert found.seconds_left
        downloads.pause(name)
        assert downloads.all()[0].state == "paused"
        downloads.until(lambda _: not children())
    with Watched() as downloads:
        paused = downloads.all()[0]
        assert (paused.state, paused.wanted.title) == ("paused", "Model")
        assert 0 < paused.done_bytes < len(DATA)
        time.sleep(0.3)
        assert not children(), "what was paused stays so"
        downloads.resume(name)
        downloads.until(arriving)
    assert not children()
    hub.bytes_per_s = None
    # What was running goes on by itself.
    with Watched() as downloads:
        done = downloads.one("done", "failed")
        assert done.path == str(models() / REPO / NAMES[0])
        assert done.done_bytes == done.total_bytes == len(DATA)
    assert hashlib.sha256(Path(done.path).read_bytes()).digest() == hashlib.sha256(DATA).digest()
    assert not records()
    with Watched() as downloads:
        assert downloads.all() == ()


def test_several_at_once_and_the_others_wait(hub: HubServer) -> None:
    hub.bytes_per_s = 4e6
    most = 0

    def count(found: tuple[Download, ...]) -> bool:
        nonlocal most
        most = max(most, len(children()))
        return all(download.state == "done" for download in found)

    with Watched() as downloads:
        for name in NAMES:
            downloads.start(Wanted(REPO, files=(name,)))
        states = [download.state for download in downloads.all()]
        assert states.count("waiting") >= len(NAMES) - AT_ONCE
        downloads.until(count)
    assert most == AT_ONCE
    assert {path.name for path in (models() / REPO).glob("*.gguf")} == set(NAMES)
    assert set(download_manifest.read(models() / REPO)) == set(NAMES)


def test_cancel_leaves_nothing(hub: HubServer) -> None:
    hub.bytes_per_s = 3e6
    wanted = Wanted(REPO, files=(NAMES[0],))
    with Watched() as downloads:
        name = downloads.start(wanted)
        downloads.until(arriving)
        downloads.cancel(name)
        assert downloads.all() == ()
        # And again at once: the new one does not meet the old one's part.
        assert downloads.start(wanted) == name
        hub.bytes_per_s = None
        downloads.one("done")
        downloads.cancel(name)
    assert (models() / REPO / NAMES[0]).read_bytes() == DATA, "what is done stays"
    with Watched() as downloads:
        hub.bytes_per_s = 3e6
        name = downloads.start(Wanted(REPO, files=(NAMES[1],)))
        downloads.until(arriving)
        downloads.cancel(name)
    assert {path.name for path in (models() / REPO).iterdir()} == {NAMES[0], ".ponder.json"}
    assert not records()


def test_a_failure_is_shown_kept_and_gone_on_with(hub: HubServer) -> None:
    hub.faults.reset_after = 2_000_000
    hub.faults.lie_hash = True
    patience = Patience((0.0,), 2.0)
    with Watched(patience=patience) as downloads:
        name = downloads.start(Wanted(REPO, files=(NAMES[0],)))
        failed = downloads.one("failed")
        assert failed.problem is not None
        assert failed.problem.key == "download-damaged"
    with Watched() as downloads:
        again = downloads.all()[0]
        assert (again.state, again.problem) == ("failed", failed.problem)
        # What was agreed upon was a lie: it is asked anew.
        hub.faults.lie_hash = False
        hub.faults.reset_after = None
        downloads.resume(name)
        done = downloads.one("done", "failed")
        assert done.state == "done", done.problem
    assert [path.name for path in (models() / REPO).glob("*.bad")] == []


def test_a_network_that_comes_back_is_noticed(hub: HubServer) -> None:
    hub.faults.reset_after = 0
    with Watched(patience=Patience((), 2.0, again_s=0.5)) as downloads:
        downloads.start(Wanted(REPO, files=(NAMES[0],)))
        problem = downloads.one("failed").problem
        assert problem is not None
        assert problem.key == "net-broken"
        hub.faults.reset_after = None
        downloads.one("done")
    assert (models() / REPO / NAMES[0]).read_bytes() == DATA


def test_a_gated_repository_is_told_and_a_token_then_opens_it(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Watched() as downloads:
        name = downloads.start(Wanted("maker/Gated", files=(NAMES[0],)))
        problem = downloads.one("failed").problem
        assert problem is not None
        assert problem.key == "hub-gated"
        assert f"{hub.url}/maker/Gated" in problem.advice
        hub.token = "hf_secret"
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        downloads.resume(name)
        assert downloads.one("done", "failed").state == "done"


def test_the_command_line_is_interrupted_and_goes_on(
    hub: HubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.bytes_per_s = 3e6
    address = f"hf://{REPO}/{NAMES[0]}"
    command = [sys.executable, "-m", "app", "models", "get", address, "--json", "--accept-licence"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if 0 < json.loads(line)["done_bytes"] < len(DATA):
                break
        run.send_signal(signal.SIGINT)
        run.stdout.read()
    assert run.returncode == 130
    with Watched() as downloads:
        assert [download.state for download in downloads.all()] == ["paused"]
    assert main(["models", "list"]) == 0
    assert f"paused: {REPO}/{NAMES[0]}" in capsys.readouterr().out
    hub.bytes_per_s = None
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["event"] == "done"
    assert Path(last["path"]).read_bytes() == DATA
    assert hub.total_sent() < len(DATA) + 2 * CHUNK_BYTES


def test_what_was_begun_is_removed_by_its_name(hub: HubServer) -> None:
    hub.bytes_per_s = 3e6
    with Watched() as downloads:
        name = downloads.start(Wanted(REPO, files=(NAMES[0],)))
        downloads.until(arriving)
        downloads.pause(name)
    assert list((models() / REPO).iterdir())
    assert main(["models", "remove", NAMES[0]]) == 0
    assert not (models() / REPO).exists()
    assert not records()
    assert main(["models", "remove", NAMES[0]]) == 1


def test_two_ponders_do_not_disturb_each_other(hub: HubServer) -> None:
    hub.bytes_per_s = 3e5
    with Watched() as downloads:
        downloads.start(Wanted(REPO, files=(NAMES[0],)))
        downloads.until(arriving)
        with Watched() as other:
            problem = other.one("failed").problem
            assert problem is not None
            assert problem.key == "download-elsewhere"
        # The other one's record has not become a failure.
        assert [record.state for record in download_records.load_all()] == ["running"]
        hub.bytes_per_s = None
        downloads.one("done")
    assert (models() / REPO / NAMES[0]).read_bytes() == DATA


def test_a_damaged_record_is_set_aside(hub: HubServer) -> None:
    wanted = Wanted(REPO, files=(NAMES[0],))
    download_records.save(download_records.Record(wanted, str(models()), "paused"))
    (download_records.records_folder() / "0123456789abcdef.json").write_text('{"wanted": 3')
    with Watched() as downloads:
        assert [download.wanted for download in downloads.all()] == [wanted]
    assert "0123456789abcdef.damaged" in records()


def test_a_vision_part_comes_along_is_verified_and_goes_with_the_last_model(
    hub: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = synthetic.Shape(vocabulary=131_072, width=32, layers=1, feed_forward=32)
    model = synthetic_vision.write_model(tmp_path / "m.gguf", shape).read_bytes()
    eyes = synthetic_vision.write(tmp_path / "e.gguf", synthetic_vision.Eyes(32)).read_bytes()
    files = {"Seer-Q4_K_M.gguf": model, "Seer-Q8_0.gguf": model, "mmproj-F16.gguf": eyes}
    hub.repos["maker/Seer-GGUF"] = Repo({**files, "mmproj-F32.gguf": eyes + b"32"}, tags=["gguf"])
    for quantization in ("Q8_0", "Q4_K_M"):
        asked = ["models", "get", "hf://maker/Seer-GGUF", "--quantization", quantization]
        assert main([*asked, "--accept-licence"]) == 0
    home = models() / "maker" / "Seer-GGUF"
    here = sorted(path.name for path in home.glob("*.gguf"))
    assert here == ["Seer-Q4_K_M.gguf", "Seer-Q8_0.gguf", "mmproj-F16.gguf"]
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["models"]
    assert [one["name"] for one in listed if one["source"] == "ponder"] == [
        "Seer-Q4_K_M",
        "Seer-Q8_0",
    ]
    path = home / "Seer-Q8_0.gguf"
    assert from_path(path).projector == str(home / "mmproj-F16.gguf")
    assert main(["models", "verify", str(path)]) == 0
    assert main(["models", "remove", str(path)]) == 0
    assert (home / "mmproj-F16.gguf").exists()
    assert main(["models", "remove", str(home / "Seer-Q4_K_M.gguf")]) == 0
    assert not home.exists()
