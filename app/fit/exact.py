"""The plan with llama.cpp's own figures: its KV cache, compute and output buffers for each row.

On this machine's own devices the answer is per device. For a device that is not here, llama.cpp is
asked for its processor back end; what a card lays beside the same graph comes from the formula.
"""

from dataclasses import replace

from app.engine.backends.buffers import Buffers
from app.engine.backends.simulate import ContextWish
from app.fit.devices import Machine
from app.fit.graph import compute_bytes
from app.fit.memory import Estimate, Parts, Placement, cells, window_cells
from app.fit.plan import Plan, Row, asked, decided
from app.fit.simulate import simulate

_Key = tuple[str, int, int, int]


def exact(plan: Plan, machine: Machine) -> Plan:
    """Return the plan as llama.cpp has it. Raises WorldError where it cannot be asked.

    MLX rows stay as the formula has them: MLX has nothing to ask.
    """
    groups: dict[_Key, list[int]] = {}
    for number, row in enumerate(plan.rows):
        if row.candidate.header is not None or row.candidate.dimensions is not None:
            groups.setdefault(_key(row), []).append(number)
    rows = list(plan.rows)
    for numbers in groups.values():
        first = rows[numbers[0]]
        header = first.candidate.full_header()
        if header is None:
            continue
        wishes = tuple(dict.fromkeys(wish(rows[number].placement) for number in numbers))
        answers = simulate(header, wishes, gpu_layers=_gpu_layers(first, machine))
        found = dict(zip(wishes, answers, strict=True))
        for number in numbers:
            buffers = found[wish(rows[number].placement)]
            rows[number] = asked(rows[number], machine, told(rows[number], machine, buffers))
    return decided(plan.machine, plan.context, rows)


def wish(placement: Placement) -> ContextWish:
    """Return the context that a placement asks llama.cpp for."""
    return ContextWish(placement.context, placement.kv, placement.batch, placement.swa_full)


def told(row: Row, machine: Machine, buffers: Buffers) -> Estimate:
    """Return a row's estimate with what llama.cpp told in the formula's place."""
    before = row.estimate
    cards = [name for name in buffers.compute if _is_card(name)]
    if cards and not machine.unified:
        gpus = tuple(
            replace(parts, kv=buffers.kv.get(name, 0), compute=buffers.compute[name])
            for parts, name in zip(before.gpus, cards, strict=False)
        )
        host = replace(
            before.host,
            kv=_sum(buffers.kv, cards),
            compute=_sum(buffers.compute, cards),
            output=_sum(buffers.output, ()),
        )
        return Estimate(gpus + before.gpus[len(gpus) :], host)
    kv, compute = sum(buffers.kv.values()), sum(buffers.compute.values())
    output = sum(buffers.output.values())
    if not before.gpus:
        return Estimate((), replace(before.host, kv=kv, compute=compute, output=output))
    if row.verdict == "partial" or len(before.gpus) > 1:
        return before  # how a cache is shared out over cards that are not here is the formula's
    own = before.gpus[0].compute - _processor(row)
    card: Parts = replace(before.gpus[0], kv=kv, compute=compute + own)
    if machine.unified:
        return Estimate((replace(card, output=output),), before.host)
    return Estimate((card,), replace(before.host, output=output))


def _key(row: Row) -> _Key:
    """Return what rows have in common that one load answers."""
    shape = row.shape
    here = row.candidate.file if row.candidate.here else ""
    return here or shape.architecture, len(shape.layers), shape.embedding, row.placement.gpu_layers


def _gpu_layers(row: Row, machine: Machine) -> int:
    if not machine.gpus:
        return 0
    return min(row.placement.gpu_layers, len(row.shape.layers) + 1)


def _is_card(buffer: str) -> bool:
    return not buffer.startswith("CPU") and not buffer.endswith("_Host")


def _sum(part: dict[str, int], without: list[str] | tuple[str, ...]) -> int:
    return sum(size for name, size in part.items() if name not in without)


def _processor(row: Row) -> int:
    """Return the formula's compute buffer of the processor back end."""
    placement = row.placement
    every = cells(placement.context)
    return compute_bytes(
        row.shape,
        every,
        window_cells(row.shape, placement),
        min(placement.batch, every),
        placement.kv,
    )
