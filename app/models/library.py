"""The models that are on this computer already, whoever fetched them: used where they are.

Ponder's own folder, LM Studio's, Ollama's, the Hugging Face cache, folders of the user's, and the
demo. Only names and sizes are read here; never a copy is made. Finding takes some milliseconds a
folder: for a job, not for the window's thread.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app import paths, settings
from app.models.download_records import models_folder
from app.models.download_types import is_later_part, siblings

Source = Literal["ponder", "lmstudio", "ollama", "huggingface", "folder", "demo"]
EngineName = Literal["llama_cpp", "mlx"]

_DEEPEST = 5
"""Folders below a folder that are looked into: publisher, repository, quantization, and some."""
_OLLAMA_MODEL = "application/vnd.ollama.image.model"


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that can be loaded. path: its file, the first of a split one, or the MLX folder.

    bytes: of all its files. repository: on the hub, where known; Ollama's name for its own.
    """

    path: str
    name: str
    source: Source
    bytes: int
    engine: EngineName
    repository: str | None = None

    def files(self) -> tuple[Path, ...]:
        """Return its files, the first one first."""
        path = Path(self.path)
        if path.is_dir():
            return tuple(sorted(file for file in path.iterdir() if _is_file(file)))
        return tuple(path.with_name(name) for name in siblings(path.name))


def found() -> tuple[LocalModel, ...]:
    """Return all models of this computer, each once, whole ones only."""
    known: set[str] = set()
    models = []
    for model in _every():
        real = os.path.realpath(model.path)
        if real not in known:
            known.add(real)
            models.append(model)
    return tuple(models)


def find(name: str) -> LocalModel | None:
    """Return the model of a path or name; where several have the name, the first found."""
    real = os.path.realpath(Path(name).expanduser())
    models = found()
    by_path = (model for model in models if os.path.realpath(model.path) == real)
    by_name = (
        model
        for model in models
        if name.lower() in (model.name.lower(), Path(model.path).name.lower())
        or (model.repository or "").lower() == name.lower()
    )
    return next(by_path, None) or next(by_name, None)


def at(path: Path) -> LocalModel | None:
    """Return the model that a path names, a GGUF file or an MLX folder, wherever it is."""
    if _is_file(path / "config.json"):
        size = sum(file.stat().st_size for file in path.glob("*") if _is_file(file))
        return LocalModel(str(path), path.name, "folder", size, "mlx")
    if path.suffix != ".gguf" or not _is_file(path):
        return None
    return LocalModel(str(path), path.stem, "folder", path.stat().st_size, "llama_cpp")


def _every() -> Iterator[LocalModel]:
    yield from _tree(models_folder(), "ponder")
    for folder in lm_studio_folders():
        yield from _tree(folder, "lmstudio")
    for folder in ollama_folders():
        yield from _ollama(folder)
    yield from _hub_cache(hub_cache())
    chosen, _ = settings.load()
    for name in chosen.more_folders:
        yield from _tree(Path(name).expanduser(), "folder")
    demo = paths.demo_model()
    if _is_file(demo):
        yield LocalModel(str(demo), "Ponder demo", "demo", demo.stat().st_size, "llama_cpp")


# ------------------------------------------------------------ where others keep theirs


def lm_studio_folders() -> tuple[Path, ...]:
    """Return LM Studio's folders of models: the one its settings name, the default, the older."""
    home = Path.home()
    pointer = _text(home / ".lmstudio-home-pointer").strip()
    homes = [Path(pointer)] if pointer else []
    homes += [home / ".lmstudio", home / ".cache" / "lm-studio"]
    folders = []
    for each in homes:
        chosen = _json(each / "settings.json").get("downloadsFolder")
        folders += [Path(chosen)] if isinstance(chosen, str) and chosen else []
        folders.append(each / "models")
    return tuple(dict.fromkeys(folders))


def ollama_folders() -> tuple[Path, ...]:
    """Return Ollama's stores: the one its variable names, the user's, the Linux service's."""
    named = os.environ.get("OLLAMA_MODELS")
    folders = [Path(named)] if named else []
    folders.append(Path.home() / ".ollama" / "models")
    if sys.platform == "linux":
        folders.append(Path("/usr/share/ollama/.ollama/models"))
    return tuple(dict.fromkeys(folders))


