"""The engine child: one model, one request at a time, talked to through a pipe.

Two threads. The command thread reads the pipe always, so that a cancel is seen while the model
decodes, and ends the process at once when the pipe ends: no engine without a window. The main
thread does the work in order and is the only one that writes to the pipe. A bug's traceback goes to
the log and ends the child; the parent tells it like any other death.
"""

import faulthandler
import os
import queue
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine import log
from app.engine.backends.base import Backend, Sees
from app.engine.backends.lookup import LARGE_BYTES
from app.engine.counting import Counter
from app.engine.flags import Flags
from app.engine.generation import generate
from app.engine.outbox import Outbox
from app.engine.prefill import Pace
from app.engine.prompting import resolve
from app.engine.protocol import (
    BackendName,
    Cancel,
    CloseThinking,
    Command,
    Count,
    Event,
    Failed,
    Forget,
    Generate,
    Load,
    Loaded,
    Loading,
    ModelInfo,
    Shutdown,
    Tokenize,
    Tokens,
    Unload,
    Unloaded,
)
from app.engine.resuming import IDLE_S, Resuming
from app.engine.states import States, default_folder
from app.errors import Problem, WorldError
from app.models import projectors
from app.prompts.renderer import Renderer
from app.reasoning.formats import FORMATS

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.server.chat import ServerModel

_LOADING_EVERY_S = 0.05

_Job = tuple[float, Load | Tokenize | Count | Generate | Forget | Unload]


def main(connection: "Connection[Event, Command]", log_path: str, parent_pid: int) -> None:
    """Run the child until the pipe ends or Shutdown comes; never returns."""
    log.redirect(Path(log_path))
    # Where in our code a crash inside a library happened.
    faulthandler.enable(2)
    # ggml would start gdb on an abort, where there is one.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    # Ctrl+C in a terminal reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent(parent_pid)
    flags = Flags()
    jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
    threading.Thread(
        target=_read_commands, args=(connection, flags, jobs), name="commands", daemon=True
    ).start()
    worker = Worker(Outbox(connection), flags)
    idle_s, waits = 0.0, iter(IDLE_S)
    while True:
        wait = next(waits, None)
        try:
            received, job = jobs.get(timeout=None if wait is None else wait - idle_s)
        except queue.Empty:
            idle_s = wait or idle_s
            worker.idle(long=idle_s == IDLE_S[-1])
        else:
            worker.do(job, received)
            idle_s, waits = 0.0, iter(IDLE_S)


def _die_with_parent(parent_pid: int) -> None:
    """Have Linux kill this process with its parent: the pipe's end says so too, but only to us."""
    if sys.platform != "linux":
        return
    import ctypes

    set_death_signal = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it was gone before the call
        os._exit(0)


def _read_commands(
    connection: "Connection[Event, Command]", flags: Flags, jobs: "queue.SimpleQueue[_Job]"
) -> None:
    while True:
        try:
            command = connection.recv()
        except (EOFError, OSError):
            os._exit(0)
        match command:
            case Cancel(request=request):
                flags.cancel(request)
            case CloseThinking(request=request):
                flags.close_thinking(request)
            case Shutdown():
                os._exit(0)
            case _:
                jobs.put((time.monotonic(), command))


