"""By which files an answer was made, told once they are hashed: the weights, and the vision part.

The vision part counts only where pictures were seen: without one it takes no part in an answer.
"""

from collections.abc import Mapping
from dataclasses import replace

from app.chat.message import Provenance
from app.models.weights import Weights


def files_of(by: Provenance) -> tuple[str, ...]:
    """Return the paths whose hashes an answer's record still lacks."""
    wanted = ((by.file, by.sha256), (by.projector, by.projector_sha256))
    return tuple(path for path, sha256 in wanted if path and not sha256)


def weighed(by: Provenance, known: Mapping[str, Weights]) -> Provenance:
    """Return the record with what is known by now of its files, by their paths.

    It is the very same object where nothing was added.
    """
    for path in files_of(by):
        found = known.get(path)
        if found is None:
            continue
        if path == by.file:
            by = replace(
                by, sha256=found.sha256, repository=found.repository, revision=found.revision
            )
        else:
            by = replace(by, projector_sha256=found.sha256)
    return by
