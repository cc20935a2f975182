"""The child that quantizes: llama.cpp for GGUF files, mlx_lm for MLX folders.

In a child of its own, because llama.cpp ends the process on what it did not foresee, because only
a process can be stopped in the middle, and because gigabytes pass through it. It works at a lower
priority than the window. llama.cpp tells how far it is only in its log: one line a tensor.
"""

import ctypes
import faulthandler
import os
import re
import signal
import sys
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

GROUP_SIZE = 64
"""Weights of MLX that share a scale and an offset."""

_BUFFER_BYTES = 512 * 1024**2
# llama.cpp works on slabs of rows of so many bytes: by its default of 8 GB, tensors as wholes.
_NICE = 10

_BEGUN = re.compile(r"\[\s*(\d+)\s*/\s*(\d+)\s*\]\s+(\S+)\s+- \[")

_COMPLAINT = re.compile("error|fail|invalid|mismatch", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class GgufOrder:
    """Quantize a GGUF file to a file type of llama.h.

    threads: 0 for all that this process may use. dry_run: only say what would be done.
    """

    source: str
    out: str
    file_type: int
    threads: int
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class MlxOrder:
    """Quantize a folder of safetensors to an MLX folder, which must not be there yet."""

    source: str
    out: str
    bits: int


@dataclass(frozen=True, slots=True)
class Step:
    """So many of the tensors are done; `name` is under way."""

    done: int
    of: int
    name: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The end. refusal: "" where the work is done, else what the library said last.

    missing: the library itself is not there. lines: of llama.cpp's log, in a dry run.
    """

    refusal: str = ""
    missing: bool = False
    lines: tuple[str, ...] = ()


Order = GgufOrder | MlxOrder
Word = Step | Ended


def main(connection: "Connection[Word, Order]", log_path: str) -> None:
    """Do the one order that comes through the pipe; never returns."""
    log.redirect(Path(log_path))
    faulthandler.enable(2)
    os.environ["GGML_NO_BACKTRACE"] = "1"  # ggml would start gdb on an abort
    # Ctrl+C in a terminal reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        order = connection.recv()
    except EOFError:
        os._exit(1)
    threading.Thread(target=_leave_with_parent, args=(connection,), daemon=True).start()
    _step_back()
    if isinstance(order, GgufOrder):
        connection.send(_gguf(order, connection.send))
    else:
        connection.send(_mlx(order))
    # What the libraries tidy up at their end is nobody's gain here.
    os._exit(0)


def _leave_with_parent(connection: "Connection[Word, Order]") -> None:
    """End this process when the pipe ends: nobody waits for the result any more."""
    try:
        connection.recv()
    except (EOFError, OSError):
        os._exit(1)


def _step_back() -> None:
    """Lower the priority: the window and a chat go first."""
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(_NICE)


# ------------------------------------------------------------ GGUF


class Listener:
    """Reads llama.cpp's log, which comes in pieces: how far it is, and what went wrong last."""

    def __init__(self, tell: "Callable[[Step], None]", *, keep: bool = False) -> None:
        self._tell = tell
        self._keep = keep
        self._begun: Step | None = None
        self._line = ""
        self.lines: list[str] = []
        self.complaints: deque[str] = deque(maxlen=10)

    def hear(self, text: str) -> None:
        """Take the next piece."""
        *ended, self._line = (self._line + text).split("\n")
        for line in ended:
            self._read(line)
            if self._keep:
                self.lines.append(line)
            # A tensor that fails leaves its own line unfinished.
            said = line.rpartition(" .. ")[2]
            if not _BEGUN.search(said) and _COMPLAINT.search(said):
                self.complaints.append(said.strip())
        self._read(self._line)

    def _read(self, line: str) -> None:
        found = _BEGUN.search(line)
        if found is None:
            return
        step = Step(int(found[1]) - 1, int(found[2]), found[3])
        if step != self._begun:
            self._begun = step
            self._tell(step)


def _gguf(order: GgufOrder, tell: "Callable[[Step], None]") -> Ended:
    from app.engine.backends import llama_library
    from app.errors import WorldError

    try:
        api = llama_library.library()
    except WorldError as error:
        return Ended(error.problem.detail or error.problem.title, missing=True)
    listener = Listener(tell, keep=order.dry_run)

    def heard(level: int, text: bytes, _: ctypes.c_void_p) -> None:
        os.write(2, text)
        listener.hear(text.decode("utf-8", "replace"))

    callback = api.llama_log_callback(heard)  # C keeps only its address: it lives in this frame
    api.llama_log_set(callback, None)
    params = api.llama_model_quantize_default_params()
    params.ftype = order.file_type
    params.nthread = order.threads or _threads()
    params.allow_requantize = True  # from Q8_0; the parent refuses what has fewer bits
    params.dry_run = order.dry_run
    params.max_buf_size = _BUFFER_BYTES
    failed = api.llama_model_quantize(
        os.fsencode(order.source), os.fsencode(order.out), ctypes.byref(params)
    )
    lines = tuple(listener.lines)
    if failed:
        return Ended("\n".join(listener.complaints) or f"status {failed}", lines=lines)
    return Ended(lines=lines)


def _threads() -> int:
    """Return the processors that this process may use."""
    if sys.platform != "win32" and hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# ------------------------------------------------------------ MLX


def _mlx(order: MlxOrder) -> Ended:
    # What is converted is here: nothing may be asked of the hub.
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        from mlx_lm.convert import convert
    except ImportError as error:
        return Ended(str(error), missing=True)
    try:
        convert(
            order.source,
            order.out,
            quantize=True,
            q_group_size=GROUP_SIZE,
            q_bits=order.bits,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        # What mlx_lm raises over a folder that is damaged, or a kind of model it does not know.
        return Ended(f"{type(error).__name__}: {error}")
    return Ended()
