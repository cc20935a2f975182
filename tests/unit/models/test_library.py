"""Models of other programs are found where they are, whole ones only, and deleted by nobody."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from app import settings
from app.errors import WorldError
from app.models import download_manifest, library, library_care
from app.models.library import LocalModel

DATA = b"GGUF" + bytes(100)
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder, empty but for what a test puts there."""
    for name in ("OLLAMA_MODELS", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("PONDER_HOME", str(tmp_path / "ponder"))
    return tmp_path / "home"


def put(path: Path, data: bytes = DATA) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def models() -> Path:
    return Path(os.environ["PONDER_HOME"]) / "data" / "models"


def note(home: Path, *names: str) -> None:
    """Note files as downloaded."""
    with download_manifest.changing(home) as files:
        files.update({name: {"hash": HASH} for name in names})


def found() -> dict[str, LocalModel]:
    """Return what is found beside the demo, by name."""
    return {model.name: model for model in library.found() if model.source != "demo"}


def test_the_demo_is_always_there() -> None:
    assert [model.source for model in library.found()] == ["demo"]


def test_ponders_own() -> None:
    put(models() / "maker/Model-GGUF/Model-Q4_K_M.gguf")
    put(models() / "maker/Model-GGUF/mmproj-F16.gguf")
    put(models() / "maker/Model-GGUF/Model-Q8_0.gguf.12345678.part")
    put(models() / "maker/Model-GGUF/Model-Q6_K.gguf.bad")
    (model,) = found().values()
    assert (model.source, model.repository) == ("ponder", "maker/Model-GGUF")
    assert (model.bytes, model.engine) == (len(DATA), "llama_cpp")


def test_a_split_model_is_one_and_only_whole() -> None:
    folder = models() / "maker/Big-GGUF/Q8_0"
    put(folder / "Big-Q8_0-00001-of-00003.gguf")
    put(folder / "Big-Q8_0-00003-of-00003.gguf")
    assert not found()
    put(folder / "Big-Q8_0-00002-of-00003.gguf")
    (model,) = found().values()
    assert (model.name, model.bytes) == ("Big-Q8_0", 3 * len(DATA))
    assert [path.name[9:14] for path in model.files()] == ["00001", "00002", "00003"]


def test_an_mlx_folder_is_one_and_only_whole() -> None:
    folder = models() / "maker/Model-MLX-4bit"
    put(folder / "model-1.safetensors")
    put(
        folder / "model.safetensors.index.json",
        b'{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}',
    )
    put(folder / "config.json", b'{"quantization": {"bits": 4}}')
    assert not found()
    put(folder / "model-2.safetensors")
    (model,) = found().values()
    assert (model.path, model.engine) == (str(folder), "mlx")
    # Weights for other programs are no MLX model.
    put(models() / "maker/Plain/config.json", b"{}")
    put(models() / "maker/Plain/model.safetensors")
    assert len(found()) == 1


@pytest.mark.parametrize("kind", ["default", "older", "pointer", "settings"])
def test_lm_studio(home: Path, tmp_path: Path, kind: str) -> None:
    folder = {
        "default": home / ".lmstudio/models",
        "older": home / ".cache/lm-studio/models",
        "pointer": tmp_path / "elsewhere/models",
        "settings": tmp_path / "big-disk",
    }[kind]
    put(folder / "maker/Model-GGUF/Model-Q4_K_M.gguf")
    if kind == "pointer":
        put(home / ".lmstudio-home-pointer", f"{tmp_path / 'elsewhere'}\n".encode())
    if kind == "settings":
        text = json.dumps({"downloadsFolder": str(folder)})
        put(home / ".lmstudio/settings.json", text.encode())
    (model,) = found().values()
    assert (model.source, model.repository) == ("lmstudio", "maker/Model-GGUF")


@pytest.mark.parametrize("variable", [False, True])
def test_ollama(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    folder = tmp_path / "store" if variable else home / ".ollama/models"
    if variable:
        monkeypatch.setenv("OLLAMA_MODELS", str(folder))
    blob = put(folder / "blobs" / f"sha256-{HASH}")
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:1", "size": 1},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{HASH}"},
    ]
    manifest = json.dumps({"layers": layers}).encode()
    put(folder / "manifests/registry.ollama.ai/library/magistral/24b", manifest)
    put(folder / "manifests/registry.ollama.ai/somebody/other/latest", manifest)
    gone = manifest.replace(HASH.encode(), b"0" * 64)
    put(folder / "manifests/registry.ollama.ai/library/gone/latest", gone)
    put(folder / "manifests/registry.ollama.ai/library/broken/latest", b"{")
    # Two names of one file are one model.
    (model,) = found().values()
    assert (model.path, model.name, model.source) == (str(blob), "magistral:24b", "ollama")
    assert library_care.verify(model)[0].problem is None
    with pytest.raises(WorldError) as caught:
        library_care.remove(model, really=True)
    assert "ollama rm magistral:24b" in caught.value.problem.advice


