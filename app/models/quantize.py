"""Makes a smaller model of one that is here: GGUF through llama.cpp, MLX folders through mlx_lm.

What it will take is known beforehand to the byte (app.models.quantize_rules), so `preview` can say
whether the result fits into this machine before hours are spent on it. The work is done in a child,
into a hidden folder beside the target; only what was read back and is as planned gets its name. The
source is only read, and nothing that is there is ever written over.
"""

import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.engine import death, log
from app.engine.backends import quantizing
from app.errors import Problem, WorldError
from app.models import quantize_gguf, quantize_mlx, quantize_refusals, quantize_target
from app.models.quantize_types import FILE_TYPES, MLX_BITS, without_type

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from app.fit.candidates import Candidate
    from app.fit.devices import Machine
    from app.fit.plan import Row

_DEFAULT_CONTEXT = 40_960
_LOOK_EVERY_S = 0.5
_REAP_S = 2.0
# So much of the work has to be done before the time that is left can be told.
_SURE_SHARE = 0.02
_SURE_S = 1.0

Plan = quantize_gguf.GgufPlan | quantize_mlx.MlxPlan
"""What will be made: of a GGUF file, or of a folder for MLX."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What quantizing would give. bytes: on the disk, 0 where the source cannot be read.

    row: how it would fit into the machine, None where that cannot be told; its `reason` is the
    verdict in words. problem: why it cannot be made, None where it can.
    """

    quantization: str
    bytes: int
    row: "Row | None" = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. done: of `of` tensors. share: of the result that is on the disk, 0 to 1.

    seconds_left: None while nobody can tell.
    """

    done: int
    of: int
    share: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Made:
    """A finished model: a file, or an MLX folder. bytes: of its weights' files."""

    path: Path
    bytes: int
    predicted_bytes: int
    seconds: float


def types_for(source: Path) -> tuple[str, ...]:
    """Return the types that a source can be made to, those with the most bits first."""
    return tuple(MLX_BITS if source.is_dir() else FILE_TYPES)


def plan(source: Path, quantization: str) -> Plan:
    """Return what will be made. Raises WorldError with why it cannot be."""
    if source.is_dir():
        return quantize_mlx.plan(source, quantization)
    return quantize_gguf.plan(source, quantization)


def default_out(source: Path, quantization: str) -> Path:
    """Return the name of the result: the source's, with its type in the place of the source's.

    It lies beside the source, or in Ponder's own folder where that is another program's.
    """
    folder = quantize_target.home_for(source)
    if source.is_dir():
        return folder / f"{without_type(source.name)}-{quantization}"
    return folder / f"{without_type(source.stem)}-{quantization}.gguf"


def _target(source: Path, quantization: str, out: Path | None) -> Path:
    usual = default_out(source, quantization)
    if out is None:
        return usual
    return out / usual.name if out.is_dir() else out


def preview(
    source: Path,
    quantization: str,
    *,
    out: Path | None = None,
    machine: "Machine | None" = None,
    context: int | None = None,
) -> Preview:
    """Return what quantizing would give; never raises WorldError.

    machine: None for this one, which takes a second to ask. context: tokens to plan for. out: where
    it would be written: a name, or a folder that is there; by default `default_out`.
    """
    try:
        planned = plan(source, quantization)
    except WorldError as error:
        return Preview(quantization, 0, None, error.problem)
    target = _target(source, planned.quantization, out)
    row = _row(planned.candidate, machine, context)
    try:
        quantize_target.check(target, planned.bytes)
    except WorldError as error:
        return Preview(planned.quantization, planned.bytes, row, error.problem)
    return Preview(planned.quantization, planned.bytes, row)


def _row(candidate: "Candidate", machine: "Machine | None", context: int | None) -> "Row":
    from app.fit.devices import from_hardware
    from app.fit.learned import Learned
    from app.fit.plan import plan as fit_plan

    learned: Learned | None = None
    if machine is None:
        from app.hardware.detect import detect

        machine, learned = from_hardware(detect()), Learned()
    trained = candidate.shape.context_train or _DEFAULT_CONTEXT
    wanted = context or min(_DEFAULT_CONTEXT, trained)
    found = fit_plan([candidate], machine, wanted, learned=learned)
    fitting = [row for row in found.rows if row.verdict != "no"]
    return found.choice or (fitting or list(found.rows))[0]


