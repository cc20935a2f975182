"""Downloads on the disk: a small file each, replaced whole, so that any end of the app is a pause.

What was running when Ponder ended goes on at its next start; what was paused stays so.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from app import files, paths, settings
from app.errors import Problem, WorldError
from app.models.download_types import Agreed, Item, Wanted

Kept = Literal["running", "paused", "failed"]


@dataclass(frozen=True, slots=True)
class Record:
    """What the next start has to know. done_bytes: as last heard of, to be shown until counted."""

    wanted: Wanted
    folder: str
    state: Kept = "running"
    agreed: Agreed | None = None
    done_bytes: int = 0
    problem: Problem | None = None


def models_folder() -> Path:
    """Return the folder that models are downloaded into."""
    chosen, _ = settings.load()
    return Path(chosen.models_folder) if chosen.models_folder else paths.data_dir() / "models"


def records_folder() -> Path:
    """Return the folder of the records."""
    return paths.data_dir() / "downloads"


def load_all() -> list[Record]:
    """Return all records, the oldest first. One that cannot be read is moved aside."""
    try:
        found = sorted(records_folder().glob("*.json"), key=lambda path: path.stat().st_mtime)
    except OSError:
        return []
    records = []
    for path in found:
        try:
            records.append(_from_json(json.loads(path.read_text(encoding="utf-8"))))
        except OSError:
            continue
        except (ValueError, TypeError, KeyError):  # not what `save` wrote
            with suppress(OSError):
                path.replace(path.with_suffix(".damaged"))
    return records


def save(record: Record) -> None:
    """Write a record; a crash leaves the old one or the new one. Raises WorldError."""
    path = _path(record.wanted)
    try:
        files.replace(path, json.dumps(asdict(record)))
    except OSError as error:
        raise WorldError(
            Problem(
                "download-unsaved",
                "Ponder could not note down the download, so a restart would forget it.",
                f"Check that there is room on the disk and that you may write to {path.parent}.",
                str(error),
            )
        ) from error


def forget(wanted: Wanted) -> None:
    """Remove a record, if it is there."""
    with suppress(OSError):
        _path(wanted).unlink()


def _path(wanted: Wanted) -> Path:
    return records_folder() / f"{wanted.id}.json"


def _from_json(value: dict[str, Any]) -> Record:
    wanted, agreed, problem = value["wanted"], value["agreed"], value["problem"]
    if value["state"] not in ("running", "paused", "failed"):
        raise ValueError(f"state {value['state']!r}")
    return Record(
        wanted=Wanted(**{**wanted, "files": tuple(wanted["files"])}),
        folder=str(value["folder"]),
        state=value["state"],
        agreed=Agreed(agreed["commit"], tuple(Item(**item) for item in agreed["items"]))
        if agreed
        else None,
        done_bytes=int(value["done_bytes"]),
        problem=Problem(**problem) if problem else None,
    )
