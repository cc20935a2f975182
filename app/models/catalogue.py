"""The models that Ponder offers: resources/catalogue.toml, read once it is asked for, and checked.

A mistake in the file is ours: it raises ValueError with the entry and the key, and a test reads it.
"""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from app import paths

Where = Literal["here", "bigger machine", "API only"]
Size = Literal["published", "rounded", "computed"]

_T = TypeVar("_T")
_VERSION = 1


@dataclass(frozen=True, slots=True)
class File:
    """A quantization that can be downloaded. name: "" where it is a whole repository (MLX).

    bytes: None where it follows from the dimensions; size: where the figure comes from.
    """

    quantization: str
    repository: str
    name: str
    publisher: str
    official: bool
    engine: Literal["llama_cpp", "mlx"]
    bytes: int | None
    size: Size
    projector: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model. dimensions: by the names of its config, None where only its header tells them.

    context: the most it was made for, 0 if unknown; context_default: what to plan for.
    format: of its reasoning. licence_terms: they restrict use, and must be accepted first.
    where: "here" can be downloaded; the others need a server, as where_advice says.
    scores: pass@1 in percent.
    """

    id: str
    name: str
    publisher: str
    licence: str
    context_default: int
    format: str
    files: tuple[File, ...]
    aliases: tuple[str, ...] = ()
    page: str = ""
    parameters: int = 0
    languages: tuple[str, ...] = ()
    context: int = 0
    context_advice: str = ""
    vision: bool = False
    projector_bytes: int = 0
    dimensions: Mapping[str, int | str | bool] | None = None
    sampling: Mapping[str, float] | None = None
    scores: Mapping[str, float] | None = None
    scores_source: str = ""
    licence_terms: bool = False
    where: Where = "here"
    where_advice: str = ""


def default_path() -> Path:
    """Return the path of the catalogue that ships with Ponder."""
    return paths.resources() / "catalogue.toml"


@functools.cache
def entries() -> tuple[Entry, ...]:
    """Return the shipped catalogue, in its order."""
    return read(default_path())


def find(name: str) -> Entry | None:
    """Return an entry by its id, name or alias, however it is written."""
    wanted = _plain(name)
    for entry in entries():
        if wanted in {_plain(entry.id), _plain(entry.name), *map(_plain, entry.aliases)}:
            return entry
    return None


def read(path: Path) -> tuple[Entry, ...]:
    """Return the entries of a catalogue. Raises ValueError where it is not one."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    if table.get("version") != _VERSION:
        raise ValueError(f"{path.name}: version {table.get('version')!r} is not {_VERSION}")
    dimensions = {item["id"]: item for item in table.get("dimensions", ())}
    found = tuple(_entry(item, dimensions) for item in table.get("model", ()))
    names: dict[str, str] = {}
    for entry in found:
        for name in {_plain(entry.id), _plain(entry.name), *map(_plain, entry.aliases)}:
            if name in names:
                raise ValueError(f"{entry.id}: {name!r} is {names[name]}'s name already")
            names[name] = entry.id
    return found


def _plain(name: str) -> str:
    return "-".join(name.lower().replace("_", "-").split())


class _Fields:
    """The keys of a table, each taken once with its type; what is left over is a mistake."""

    def __init__(self, table: Mapping[str, Any], where: str) -> None:
        self._left = dict(table)
        self._where = where

    def take(self, key: str, kind: type[_T], default: _T | None = None) -> _T:
        value = self._left.pop(key, default)
        if isinstance(value, int) and kind is float:
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            said = "is missing" if value is None else f"is {value!r}, no {kind.__name__}"
            raise ValueError(f"{self._where}: {key} {said}")
        return value

    def one_of(self, key: str, choices: tuple[str, ...]) -> Any:
        value = self.take(key, str, choices[0])
        if value not in choices:
            raise ValueError(f"{self._where}: {key} {value!r} is none of {', '.join(choices)}")
        return value

    def done(self) -> None:
        if self._left:
            raise ValueError(f"{self._where}: unknown keys {', '.join(sorted(self._left))}")


def _entry(table: Mapping[str, Any], dimensions: Mapping[str, Mapping[str, Any]]) -> Entry:
    name = str(table.get("id", "an entry without id"))
    fields = _Fields(table, name)
    known = fields.take("dimensions", str, "")
    if known and known not in dimensions:
        raise ValueError(f"{name}: there are no dimensions {known!r}")
    entry = Entry(
        id=fields.take("id", str),
        name=fields.take("name", str),
        publisher=fields.take("publisher", str),
        licence=fields.take("licence", str),
        context_default=fields.take("context_default", int),
        format=fields.take("format", str),
        files=_files(fields.take("variant", list, []), name),
        aliases=tuple(fields.take("aliases", list, [])),
        page=fields.take("page", str, ""),
        parameters=fields.take("parameters", int, 0),
        languages=tuple(fields.take("languages", list, [])),
        context=fields.take("context", int, 0),
        context_advice=fields.take("context_advice", str, ""),
        vision=fields.take("vision", bool, False),
        projector_bytes=fields.take("projector_bytes", int, 0),
        dimensions=_without_id(dimensions[known]) if known else None,
        sampling=fields.take("sampling", dict, {}) or None,
        scores=fields.take("scores", dict, {}) or None,
        scores_source=fields.take("scores_source", str, ""),
        licence_terms=fields.take("licence_terms", bool, False),
        where=fields.one_of("where", ("here", "bigger machine", "API only")),
        where_advice=fields.take("where_advice", str, ""),
    )
    fields.done()
    if bool(entry.files) != (entry.where == "here"):
        raise ValueError(f"{name}: files and where = {entry.where!r} contradict each other")
    if entry.scores and not entry.scores_source:
        raise ValueError(f"{name}: scores without scores_source")
    if entry.where != "here" and not entry.where_advice:
        raise ValueError(f"{name}: where without where_advice")
    return entry


def _without_id(table: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in table.items() if key != "id"}


def _files(variants: list[Any], name: str) -> tuple[File, ...]:
    found: list[File] = []
    for table in variants:
        fields = _Fields(table, f"{name}, {table.get('repository')}")
        sizes = fields.take("bytes", dict, {})
        said = fields.one_of("size", ("published", "rounded", "computed"))
        files = fields.take("files", dict)
        repository = fields.take("repository", str)
        publisher = fields.take("publisher", str)
        official = fields.take("official", bool, False)
        engine = fields.one_of("engine", ("llama_cpp", "mlx"))
        projector = fields.take("projector", str, "")
        fields.done()
        if stray := set(sizes) - set(files):
            raise ValueError(f"{name}, {repository}: bytes of no file: {', '.join(sorted(stray))}")
        for quantization, file in files.items():
            found.append(
                File(
                    quantization=quantization,
                    repository=repository,
                    name=file,
                    publisher=publisher,
                    official=official,
                    engine=engine,
                    bytes=sizes.get(quantization),
                    size=said if quantization in sizes else "computed",
                    projector=projector,
                )
            )
    return tuple(found)