def hub_cache(home: Path, commit: str = "abc") -> Path:
    """Lay a model as Hugging Face's programs do: the content, and a link by its name."""
    home = home / ".cache/huggingface/hub/models--maker--Model-GGUF"
    put(home / "blobs" / HASH)
    link = home / "snapshots" / commit / "Model-Q4_K_M.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(home / "blobs" / HASH)
    return link


def test_the_hugging_face_cache(home: Path) -> None:
    hub_cache(home)
    link = hub_cache(home, "def")
    os.utime(link.parent, (2e9, 2e9))
    broken = link.with_name("Model-Q8_0.gguf")
    broken.symlink_to(home / "nowhere")
    (model,) = found().values()
    assert (model.path, model.repository) == (str(link), "maker/Model-GGUF")
    assert (model.source, model.bytes) == ("huggingface", len(DATA))
    assert library_care.verify(model)[0].by == "hash"
    link.resolve().write_bytes(b"other")
    (checked,) = library_care.verify(model)
    assert checked.problem is not None
    assert link.exists(), "what others keep is told of, not moved"


def test_folders_of_the_user_and_each_model_once(home: Path, tmp_path: Path) -> None:
    path = put(home / ".lmstudio/models/maker/Model/Model-Q4_K_M.gguf")
    other = put(tmp_path / "mine/deep/er/Other.gguf")
    (tmp_path / "mine/link.gguf").symlink_to(path)
    (tmp_path / "mine/round").symlink_to(tmp_path / "mine")
    folders = (str(tmp_path / "mine"), str(tmp_path / "not there"))
    settings.save(replace(settings.Settings(), more_folders=folders))
    assert {(m.path, m.source) for m in found().values()} == {
        (str(path), "lmstudio"),
        (str(other), "folder"),
    }


def test_find_by_path_name_and_repository() -> None:
    path = put(models() / "maker/Model-GGUF/Model-Q4_K_M.gguf")
    for name in (str(path), "model-q4_k_m", "Model-Q4_K_M.gguf", "maker/model-gguf"):
        model = library.find(name)
        assert model is not None
        assert model.path == str(path)
    assert library.find("nothing") is None


def test_removing_ponders_own_takes_its_files_only() -> None:
    home = models() / "maker/Model-GGUF"
    first, second = put(home / "A-Q4_K_M.gguf"), put(home / "B-Q4_K_M.gguf")
    note(home, first.name, second.name)
    one = library.find("A-Q4_K_M")
    assert one is not None
    assert library_care.removal(one) == (first,)
    library_care.remove(one)
    assert set(found()) == {"B-Q4_K_M"}
    two = library.find("B-Q4_K_M")
    assert two is not None
    library_care.remove(two)
    assert models().exists()
    assert not list(models().iterdir())


@pytest.mark.parametrize("source", ["lmstudio", "huggingface", "folder"])
def test_others_models_are_only_removed_when_it_is_meant(
    home: Path, tmp_path: Path, source: str
) -> None:
    match source:
        case "lmstudio":
            path = put(home / ".lmstudio/models/maker/Model/Model-Q4_K_M.gguf")
        case "huggingface":
            path = hub_cache(home)
        case _:
            path = put(tmp_path / "mine/Model-Q4_K_M.gguf")
            settings.save(replace(settings.Settings(), more_folders=(str(path.parent),)))
    (model,) = found().values()
    assert model.source == source
    with pytest.raises(WorldError) as caught:
        library_care.remove(model)
    assert str(path) in caught.value.problem.detail
    content = path.resolve()
    assert content.exists()
    assert path in library_care.remove(model, really=True)
    assert not path.exists()
    assert not content.exists()


def test_the_demo_stays() -> None:
    (demo,) = library.found()
    with pytest.raises(WorldError):
        library_care.remove(demo, really=True)
    assert Path(demo.path).exists()


def test_a_changed_file_is_set_aside(home: Path) -> None:
    folder = models() / "maker/Model-GGUF"
    path = put(folder / "A-Q4_K_M.gguf")
    note(folder, path.name)
    (model,) = found().values()
    seen: list[int] = []
    assert library_care.verify(model, seen.append)[0].problem is None
    assert seen == [len(DATA)]
    path.write_bytes(DATA[:-1] + b"x")
    (checked,) = library_care.verify(model)
    assert checked.problem is not None
    assert "set aside" in checked.problem.title
    assert not found()
    assert path.with_name("A-Q4_K_M.gguf.bad").exists()


def test_a_file_without_a_noted_hash_is_held_to_its_header(home: Path) -> None:
    put(home / ".lmstudio/models/maker/Model/Model-Q4_K_M.gguf", b"GGUF" + b"\3\0\0\0")
    (model,) = found().values()
    (checked,) = library_care.verify(model)
    assert checked.by == "header"
    assert checked.problem is not None
    assert "incomplete" in checked.problem.title
