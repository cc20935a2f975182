"""A model's header where the model is split into several files: of all of them together.

The first file tells of the whole model, each of its own tensors only. Planned from the first alone,
a model of 70 GB would be promised at the size of its first file.
"""

import re
from dataclasses import replace
from pathlib import Path

from app.errors import Problem, WorldError
from app.models.gguf import Header, read_header

_NAME = re.compile(r"(.*-)(\d{5})(-of-\d{5}\.gguf)", re.IGNORECASE | re.DOTALL)


def read_model(path: Path) -> Header:
    """Return the header of a whole model, its tensors and bytes those of all its files.

    The offsets of tensors stay those within their own files. Raises WorldError where a file is
    missing, incomplete or damaged, or where this is not the first of them.
    """
    first = read_header(path)
    count = first.number("split.count") or 1
    if count <= 1:
        first.check()
        return first
    number = (first.number("split.no") or 0) + 1
    name = _NAME.fullmatch(path.name)
    if name is None or not 1 <= number <= count:
        raise WorldError(
            _problem(
                f"{path.name} is one of {count} parts of a model; its name does not tell which.",
                "Give the files back the names that they were published with.",
            )
        )
    begin, _, end = name.groups()
    paths = [path.with_name(f"{begin}{part:05d}{end}") for part in range(1, count + 1)]
    if number != 1:
        raise WorldError(
            _problem(
                f"{path.name} is part {number} of the {count} parts of a model.",
                f"Choose the first part, {paths[0].name}.",
            )
        )
    headers = [first, *(_part(other, count) for other in paths[1:])]
    whole = replace(
        first,
        tensors=tuple(tensor for header in headers for tensor in header.tensors),
        file_bytes=sum(header.file_bytes for header in headers),
    )
    whole.check()
    for header in headers:
        if header.file_bytes < header.data_end:
            # It tells no architecture of its own.
            replace(header, metadata=first.metadata, tensors=whole.tensors).check()
    return whole


def _part(path: Path, count: int) -> Header:
    if not path.is_file():
        raise WorldError(
            _problem(
                f"{path.name} is missing: this model has {count} parts.",
                "Put all of them into one folder, or download the model again.",
            )
        )
    return read_header(path)


def _problem(title: str, advice: str) -> Problem:
    return Problem("model-file", title, advice)