class Quantizing:
    """One quantization. `run` blocks until it is done, for hours maybe: call it in a job.

    out: a name, or a folder that is there; by default `default_out`. threads: 0 for all that
    this process may use. progress: called from `run`'s thread, for each tensor and twice a second
    at most between. log_path: where the libraries' words go.
    """

    def __init__(
        self,
        source: Path,
        quantization: str,
        out: Path | None = None,
        *,
        threads: int = 0,
        progress: Callable[[Progress], None] | None = None,
        log_path: Path | None = None,
    ) -> None:
        self._source = source
        self._quantization = quantization
        self._out = out
        self._threads = threads
        self._progress = progress
        self._log_path = log_path
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop it; `run` returns None then. From any thread, at any time."""
        with self._lock:
            self._cancelled.set()
            if self._process is not None:
                self._process.kill()

    def run(self) -> Made | None:
        """Make it. Return None where it was cancelled. Raises WorldError."""
        began = time.monotonic()
        planned = plan(self._source, self._quantization)
        out = _target(self._source, planned.quantization, self._out)
        quantize_target.check(out, planned.bytes)
        folder = quantize_target.workshop(out)
        try:
            work = folder / f"{out.name}.part"
            if not self._do(planned, work):
                return None
            size = planned.check(work)
            if self._cancelled.is_set():
                return None
            quantize_target.publish(work, out)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Made(out, size, planned.bytes, time.monotonic() - began)

    def _do(self, planned: Plan, work: Path) -> bool:
        """Have the child write the result; return False where it was cancelled."""
        import multiprocessing

        spawn = multiprocessing.get_context("spawn")
        path = self._log_path or paths.log_dir() / "quantize.log"
        log_start, ooms = log.size(path), death.ooms_so_far()
        ours: Connection[quantizing.Order, quantizing.Word]
        theirs: Connection[quantizing.Word, quantizing.Order]
        with self._lock:
            if self._cancelled.is_set():
                return False
            ours, theirs = spawn.Pipe()
            process = spawn.Process(
                target=quantizing.main,
                args=(theirs, str(path)),
                name="ponder-quantize",
                daemon=True,
            )
            try:
                process.start()
            except OSError as error:
                ours.close()
                raise WorldError(quantize_refusals.not_started(str(error))) from error
            finally:
                # Our copy of the child's end would keep the pipe open when the child dies.
                theirs.close()
            self._process = process
        ended: quantizing.Ended | None = None
        exit_code: int | None = None
        try:
            with suppress(OSError):  # it died: told below
                ours.send(planned.order(work, self._threads))
            ended = self._follow(ours, planned, work)
            process.join(_REAP_S)
            exit_code = process.exitcode
        finally:
            self._reap(process)
            ours.close()
        if self._cancelled.is_set():
            return False
        lines = log.tail(path, log_start)
        if ended is None:
            oom_killed = death.ooms_so_far() > ooms
            raise WorldError(quantize_refusals.died(exit_code, lines, oom_killed=oom_killed))
        if ended.refusal:
            problem = quantize_refusals.refused(self._source, work.parent, ended)
            raise WorldError(problem)
        return True

    def _reap(self, process: "SpawnProcess") -> None:
        with self._lock:
            self._process = None
            if process.is_alive():
                process.kill()
            process.join()
            process.close()

    def _follow(
        self,
        connection: "Connection[quantizing.Order, quantizing.Word]",
        planned: Plan,
        work: Path,
    ) -> quantizing.Ended | None:
        """Pass on how far it is, until it has ended; return None where the child died."""
        began = time.monotonic()
        done, last = 0, -1.0
        while True:
            try:
                word = connection.recv() if connection.poll(_LOOK_EVERY_S) else None
            except (EOFError, OSError):
                return None
            share = min(1.0, quantize_target.written(work) / planned.bytes)
            if isinstance(word, quantizing.Ended):
                if not word.refusal:
                    self._tell(Progress(planned.steps, planned.steps, 1.0, 0.0))
                return word
            if word is not None:
                done = word.done
            elif share == last:
                continue
            elif isinstance(planned, quantize_mlx.MlxPlan):
                done = int(share * planned.steps)  # mlx_lm does not tell
            last = share
            seconds = time.monotonic() - began
            sure = share >= _SURE_SHARE and seconds >= _SURE_S
            left = seconds * (1 - share) / share if sure else None
            self._tell(Progress(done, planned.steps, share, left))

    def _tell(self, progress: Progress) -> None:
        if self._progress is not None:
            self._progress(progress)
