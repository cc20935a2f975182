"""What the picker lists, in groups: recommended, on this computer, and what needs more machine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from app.fit import candidates
from app.fit.devices import Machine
from app.fit.plan import KV_TYPES, plan
from app.models.catalogue import Entry
from app.picker import words
from app.server import words as server_words
from app.server.address import name_of, path_of

if TYPE_CHECKING:
    from app.models.hub import Repository
    from app.models.library import LocalModel
    from app.models.servers import Server

Group = Literal["found", "recommended", "here", "server", "bigger"]

TITLES: dict[Group, str] = {
    "found": "On Hugging Face",
    "recommended": "Recommended",
    "here": "On this computer",
    "server": "On a server",
    "bigger": "Needs a bigger machine",
}
_SOURCES = {
    "ponder": "downloaded",
    "lmstudio": "LM Studio",
    "ollama": "Ollama",
    "huggingface": "Hugging Face cache",
    "folder": "your folder",
    "demo": "works offline",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One model of the list. Exactly one of entry, local, repository and server is set.

    id: stable while the list is rebuilt. dimmed: it cannot run here. loaded: it answers now.
    """

    id: str
    title: str
    subtitle: str
    group: Group
    entry: Entry | None = None
    local: "LocalModel | None" = None
    repository: "Repository | None" = None
    server: "Server | None" = None
    dimmed: bool = False
    loaded: bool = False


def too_big(entries: Iterable[Entry], machine: Machine) -> frozenset[str]:
    """Return the ids of the entries of which nothing runs on a machine, not even in part.

    An entry that cannot be planned before its header was read is given the benefit of the doubt.
    """
    found: set[str] = set()
    for entry in entries:
        if entry.where != "here" or entry.dimensions is None:
            continue
        context = entry.context_default
        planned = plan(candidates.from_entry(entry), machine, context, kv_types=KV_TYPES[1:])
        if planned.choice is None:
            found.add(entry.id)
    return frozenset(found)


def items(
    entries: Sequence[Entry],
    local: Sequence["LocalModel"],
    hub: Sequence["Repository"] = (),
    servers: Sequence["Server"] = (),
    *,
    too_big_ids: frozenset[str] = frozenset(),
    loaded_path: str = "",
) -> tuple[Item, ...]:
    """Return the list in its order: what was searched for, then the four groups."""
    found = [_of_repository(each) for each in hub]
    good = [_of_entry(entry, "recommended") for entry in entries if _runs(entry, too_big_ids)]
    here = [_of_local(model, loaded_path) for model in local]
    away = [_of_server(server, loaded_path) for server in servers if server.model]
    bigger = [_of_entry(entry, "bigger") for entry in entries if not _runs(entry, too_big_ids)]
    return (*found, *good, *here, *away, *bigger)


def _runs(entry: Entry, too_big_ids: frozenset[str]) -> bool:
    return entry.where == "here" and entry.id not in too_big_ids


def _of_entry(entry: Entry, group: Group) -> Item:
    dimmed = group == "bigger"
    return Item(entry.id, entry.name, words.subtitle(entry), group, entry=entry, dimmed=dimmed)


def _of_local(model: "LocalModel", loaded_path: str) -> Item:
    where = _SOURCES[model.source]
    loaded = bool(loaded_path) and Path(model.path) == Path(loaded_path)
    subtitle = f"{words.file_size(model.bytes)} · {where}"
    return Item(str(model.path), model.name, subtitle, "here", local=model, loaded=loaded)


def _of_server(server: "Server", loaded_path: str) -> Item:
    path = path_of(server.address, server.model)
    return Item(
        path,
        name_of(path),
        server_words.subtitle(server),
        "server",
        server=server,
        loaded=path == loaded_path,
    )


def _of_repository(repository: "Repository") -> Item:
    name = repository.id.partition("/")[2] or repository.id
    facts = (repository.publisher, repository.licence or "", "gated" if repository.gated else "")
    subtitle = " · ".join(fact for fact in facts if fact)
    dimmed = repository.engine is None
    return Item(
        f"hf://{repository.id}", name, subtitle, "found", repository=repository, dimmed=dimmed
    )
