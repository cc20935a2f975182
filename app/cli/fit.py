"""The command `fit`: what a model would take of a device, part by part, and what to choose."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import Problem, WorldError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from app.fit.candidates import Candidate
    from app.fit.devices import Machine
    from app.fit.plan import Plan, Row

_DEFAULT_CONTEXT = 40_960


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    fit = commands.add_parser("fit", help="whether a model fits, part by part, and what to choose")
    fit.add_argument(
        "model", metavar="MODEL", help="a file, an MLX folder, a catalogue name or hf://owner/name"
    )
    fit.add_argument("--context", type=int, metavar="N", help="tokens; default: the model's advice")
    fit.add_argument("--kv", choices=("f16", "q8_0", "q4_0"), help="the KV cache's type")
    fit.add_argument("--device", default="this", help="this, rtx4090, mac32, cpu32, ...")
    fit.add_argument("--official", action="store_true", help="only files of the model's makers")
    fit.add_argument("--engine", choices=("llama_cpp", "mlx"), help="only files for this engine")
    fit.add_argument("--vision", action="store_true", help="with the part that sees pictures")
    fit.add_argument("--exact", action="store_true", help="ask llama.cpp instead of the formula")
    fit.add_argument("--json", action="store_true")
    fit.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table and the choice."""
    from app.fit.learned import Learned
    from app.fit.plan import KV_TYPES, plan

    if arguments.context is not None and arguments.context < 1:
        raise WorldError(Problem("usage", "--context wants a number of tokens above 0."))
    candidates, advised = _candidates(arguments.model, vision=arguments.vision)
    wanted = [
        candidate
        for candidate in candidates
        if (candidate.official or not arguments.official)
        and arguments.engine in (None, candidate.shape.engine)
    ]
    machine = _machine(arguments.device)
    context = arguments.context or advised
    kinds = (arguments.kv,) if arguments.kv else KV_TYPES
    learned = Learned() if arguments.device == "this" else None
    found = plan(wanted, machine, context, kv_types=kinds, learned=learned)
    if arguments.exact:
        from app.fit.exact import exact

        found = exact(found, machine)
    print(json.dumps(_json(found)) if arguments.json else _words(found))
    return 0


def _candidates(model: str, *, vision: bool) -> "tuple[tuple[Candidate, ...], int]":
    """Return what MODEL names, and the context to plan for."""
    from app.fit.candidates import from_entry, from_path
    from app.models.catalogue import entries, find
    from app.models.hub import is_address
    from app.picker import remote

    path = Path(model).expanduser()
    if path.exists():
        candidate = from_path(path)
        return (candidate,), min(
            _DEFAULT_CONTEXT, candidate.shape.context_train or _DEFAULT_CONTEXT
        )
    entry = find(model)
    if entry is None and is_address(model):
        fetched = remote.fetch(model)
        context = min(_DEFAULT_CONTEXT, fetched.context or _DEFAULT_CONTEXT)
        size = min((one.bytes for one in fetched.repository.projectors), default=0)
        return tuple(_seeing(one, size, vision=vision) for one in fetched.candidates), context
    if entry is None:
        known = ", ".join(entry.id for entry in entries() if entry.where == "here")
        raise WorldError(
            Problem(
                "unknown-model", f'There is no file and no model "{model}".', f"Known: {known}."
            )
        )
    return from_entry(entry, sees=vision), entry.context_default


def _seeing(candidate: "Candidate", projector_bytes: int, *, vision: bool) -> "Candidate":
    """Return a candidate with the projector beside it or without (an MLX folder holds its own)."""
    if candidate.shape.engine == "mlx":
        return candidate
    size = (candidate.eyes_taken or projector_bytes) if vision else 0
    return replace(candidate, shape=replace(candidate.shape, projector_bytes=size))


def _machine(name: str) -> "Machine":
    from app.fit.devices import from_hardware, named

    if name != "this":
        return named(name)
    from app.hardware.detect import detect

    return from_hardware(detect())


def _json(found: "Plan") -> dict[str, Any]:
    return {
        "device": found.machine.name,
        "budget_bytes": found.machine.budget_bytes,
        "reserve_bytes": (found.machine.gpus or (found.machine.host,))[0].reserve_bytes,
        "context": found.context,
        "rows": [_row(row) for row in found.rows],
        "choice": _row(found.choice) if found.choice else None,
        "reason": found.reason,
    }


def _row(row: "Row") -> dict[str, Any]:
    parts, layers = row.parts, len(row.shape.layers)
    on_gpu = min(row.placement.gpu_layers, layers) if row.estimate.gpus else 0
    return {
        "quantization": row.quantization,
        "file": row.candidate.file,
        "repository": row.candidate.repository,
        "official": row.candidate.official,
        "engine": row.shape.engine,
        "kv": row.placement.kv,
        "context": row.placement.context,
        "gpu_layers": on_gpu,
        "layers": layers,
        "cpu_experts": row.placement.cpu_experts,
        "weights_bytes": parts.weights,
        "kv_bytes": parts.kv,
        "compute_bytes": parts.compute,
        "output_bytes": parts.output,
        "projector_bytes": parts.projector,
        "overhead_bytes": parts.overhead,
        "total_bytes": parts.total,
        "host_bytes": row.estimate.host.total if row.estimate.gpus else 0,
        "spare_bytes": row.spare_bytes,
        "verdict": row.verdict,
        "tokens_per_s": round(row.tokens_per_s, 1) if row.tokens_per_s else None,
        "measured": row.measured,
        "exact": row.exact,
        "reason": row.reason,
    }


def _words(found: "Plan") -> str:
    from app.fit.explain import GB

    head = "  quantization  KV    engine     weights      KV  compute    rest   total   spare  t/s"
    budget = f"{found.machine.name}: {found.machine.budget_bytes / GB:.1f} GB for a model"
    lines = [f"{budget}, {found.context:,} tokens of context (GB)", head]
    for row in found.rows:
        parts = row.parts
        rest = parts.output + parts.projector + parts.overhead
        speed = f"{row.tokens_per_s:.0f}" if row.tokens_per_s else "-"
        mark = ">" if row is found.choice else {"fits": " ", "partial": "/", "no": "x"}[row.verdict]
        figures = "".join(
            f"{size / GB:8.2f}"
            for size in (parts.weights, parts.kv, parts.compute, rest, parts.total, row.spare_bytes)
        )
        lines.append(
            f"{mark} {row.quantization:<13} {row.placement.kv:<5} {row.shape.engine:<9} "
            f"{figures} {speed:>4}"
        )
    lines.append("> chosen   / only in part on the GPU   x does not fit")
    return "\n".join([*lines, found.reason])
