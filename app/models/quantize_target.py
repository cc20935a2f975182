"""Where the result of a quantization goes: room for it, a place to work, at the end its name."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from app import paths
from app.errors import Problem, WorldError
from app.fit.explain import file_size
from app.models import quantize_refusals
from app.models.download_records import models_folder
from app.models.library import hub_cache, lm_studio_folders, ollama_folders

RESERVE_BYTES = 1_000_000_000
"""Left free on the disk beside the result: a system whose disk is full loses more than a model."""


def home_for(source: Path) -> Path:
    """Return the folder for what is made of a source: beside it, unless others keep house there."""
    place = source.absolute()
    others = (*lm_studio_folders(), *ollama_folders(), hub_cache(), paths.resources())
    if any(place.is_relative_to(folder) for folder in others):
        return _own()
    return source.parent


def _own() -> Path:
    return models_folder() / "quantized"


def check(out: Path, size: int) -> None:
    """Raise WorldError unless `size` bytes can be written to a new `out`, with some to spare."""
    if os.path.lexists(out):
        raise WorldError(_exists(out))
    if not out.parent.is_dir() and out.parent != _own():
        raise WorldError(
            Problem(
                "quantize-target",
                f"There is no folder {out.parent}.",
                "Make it, or choose another.",
            )
        )
    there = next(folder for folder in out.absolute().parents if folder.is_dir())
    free = shutil.disk_usage(there).free
    if free < size + RESERVE_BYTES:
        raise WorldError(
            Problem(
                "disk-full",
                f"{out.name} needs {file_size(size)}, and {file_size(RESERVE_BYTES)} should "
                "stay free; "
                f"{file_size(free)} are free there.",
                "Free some space, or choose another folder or a smaller type.",
                f"{size:,} + {RESERVE_BYTES:,} of {free:,} bytes in {out.parent}",
            )
        )


def written(work: Path) -> int:
    """Return the bytes that are on the disk, of a file or of a folder's weights."""
    files = sorted(work.glob("*.safetensors")) if work.is_dir() else [work]
    size = 0
    for path in files:
        with suppress(OSError):
            size += path.stat().st_size
    return size


def workshop(out: Path) -> Path:
    """Make a hidden folder beside the target, and remove those that a dead Ponder left there."""
    import psutil

    with suppress(OSError):
        pattern = re.compile(re.escape(f".{out.name}.") + r"(\d+)\.[^.]*\.part")
        for path in out.parent.iterdir():
            found = pattern.fullmatch(path.name)
            if found and not psutil.pid_exists(int(found[1])):
                shutil.rmtree(path, ignore_errors=True)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(".part", f".{out.name}.{os.getpid()}.", out.parent)
    except OSError as error:
        raise WorldError(
            Problem(
                "quantize-target",
                f"Nothing can be written to the folder {out.parent}.",
                "Choose another folder.",
                str(error),
            )
        ) from error
    return Path(made)


def publish(work: Path, out: Path) -> None:
    """Give the result its name, unless something took that name meanwhile."""
    try:
        for path in [work] if work.is_file() else work.iterdir():
            with path.open("r+b") as file:
                os.fsync(file.fileno())
        if work.is_dir() or not _linked(work, out):
            if os.path.lexists(out):
                raise FileExistsError(out)
            work.rename(out)
    except FileExistsError as error:
        raise WorldError(_exists(out)) from error
    except OSError as error:
        raise WorldError(quantize_refusals.not_written(out, str(error))) from error


def _linked(work: Path, out: Path) -> bool:
    """Give a file its name by a link, which fails where the name is taken; False: no links here."""
    try:
        os.link(work, out)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def _exists(out: Path) -> Problem:
    return Problem(
        "quantize-target",
        f"{out.name} is there already.",
        "Use it, remove it, or choose another name.",
        str(out),
    )