class Worker:
    """Does the jobs: holds the loaded back end, or the server in its place, if any."""

    def __init__(self, outbox: Outbox, flags: Flags) -> None:
        self._outbox = outbox
        self._flags = flags
        self._backend: Backend | None = None
        self._server: ServerModel | None = None
        self._info: ModelInfo | None = None
        self._pace = Pace(1)
        self._renderer = Renderer()
        self._words_only = False
        self._resuming: Resuming | None = None
        self._counter: Counter | None = None

    def do(
        self, job: Load | Tokenize | Count | Generate | Forget | Unload, received: float
    ) -> None:
        """Do one job; the world's faults are its answer."""
        if isinstance(job, Forget):
            if self._resuming is not None:
                self._resuming.forget(job.chats)
            return
        try:
            match job:
                case Load():
                    self._load(job)
                case Tokenize():
                    self._tokenize(job)
                case Count():
                    self._count(job)
                case Generate():
                    self._generate(job, received)
                case Unload():
                    self._unload()
                    self._outbox.send(Unloaded(job.request))
        except WorldError as error:
            self._outbox.send(Failed(job.request, error.problem))

    def _load(self, job: Load) -> None:
        began = time.monotonic()
        self._unload()
        loading: Backend | ServerModel
        if job.options.backend == "openai":
            loading = self._server = make_server()
        else:
            sees = projectors.wanted(job.options.path, job.options.projector)
            sees = sees and not job.options.words_only
            loading = self._backend = make_backend(
                job.options.backend, sees=sees, large=_size(job.options.path) >= LARGE_BYTES
            )
        told_at = 0.0

        def progress(fraction: float) -> bool:
            nonlocal told_at
            now = time.monotonic()
            if now - told_at >= _LOADING_EVERY_S:
                told_at = now
                self._outbox.send(Loading(job.request, fraction))
            return not self._flags.cancelled(job.request)

        try:
            self._info = info = loading.load(job.options, progress)
        except WorldError:
            self._unload()
            raise
        self._pace = Pace(job.options.batch)
        self._words_only = job.options.words_only
        if self._backend is not None:
            self._counter = Counter(self._backend, self._renderer)
            states = States(default_folder(), _likeness(info))
            self._resuming = Resuming(self._backend, states)
        self._outbox.send(Loading(job.request, 1.0))
        self._outbox.send(Loaded(job.request, info, time.monotonic() - began))

    def idle(self, *, long: bool) -> None:
        """Use the time in which nothing is asked. long: for minutes already."""
        if self._resuming is not None:
            self._resuming.idle(long=long)

    def _unload(self) -> None:
        if self._resuming is not None:
            self._resuming.close()
            self._resuming = None
        for model in (self._backend, self._server):
            if model is not None:
                model.unload()
        self._backend = self._server = self._info = self._counter = None

    def _count(self, job: Count) -> None:
        self._refuse_server()
        self._loaded()
        if self._counter is None:
            raise RuntimeError("a back end without its counter")
        self._outbox.send(self._counter.counted(job))

    def _refuse_server(self) -> None:
        if self._server is not None:
            title = "A server does not tell how it cuts a text into tokens."
            raise WorldError(Problem("server-no-tokens", title, "Name a model's file instead."))

    def _tokenize(self, job: Tokenize) -> None:
        self._refuse_server()
        backend, _ = self._loaded()
        row = FORMATS[job.reasoning]
        written = resolve(backend, job.prompt, row, self._renderer, check=True)
        ids = backend.encode(written.prompt)
        tokens = [backend.token(token_id) for token_id in ids]
        pieces = tuple(token.data.decode("utf-8", "replace") for token in tokens)
        self._outbox.send(
            Tokens(
                job.request,
                tuple(ids),
                pieces,
                written.prompt,
                written.thinking_open,
                written.thinking_closed,
                written.reasoning,
                written.notes,
            )
        )

    def _generate(self, job: Generate, received: float) -> None:
        if self._server is not None:
            flags, outbox = self._flags, self._outbox
            self._server.generate(job, flags=flags, outbox=outbox, received=received)
            return
        backend, info = self._loaded()
        if self._words_only:
            raise WorldError(Problem("no-weights", "The model was opened without its weights."))
        if isinstance(backend, Sees):
            backend.show(job.pictures)
        resuming = self._resuming
        generate(
            backend,
            job,
            context=info.context,
            pace=self._pace,
            flags=self._flags,
            outbox=self._outbox,
            received=received,
            renderer=self._renderer,
            prepare=None if resuming is None else partial(resuming.prepare, chat=job.chat),
        )

    def _loaded(self) -> tuple[Backend, ModelInfo]:
        if self._backend is None or self._info is None:
            raise WorldError(
                Problem("no-model", "No model is loaded.", "Choose a model, then send again.")
            )
        return self._backend, self._info


def _likeness(info: ModelInfo) -> str:
    """Return what has to be alike for a sequence's state to be of use: file, engine, cache."""
    try:
        changed = Path(info.path).stat().st_mtime_ns
    except OSError:
        changed = 0
    about = (info.architecture, info.kv_type, info.gpu_layers, info.build, info.device)
    return repr((info.path, info.size_bytes, changed, *about))


def _size(path: str) -> int:
    """Return the bytes of a model's file, or of its first part; 0 where there is none."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return 0


def make_backend(name: BackendName, *, sees: bool = False, large: bool = False) -> Backend:
    """Return a fresh back end; its library is imported here and nowhere else.

    sees: it is to be loaded with its vision part. large: reading ahead is worth while.
    """
    if name == "scripted":
        from app.engine.backends.scripted import ScriptedBackend

        return ScriptedBackend()
    if name == "mlx":
        from app.engine.backends.mlx import MlxBackend

        return MlxBackend()
    if sees:
        from app.engine.backends.llama_vision import LlamaVisionBackend

        return LlamaVisionBackend(ahead=large)
    if large:
        from app.engine.backends.llama_lookup import LookupBackend

        return LookupBackend()
    from app.engine.backends.llama_cpp import LlamaCppBackend

    return LlamaCppBackend()


def make_server() -> "ServerModel":
    """Return a model on a server, not yet looked for; the client is imported with it."""
    from app.server.chat import ServerModel

    return ServerModel()
