"""Asks llama.cpp itself, in a short-lived child, what it would allocate for a model.

The model need not be here: its header is enough, laid in a sparse file of the full size.
"""

import contextlib
import multiprocessing
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine.backends.simulate import Answer, ContextWish, Question, main
from app.errors import Problem, WorldError
from app.fit import sparse
from app.models.gguf import Header

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.engine.backends.buffers import Buffers

TIMEOUT_S = 30.0
"""A load without allocation takes 0.6 s with a vocabulary of 131,072; a hang is told after this."""


def simulate(
    header: Header,
    wishes: Sequence[ContextWish],
    *,
    gpu_layers: int = -1,
    timeout_s: float = TIMEOUT_S,
    allocate: bool = False,
) -> tuple["Buffers", ...]:
    """Return the buffers that llama.cpp would make for each context.

    header: of a file, or planned (its path is then Path()). allocate: make them in truth (the file
    must be whole). Raises WorldError where the child fails, crashes or hangs.
    """
    with tempfile.TemporaryDirectory(prefix="ponder-fit-") as folder:
        log = Path(folder) / "log"
        with _file(header, Path(folder)) as path:
            question = Question(str(path), gpu_layers, tuple(wishes), allocate)
            answer = _ask(question, log, timeout_s)
    if any(buffers is None for buffers in answer.buffers):
        raise WorldError(_problem("The engine refused to plan this model.", "\n".join(answer.log)))
    return tuple(buffers for buffers in answer.buffers if buffers is not None)


@contextlib.contextmanager
def _file(header: Header, folder: Path) -> Iterator[Path]:
    """Give a file that llama.cpp can read the header from: the model's own where it is whole."""
    if header.path != Path() and header.file_bytes >= header.data_end:
        yield header.path
        return
    lay = sparse.write if header.path == Path() else sparse.copy
    try:
        path = lay(folder / "planned.gguf", header)
    except OSError as error:
        raise WorldError(
            Problem(
                "fit-simulation",
                "The exact plan could not be made: the disk refused a temporary file.",
                "The estimate still holds; free some space for the exact answer.",
                str(error),
            )
        ) from error
    yield path


def _ask(question: Question, log: Path, timeout_s: float) -> Answer:
    spawn = multiprocessing.get_context("spawn")
    ours: Connection[Question, Answer]
    theirs: Connection[Answer, Question]
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=main, args=(theirs, str(log)), daemon=True)
    child.start()
    # Our copy of the child's end would keep the pipe open after a crash.
    theirs.close()
    try:
        ours.send(question)
        if not ours.poll(timeout_s):
            raise WorldError(
                _problem(f"The engine did not answer within {timeout_s:.0f} s.", _tail(log))
            )
        return ours.recv()
    except (EOFError, OSError) as error:
        child.join(1)
        detail = f"exit status {child.exitcode}\n{_tail(log)}"
        raise WorldError(
            _problem("The engine crashed over this model's header.", detail)
        ) from error
    finally:
        ours.close()
        child.join(1)
        if child.is_alive():
            child.kill()
            child.join()
        child.close()


def _tail(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-2000:]
    except OSError:
        return ""


def _problem(title: str, detail: str) -> Problem:
    advice = "Ponder's own estimate is used in its place."
    return Problem("fit-simulation", title, advice, detail)
