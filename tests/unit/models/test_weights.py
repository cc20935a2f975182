"""Weights are known by their hash, worked out once and again when the file has changed."""

import hashlib
import os
from pathlib import Path

import pytest

from app.models import download_manifest, weights
from app.models.weights import Weights, WeightsDesk


def test_a_file_is_read_once_and_again_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights" * 1000)
    assert weights.known(str(path)) is None
    expected = Weights(hashlib.sha256(b"weights" * 1000).hexdigest())
    assert weights.worked_out(str(path)) == expected
    assert weights.known(str(path)) == expected
    with monkeypatch.context() as patched:
        patched.setattr(weights.files, "sha256", lambda *_: pytest.fail("read again"))
        assert weights.worked_out(str(path)) == expected
    path.write_bytes(b"Weights" * 1000)
    os.utime(path, (1e9, 1e9))
    assert weights.known(str(path)) is None
    assert weights.worked_out(str(path)) != expected


def test_a_split_file_and_a_folder_are_known_by_the_list_of_their_sums(tmp_path: Path) -> None:
    lines = ""
    for part in (1, 2):
        data = b"part" * part
        name = f"m-0000{part}-of-00002.gguf"
        (tmp_path / name).write_bytes(data)
        lines += f"{hashlib.sha256(data).hexdigest()}  {name}\n"
    found = weights.worked_out(str(tmp_path / "m-00001-of-00002.gguf"))
    assert found == Weights(hashlib.sha256(lines.encode()).hexdigest())
    folder = tmp_path / "mlx"
    folder.mkdir()
    lines = ""
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes(name.encode())
        lines += f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n"
    found = weights.worked_out(str(folder))
    assert found == Weights(hashlib.sha256(lines.encode()).hexdigest())


def test_what_was_downloaded_says_from_where(tmp_path: Path) -> None:
    home = tmp_path / "publisher" / "repository"
    for name in ("model.gguf", "Q5/deep.gguf"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"x")
        with download_manifest.changing(home) as files:
            files[name] = {"bytes": 1, "hash": "ab", "commit": "c0ffee"}
        found = weights.worked_out(str(home / name))
        assert found is not None
        assert (found.repository, found.revision) == ("publisher/repository", "c0ffee")


def test_what_is_not_there_is_not_known(tmp_path: Path) -> None:
    assert weights.worked_out(str(tmp_path / "gone.gguf")) is None
    path = tmp_path / "model.gguf"
    path.write_bytes(b"x")
    assert weights.worked_out(str(path), stopped=lambda: True) is None
    assert weights.known(str(path)) is None


def test_the_desk_works_in_the_background(tmp_path: Path) -> None:
    import threading

    woken = threading.Semaphore(0)
    desk = WeightsDesk(woken.release)
    names = [str(tmp_path / f"{number}.gguf") for number in range(3)]
    for name in names:
        Path(name).write_text(name)
    for name in (*names, names[0], str(tmp_path / "gone")):
        desk.ask(name)
    found: dict[str, Weights] = {}
    while len(found) < 3:
        assert woken.acquire(timeout=60)
        found.update(desk.poll())
    assert set(found) == set(names)
    assert weights.known(names[2]) == found[names[2]]
    desk.close()
    desk.ask(names[0])
    assert desk.poll() == []
