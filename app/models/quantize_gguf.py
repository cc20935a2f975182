"""What quantizing a GGUF file will give, read from its header alone: the tensors, and the size."""

from dataclasses import dataclass, replace
from pathlib import Path

from app.engine.backends.quantizing import GgufOrder
from app.errors import Problem, WorldError
from app.fit import gguf_shape
from app.fit.candidates import Candidate
from app.models import quantize_types as types
from app.models.gguf import Header, Tensor, read_header
from app.models.quantize_rules import Target, targets

ALIGNMENT = 32
"""Of tensors in the file: llama.cpp writes this one, whatever the source says."""

_TYPE_KEYS = ("general.quantization_version", "general.file_type")
_NUMBER_BYTES = 8 + 4 + 4  # of an entry beside its key: the key's length, the type, the number
_TENSOR_BYTES = 8 + 4 + 4 + 8  # of a tensor's description beside its name and sides


@dataclass(frozen=True, slots=True)
class GgufPlan:
    """What will be made of a GGUF file. header: of the result, as predicted.

    candidate: the result, as something to plan memory for.
    """

    source: Path
    quantization: str
    targets: tuple[Target, ...]
    header: Header
    candidate: Candidate

    @property
    def bytes(self) -> int:
        """Return the size of the result."""
        return self.header.file_bytes

    @property
    def steps(self) -> int:
        """Return how many tensors there are to do."""
        return len(self.targets)

    def order(self, out: Path, threads: int) -> GgufOrder:
        """Return the order for the child."""
        number = types.FILE_TYPES[self.quantization].number
        return GgufOrder(str(self.source), str(out), number, threads)

    def check(self, out: Path) -> int:
        """Return the size of what was made. Raises WorldError unless it is as predicted."""
        made = read_header(out)
        made.check()
        wanted = {target.tensor.name: (target.tensor.shape, target.type) for target in self.targets}
        found = {tensor.name: (tensor.shape, tensor.type) for tensor in made.tensors}
        differing = [name for name in wanted | found if wanted.get(name) != found.get(name)]
        if differing:
            name = differing[0]
            detail = f"{len(differing)} tensors differ: {name} is {found.get(name)}"
            raise WorldError(_not_as_planned(self.source, f"{detail}, planned {wanted.get(name)}"))
        if abs(made.file_bytes - self.bytes) > self.bytes / 100:
            detail = f"{made.file_bytes:,} bytes, planned {self.bytes:,}"
            raise WorldError(_not_as_planned(self.source, detail))
        return made.file_bytes


def plan(source: Path, quantization: str) -> GgufPlan:
    """Return what will be made of a file. Raises WorldError with why it cannot be."""
    name = types.gguf_name(quantization)
    headers = _headers(source)
    first = headers[0]
    alignment = first.number("general.alignment") or ALIGNMENT
    if alignment != ALIGNMENT:
        raise WorldError(
            Problem(
                "quantize-source",
                f"{source.name} lays out its data in a way that llama.cpp does not keep.",
                "Choose another source of this model.",
                f"general.alignment is {alignment}",
            )
        )
    tensors = [tensor for header in headers for tensor in header.tensors]
    found = targets(first, tensors, name)
    _refuse(first.path, name, found)
    header = _planned(headers, found, name)
    # Raises where this is no whole model, such as a vision projector.
    candidate = Candidate(gguf_shape.from_header(header, name), first.path.name, "", None)
    return GgufPlan(first.path, name, found, header, candidate)


def _headers(source: Path) -> tuple[Header, ...]:
    """Return the header of a file, or those of all files of a split one."""
    split = types.split_of(source.stem)
    if split is None:
        paths = [source]
    else:
        stem, count = split
        names = [f"{stem}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
        paths = [source.with_name(name) for name in names]
    headers = tuple(read_header(path) for path in paths)
    for header in headers:
        # The first of a split file tells of the whole model; the others have tensors only.
        if len(headers) == 1 or header.architecture:
            header.check()
        elif header.file_bytes < header.data_end:
            replace(header, metadata=headers[0].metadata).check()
    return headers


def _refuse(source: Path, quantization: str, found: tuple[Target, ...]) -> None:
    changed = [target for target in found if target.changed]
    if not changed:
        raise WorldError(
            Problem("quantize-source", f"{source.name} is {quantization} already.", "Use it as is.")
        )
    few = next((item for item in changed if item.tensor.type not in types.SOURCES), None)
    if few is not None:
        kind = types.type_name(few.tensor.type)
        raise WorldError(
            Problem(
                "quantize-source",
                f"{source.name} is quantized already: it has tensors in {kind}, and what those "
                "lost would be lost twice.",
                "Choose the BF16, F16 or Q8_0 file of this model.",
                few.tensor.name,
            )
        )
    needy = next((item for item in found if item.needs_imatrix), None)
    if needy is not None:
        raise WorldError(
            Problem(
                "quantize-imatrix",
                f"{quantization} needs an importance matrix, measured on text with the whole "
                "model; Ponder does not make one.",
                "Choose Q4_K_M or larger, or download this type from someone who made one.",
                f"{needy.tensor.name} would be {types.type_name(needy.type)}",
            )
        )


def _planned(headers: tuple[Header, ...], found: tuple[Target, ...], quantization: str) -> Header:
    first = headers[0]
    start = first.data_start
    start += sum(len(key) + _NUMBER_BYTES for key in _TYPE_KEYS if key not in first.metadata)
    # A split model becomes one file: all tensors are described in it.
    for header in headers[1:]:
        for tensor in header.tensors:
            start += len(tensor.name.encode()) + 8 * len(tensor.shape) + _TENSOR_BYTES
    start = _aligned(start)
    tensors: list[Tensor] = []
    at = 0
    for target in found:
        tensors.append(replace(target.tensor, type=target.type, offset=at, bytes=target.bytes))
        at += _aligned(target.bytes)
    file_type = types.FILE_TYPES[quantization].number
    return replace(
        first,
        metadata={**first.metadata, "general.file_type": file_type},
        tensors=tuple(tensors),
        data_start=start,
        data_end=start + at,
        file_bytes=start + at,
    )


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _not_as_planned(source: Path, detail: str) -> Problem:
    return Problem(
        "quantize-result",
        f"What was made of {source.name} is not what was planned, so it was thrown away.",
        "Try once more; if it happens again, choose another type.",
        detail,
    )
