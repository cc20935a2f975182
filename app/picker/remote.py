"""A repository of the hub with the same fit columns as the catalogue, before any download.

One header, fetched by range requests, tells the dimensions; the hub tells the size of each file.
The other quantizations are that model with weights of their own size: exact in total, and nearly so
in how it is spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.errors import Problem, WorldError
from app.fit import gguf_shape, mlx_shape
from app.fit.candidates import Candidate
from app.fit.shape import ModelShape
from app.fit.vision import planned_bytes
from app.models import hub
from app.models.hub_fetch import read_fetched

if TYPE_CHECKING:
    from app.models.hub import RemoteFile, Repository

_READ_FIRST = ("Q4_K_M", "Q8_0", "Q6_K", "Q5_K_M")
"""Whose header is read: of these a repository nearly always has one."""
_EYES = ("F16", "BF16", "F32", "Q8_0")
"""Of vision parts, the best first: they were trained in 16 bits."""
_TEKKEN = 131_072
"""Words of Mistral's vocabulary: older files of these models name no architecture of their own."""
_OPEN = ("apache-2.0", "mit", "bsd", "cc-by-4.0", "cc-by-sa-4.0", "cc0", "isc", "unlicense")
"""Licences that restrict no use; the hub writes them in small letters."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository with its sizes, and its files as the plan takes them."""

    repository: "Repository"
    candidates: tuple[Candidate, ...]

    @property
    def context(self) -> int:
        """Return the tokens of context it was trained for, 0 if unknown."""
        return max((one.shape.context_train for one in self.candidates), default=0)

    @property
    def sizes(self) -> dict[tuple[str, str], int | None]:
        """Return the bytes to download, by repository and the name the candidate has."""
        repository = self.repository
        return {
            (repository.id, file.name or repository.id): file.bytes for file in repository.files
        }


def fetch(address: str) -> Remote:
    """Return what is at an address, its dimensions included. Raises WorldError.

    What no engine runs raises with the reason and the ways that there are.
    """
    repository = hub.resolve(address)
    if repository.engine is None or not repository.files:
        raise WorldError(
            Problem(
                "hub-no-model",
                repository.why_not or f"{repository.id} holds no model that runs here.",
                repository.why_not_advice,
            )
        )
    return Remote(repository, _candidates(repository, repository.files))


def _candidates(repository: "Repository", files: Sequence["RemoteFile"]) -> tuple[Candidate, ...]:
    first = _representative(files)
    path = hub.header(repository.id, first.name, repository.revision)
    official = not repository.base
    if repository.engine == "mlx":
        shape = replace(mlx_shape.read(path), quantization=first.quantization)
        return (Candidate(shape, repository.id, repository.id, None, official),)
    header = read_fetched(path)
    read = gguf_shape.from_header(header, first.quantization)
    # Asked for what depends on the dimensions only, any file's header does; a part's does not.
    asked = header if len(first.parts) <= 1 else None
    # What a file holds beside its weights: the header itself, the vocabulary in it.
    beside = max(0, first.bytes - read.weights_bytes) if first.bytes else 0
    eyes = _eyes(repository, read)
    size = eyes.bytes if eyes is not None else 0
    taken = planned_bytes(size, read.embedding)
    found: list[Candidate] = []
    for file in files:
        shape = read
        if file is not first:
            shape = replace(read.scaled(file.bytes - beside), quantization=file.quantization)
        candidate = Candidate(shape, file.name, repository.id, asked, official)
        if eyes is not None:
            candidate = replace(candidate, eyes=eyes.name, eyes_bytes=size, eyes_taken=taken)
        found.append(candidate)
    return tuple(found)


def _eyes(repository: "Repository", shape: ModelShape) -> "RemoteFile | None":
    """Return the vision part to download with a model: of Mistral's kind only, 16 bits if any."""
    mistral = shape.architecture.startswith("mistral") or (
        shape.architecture == "llama" and shape.vocabulary == _TEKKEN
    )
    if not mistral:
        return None

    def rank(file: "RemoteFile") -> int:
        name = file.quantization.upper()
        return _EYES.index(name) if name in _EYES else len(_EYES)

    return min(repository.projectors, key=rank, default=None)


def _representative(files: Sequence["RemoteFile"]) -> "RemoteFile":
    for wanted in _READ_FIRST:
        for file in files:
            if file.quantization == wanted and len(file.parts) <= 1:
                return file
    return files[0]


def is_open(licence: str) -> bool:
    """Return whether a licence is known to restrict no use."""
    return licence.lower().startswith(_OPEN)
