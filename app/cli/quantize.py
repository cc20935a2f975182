"""The command `models quantize`: a smaller model of one that is here, and whether it will fit."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import WorldError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from app.models.quantize import Made, Preview, Progress

_TENTHS = 10


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `models`."""
    from app.models.quantize_types import FILE_TYPES, MLX_BITS

    quantize = commands.add_parser(
        "quantize",
        help="make a smaller model of a BF16, F16 or Q8_0 one",
        epilog=f"Types of GGUF files: {', '.join(FILE_TYPES)}. Of MLX folders: "
        f"{', '.join(MLX_BITS)}.",
    )
    quantize.add_argument("source", metavar="SOURCE", help="a GGUF file, or a safetensors folder")
    quantize.add_argument("type", metavar="TYPE", help="such as Q4_K_M; for a folder, such as 4bit")
    quantize.add_argument("--out", metavar="FILE", help="or a folder; default: beside the source")
    quantize.add_argument("--threads", type=int, default=0, metavar="N", help="default: all")
    quantize.add_argument("--preview", action="store_true", help="only say what it would give")
    quantize.add_argument("--json", action="store_true", help="one event a line")
    quantize.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Say what it will give, make it, and say what it gave."""
    from app.cli.engine import model_path
    from app.models.quantize import Quantizing, preview

    source = model_path(arguments.source).absolute()
    out = Path(arguments.out).expanduser().absolute() if arguments.out else None
    tell = _Json() if arguments.json else _Words()
    seen = preview(source, arguments.type, out=out)
    if seen.problem is not None and not (arguments.preview and seen.bytes):
        raise WorldError(seen.problem)
    tell.preview(seen)
    if arguments.preview:
        return 0
    work = Quantizing(
        source, arguments.type, out, threads=max(0, arguments.threads), progress=tell.progress
    )
    made = work.run()
    if made is None:
        raise RuntimeError("nobody cancels here but Ctrl+C")
    tell.done(made)
    return 0


class _Json:
    """Tells programs: one event a line, on stdout."""

    def preview(self, seen: "Preview") -> None:
        row = seen.row
        self._event(
            "preview",
            quantization=seen.quantization,
            predicted_bytes=seen.bytes,
            verdict=row.verdict if row else None,
            reason=row.reason if row else None,
            context=row.placement.context if row else None,
            kv=row.placement.kv if row else None,
            total_bytes=row.parts.total if row else None,
            spare_bytes=row.spare_bytes if row else None,
            problem=seen.problem.sentence() if seen.problem else None,
        )

    def progress(self, at: "Progress") -> None:
        self._event(
            "progress",
            done=at.done,
            of=at.of,
            share=round(at.share, 4),
            seconds_left=None if at.seconds_left is None else round(at.seconds_left, 1),
        )

    def done(self, made: "Made") -> None:
        self._event(
            "done",
            path=str(made.path),
            bytes=made.bytes,
            predicted_bytes=made.predicted_bytes,
            seconds=round(made.seconds, 1),
        )

    def _event(self, name: str, **fields: Any) -> None:
        print(json.dumps({"event": name, **fields}, ensure_ascii=False), flush=True)


class _Words:
    """Tells people: progress on stderr, in place on a terminal and each tenth elsewhere."""

    def __init__(self) -> None:
        self._tenth = -1
        self._in_place = sys.stderr.isatty()

    def preview(self, seen: "Preview") -> None:
        from app.fit.explain import file_size

        lines = [f"{seen.quantization}: {file_size(seen.bytes)} on the disk."]
        if seen.row is not None:
            where = f"On this machine, with {seen.row.placement.context:,} tokens of context"
            lines.append(f"{where} ({seen.row.placement.kv} cache): {seen.row.reason}")
        if seen.problem is not None:
            lines.append(seen.problem.sentence())
        print("\n".join(lines), flush=True)

    def progress(self, at: "Progress") -> None:
        tenth = int(at.share * _TENTHS)
        if not self._in_place and tenth == self._tenth:
            return
        self._tenth = tenth
        left = "" if at.seconds_left is None else f", about {_time(at.seconds_left)} left"
        line = f"{at.share:4.0%}  {at.done} of {at.of} tensors{left}"
        print(
            f"\r{line:<60}" if self._in_place else line,
            end="" if self._in_place else "\n",
            file=sys.stderr,
            flush=True,
        )

    def done(self, made: "Made") -> None:
        from app.fit.explain import file_size

        if self._in_place:
            print(file=sys.stderr)
        took = _time(made.seconds)
        sizes = f"{file_size(made.bytes)}, {file_size(made.predicted_bytes)} predicted"
        print(f"{made.path}: {sizes}, in {took}.")


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