def hub_cache() -> Path:
    """Return the cache that Hugging Face's own programs download into."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(home).expanduser() if home else Path(cache) / "huggingface") / "hub"


# ------------------------------------------------------------ reading them


def _tree(folder: Path, source: Source) -> Iterator[LocalModel]:
    """Yield the models of publisher/repository/… folders, or of any folder."""
    for home, names in _walk(folder, _DEEPEST):
        below = home.relative_to(folder).parts
        repository = "/".join(below[:2]) if len(below) >= 2 and source != "folder" else None
        yield from _models(home, names, source, repository)


def _walk(folder: Path, depth: int) -> Iterator[tuple[Path, list[str]]]:
    """Yield folders and the names of their files; what may not be read is passed over."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name.lower())
    except OSError:
        return
    names: list[str] = []
    folders: list[str] = []
    for entry in entries:
        try:
            # Links to folders are not followed: they may lead round in a circle.
            is_folder = entry.is_dir(follow_symlinks=False)
        except OSError:
            continue
        (folders if is_folder else names).append(entry.name)
    yield folder, names
    if depth > 0:
        for name in folders:
            if not name.startswith("."):
                yield from _walk(folder / name, depth - 1)


def _models(
    home: Path, names: list[str], source: Source, repository: str | None
) -> Iterator[LocalModel]:
    for name in names:
        if not is_model_file(name):
            continue
        parts = [home / part for part in siblings(name)]
        if not all(_is_file(part) for part in parts):
            continue
        size = sum(part.stat().st_size for part in parts)
        stem = name.removesuffix(".gguf").split("-00001-of-")[0]
        yield LocalModel(str(home / name), stem, source, size, "llama_cpp", repository)
    if "config.json" in names and _is_mlx(home, names, repository or ""):
        size = sum((home / name).stat().st_size for name in names if _is_file(home / name))
        yield LocalModel(str(home), home.name, source, size, "mlx", repository)


def is_model_file(name: str) -> bool:
    """Return whether a file's name is that of a GGUF model: not a projector, not a later part."""
    lower = name.lower()
    if not lower.endswith(".gguf") or lower.startswith(".") or is_later_part(name):
        return False
    return "mmproj" not in lower and "imatrix" not in lower


def _is_mlx(home: Path, names: list[str], repository: str) -> bool:
    """Return whether a folder is an MLX model: its config or name says so, and all is here."""
    weights = [name for name in names if name.endswith(".safetensors")]
    config = _json(home / "config.json")
    said = "quantization" in config or "mlx" in f"{repository}/{home.name}".lower()
    if not weights or not said:
        return False
    index = _json(home / "model.safetensors.index.json").get("weight_map")
    wanted = {str(name) for name in index.values()} if isinstance(index, dict) else set(weights)
    return all(_is_file(home / name) for name in wanted)


def _ollama(folder: Path) -> Iterator[LocalModel]:
    """Yield the models of Ollama's manifests; each names the blob that is a GGUF file."""
    manifests = folder / "manifests"
    for home, names in _walk(manifests, _DEEPEST):
        parts = home.relative_to(manifests).parts
        for tag in names:
            layers = _json(home / tag).get("layers")
            for layer in layers if isinstance(layers, list) else ():
                if not isinstance(layer, dict) or layer.get("mediaType") != _OLLAMA_MODEL:
                    continue
                blob = folder / "blobs" / str(layer.get("digest", "")).replace(":", "-")
                if not parts or not blob.name.startswith("sha256-") or not _is_file(blob):
                    continue
                # registry.ollama.ai/library/magistral is known as magistral.
                owner = [] if parts[1:2] == ("library",) else list(parts[1:-1])
                name = "/".join([*owner, parts[-1]]) + f":{tag}"
                size = blob.stat().st_size
                yield LocalModel(str(blob), name, "ollama", size, "llama_cpp", name)


def _hub_cache(cache: Path) -> Iterator[LocalModel]:
    """Yield the models of the Hugging Face cache: of each repository the newest snapshot."""
    try:
        homes = sorted(cache.glob("models--*/snapshots"))
    except OSError:
        return
    for snapshots in homes:
        repository = "/".join(snapshots.parent.name.split("--")[1:])
        commits = [(entry.stat().st_mtime, entry) for entry in _folders(snapshots)]
        seen: set[str] = set()
        for _, snapshot in sorted(commits, reverse=True):
            for home, names in _walk(snapshot, _DEEPEST):
                for model in _models(home, names, "huggingface", repository):
                    name = "" if model.engine == "mlx" else Path(model.path).name
                    if name in seen:
                        continue
                    seen.add(name)
                    if model.engine == "mlx":  # a commit's hash is no name
                        title = repository.rpartition("/")[2]
                        model = LocalModel(
                            model.path, title, "huggingface", model.bytes, "mlx", repository
                        )
                    yield model


def _folders(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.is_dir()]
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    """Return whether it is a file with something in it; a link whose target is gone is none."""
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _json(path: Path) -> dict[str, object]:
    try:
        value = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
