"""What can go wrong with a download: each a sentence, nothing half-used, nothing lost.

The hub is a real server and its client the real one; the job runs in this process, as it does in
the child, so that a hundred faults take seconds.
"""

import hashlib
import random
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from app import net, settings
from app.errors import Problem, WorldError
from app.models import download_child, download_manifest
from app.models.download_child import Job
from app.models.download_file import CHUNK_BYTES, FileDownload
from app.models.download_types import Agreed, Item, Patience, Progress, Wanted, Word
from tests.support.certificates import authority
from tests.support.hub_server import COMMIT, HubServer, Repo, serving

REPO, FILE = "maker/Model-GGUF", "Model-Q4_K_M.gguf"
MLX = "maker/Model-MLX-4bit"
DATA = random.Random(5).randbytes(5_300_000)
HASH = hashlib.sha256(DATA).hexdigest()
PARTS = tuple(f"Q8_0/Model-Q8_0-0000{part}-of-00003.gguf" for part in (1, 2, 3))
QUICK = Patience(waits_s=(0.0, 0.0, 0.0), silence_s=0.5)
WANTED = Wanted(REPO, files=(FILE,))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    repos = {
        REPO: Repo(
            {FILE: DATA, "README.md": b"words", **dict.fromkeys(PARTS, DATA[:200_000])},
            tags=["gguf"],
        ),
        MLX: Repo(
            {
                "config.json": b'{"quantization": {"bits": 4}}',
                "model.safetensors": DATA[:300_000],
                "tokenizer.json": b"{}",
                "README.md": b"words",
                "picture.png": b"png",
                ".gitattributes": b"",
            },
            tags=["mlx"],
            library="mlx",
        ),
        "maker/Gated-GGUF": Repo({FILE: DATA}, tags=["gguf"], gated=True),
    }
    for name in ("HF_TOKEN", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", "/nowhere")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with serving(repos) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with door():
            yield hub


@contextmanager
def door() -> Iterator[None]:
    """Open the door in this process, and leave no connection behind."""
    net.open_door("Test")
    from huggingface_hub import close_session

    yield
    close_session()


class Try:
    """One life of a download: what it said, and where it ended."""

    def __init__(
        self,
        folder: Path,
        wanted: Wanted = WANTED,
        agreed: Agreed | None = None,
        said: Callable[[Word], None] | None = None,
        patience: Patience = QUICK,
    ) -> None:
        self.words: list[Word] = []
        self.problem: Problem | None = None
        self.path: Path | None = None

        def send(word: Word) -> None:
            self.words.append(word)
            if said is not None:
                said(word)

        try:
            job = Job(wanted, agreed, str(folder), 0, patience)
            self.path = download_child.run(job, send)
        except WorldError as error:
            self.problem = error.problem

    @property
    def key(self) -> str:
        return self.problem.key if self.problem else "done"


def left(folder: Path) -> dict[str, int]:
    """Return all files below a folder, with their sizes, but the list of what was downloaded."""
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".ponder.json"
    }


def part(folder: Path) -> Path:
    return folder / REPO / f"{FILE}.{HASH[:8]}.part"


def test_a_file_arrives_whole_and_is_noted(hub: HubServer, tmp_path: Path) -> None:
    done = Try(tmp_path)
    assert done.path == tmp_path / REPO / FILE
    assert done.path.read_bytes() == DATA
    assert left(tmp_path) == {f"{REPO}/{FILE}": len(DATA)}
    noted = download_manifest.read(tmp_path / REPO)[FILE]
    assert noted == {"hash": HASH, "bytes": len(DATA), "commit": COMMIT}
    assert done.words[-1] == Progress(len(DATA))
    # Again: nothing is fetched, nor asked, once it is known what it is.
    agreed = done.words[0]
    assert isinstance(agreed, Agreed)
    before = len(hub.requests)
    assert Try(tmp_path, agreed=agreed).path == done.path
    assert len(hub.requests) == before


def test_split_files_come_together(hub: HubServer, tmp_path: Path) -> None:
    done = Try(tmp_path, Wanted(REPO, files=(PARTS[0],)))
    assert done.path == tmp_path / REPO / PARTS[0]
    assert set(left(tmp_path)) == {f"{REPO}/{name}" for name in PARTS}


