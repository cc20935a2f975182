"""What there is to choose from: the files of a catalogue entry, or the one that is here."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from app.errors import Problem, WorldError
from app.fit import blueprint, explain, gguf_shape, mlx_shape, planned, vision
from app.fit.dimensions import Dimensions
from app.fit.shape import ModelShape
from app.models import projectors
from app.models.catalogue import Entry, File
from app.models.gguf import Header
from app.models.split import read_model

_SIZE_TOLERANCE = 0.004


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file to load. header: of the file; dimensions: a header can be planned from them. Neither
    for MLX, which llama.cpp cannot plan.

    official: it comes from the model's makers. here: it is on this machine. projector: the file of
    the vision part that is counted and loaded with it, "" where it is loaded without, BESIDE where
    none was looked for. eyes: the name of the one that can be downloaded with it, of eyes_bytes;
    it would take eyes_taken bytes of memory (`app.fit.plan.with_eyes` counts it where it fits).
    """

    shape: ModelShape
    file: str
    repository: str
    header: Header | None
    official: bool = False
    here: bool = False
    dimensions: Dimensions | None = None
    projector: str = projectors.BESIDE
    eyes: str = ""
    eyes_bytes: int = 0
    eyes_taken: int = 0

    def full_header(self) -> Header | None:
        """Return the header that llama.cpp can be asked with: the file's own, or the planned."""
        if self.header is None and self.dimensions is not None:
            return blueprint.header(self.dimensions, self.shape.quantization)
        return self.header


def from_path(path: Path) -> Candidate:
    """Return the model in a file or an MLX folder, with the best vision part beside it, if any.

    Raises WorldError.
    """
    return ways(path)[0]


def ways(path: Path) -> tuple[Candidate, ...]:
    """Return the ways to load what is at a path: with each vision part beside it, then without.

    The best first; one way alone where there is no vision part. Raises WorldError.
    """
    if path.is_dir():
        shape = mlx_shape.read(path)
        return (Candidate(shape, path.name, "", None, here=True),)
    header = read_model(path)
    plain = Candidate(gguf_shape.from_header(header), path.name, "", header, here=True)
    found = projectors.beside(path, plain.shape.embedding).projectors
    if not found:
        return (plain,)
    seeing = (
        replace(
            plain,
            shape=replace(plain.shape, projector_bytes=vision.projector_bytes(each)),
            projector=str(each.path),
        )
        for each in found
    )
    return (*seeing, replace(plain, projector=""))


def from_entry(entry: Entry, *, sees: bool = False) -> tuple[Candidate, ...]:
    """Return the files of a catalogue entry. Raises WorldError where it cannot be planned.

    sees: with the vision part that lets it see pictures (an MLX folder always holds it).
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
        raise WorldError(_weights_only(entry))
    dimensions = _dimensions(entry.dimensions)
    return tuple(_candidate(entry, file, dimensions, sees=sees) for file in entry.files)


def _weights_only(entry: Entry) -> Problem:
    """Return what is known of a model whose dimensions are not: the sizes of its files."""
    least = min((file.bytes for file in entry.files if file.bytes), default=0)
    known = f" needs at least {explain.file_size(least)} for its weights" if least else ""
    return Problem(
        "no-dimensions",
        f"{entry.name}{known}; what its context takes beside them is not known yet."
        if known
        else f"What {entry.name} needs is not known yet.",
        f"Its file's header tells, and is read before the download: name hf://"
        f"{entry.files[0].repository}, or a file that is here.",
        ", ".join(
            f"{file.quantization} {explain.file_size(file.bytes)}"
            for file in entry.files
            if file.bytes
        ),
    )


def _dimensions(table: Mapping[str, Any]) -> Dimensions:
    known = {field.name for field in fields(Dimensions)}
    return Dimensions(**{key: value for key, value in table.items() if key in known})


def _same(shape: ModelShape, file_bytes: int) -> bool:
    """Return whether computed weights are those of the file: makers of files have their own mixes.

    A file is larger by its vocabulary's text, and its published size may have three digits only.
    """
    known = blueprint.knows(shape.quantization)
    return known and abs(shape.weights_bytes / file_bytes - 1) < _SIZE_TOLERANCE


def _candidate(entry: Entry, file: File, dimensions: Dimensions, *, sees: bool) -> Candidate:
    eyes = entry.projector_bytes if file.projector else 0
    taken = vision.planned_bytes(entry.projector_bytes, dimensions.embedding)
    projector = taken if sees else 0
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
        if file.bytes and not _same(shape, file.bytes):
            shape = shape.scaled(file.bytes)
    return Candidate(
        shape=replace(shape, name=entry.name, projector_bytes=projector),
        file=file.name or file.repository,
        repository=file.repository,
        header=None,
        official=file.official,
        dimensions=None if file.engine == "mlx" else dimensions,
        eyes=file.projector if eyes else "",
        eyes_bytes=eyes,
        eyes_taken=taken if eyes else 0,
    )
