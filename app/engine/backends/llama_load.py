"""Loads a GGUF model into llama.cpp, and says in one sentence why one could not be loaded.

The header is read first: that finds broken downloads precisely and keeps the figures that abort
llama.cpp away from it. What it then still refuses, it tells in its log only.
"""

import ctypes
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from app.engine.backends import buffers, llama_library, process_memory
from app.engine.backends.base import LoadProgress, load_cancelled
from app.engine.backends.vocabulary import Vocabulary
from app.engine.protocol import OUT_OF_MEMORY, DeviceMemory, LoadOptions, ModelInfo, Sampling
from app.errors import Problem, WorldError
from app.models.gguf import Header
from app.models.split import read_model

_FROM_LOG = (
    (
        "load-failed",
        re.compile(r"unknown (?:model architecture|pre-tokenizer type|tokenizer): '([^']*)'"),
        "The engine does not know this kind of model ({}).",
        "Update Ponder, or choose another model.",
    ),
    (
        OUT_OF_MEMORY,
        re.compile(
            r"(failed to allocate|unable to allocate|insufficient memory|out of memory|bad_alloc"
            r"|OutOfDeviceMemory|Cannot allocate memory)",
            re.IGNORECASE,
        ),
        "There is not enough memory for {file} with this context.",
        "Choose a smaller context or a smaller quantization, or close other programs.",
    ),
    (
        "load-failed",
        re.compile(
            r"(missing tensor|wrong shape|corrupt|invalid|within the file bounds|wrong|not found)"
        ),
        "{file} is damaged or not a whole model.",
        "Download it again.",
    ),
)

_SMALL_MODEL_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Pointers to a model and its context (None without weights), and what is known of them."""

    api: Any
    model: Any
    context: Any
    vocabulary: Vocabulary
    info: ModelInfo

    def free(self) -> None:
        """Free both, and hand the memory back to the system."""
        if self.context is not None:
            self.api.llama_free(self.context)
        self.api.llama_model_free(self.model)
        process_memory.give_back()


def load(options: LoadOptions, progress: LoadProgress, *, outputs: int = 1) -> LoadedModel:
    """Load a model and make its context. Raises WorldError.

    outputs: rows of logits that a batch may have.
    """
    header = read_model(Path(options.path))
    api = llama_library.library()
    llama_library.complaints.clear()
    llama_library.buffer_lines.clear()
    llama_library.flash_attention.clear()
    model = _load_model(api, header, options, progress)
    try:
        context = (
            None if options.words_only else _make_context(api, model, header, options, outputs)
        )
    except WorldError:
        api.llama_model_free(model)
        process_memory.give_back()
        raise
    vocabulary = Vocabulary(api, model)
    info = _info(api, model, context, vocabulary, header, options)
    if not options.words_only:
        info = replace(info, allocated=_allocated(header))
    return LoadedModel(api, model, context, vocabulary, info)


def _allocated(header: Header) -> tuple[DeviceMemory, ...]:
    """Return what the load took of each device, by llama.cpp's log and the system's count."""
    sizes = {tensor.name: tensor.bytes or 0 for tensor in header.tensors}
    tied = "output.weight" not in sizes
    return process_memory.allocated(
        buffers.read(llama_library.buffer_lines),
        weights_bytes=sum(sizes.values()),
        tied_bytes=sizes.get("token_embd.weight", 0) if tied else 0,
    )


def _load_model(api: Any, header: Header, options: LoadOptions, progress: LoadProgress) -> Any:
    cancelled = False

    def on_progress(fraction: float, _: Any) -> bool:
        nonlocal cancelled
        cancelled = not progress(fraction)
        return not cancelled

    params = api.llama_model_default_params()
    params.n_gpu_layers = options.gpu_layers
    params.vocab_only = options.words_only
    params.use_extra_bufts = not has_amx(api)
    if options.cpu_experts:
        overrides = llama_library.experts_in_main_memory()
        params.tensor_buft_overrides = ctypes.addressof(overrides)
    params.progress_callback = callback = api.llama_progress_callback(on_progress)
    model = api.llama_model_load_from_file(os.fsencode(options.path), params)
    del callback  # had to live until here
    if cancelled:
        raise load_cancelled()
    if not model:
        raise WorldError(_refused(header))
    return model


def has_amx(api: Any) -> bool:
    """Whether this build uses AMX: then its weights must stay in plain buffers.

    GCC before 12.4, 13.3 and 14 compiles the loading of AMX's tile configuration wrongly (its bug
    114098), and such a build dies of it at the first decode. Which compiler it was cannot be told.
    """
    return b"AMX_INT8 = 1" in api.llama_print_system_info()


def _make_context(api: Any, model: Any, header: Header, options: LoadOptions, outputs: int) -> Any:
    trained: int = api.llama_model_n_ctx_train(model)
    kinds = {"f16": api.GGML_TYPE_F16, "q8_0": api.GGML_TYPE_Q8_0, "q4_0": api.GGML_TYPE_Q4_0}
    params = api.llama_context_default_params()
    params.n_ctx = min(options.context, trained) if trained > 0 else options.context
    params.n_batch = params.n_ubatch = options.batch
    params.n_seq_max = 1
    # One row of logits, or a few: the buffer for a whole batch would be 268 MB at 131,072 x 512.
    params.n_outputs_max = outputs
    params.n_threads = params.n_threads_batch = options.threads or _threads(header.file_bytes)
    params.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_AUTO
    params.type_k = params.type_v = kinds[options.kv_type]
    params.no_perf = True
    context = api.llama_init_from_model(model, params)
    if not context:
        raise WorldError(_refused(header))
    return context


def _threads(model_bytes: int) -> int:
    """Return the physical cores this process may use: more only get in each other's way.

    One for a small model: its threads wait for each other at every node longer than they work. On
    two cores with other work to do, a model of 0.2 MB made 2 tokens a second with two threads and
    700 with one.
    """
    if model_bytes < _SMALL_MODEL_BYTES:
        return 1
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    return max(1, cores)


def _refused(header: Header) -> Problem:
    """Return the problem for what llama.cpp's log complains of."""
    text = "\n".join(llama_library.complaints)
    for key, pattern, title, advice in _FROM_LOG:
        if found := pattern.search(text):
            said = title.format(found.group(1), file=header.path.name)
            return Problem(key, said, advice, text)
    return Problem(
        "load-failed",
        f"{header.path.name} could not be loaded.",
        "Choose another file or quantization of this model.",
        text,
    )


