"""The child that asks llama.cpp what it would allocate, without allocating it.

A load with no_alloc reads the header only; each context then costs 7 to 15 ms. In a child of its
own, because llama.cpp ends the process on headers that nobody foresaw. The settings are those of
`llama_load`, or the answer would be about another program.
"""

import ctypes
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.engine.backends.buffers import Buffers, read
from app.engine.backends.llama_load import has_amx

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_KV_TYPES = {"f16": "GGML_TYPE_F16", "q8_0": "GGML_TYPE_Q8_0", "q4_0": "GGML_TYPE_Q4_0"}


@dataclass(frozen=True, slots=True)
class ContextWish:
    """A context to be simulated. batch: n_batch and n_ubatch. kv: "f16", "q8_0" or "q4_0"."""

    context: int
    kv: str
    batch: int
    swa_full: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What to simulate: a file (its data may be a hole), how much of it on GPUs, which contexts.

    allocate: load it and make the contexts in truth, to hold the simulation against.
    """

    path: str
    gpu_layers: int
    contexts: tuple[ContextWish, ...]
    allocate: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The buffers of each context asked for, None where llama.cpp made none; and the log's end."""

    buffers: tuple[Buffers | None, ...]
    log: tuple[str, ...]


def main(connection: "Connection[Answer, Question]", log_path: str) -> None:
    """Answer the one question that comes through the pipe. What C prints goes to the file."""
    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ["GGML_NO_BACKTRACE"] = "1"
    try:
        question = connection.recv()
    except EOFError:
        sys.exit(1)
    connection.send(_answer(question))
    connection.close()
    # llama.cpp's own tidying up at exit is nobody's gain here.
    os._exit(0)


def _answer(question: Question) -> Answer:
    from app.engine.backends import llama_library

    api = llama_library.library()
    lines: list[str] = []
    callback = _collector(api, lines)
    api.llama_log_set(callback, None)
    params = api.llama_model_default_params()
    params.n_gpu_layers = question.gpu_layers
    params.use_extra_bufts = not has_amx(api)
    params.no_alloc = not question.allocate
    # Mapped files would be told as their whole range, and no_alloc cannot map at all.
    params.load_mode = api.LLAMA_LOAD_MODE_NONE
    model = api.llama_model_load_from_file(os.fsencode(question.path), params)
    if not model:
        return Answer(tuple(None for _ in question.contexts), tuple(lines[-20:]))
    loaded = len(lines)
    found: list[Buffers | None] = []
    for wish in question.contexts:
        del lines[loaded:]
        context = api.llama_init_from_model(model, _parameters(api, model, wish))
        text = "".join(lines).splitlines()
        found.append(read(text, simulated=not question.allocate) if context else None)
        if context:
            api.llama_free(context)
    return Answer(tuple(found), tuple("".join(lines).splitlines()[-20:]))


def _parameters(api: Any, model: Any, wish: ContextWish) -> Any:
    params = api.llama_context_default_params()
    trained: int = api.llama_model_n_ctx_train(model)
    params.n_ctx = min(wish.context, trained) if trained > 0 else wish.context
    params.n_batch = params.n_ubatch = wish.batch
    params.n_seq_max = 1
    params.n_outputs_max = 1
    params.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_AUTO
    params.type_k = params.type_v = getattr(api, _KV_TYPES[wish.kv])
    params.swa_full = wish.swa_full
    params.no_perf = True
    return params


def _collector(api: Any, lines: list[str]) -> Any:
    def log(level: int, text: bytes, _: ctypes.c_void_p) -> None:
        lines.append(text.decode("utf-8", "replace"))

    return api.llama_log_callback(log)
