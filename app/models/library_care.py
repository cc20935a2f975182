"""Checking and removing models that are here, with care for whose they are.

Ponder deletes what it downloaded, and nothing else unless told that it is meant; it says each file
before. A file is checked against the hash that its downloader noted: Ponder's list, Ollama's and
the Hugging Face cache's names; where nobody noted one, against what its header promises.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.errors import Problem, WorldError
from app.models import download_manifest as manifest
from app.models import projectors
from app.models.download_file import bad_of, hash_for, hash_of
from app.models.download_records import models_folder
from app.models.download_types import MANIFEST, Item
from app.models.gguf import read_header
from app.models.library import LocalModel, is_model_file

_PIECE_BYTES = 1 << 22
_SHA256_DIGITS = 64
_GIT_DIGITS = 40

By = Literal["hash", "header"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that was looked at. by: what it was compared with. problem: None where it is right."""

    path: str
    by: By
    problem: Problem | None = None


def verify(model: LocalModel, progress: Callable[[int], None] | None = None) -> tuple[Checked, ...]:
    """Return how each file of a model compares. progress: told the bytes read so far.

    A file of Ponder's own that is not what was downloaded is set aside, never to be loaded.
    """
    home = repository_folder(model)
    noted = manifest.read(home) if home else {}
    checked = []
    done = 0
    for path in (*model.files(), *_eyes(model)):
        if path.name == MANIFEST:
            continue
        item = _noted(model, path, home, noted)
        if item is None:
            checked.append(Checked(str(path), "header", _header_problem(path)))
            continue
        problem = None
        try:
            got = _hash(path, item, done, progress)
        except OSError as error:
            problem = _unreadable(path, error)
        else:
            if got != hash_of(item):
                aside = home is not None and _set_aside(path, home)
                problem = _differs(path, got, hash_of(item), aside=aside)
        checked.append(Checked(str(path), "hash", problem))
        with suppress(OSError):
            done += path.stat().st_size
    return tuple(checked)


def removal(model: LocalModel) -> tuple[Path, ...]:
    """Return what removing a model would delete, to be shown before. Raises WorldError."""
    if model.source == "demo":
        raise WorldError(
            Problem("library-demo", "The demo is a part of Ponder.", "Remove another model.")
        )
    if model.source == "ollama":
        raise WorldError(
            Problem(
                "library-ollama",
                f"{model.name} is Ollama's, which shares its files between models.",
                f'Remove it there, with "ollama rm {model.name}".',
            )
        )
    files = [path for path in model.files() if path.exists()]
    if not _others(model):
        files += _eyes(model)
    if model.source == "huggingface":
        # A snapshot holds links; the content is beside it.
        targets = [Path(os.path.realpath(path)) for path in files if path.is_symlink()]
        files += [path for path in targets if path not in files]
    return tuple(files)


def _eyes(model: LocalModel) -> list[Path]:
    """Return the vision parts that Ponder downloaded together with a model."""
    home = repository_folder(model)
    if home is None or Path(model.path).is_dir():
        return []
    noted = manifest.read(home)
    with suppress(OSError):
        found = projectors.in_folder(home)
        return [path for path in found if path.relative_to(home).as_posix() in noted]
    return []


def _others(model: LocalModel) -> bool:
    """Return whether other models of its repository are here, which share its vision part."""
    home = repository_folder(model)
    mine = set(model.files())
    return home is not None and any(
        path not in mine and is_model_file(path.name) for path in home.rglob("*.gguf")
    )


def remove(model: LocalModel, *, really: bool = False) -> tuple[Path, ...]:
    """Delete a model's files and return them. Raises WorldError.

    really: also where another program, or the user, put them.
    """
    files = removal(model)
    if model.source != "ponder" and not really:
        raise WorldError(
            Problem(
                "library-others",
                f"{model.name} was not downloaded by Ponder: it is {_OWNERS[model.source]}.",
                "Remove it there, or say --really to have its files deleted.",
                "\n".join(map(str, files)),
            )
        )
    home = repository_folder(model)
    try:
        for path in files:
            path.unlink(missing_ok=True)
        if home is not None:
            with manifest.changing(home) as noted:
                for path in files:
                    noted.pop(path.relative_to(home).as_posix(), None)
            _tidy(home)
    except OSError as error:
        raise WorldError(
            Problem(
                "library-locked",
                f"{model.name} could not be removed whole.",
                "Close what uses it, then try again.",
                str(error),
            )
        ) from error
    return files


_OWNERS = {
    "lmstudio": "LM Studio's",
    "huggingface": "in the Hugging Face cache, which other programs share",
    "folder": "in a folder of yours",
}


def repository_folder(model: LocalModel) -> Path | None:
    """Return the folder whose list names this model's files, None where Ponder keeps none."""
    if model.source != "ponder" or model.repository is None:
        return None
    return models_folder().joinpath(*model.repository.split("/"))


def _tidy(home: Path) -> None:
    """Remove folders that have nothing left in them."""
    below = [path for path in home.rglob("*") if path.is_dir()]
    for folder in (*sorted(below, reverse=True), home, home.parent):
        with suppress(OSError):  # not empty: somebody's
            folder.rmdir()


def _noted(model: LocalModel, path: Path, home: Path | None, noted: manifest.Files) -> Item | None:
    """Return a file with the hash that its downloader noted, None where nobody noted one."""
    digest = ""
    if home is not None:
        digest = str(noted.get(path.relative_to(home).as_posix(), {}).get("hash", ""))
    elif model.source == "ollama":
        digest = path.name.removeprefix("sha256-")
    elif model.source == "huggingface":
        digest = Path(os.path.realpath(path)).name
    size = path.stat().st_size if path.exists() else 0
    if len(digest) == _SHA256_DIGITS:
        return Item(path.name, size, sha256=digest)
    return Item(path.name, size, blob_id=digest) if len(digest) == _GIT_DIGITS else None


def _hash(path: Path, item: Item, done: int, progress: Callable[[int], None] | None) -> str:
    digest = hash_for(item)
    with path.open("rb") as file:
        while data := file.read(_PIECE_BYTES):
            digest.update(data)
            done += len(data)
            if progress is not None:
                progress(done)
    return digest.hexdigest()


def _header_problem(path: Path) -> Problem | None:
    if path.suffix.lower() != ".gguf":
        return None
    try:
        read_header(path).check()
    except WorldError as error:
        return error.problem
    return None


def _set_aside(path: Path, home: Path) -> bool:
    try:
        path.replace(bad_of(path))
        with manifest.changing(home) as noted:
            noted.pop(path.relative_to(home).as_posix(), None)
    except OSError:
        return False
    return True


def _differs(path: Path, got: str, wanted: str, *, aside: bool) -> Problem:
    then = ", so it was set aside" if aside else ""
    return Problem(
        "model-changed",
        f"{path.name} is not what was downloaded{then}.",
        "Download it again." if aside else "Have the program that put it there download it again.",
        f"its hash is {got}, noted was {wanted}",
    )


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(
        "model-file",
        f"{path.name} cannot be read.",
        "Check the disk, and that you may read the file.",
        str(error),
    )