def _info(
    api: Any, model: Any, context: Any, vocabulary: Vocabulary, header: Header, options: LoadOptions
) -> ModelInfo:
    template: bytes | None = api.llama_model_chat_template(model, None)
    gpus = llama_library.gpus() if options.gpu_layers else []
    bos, eos, adds_bos = vocabulary.ends()
    quantization: str = (api.llama_ftype_name(api.llama_model_ftype(model)) or b"").decode()
    for words, letters in ((" - Small", "_S"), (" - Medium", "_M"), (" - Large", "_L")):
        quantization = quantization.replace(words, letters)
    return ModelInfo(
        name=str(header.metadata.get("general.name") or header.path.stem),
        path=options.path,
        size_bytes=header.file_bytes,
        architecture=header.architecture,
        quantization=quantization,
        parameters=api.llama_model_n_params(model),
        layers=api.llama_model_n_layer(model),
        vocabulary=vocabulary.size,
        context=api.llama_n_ctx(context) if context is not None else options.context,
        context_train=api.llama_model_n_ctx_train(model),
        controls=vocabulary.controls(),
        template=template.decode("utf-8", "replace") if template else None,
        sampling=_sampling(header),
        backend="llama_cpp",
        device=", ".join(gpus) or "CPU",
        build=llama_library.build(),
        kv_type=options.kv_type,
        gpu_layers=_on_cards(options.gpu_layers, api.llama_model_n_layer(model)) if gpus else 0,
        cpu_experts=options.cpu_experts,
        bos=bos,
        eos=eos,
        adds_bos=adds_bos,
        threads=options.threads or _threads(header.file_bytes),
        batch=options.batch,
        flash_attention=next(iter(llama_library.flash_attention), None),
    )


def _on_cards(wanted: int, layers: int) -> int:
    return layers if wanted < 0 else min(wanted, layers)


def _sampling(header: Header) -> Sampling | None:
    """Return what the file itself recommends (general.sampling.*), None where it says nothing."""
    found: dict[str, float] = {}
    for key, name in (
        ("temp", "temperature"),
        ("top_k", "top_k"),
        ("top_p", "top_p"),
        ("min_p", "min_p"),
    ):
        value = header.metadata.get(f"general.sampling.{key}")
        if isinstance(value, int | float):
            found[name] = value
    if not found:
        return None
    standard = Sampling()
    return Sampling(
        temperature=float(found.get("temperature", standard.temperature)),
        top_k=int(found.get("top_k", standard.top_k)),
        top_p=float(found.get("top_p", standard.top_p)),
        min_p=float(found.get("min_p", standard.min_p)),
    )