def test_an_mlx_folder_comes_whole_and_without_words(hub: HubServer, tmp_path: Path) -> None:
    done = Try(tmp_path, Wanted(MLX))
    assert done.path == tmp_path / MLX
    names = {"config.json", "model.safetensors", "tokenizer.json"}
    assert {path.name for path in done.path.iterdir()} == {*names, ".ponder.json"}
    files = [path for _, path, _ in hub.requests if "/resolve/" in path]
    assert files[-1].endswith("config.json"), "a half of a folder would look like a model"


def test_a_connection_that_breaks_is_gone_on_with(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.reset_after, hub.faults.resets = 2_000_000, 2
    done = Try(tmp_path)
    assert done.key == "done"
    assert done.path is not None
    assert done.path.read_bytes() == DATA
    assert len(hub.ranges()) == 3
    assert hub.total_sent() - len(DATA) <= 2 * CHUNK_BYTES


def test_the_part_of_another_life_is_gone_on_with(hub: HubServer, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir(parents=True)
    part(tmp_path).write_bytes(DATA[:3_000_001])
    assert Try(tmp_path).key == "done"
    assert hub.ranges() == ["bytes=3000001-"]
    assert hub.total_sent() == len(DATA) - 3_000_001


def test_a_whole_part_only_needs_its_name(hub: HubServer, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir(parents=True)
    part(tmp_path).write_bytes(DATA)
    assert Try(tmp_path).key == "done"
    assert hub.total_sent() == 0
    assert left(tmp_path) == {f"{REPO}/{FILE}": len(DATA)}


def test_a_file_that_was_not_noted_is_not_fetched_again(hub: HubServer, tmp_path: Path) -> None:
    """As after a kill between its renaming and its noting."""
    (tmp_path / MLX).mkdir(parents=True)
    for name in ("model.safetensors", "tokenizer.json"):
        content = hub.repos[MLX].files[name]
        assert isinstance(content, bytes)
        (tmp_path / MLX / name).write_bytes(content)
    assert Try(tmp_path, Wanted(MLX)).key == "done"
    assert set(hub.sent) == {"config.json"}
    assert set(download_manifest.read(tmp_path / MLX)) == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    }


def test_a_server_without_ranges_begins_anew(hub: HubServer, tmp_path: Path) -> None:
    part(tmp_path).parent.mkdir(parents=True)
    part(tmp_path).write_bytes(DATA[:3_000_000])
    hub.faults.no_ranges = True
    done = Try(tmp_path)
    assert done.path is not None
    assert done.path.read_bytes() == DATA


_NO_CREDENTIALS = "Invalid credentials in Authorization header"
_DISABLED = "Access to this resource is disabled."


def error(message: str) -> dict[str, str]:
    return {"X-Error-Message": message}


FAULTS: dict[str, tuple[Callable[[HubServer], None], str]] = {
    "reset": (lambda hub: setattr(hub.faults, "reset_after", 0), "net-broken"),
    "stall": (lambda hub: setattr(hub.faults, "stall_after", 0), "net-stalled"),
    "429": (lambda hub: setattr(hub.faults, "statuses", [(429, {})] * 9), "hub-busy"),
    "429 for an hour": (
        lambda hub: setattr(hub.faults, "statuses", [(429, {"Retry-After": "3600"})]),
        "hub-busy",
    ),
    "503": (lambda hub: setattr(hub.faults, "statuses", [(503, {})] * 9), "hub-broken"),
    "403": (lambda hub: setattr(hub.faults, "statuses", [(403, {})]), "hub-gated"),
    "410": (lambda hub: setattr(hub.faults, "statuses", [(410, {})]), "hub-refused"),
    "api 429": (lambda hub: setattr(hub.faults, "api_status", (429, {})), "hub-busy"),
    "api 500": (lambda hub: setattr(hub.faults, "api_status", (500, {})), "hub-broken"),
    "wrong token": (
        lambda hub: setattr(hub.faults, "api_status", (401, error(_NO_CREDENTIALS))),
        "hub-token",
    ),
    "switched off": (
        lambda hub: setattr(hub.faults, "api_status", (403, error(_DISABLED))),
        "hub-disabled",
    ),
    "log-in page": (lambda hub: setattr(hub.faults, "html", True), "hub-answer"),
    "hash": (lambda hub: setattr(hub.faults, "lie_hash", True), "download-damaged"),
    "flipped bit": (lambda hub: setattr(hub.faults, "flip_byte", 4_000_000), "download-damaged"),
    "larger": (lambda hub: setattr(hub.faults, "lie_size", 9), "download-size"),
    "smaller": (lambda hub: setattr(hub.faults, "lie_size", -9), "download-size"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_sentence_and_passes(hub: HubServer, tmp_path: Path, name: str) -> None:
    fault, key = FAULTS[name]
    fault(hub)
    failed = Try(tmp_path)
    assert failed.key == key, failed.problem
    check_words(failed.problem)
    # Nothing that a model could be taken for.
    assert not (tmp_path / REPO / FILE).exists()
    bad = tmp_path / REPO / f"{FILE}.bad"
    assert bad.exists() == (key == "download-damaged")
    hub.faults = type(hub.faults)()
    assert Try(tmp_path).key == "done"
    assert left(tmp_path) == {f"{REPO}/{FILE}": len(DATA)}
    assert (tmp_path / REPO / FILE).read_bytes() == DATA


def check_words(problem: Problem | None) -> None:
    """One sentence of what happened, one of what to do, none of the machine's words."""
    assert problem is not None
    assert problem.title.endswith(".")
    assert problem.advice.endswith(".")
    for word in ("Traceback", "Error", "Exception", "httpx", "errno", "None"):
        assert word not in problem.sentence()


def test_what_a_limit_says_is_waited_for(hub: HubServer, tmp_path: Path) -> None:
    hub.faults.statuses = [(429, {"Retry-After": "1"}), (503, {}), (503, {})]
    assert Try(tmp_path).key == "done"


MISSING = {
    "repository": (Wanted("mistralai/Magistral-32B", files=(FILE,)), "hub-no-repository"),
    "revision": (Wanted(REPO, "v9", (FILE,)), "hub-no-revision"),
    "file": (Wanted(REPO, files=("Model-Q9.gguf",)), "hub-no-file"),
    "part": (Wanted(REPO, files=("Model-00001-of-00002.gguf",)), "hub-no-file"),
    "no name": (Wanted("a/b/c", files=(FILE,)), "hub-address"),
    "gated": (Wanted("maker/Gated-GGUF", files=(FILE,)), "hub-gated"),
    "no model": (Wanted(REPO), "hub-no-model"),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_there_is_told(hub: HubServer, tmp_path: Path, name: str) -> None:
    wanted, key = MISSING[name]
    failed = Try(tmp_path, wanted)
    assert failed.key == key, failed.problem
    check_words(failed.problem)
    assert not left(tmp_path)


def test_a_token_opens_a_gated_repository(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert Try(tmp_path, Wanted("maker/Gated-GGUF", files=(FILE,))).key == "done"
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    assert Try(tmp_path / "b", Wanted("maker/Gated-GGUF", files=(FILE,))).key == "hub-gated"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("http://127.0.0.1:9", "net-unreachable"),
        ("http://nowhere.invalid", "net-name"),
        ("https://127.0.0.1:{port}", "net-tls"),
        ("gopher://127.0.0.1", "net-address"),
    ],
)
def test_a_hub_that_cannot_be_reached(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, key: str
) -> None:
    port = hub.url.rpartition(":")[2]
    monkeypatch.setenv("HF_ENDPOINT", address.format(port=port))
    failed = Try(tmp_path)
    assert failed.key == key, failed.problem
    check_words(failed.problem)


def test_a_proxy_is_used(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.url)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with door():
        assert Try(tmp_path).key == "done"
    assert any(contact.host == "hub.example" for contact in net.contacts())


def test_an_office_may_name_its_certificate(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = authority(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with serving(hub.repos, tls=tls) as secure:
        monkeypatch.setenv("HF_ENDPOINT", secure.url)
        with door():
            failed = Try(tmp_path / "models")
        assert failed.key == "net-tls"
        assert "SSL_CERT_FILE" in failed.problem.advice if failed.problem else False
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with door():
            assert Try(tmp_path / "models").key == "done"


def test_what_the_hub_does_not_hand_out_in_one_is_told(hub: HubServer, tmp_path: Path) -> None:
    huge = Item("Huge.gguf", 60_000_000_000, "f" * 64)
    file = FileDownload(huge, tmp_path / "Huge.gguf", hub.url, {}, QUICK, lambda *_: None)
    with pytest.raises(WorldError) as caught:
        file.run()
    assert "50 GB" in caught.value.problem.title
    check_words(caught.value.problem)
    assert not left(tmp_path)


def test_offline_asks_nobody(hub: HubServer, tmp_path: Path) -> None:
    settings.save(replace(settings.Settings(), offline=True))
    failed = Try(tmp_path)
    assert failed.key == "offline"
    check_words(failed.problem)
    assert not hub.requests


def test_a_folder_that_cannot_be_written(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    failed = Try(tmp_path / "file")
    assert failed.key == "folder-unwritable"
    check_words(failed.problem)


def test_a_repository_cannot_write_outside_its_folder(hub: HubServer, tmp_path: Path) -> None:
    for name in ("../../evil.gguf", "/etc/evil.gguf", "C:\\evil.gguf", "a/../../evil.gguf"):
        hub.repos[REPO].files[name] = b"evil"
        failed = Try(tmp_path / "models", Wanted(REPO, files=(name,)))
        assert failed.key == "download-name"
    assert not left(tmp_path)


def test_another_ponder_is_not_disturbed(hub: HubServer, tmp_path: Path) -> None:
    others: list[Try] = []

    def meanwhile(word: Word) -> None:
        if isinstance(word, Progress) and word.done_bytes > CHUNK_BYTES and not others:
            with_agreed = next(w for w in first.words if isinstance(w, Agreed))
            others.append(Try(tmp_path, agreed=with_agreed))

    first = Try.__new__(Try)
    first.__init__(tmp_path, said=meanwhile)  # type: ignore[misc]  # it is needed while it runs
    assert first.key == "done"
    assert [other.key for other in others] == ["download-elsewhere"]


# ------------------------------------------------------------ a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 80 megabytes, of which a download leaves 64 MiB alone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small file system needs root on Linux")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room on a disk."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return path


def test_a_disk_without_room_is_told_before(hub: HubServer, small_disk: Path) -> None:
    (small_disk / "other").write_bytes(bytes(12_000_000))
    failed = Try(small_disk / "models")
    assert failed.key == "disk-room"
    assert failed.problem is not None
    assert "0.01 GB" in failed.problem.title
    check_words(failed.problem)
    assert hub.total_sent() == 0


def test_a_disk_that_fills_up_keeps_the_part(hub: HubServer, small_disk: Path) -> None:
    folder = small_disk / "models"
    fillers: list[Path] = []

    def meanwhile(word: Word) -> None:
        if isinstance(word, Progress) and word.done_bytes > CHUNK_BYTES and not fillers:
            fillers.append(fill(small_disk))

    hub.bytes_per_s = 20e6
    failed = Try(folder, said=meanwhile)
    assert failed.key == "disk-full", failed.problem
    check_words(failed.problem)
    kept = part(folder).stat().st_size
    assert kept > CHUNK_BYTES
    assert part(folder).read_bytes() == DATA[:kept]
    fillers[0].unlink()
    assert Try(folder).key == "done"
    assert hub.ranges()[-1] == f"bytes={kept}-"
    assert (folder / REPO / FILE).read_bytes() == DATA


def test_a_limit_of_file_sizes_is_a_full_disk(hub: HubServer, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        failed = Try(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failed.key == "disk-full"
    assert part(tmp_path).stat().st_size == 2_000_000
    assert Try(tmp_path).key == "done"
    assert left(tmp_path) == {f"{REPO}/{FILE}": len(DATA)}
