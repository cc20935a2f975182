"""The settings that the user chose for a model's file, so that it is opened again with them.

Only what was chosen is kept: what was planned by itself is planned anew, against the memory that is
free then. A file that cannot be read (or written) costs the choice, never the load.
"""

import json
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_args

from app import files, paths
from app.chat.load_plan import LoadPlan
from app.engine.protocol import KVType

_VERSION = 1
_KEPT = 200


def find(path: str) -> LoadPlan | None:
    """Return the plan that was chosen for a model's file, None where there is none."""
    value = _read().get(path)
    return _plan(value) if isinstance(value, dict) else None


def keep(path: str, plan: LoadPlan) -> None:
    """Keep a plan; of all models the last ones stay."""
    plans = {other: value for other, value in _read().items() if other != path}
    plans[path] = asdict(plan)
    _write(dict(list(plans.items())[-_KEPT:]))


def forget(path: str) -> None:
    """Forget what was chosen for a model's file."""
    plans = _read()
    if plans.pop(path, None) is not None:
        _write(plans)


def _file() -> Path:
    return paths.data_dir() / "plans.json"


def _read() -> dict[str, Any]:
    try:
        value = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(value, dict) or value.get("version") != _VERSION:
        return {}
    plans = value.get("plans")
    return plans if isinstance(plans, dict) else {}


def _plan(value: dict[str, Any]) -> LoadPlan | None:
    """Return the plan of a record, None where it is none: someone may have edited it."""
    known = {field.name for field in fields(LoadPlan)}
    try:
        plan = LoadPlan(**{name: item for name, item in value.items() if name in known})
    except TypeError:
        return None
    numbers = (plan.context, plan.gpu_layers, plan.correction_bytes)
    sound = (
        all(isinstance(number, int) for number in numbers)
        and plan.context > 0
        and plan.kv in get_args(KVType)
        and isinstance(plan.cpu_experts, bool)
        and isinstance(plan.promised_bytes, int | None)
        and all(
            isinstance(text, str) for text in (plan.machine, plan.kind, plan.shape, plan.projector)
        )
    )
    return plan if sound else None


def _write(plans: dict[str, Any]) -> None:
    # ASCII: the path of a model may hold bytes that UTF-8 cannot.
    text = json.dumps({"version": _VERSION, "plans": plans}, indent=1)
    with suppress(OSError):
        files.replace(_file(), text)
