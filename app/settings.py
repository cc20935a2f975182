"""What the user chose once for all chats: a small JSON file that a person can read and mend.

Written whole or not at all. A file that cannot be read is moved aside and the defaults are used,
with a problem to show; a single value that makes no sense is replaced by its default. Keys that
this Ponder does not know are kept: a later one wrote them.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from pathlib import Path
from typing import Any, Literal, get_args

from app import files, paths
from app.errors import Problem, WorldError

Theme = Literal["system", "light", "dark"]
ExportThinking = Literal["details", "quote", "none"]
ExportForm = Literal["json", "md", "html", "pdf", "txt", "jsonl"]

MIN_ZOOM, MAX_ZOOM = 50, 300

MIN_CONTEXT = 256
"""Tokens. Below this not even a system prompt and a question find room."""


@dataclass(frozen=True, slots=True)
class Settings:
    """theme: as the window shows it. last_model: path of the model to load at the next start.

    context: tokens a model is loaded with. thinking_budget: tokens of thinking for new chats, None
    is no limit. keep_thinking: whether earlier thoughts go into the prompt, None is as the model's
    makers advise. geometry: the window's
    place and size, as the window writes it. unknown: keys of another version of Ponder. offline: no
    connection is made at all. models_folder: where downloads go, "" is Ponder's own place.
    more_folders: folders of the user's with models, used in place. zoom: how large chats are shown,
    in percent. wrap_code: whether long lines of code are wrapped. export_thinking: what becomes of
    thoughts in exports for people; export_form: the form that was chosen last. model_titles: the
    model gives chats their titles while it is idle.
    """

    theme: Theme = "system"
    last_model: str = ""
    context: int = 8192
    thinking_budget: int | None = None
    keep_thinking: bool | None = None
    geometry: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)
    offline: bool = False
    models_folder: str = ""
    more_folders: tuple[str, ...] = ()
    zoom: int = 100
    wrap_code: bool = False
    export_thinking: ExportThinking = "details"
    export_form: ExportForm = "md"
    model_titles: bool = True


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_count(value: object, least: int, most: float = inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


_SOUND: Mapping[str, Callable[[Any], bool]] = {
    "theme": lambda value: value in get_args(Theme),
    "last_model": lambda value: isinstance(value, str),
    "context": lambda value: _is_count(value, MIN_CONTEXT),
    "thinking_budget": lambda value: value is None or _is_count(value, 0),
    "keep_thinking": lambda value: value is None or isinstance(value, bool),
    "geometry": lambda value: isinstance(value, str),
    "offline": lambda value: isinstance(value, bool),
    "models_folder": lambda value: isinstance(value, str),
    "more_folders": _is_texts,
    "zoom": lambda value: _is_count(value, MIN_ZOOM, MAX_ZOOM),
    "wrap_code": lambda value: isinstance(value, bool),
    "export_thinking": lambda value: value in get_args(ExportThinking),
    "export_form": lambda value: value in get_args(ExportForm),
    "model_titles": lambda value: isinstance(value, bool),
}
"""For each setting: whether a value read from the file makes sense."""


def settings_path() -> Path:
    """Return where the settings are kept."""
    return paths.config_dir() / "settings.json"


def load() -> tuple[Settings, Problem | None]:
    """Return the settings, and what was wrong with their file, if anything. Never raises for it."""
    path = settings_path()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"an object was expected, not {type(values).__name__}")
    except FileNotFoundError:
        return Settings(), None
    except OSError as error:
        return Settings(), Problem(
            "settings-unreadable",
            "Your settings could not be read, so the defaults are used.",
            f"Check that you may read {path}.",
            str(error),
        )
    except (ValueError, RecursionError) as error:  # broken JSON or UTF-8; brackets without end
        return Settings(), _set_aside(path, str(error))
    known = {key: value for key, value in values.items() if key in _SOUND and _SOUND[key](value)}
    known["more_folders"] = tuple(known.get("more_folders", ()))
    unknown = {key: value for key, value in values.items() if key not in _SOUND}
    return Settings(**known, unknown=unknown), None


def _set_aside(path: Path, detail: str) -> Problem:
    aside = path.with_name(f"settings.damaged-{time.strftime('%Y%m%d-%H%M%S')}.json")
    try:
        path.replace(aside)
    except OSError as error:
        aside, detail = path, f"{detail}; {error}"
    return Problem(
        "settings-damaged",
        "The file with your settings is damaged, so the defaults are used.",
        f"The damaged file is kept as {aside}.",
        detail,
    )


def save(settings: Settings) -> None:
    """Write the settings; a crash leaves the old file or the new one. Raises WorldError."""
    path = settings_path()
    values: dict[str, Any] = dict(settings.unknown)
    for each in fields(Settings):
        if each.name != "unknown":
            values[each.name] = getattr(settings, each.name)
    try:
        # ASCII: the path of a model may hold bytes that UTF-8 cannot.
        files.replace(path, json.dumps(values, indent=2))
    except OSError as error:
        raise WorldError(
            Problem(
                "settings-unsaved",
                "Your settings could not be saved.",
                f"Check that there is room on the disk and that you may write to {path.parent}.",
                str(error),
            )
        ) from error
