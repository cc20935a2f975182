"""What there is to choose from: the files of a catalogue entry, or the one that is here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from app.errors import Problem, WorldError
from app.fit import blueprint, gguf_shape, mlx_shape, planned
from app.fit.shape import ModelShape
from app.models.catalogue import Entry, File
from app.models.gguf import Header, read_header


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to load. header: of the file; dimensions: a header can be planned from them. Neither
    for MLX, which llama.cpp cannot plan.

    official: it comes from the model's makers. here: it is on this machine.
    """

    shape: ModelShape
    file: str
    repository: str
    header: Header | None
    official: bool = False
    here: bool = False
    dimensions: blueprint.Dimensions | None = None

    def full_header(self) -> Header | None:
        """Return the header that llama.cpp can be asked with: the file's own, or the planned."""
        if self.header is None and self.dimensions is not None:
            return blueprint.header(self.dimensions, self.shape.quantization)
        return self.header


def from_path(path: Path) -> Candidate:
    """Return the model in a file or an MLX folder. Raises WorldError."""
    if path.is_dir():
        shape = mlx_shape.read(path)
        return Candidate(shape, path.name, "", None, here=True)
    header = read_header(path)
    header.check()
    return Candidate(gguf_shape.from_header(header), path.name, "", header, here=True)


def from_entry(entry: Entry, *, vision: bool = False) -> tuple[Candidate, ...]:
    """Return the files of a catalogue entry. Raises WorldError where it cannot be planned.

    vision: with the projector that lets it see pictures (an MLX folder always has it).
    """
    if entry.where != "here":
        raise WorldError(
            Problem(
                "not-here",
                f"{entry.name} is not a model for this computer.",
                entry.where_advice,
                entry.where,
            )
        )
    if entry.dimensions is None:
        raise WorldError(
            Problem(
                "no-dimensions",
                f"The catalogue does not know the dimensions of {entry.name}.",
                "Name a downloaded file of it: its header tells them.",
            )
        )
    dimensions = _dimensions(entry.dimensions)
    return tuple(_candidate(entry, file, dimensions, vision=vision) for file in entry.files)


def _dimensions(table: Mapping[str, Any]) -> blueprint.Dimensions:
    known = {field.name for field in fields(blueprint.Dimensions)}
    return blueprint.Dimensions(**{key: value for key, value in table.items() if key in known})


def _candidate(
    entry: Entry, file: File, dimensions: blueprint.Dimensions, *, vision: bool
) -> Candidate:
    projector = entry.projector_bytes if vision else 0
    if file.engine == "mlx":
        # A folder holds the vision part too, whether it is used or not.
        projector = entry.projector_bytes
        weights = (file.bytes or 0) - projector
        shape = replace(
            planned.shape(dimensions, "F16"), engine="mlx", quantization=file.quantization
        )
        shape = shape.scaled(weights)
    else:
        shape = planned.shape(dimensions, file.quantization)
        if file.bytes and not blueprint.knows(file.quantization):
            shape = shape.scaled(file.bytes)
    return Candidate(
        shape=replace(shape, name=entry.name, projector_bytes=projector),
        file=file.name or file.repository,
        repository=file.repository,
        header=None,
        official=file.official,
        dimensions=None if file.engine == "mlx" else dimensions,
    )
