"""What `ponder models get MODEL` shall download: the file that was named, or the one that fits."""

from typing import TYPE_CHECKING

from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from app.fit.candidates import Candidate
    from app.models.catalogue import Entry
    from app.models.downloads import Wanted

_DEFAULT_CONTEXT = 40_960


def choose(
    model: str, *, quantization: str | None, context: int | None, accepted: bool
) -> "Wanted":
    """Return the download of a catalogue's name or an address. Raises WorldError.

    context: tokens that it shall fit with, None is as advised. accepted: a licence with terms.
    """
    from app.models import catalogue, hub

    entry = catalogue.find(model)
    if entry is not None:
        if entry.licence_terms:
            _check_licence(entry.name, entry.licence, entry.page, accepted=accepted)
        return _of_entry(entry, quantization, context)
    if hub.is_address(model):
        return _of_hub(model, quantization, context, accepted=accepted)
    known = ", ".join(entry.id for entry in catalogue.entries() if entry.where == "here")
    raise WorldError(
        Problem(
            "unknown-model",
            f'There is no model "{model}" in the catalogue.',
            f"Known: {known}; or give an address such as hf://owner/name.",
        )
    )


def _of_entry(entry: "Entry", quantization: str | None, context: int | None) -> "Wanted":
    from app.fit.candidates import from_entry
    from app.models.downloads import Wanted

    if not quantization:
        best = _best(entry.name, from_entry(entry), context or entry.context_default)
        files = () if best.file == best.repository else _files(best.file, best.eyes)
        return Wanted(best.repository, files=files, title=entry.name)
    for file in entry.files:
        if file.quantization.lower() == quantization.lower():
            files = _files(file.name, file.projector)
            return Wanted(file.repository, files=files, title=entry.name)
    known = tuple(dict.fromkeys(file.quantization for file in entry.files))
    raise WorldError(_no_quantization(entry.name, quantization, known))


def _of_hub(
    model: str, quantization: str | None, context: int | None, *, accepted: bool
) -> "Wanted":
    from app.models import hub
    from app.models.downloads import Wanted
    from app.picker import remote

    address = hub.parse(model)
    repository = hub.resolve(address)
    if repository.engine is None:
        raise WorldError(Problem("hub-no-model", repository.why_not, repository.why_not_advice))
    if not remote.is_open(repository.licence):
        _check_licence(repository.id, repository.licence, repository.page, accepted=accepted)
    found = [
        file
        for file in repository.files
        if not quantization or file.quantization.lower() == quantization.lower()
    ]
    if not found:
        known = tuple(dict.fromkeys(file.quantization for file in repository.files))
        raise WorldError(_no_quantization(repository.id, quantization or "", known))
    name, eyes = found[0].name, ""
    if len(found) > 1 or repository.projectors:
        names = {file.name for file in found}
        candidates = tuple(c for c in remote.fetch(model).candidates if c.file in names)
        eyes = candidates[0].eyes
    if len(found) > 1:
        trained = max(each.shape.context_train for each in candidates)
        advised = min(_DEFAULT_CONTEXT, trained or _DEFAULT_CONTEXT)
        best = _best(repository.id, candidates, context or advised)
        name, eyes = best.file, best.eyes
    files = _files(name, eyes)
    return Wanted(repository.id, address.revision, files, repository.id.partition("/")[2])


def _files(name: str, eyes: str) -> tuple[str, ...]:
    """Return what is downloaded: the model, and the vision part that it has, if any."""
    return (name, eyes) if name and eyes else (name,) if name else ()


def _best(name: str, candidates: "tuple[Candidate, ...]", context: int) -> "Candidate":
    """Return what the plan chooses for this machine."""
    from app.fit.devices import from_hardware
    from app.fit.learned import Learned
    from app.fit.plan import plan, with_eyes
    from app.hardware.detect import detect

    machine = from_hardware(detect())
    found = plan(candidates, machine, context, learned=Learned())
    if found.choice is None:
        raise WorldError(
            Problem(
                "nothing-fits",
                f"Nothing of {name} fits this computer with {context:,} tokens of context.",
                "Name a smaller --context, or a --quantization to have it anyway.",
                found.reason,
            )
        )
    return with_eyes(found.choice, machine, candidates).candidate


def _check_licence(name: str, licence: str, page: str, *, accepted: bool) -> None:
    if not accepted:
        said = f"licence is {licence}" if licence else "page names no licence"
        raise WorldError(
            Problem(
                "licence",
                f"{name} may come with terms: its {said}.",
                f"Read them at {page}, then say --accept-licence.",
            )
        )


def _no_quantization(name: str, wanted: str, known: tuple[str, ...]) -> Problem:
    return Problem(
        "no-quantization",
        f"{name} has no {wanted}.",
        f"It has: {', '.join(each or 'one without a name' for each in known)}.",
    )
