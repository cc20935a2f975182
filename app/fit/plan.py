"""The choice: which quantization, which cache and how much of it on the card.

Quality first, then speed: of everything that fits whole, the one that loses the fewest points of
reasoning (app.fit.quality); what loses about the same is decided by speed. Where nothing fits
whole, part of the model stays in main memory, as long as it is not unbearably slow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.fit import explain, quality
from app.fit.candidates import Candidate
from app.fit.devices import Machine
from app.fit.learned import Learned, shape_key
from app.fit.memory import Estimate, Parts, Placement, estimate
from app.fit.shape import ModelShape
from app.fit.speed import tokens_per_s

Verdict = Literal["fits", "partial", "no"]

KV_TYPES = ("f16", "q8_0", "q4_0")
SAME_POINTS = 0.02
"""Differences of points below this are none: then speed decides."""
BEARABLE_TOKENS_PER_S = 5.0
"""Slower than this, a thought of 2,000 tokens takes over six minutes."""
SMALL_LOSS = 1.0
"""Points: 4-bit weights and an 8-bit cache stay below it."""
CLEAR_LOSS = 2.0
"""Points. Beyond this a better model, half of it in main memory, is worth its time."""
MARGIN_SHARE = 0.01
"""Of the budget, kept free: the formula is within 0.1 %, the overhead of a driver is not."""


@dataclass(frozen=True, slots=True)
class Row:
    """One way to load one file. spare_bytes: of the tightest device, negative if it does not fit.

    parts: on the devices it is meant for; host_bytes: in main memory beside them. gpu_layers: of
    layers + 1, all being "fits". measured: the speed was measured on this machine. lost_points: of
    reasoning, by app.fit.quality. exact: llama.cpp was asked.
    """

    candidate: Candidate
    placement: Placement
    estimate: Estimate
    verdict: Verdict
    spare_bytes: int
    tokens_per_s: float | None
    measured: bool
    lost_points: float
    reason: str
    exact: bool = False

    @property
    def parts(self) -> Parts:
        """Return the bytes on the devices that the model is meant for."""
        return self.estimate.main

    @property
    def shape(self) -> ModelShape:
        """Return the model."""
        return self.candidate.shape

    @property
    def quantization(self) -> str:
        """Return the name of the quantization."""
        return self.candidate.shape.quantization


@dataclass(frozen=True, slots=True)
class Plan:
    """All rows, and the chosen one; None where nothing fits. reason: in a sentence."""

    machine: Machine
    context: int
    rows: tuple[Row, ...]
    choice: Row | None
    reason: str


def plan(
    candidates: Sequence[Candidate],
    machine: Machine,
    context: int,
    *,
    kv_types: Iterable[str] = KV_TYPES,
    learned: Learned | None = None,
) -> Plan:
    """Return the whole table for a context in tokens, and the choice."""
    kinds = tuple(kv_types)
    if not _runs_mlx(machine):
        # Its rows would only say so, unless there is nothing else.
        candidates = [item for item in candidates if item.shape.engine != "mlx"] or candidates
    seen: set[tuple[str, str, bool]] = set()
    rows: list[Row] = []
    for candidate in candidates:
        key = (candidate.shape.engine, candidate.shape.quantization, candidate.here)
        # Other publishers' files of the same quantization allocate the same.
        if key in seen:
            continue
        seen.add(key)
        rows += [best_row(candidate, machine, context, kv, learned) for kv in kinds]
    return decided(machine, context, rows)


def decided(machine: Machine, context: int, rows: Sequence[Row]) -> Plan:
    """Return the plan of these rows: with the choice, and its reason."""
    choice = _choose(rows)
    reason = explain.choice(choice, rows, machine, context)
    if rows and not _runs_mlx(machine) and all(row.shape.engine == "mlx" for row in rows):
        reason = explain.no_mlx()
    return Plan(machine, context, tuple(rows), choice, reason)


def with_eyes(row: Row, machine: Machine, others: Sequence[Candidate] = ()) -> Row:
    """Return a row that counts its vision part, where there is room for it; else it goes without.

    To see is not worth a worse model or a shorter context. others: files among which the same
    quantization may be, of a publisher who has a vision part beside it: taken in its place then.
    """
    own, kind = row.candidate, (row.shape.engine, row.quantization)
    alike = (one for one in others if (one.shape.engine, one.shape.quantization) == kind)
    seeing = own if own.eyes_taken else next((one for one in alike if one.eyes_taken), None)
    if seeing is None:
        return row
    taken = seeing.eyes_taken
    found = _beside_all(row.estimate, Parts(projector=taken))
    spare = found.spare(machine)
    if row.verdict != "no" and spare >= _margin(machine):
        candidate = replace(seeing, shape=replace(row.shape, projector_bytes=taken))
        return replace(row, candidate=candidate, estimate=found, spare_bytes=spare)
    if seeing is not own:
        return row
    blind = replace(own, projector="", eyes="", eyes_bytes=0, eyes_taken=0)
    return replace(row, candidate=blind)


def asked(row: Row, machine: Machine, found: Estimate) -> Row:
    """Return a row with llama.cpp's own answer in place of the formula's."""
    spare = found.spare(machine)
    row = replace(row, estimate=found, spare_bytes=spare, exact=True)
    if spare < _margin(machine):
        return replace(row, verdict="no", reason=explain.too_big(row.parts, spare))
    verdict: Verdict = row.verdict if row.verdict == "partial" else "fits"
    row = replace(row, verdict=verdict)
    return replace(row, reason=explain.row(row, machine))


def best_row(
    candidate: Candidate, machine: Machine, context: int, kv: str, learned: Learned | None = None
) -> Row:
    """Return the fastest placement that fits, or the whole model's row if there is none."""
    shape = candidate.shape
    context = min(context, shape.context_train) if shape.context_train else context
    whole = Placement(context, kv)
    row = _row(candidate, machine, whole, "fits", learned)
    if shape.engine == "mlx" and not _runs_mlx(machine):
        return replace(row, verdict="no", reason=explain.no_mlx())
    if row.spare_bytes >= _margin(machine):
        return row
    if shape.engine == "mlx" or not machine.gpus or machine.unified:
        return replace(row, verdict="no", reason=explain.too_big(row.parts, row.spare_bytes))
    for placement in _partial(shape, machine, whole):
        found = _row(candidate, machine, placement, "partial", learned)
        if found.spare_bytes >= _margin(machine):
            return found
    return replace(row, verdict="no", reason=explain.too_big(row.parts, row.spare_bytes))


