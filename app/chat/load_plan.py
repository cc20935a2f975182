"""How a model is to be loaded, and what that was promised to take: the plan as the engine gets it.

The picker makes one of a row of its table; for a file that is just opened `for_file` makes one.
`smaller` is the offer after a load that failed in spite of its promise: the failure is taken as
proof that so much memory is not there, whatever the system says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.engine.choice import backend_for
from app.engine.protocol import KVType, LoadOptions, ModelInfo, Usage
from app.models.projectors import BESIDE
from app.settings import Settings

if TYPE_CHECKING:
    from app.fit.candidates import Candidate
    from app.fit.devices import Device, Kind, Machine
    from app.fit.learned import Learned, Load
    from app.fit.plan import Row

DEFAULT_CONTEXT = 40_960
"""Tokens: what Magistral's makers advise, and room for one long thought of any model."""

SPEED_TOKENS = 64
"""An answer of fewer says more about its first token than about the speed."""

_CONTEXTS = (32_768, 24_576, 16_384, 12_288, 8192, 4096, 2048)
_GRAIN = 256
"""Tokens: llama.cpp pads its cache to as many."""
_SHRINK = 0.9
"""Of what failed: the next setting takes a tenth less, or it would fail as well."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """context: in tokens. gpu_layers: of layers + 1, -1 is all. kind: of the device ("cuda").

    promised_bytes: on the devices the model is meant for, None where nothing was promised;
    correction_bytes: the part of it that earlier loads taught. machine, shape: what is learned is
    kept under these names (shape: app.fit.learned.shape_key). projector: as in `LoadOptions`.
    """

    context: int
    kv: KVType = "f16"
    gpu_layers: int = -1
    cpu_experts: bool = False
    promised_bytes: int | None = None
    machine: str = ""
    kind: str = ""
    shape: str = ""
    correction_bytes: int = 0
    projector: str = BESIDE

    @classmethod
    def of_row(cls, row: "Row", machine: "Machine") -> "LoadPlan":
        """Return the plan that loads what a row of the table describes."""
        from app.fit.learned import shape_key
        from app.fit.memory import estimate

        placement = row.placement
        whole = not machine.gpus or placement.gpu_layers > len(row.shape.layers)
        before = estimate(row.shape, placement, machine).main
        return cls(
            context=placement.context,
            kv=cast("KVType", placement.kv),
            gpu_layers=-1 if whole else placement.gpu_layers,
            cpu_experts=placement.cpu_experts,
            promised_bytes=row.parts.total,
            machine=machine.name,
            kind=machine.gpus[0].kind if machine.gpus else "cpu",
            shape=shape_key(row.shape),
            correction_bytes=row.parts.overhead - before.overhead,
            projector=row.candidate.projector,
        )

    @property
    def whole(self) -> bool:
        """Return whether all of the model is where it is fastest: then its speed says something."""
        return self.gpu_layers < 0 and not self.cpu_experts

    def options(self, path: str) -> LoadOptions:
        """Return what the engine is asked for."""
        return LoadOptions(
            path=path,
            backend=backend_for(path),
            context=self.context,
            gpu_layers=self.gpu_layers,
            kv_type=self.kv,
            cpu_experts=self.cpu_experts,
            projector=self.projector,
        )

    def in_words(self) -> str:
        """Return the settings: "16,384 tokens of context, KV cache q8_0, 20 layers on the GPU"."""
        words = f"{self.context:,} tokens of context, KV cache {self.kv}"
        if self.gpu_layers >= 0:
            words += f", {self.gpu_layers} layers on the GPU"
        words += ", experts in main memory" if self.cpu_experts else ""
        return words + ("" if self.projector else ", without its vision part")


def wanted_context(context: int) -> int:
    """Return the context to plan for: what the user set, or room for a long thought."""
    return DEFAULT_CONTEXT if context == Settings().context else context


def default_options(path: str, context: int) -> LoadOptions:
    """Return how a file is loaded for which no plan could be made."""
    return LoadOptions(path=path, backend=backend_for(path), context=context)


def for_file(
    path: Path, machine: "Machine", context: int, learned: "Learned | None" = None
) -> LoadPlan | None:
    """Return the best plan for a file with this context or, where it does not fit, a smaller one.

    None where nothing fits. Raises WorldError where the file tells no dimensions.
    """
    row = _of_ways(path, machine, context, learned)
    return LoadPlan.of_row(row, machine) if row else None


def smaller(
    path: Path, failed: LoadPlan, machine: "Machine", learned: "Learned | None" = None
) -> LoadPlan | None:
    """Return the next plan after one that failed for memory, which takes a tenth less or better.

    None where there is none. Raises WorldError where the file tells no dimensions.
    """
    from app.fit.candidates import from_path

    candidate = from_path(path)
    promised = failed.promised_bytes or promise(candidate, failed, machine)
    row = _of_ways(path, _within(machine, round(promised * _SHRINK)), failed.context, learned)
    return LoadPlan.of_row(row, machine) if row else None


def larger(
    path: Path,
    context: int,
    needed: int,
    machine: "Machine",
    learned: "Learned | None" = None,
) -> LoadPlan | None:
    """Return a plan with a larger context, None where none fits or the model was made for none.

    context: tokens that it holds now. needed: that it must hold at least. Twice as many as now are
    tried first: who is short of room once will be again. One that is all where it is fastest goes
    before one that is not.
    Raises WorldError where the file tells no dimensions.
    """
    from app.fit.candidates import from_path
    from app.fit.plan import plan

    candidate = from_path(path)
    most = candidate.shape.context_train
    wanted = max(2 * context, needed)
    steps = sorted({wanted, needed, *(step for step in _CONTEXTS if needed <= step < wanted)})
    lengths = [_whole(length) for length in reversed(steps)]
    if most:
        lengths = [min(length, most) for length in lengths if needed <= most]
    partial: Row | None = None
    for length in dict.fromkeys(lengths):
        rows = plan([candidate], machine, length, learned=learned).rows
        fitting = [row for row in rows if row.verdict == "fits"]
        if fitting:
            best = min(fitting, key=lambda row: row.lost_points)
            return LoadPlan.of_row(best, machine)
        partial = partial or next((row for row in rows if row.verdict == "partial"), None)
    return LoadPlan.of_row(partial, machine) if partial else None


def promise(candidate: "Candidate", plan: LoadPlan, machine: "Machine") -> int:
    """Return the bytes that a plan takes of the devices it is meant for, by formula."""
    from app.fit.memory import Placement, estimate

    layers = len(candidate.shape.layers) + 1 if plan.gpu_layers < 0 else plan.gpu_layers
    placement = Placement(plan.context, plan.kv, layers, plan.cpu_experts)
    return estimate(candidate.shape, placement, machine).main.total


def speed_of(plan: LoadPlan, usage: Usage | None) -> float | None:
    """Return the tokens a second of an answer, None where it was too short to tell.

    Or where part of the model was where it is slower: that would be taken for the whole's speed.
    """
    if usage is None or not plan.shape or not plan.whole or usage.decode_s <= 0:
        return None
    tokens = usage.thinking_tokens + usage.answer_tokens
    return tokens / usage.decode_s if tokens >= SPEED_TOKENS else None


def load_of(plan: LoadPlan, info: ModelInfo, tokens_per_s: float | None = None) -> "Load | None":
    """Return promise and truth of a load, None where nothing was promised.

    What the engine could not measure beside its buffers is counted as it was assumed.
    """
    from app.fit.devices import OVERHEAD_BYTES
    from app.fit.learned import Load
    from app.fit.memory import MLX_OVERHEAD_BYTES

    if plan.promised_bytes is None or not info.allocated:
        return None
    cards = [device for device in info.allocated if device.card]
    host = [device for device in info.allocated if not device.card]
    # On a Mac both are one memory, and promised as one.
    meant = host if plan.kind == "cpu" else cards + (host if plan.kind == "metal" else [])
    if not meant:
        return None
    used = 0
    for device in meant:
        kind = cast("Kind", plan.kind if device.card else "cpu")
        assumed = MLX_OVERHEAD_BYTES if info.backend == "mlx" else OVERHEAD_BYTES[kind]
        beside = device.beside_bytes
        used += device.bytes + (assumed if beside is None else beside)
    return Load(
        plan.machine,
        plan.kind,
        plan.shape,
        plan.promised_bytes,
        used,
        tokens_per_s,
        correction_bytes=plan.correction_bytes,
    )


def held(info: ModelInfo | None) -> tuple[int, int]:
    """Return what a loaded model gives back: bytes of the cards, and of main memory.

    Mapped weights are not among the second: the system counts them as available all the time.
    """
    if info is None:
        return 0, 0
    cards = sum(device.bytes for device in info.allocated if device.card)
    host = sum(device.bytes - device.mapped_bytes for device in info.allocated if not device.card)
    return cards, host


def _of_ways(
    path: Path, machine: "Machine", context: int, learned: "Learned | None"
) -> "Row | None":
    """Return the best row of a file: with a vision part, unless that costs too much of the rest.

    Without one where only so the model lies whole where it is fastest, or where the context would
    shrink to less than half of what it is without.
    """
    from app.fit.candidates import ways

    *seeing, plain = ways(path)
    rows = [row for way in seeing if (row := _best(way, machine, context, learned))]
    blind = _best(plain, machine, context, learned)
    if not rows or blind is None:
        return blind
    best = min(rows, key=lambda row: (row.verdict != "fits", -row.placement.context))
    worse = best.verdict != "fits" and blind.verdict == "fits"
    return blind if worse or 2 * best.placement.context < blind.placement.context else best


def _best(
    candidate: "Candidate", machine: "Machine", context: int, learned: "Learned | None"
) -> "Row | None":
    from app.fit.plan import plan

    for length in _lengths(context, candidate.shape.context_train):
        found = plan([candidate], machine, length, learned=learned)
        if found.choice is not None:
            return found.choice
        # One that is never recommended is here nevertheless, and was asked for.
        fitting = [row for row in found.rows if row.verdict != "no"]
        if fitting:
            return min(fitting, key=lambda row: (row.verdict != "fits", row.lost_points))
    return None


def _whole(length: int) -> int:
    """Return a context rounded up to what engines allocate anyway."""
    return -(-length // _GRAIN) * _GRAIN


def _lengths(context: int, trained: int) -> Iterator[int]:
    """Yield the context, then ever smaller ones."""
    context = min(context, trained) if trained else context
    yield context
    yield from (length for length in _CONTEXTS if length < context)


def _within(machine: "Machine", budget_bytes: int) -> "Machine":
    """Return the machine with no more memory for a model than this, on its fastest devices."""
    share = budget_bytes / machine.budget_bytes if machine.budget_bytes else 1.0
    if share >= 1:
        return machine

    def less(device: "Device") -> "Device":
        kept = round(device.budget_bytes * share)
        return replace(device, free_bytes=kept + device.reserve_bytes)

    if machine.gpus:
        return replace(machine, gpus=tuple(less(gpu) for gpu in machine.gpus))
    return replace(machine, host=less(machine.host))
