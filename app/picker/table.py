"""The picker's table for one model and one context: a line per quantization, and which is best.

The plan has a row per quantization and type of cache; a line is the row that the plan itself would
choose if there were no other quantization. All pure: machine and candidates are given.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.fit import candidates as files
from app.fit import quality
from app.fit.candidates import Candidate
from app.fit.devices import Machine
from app.fit.learned import Learned
from app.fit.plan import Plan, Row, decided, plan, with_eyes
from app.models import projectors
from app.models.catalogue import Entry
from app.models.download_types import siblings
from app.picker import words
from app.picker.words import Quality, Tone

STEPS = (8192, 16384, 40960, 131072)
"""Tokens of context to choose from, beside the one that the model's makers advise."""
ENGINES = frozenset({"llama_cpp", "mlx"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a line's file comes from. files: () is the whole repository (an MLX folder).

    path: where it already is on this computer, "" where it has to be downloaded. made_from: the
    file here that it can be quantized from instead, "" where it is downloaded.
    """

    repository: str
    revision: str
    files: tuple[str, ...]
    path: str = ""
    made_from: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One quantization. All sizes in bytes, of the devices the model is meant for.

    download_bytes: 0 where nothing is downloaded. free_bytes: what the bar stands for as a whole.
    """

    label: str
    quality: Quality
    download_bytes: int
    weights_bytes: int
    context_bytes: int
    working_bytes: int
    free_bytes: int
    verdict: str
    tone: Tone
    best: bool
    row: Row
    source: Source

    @property
    def cost(self) -> str:
        """Return what it takes to have it: a download, the making of a file here, or nothing."""
        if self.source.made_from:
            return f"to make, {words.file_size(self.row.shape.file_bytes)}"
        return words.file_size(self.download_bytes) if self.download_bytes else "is here"

    @property
    def fits(self) -> bool:
        """Return whether it can be loaded here."""
        return self.row.verdict != "no"


@dataclass(frozen=True, slots=True)
class Table:
    """The lines of a model for a context in tokens; steps: what can be chosen instead.

    reason: why the best is the best, or what would help where nothing fits.
    """

    context: int
    steps: tuple[int, ...]
    advised: int
    lines: tuple[Line, ...]
    reason: str
    machine: Machine

    @property
    def best(self) -> int:
        """Return the number of the line to begin with."""
        return next((at for at, line in enumerate(self.lines) if line.best), 0)

    @property
    def free_bytes(self) -> int:
        """Return the memory that is free for a model, before the reserve."""
        return free_bytes(self.machine)


def free_bytes(machine: Machine) -> int:
    """Return what is free on the devices that models are meant for."""
    return sum(gpu.free_bytes for gpu in machine.gpus) or machine.host.free_bytes


def steps(limit: int, advised: int) -> tuple[int, ...]:
    """Return the contexts to choose from: the usual ones and the advised, up to the model's own."""
    limit = limit or max(STEPS)
    return tuple(sorted({step for step in (*STEPS, advised) if step <= limit} or {limit}))


def advised_context(limit: int, wanted: int) -> int:
    """Return the context to begin with: what is wanted, unless the model was made for less."""
    return min(wanted, limit) if limit else wanted


def of_entry(
    entry: Entry,
    machine: Machine,
    context: int,
    *,
    here: dict[tuple[str, str], str] | None = None,
    learned: Learned | None = None,
    engines: frozenset[str] = ENGINES,
) -> Table:
    """Return the table of a catalogue entry. Raises WorldError where it cannot be planned.

    here: paths of files on this computer, by repository and name. engines: that can be used.
    """
    advised = advised_context(entry.context, entry.context_default)
    found = [file for file in files.from_entry(entry) if file.shape.engine in engines]
    sizes = {(file.repository, file.name or file.repository): file.bytes for file in entry.files}
    return of_candidates(
        found,
        machine,
        context,
        steps(entry.context, advised),
        advised,
        sizes=sizes,
        here=here,
        learned=learned,
    )


def of_file(
    candidate: Candidate,
    path: str,
    machine: Machine,
    context: int,
    *,
    makeable: Sequence[Candidate] = (),
    learned: Learned | None = None,
) -> Table:
    """Return the table of a model on this computer: its line, with the settings to load it with.

    makeable: what can be quantized from it here, with a line each.
    """
    limit = candidate.shape.context_train
    advised = advised_context(limit, STEPS[2])
    return of_candidates(
        (candidate, *makeable),
        machine,
        context or advised,
        steps(limit, advised),
        advised,
        here={(candidate.repository, candidate.file): path},
        made_from={each.file: path for each in makeable},
        learned=learned,
    )


def of_candidates(
    found: Sequence[Candidate],
    machine: Machine,
    context: int,
    choices: tuple[int, ...],
    advised: int,
    *,
    sizes: dict[tuple[str, str], int | None] | None = None,
    here: dict[tuple[str, str], str] | None = None,
    made_from: dict[str, str] | None = None,
    revision: str = "",
    learned: Learned | None = None,
) -> Table:
    """Return the table of these files. sizes: of files by repository and name, where known.

    made_from: paths of the files that files of these names are to be quantized from.
    """
    found = [_as_it_lies(candidate, here or {}) for candidate in found]
    planned = plan(found, machine, context, learned=learned)
    others = _not_here(found, here or {})
    lines = [
        _line(rows, planned, sizes or {}, here or {}, revision, others)
        for rows in _by_quantization(planned.rows)
    ]
    if made_from:
        lines = [_made(line, made_from) for line in lines]
    lines.sort(key=lambda line: -line.row.shape.weights_bytes)
    return Table(context, choices, advised, tuple(lines), reason(planned), machine)


def _as_it_lies(candidate: Candidate, here: dict[tuple[str, str], str]) -> Candidate:
    """Return a candidate; one that is here without the vision part it could have, without it."""
    path = here.get((candidate.repository, candidate.file), "")
    if not path or projectors.wanted(path, projectors.BESIDE):
        return candidate
    return replace(candidate, eyes="", eyes_bytes=0, eyes_taken=0)


def _not_here(found: Sequence[Candidate], here: dict[tuple[str, str], str]) -> list[Candidate]:
    """Return the candidates of the quantizations that are to be downloaded."""
    kept = {one.shape.quantization for one in found if (one.repository, one.file) in here}
    return [one for one in found if one.shape.quantization not in kept]


def _by_quantization(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        key = (row.shape.engine, row.quantization, row.candidate.repository)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _line(
    rows: list[Row],
    planned: Plan,
    sizes: dict[tuple[str, str], int | None],
    here: dict[tuple[str, str], str],
    revision: str,
    others: Sequence[Candidate],
) -> Line:
    best = any(row is planned.choice for row in rows)
    row = planned.choice if best and planned.choice is not None else _chosen(rows, planned)
    row = with_eyes(row, planned.machine, others)
    candidate, parts, machine = row.candidate, row.parts, planned.machine
    path = here.get((candidate.repository, candidate.file), "")
    folder = candidate.shape.engine == "mlx"
    size = sizes.get((candidate.repository, candidate.file)) or candidate.shape.file_bytes
    files = () if folder else siblings(candidate.file) + ((candidate.eyes,) * bool(candidate.eyes))
    verdict, tone = words.verdict(row, macs_only=folder and not _has_metal(machine))
    return Line(
        label=f"MLX {row.quantization}" if folder else row.quantization or candidate.file,
        quality=words.quality_of(row.quantization),
        download_bytes=0 if path else size + candidate.eyes_bytes,
        weights_bytes=parts.weights + parts.projector,
        context_bytes=parts.kv,
        working_bytes=parts.compute + parts.output + parts.overhead,
        free_bytes=free_bytes(machine),
        verdict=verdict,
        tone=tone,
        best=best,
        row=row,
        source=Source(candidate.repository, revision, files, path=path),
    )


def _made(line: Line, made_from: dict[str, str]) -> Line:
    """Return a line, with where it is made from if it is not here."""
    path = made_from.get(line.row.candidate.file, "")
    if not path or line.source.path:
        return line
    return replace(line, download_bytes=0, source=replace(line.source, made_from=path))


def _chosen(rows: list[Row], planned: Plan) -> Row:
    """Return the row that stands for a quantization: the plan's choice among its own."""
    chosen = decided(planned.machine, planned.context, rows).choice
    if chosen is not None:
        return chosen
    # Under three bits the plan chooses none; what fits, or is nearest to fitting, is shown.
    fitting = [row for row in rows if row.verdict != "no"]
    if fitting:
        return min(fitting, key=lambda row: row.lost_points)
    return max(rows, key=lambda row: row.spare_bytes)


def _has_metal(machine: Machine) -> bool:
    return bool(machine.gpus) and machine.gpus[0].kind == "metal"


def reason(planned: Plan) -> str:
    """Return why the plan chose what it chose, in a sentence or two without jargon."""
    chosen = planned.choice
    if chosen is None:
        return planned.reason
    said = []
    if chosen.placement.kv != "f16":
        bits = {"q8_0": "8", "q4_0": "4"}[chosen.placement.kv]
        said.append(
            f"Context memory is kept in {bits} bits ({chosen.placement.kv}) to fit "
            f"{chosen.placement.context:,} tokens."
        )
    elif chosen.verdict == "fits":
        said.append(f"{chosen.placement.context:,} tokens of context fit without compression.")
    if chosen.verdict == "partial":
        said.append("A part of the model stays in main memory, which makes it slower.")
    if chosen.measured:
        said.append("The speed was measured on this computer.")
    elif chosen.tokens_per_s is not None:
        where = "this card's" if planned.machine.gpus else "the"
        said.append(
            f"Speeds are estimates from {where} memory bandwidth, until this computer has measured "
            f"them; quality was {quality.EVIDENCE}."
        )
    return " ".join(said)