def _runs_mlx(machine: Machine) -> bool:
    return machine.unified and machine.gpus[0].kind == "metal"


def _margin(machine: Machine) -> int:
    return round(machine.budget_bytes * MARGIN_SHARE)


def _partial(shape: ModelShape, machine: Machine, whole: Placement) -> Iterable[Placement]:
    """Yield what to try, the fastest first: the experts outside, then ever fewer layers inside."""
    if shape.experts:
        yield replace(whole, cpu_experts=True)
    layers = len(shape.layers)
    card = machine.budget_bytes
    least = _on_cards(shape, replace(whole, gpu_layers=1), machine)
    most = _on_cards(shape, replace(whole, gpu_layers=layers), machine)
    # Layers are nearly alike, so a straight line finds the number but for one or two.
    per_layer = max(1.0, (most - least) / max(1, layers - 1))
    number = max(0, min(layers, 2 + int((card - least) / per_layer)))
    while number and not _cards_hold(shape, replace(whole, gpu_layers=number), machine):
        number -= 1
    yield replace(whole, gpu_layers=number)


def _on_cards(shape: ModelShape, placement: Placement, machine: Machine) -> int:
    return sum(parts.total for parts in estimate(shape, placement, machine).gpus)


def _cards_hold(shape: ModelShape, placement: Placement, machine: Machine) -> bool:
    found = estimate(shape, placement, machine)
    pairs = zip(machine.gpus, found.gpus, strict=True)
    return all(gpu.budget_bytes - parts.total >= _margin(machine) for gpu, parts in pairs)


def _row(
    candidate: Candidate,
    machine: Machine,
    placement: Placement,
    verdict: Verdict,
    learned: Learned | None,
) -> Row:
    shape = candidate.shape
    found = estimate(shape, placement, machine)
    kind = machine.gpus[0].kind if machine.gpus else "cpu"
    measured: float | None = None
    if learned is not None:
        key = shape_key(shape)
        found = corrected(found, learned.correction_bytes(machine.name, kind, key))
        if verdict == "fits":
            measured = learned.tokens_per_s(machine.name, kind, key)
    spare = found.spare(machine)
    speed = measured or tokens_per_s(shape, placement, machine)
    lost = quality.points_lost(shape.quantization, placement.kv)
    row = Row(candidate, placement, found, verdict, spare, speed, measured is not None, lost, "")
    return replace(row, reason=explain.row(row, machine))


def corrected(found: Estimate, correction_bytes: int) -> Estimate:
    """Return an estimate with what earlier loads taught, on the first device."""
    if not correction_bytes:
        return found
    return _beside_all(found, Parts(overhead=correction_bytes))


def _beside_all(found: Estimate, extra: Parts) -> Estimate:
    """Return an estimate with something more on the first device."""
    if found.gpus:
        return Estimate((found.gpus[0] + extra, *found.gpus[1:]), found.host)
    return Estimate((), found.host + extra)


def _choose(rows: Sequence[Row]) -> Row | None:
    good = [row for row in rows if quality.advisable(row.quantization)]
    whole = _best_whole([row for row in good if row.verdict == "fits"])
    partial = [row for row in good if row.verdict == "partial"]
    bearable = _best_in_part([row for row in partial if _bearable(row)])
    if whole is None:
        slow = max(partial, key=lambda row: row.tokens_per_s or 0.0, default=None)
        return bearable or slow
    if bearable is not None and bearable.lost_points < CLEAR_LOSS < whole.lost_points:
        return bearable
    return whole


def _best_whole(rows: Sequence[Row]) -> Row | None:
    """Return the best, or what loses a little more where that makes the wait bearable."""
    best, quick = _best(rows), _best([row for row in rows if _bearable(row)])
    if best is None or quick is None or quick.lost_points - best.lost_points >= SMALL_LOSS:
        return best
    return quick


def _best_in_part(rows: Sequence[Row]) -> Row | None:
    """Return the fastest with a small loss: where main memory takes part, speed is what lacks."""
    small = [row for row in rows if row.lost_points < SMALL_LOSS]
    return max(small, key=lambda row: row.tokens_per_s or 0.0) if small else _best(rows)


def _bearable(row: Row) -> bool:
    return row.tokens_per_s is None or row.tokens_per_s >= BEARABLE_TOKENS_PER_S


def _best(rows: Sequence[Row]) -> Row | None:
    if not rows:
        return None
    least = min(row.lost_points for row in rows)
    alike = [row for row in rows if row.lost_points <= least + SAME_POINTS]
    return max(alike, key=lambda row: row.tokens_per_s or 0.0)
