"""Loads an MLX folder: checked first, the weights read in parts, the cache made in its full size.

MLX computes nothing before it is asked to, so the whole model and its cache are laid out first, and
what they need is known before a byte of it is taken.
"""

import gc
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.backends import mlx_folder, mlx_library, process_memory
from app.engine.backends.base import LoadProgress, load_cancelled
from app.engine.backends.mlx_cache import GROUPS, STEP, Cache
from app.engine.backends.mlx_folder import Folder
from app.engine.backends.mlx_library import Library
from app.engine.backends.mlx_vocabulary import MlxVocabulary
from app.engine.protocol import OUT_OF_MEMORY, DeviceMemory, KVType, LoadOptions, ModelInfo
from app.errors import Problem, WorldError

_PARTS = 50
"""In how many parts the weights are read: so often a load tells how far it is, and can stop."""
_PROBES, _SMALL_PROBES = (16, 32), (4, 8)
"""Tokens whose computing is measured: what it takes has a fixed part and one that grows with each
token, so two tell what a whole step takes. The small ones are for a processor, which needs seconds
for more. Up to 8 tokens Metal has other kernels than for a step."""
_KEPT_FREE_BYTES = 128 << 20
"""What MLX may keep of freed memory for the next use; without a limit it keeps all."""
_UNKNOWN_KIND = re.compile(r"Model type (\S+) not supported")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model with its cache, and what is known of it."""

    library: Library
    model: Any
    cache: Cache
    vocabulary: MlxVocabulary
    info: ModelInfo


def load(options: LoadOptions, progress: LoadProgress) -> LoadedModel:
    """Load a model and make its cache. Raises WorldError."""
    folder = mlx_folder.read(Path(options.path))
    library = mlx_library.library()
    try:
        return _load(library, folder, options, progress)
    except WorldError:
        free(library)
        raise


def free(library: Library) -> None:
    """Hand all memory that nothing refers to any more back to the system."""
    gc.collect()
    mlx_library.unbound(library.core)
    process_memory.give_back()


def _load(
    library: Library, folder: Folder, options: LoadOptions, progress: LoadProgress
) -> LoadedModel:
    core = library.core
    mlx_library.bound(core)
    core.set_cache_limit(_KEPT_FREE_BYTES)
    trained = folder.context_train
    context = min(options.context, trained) if trained > 0 else options.context
    try:
        model, _ = library.models.load_model(folder.path, lazy=True)
        cache, first = _first_step(library, model, context, options.kv_type)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, OSError) as error:
        raise WorldError(_failed(folder, error)) from error
    vocabulary = MlxVocabulary(folder, first.shape[-1])
    allocated: tuple[DeviceMemory, ...] = ()
    if not options.words_only:
        allocated = _filled(library, folder, model, cache, [first], progress)
    info = ModelInfo(
        name=folder.name,
        path=options.path,
        size_bytes=folder.file_bytes,
        architecture=folder.architecture,
        quantization=folder.quantization,
        parameters=int(library.models.get_total_parameters(model)),
        layers=len(cache.layers),
        vocabulary=vocabulary.size,
        context=context,
        context_train=trained,
        controls=vocabulary.controls(),
        template=folder.template,
        sampling=folder.sampling,
        backend="mlx",
        device=mlx_library.device(core),
        build=mlx_library.build(),
        kv_type=cache.kv_type,
        gpu_layers=len(cache.layers) if mlx_library.on_gpu(core) else 0,
        allocated=allocated,
        batch=min(STEP, options.batch),
        bos=_spelled(folder, "bos_token"),
        eos=_spelled(folder, "eos_token"),
        adds_bos=bool(folder.tokenizer.get("add_bos_token", False)),
    )
    return LoadedModel(library, model, cache, vocabulary, info)


def _spelled(folder: Folder, name: str) -> str:
    """Return a token that tokenizer_config.json names, as it is spelled, "" where it has none."""
    found = folder.tokenizer.get(name)
    return str((found.get("content") if isinstance(found, dict) else found) or "")


def _first_step(library: Library, model: Any, context: int, kv_type: KVType) -> tuple[Cache, Any]:
    """Return the cache, and the logits of one token: with their computing the cache gets its size.

    It is a plain one where the width of a head cannot be quantized, or where the model's attention
    has no use for such a cache.
    """
    cache = Cache(library, model, context)
    token = library.core.array([[0]])
    for group in GROUPS if kv_type != "f16" else ():
        cache.quantize(kv_type, group)
        try:
            return cache, model(token, cache=cache.layers)
        except ValueError:
            continue
    cache.quantize("f16", 0)
    return cache, model(token, cache=cache.layers)


def _filled(
    library: Library,
    folder: Folder,
    model: Any,
    cache: Cache,
    first: list[Any],
    progress: LoadProgress,
) -> tuple[DeviceMemory, ...]:
    """Read the weights and make the cache; return what that took. Raises WorldError.

    first: the one token's logits, taken out here so that nobody holds them any more.
    """
    core = library.core
    weights = [array for _, array in library.trees.tree_flatten(model.parameters())]
    needed = sum(array.nbytes for array in weights) + cache.nbytes
    if needed > mlx_library.limit_bytes(core):
        raise WorldError(_too_big(folder, f"{needed:,} bytes"))
    try:
        _read(core, weights, progress)
        core.eval([first.pop(), *cache.state])
        return (_allocated(core, _step_bytes(core, model, cache)),)
    except (RuntimeError, ValueError) as error:
        raise WorldError(_failed(folder, error)) from error


def _read(core: Any, weights: list[Any], progress: LoadProgress) -> None:
    """Read the weights. Raises WorldError where progress says stop."""
    total = sum(array.nbytes for array in weights) or 1
    done = 0
    for part in _parts(weights, total // _PARTS):
        if not progress(done / total):
            raise load_cancelled()
        core.eval(part)
        done += sum(array.nbytes for array in part)
    if not progress(1.0):
        raise load_cancelled()


def _parts(arrays: list[Any], least_bytes: int) -> Iterator[list[Any]]:
    part: list[Any] = []
    size = 0
    for array in arrays:
        part.append(array)
        size += array.nbytes
        if size >= least_bytes:
            yield part
            part, size = [], 0
    if part:
        yield part


def _step_bytes(core: Any, model: Any, cache: Cache) -> int:
    """Return what a step takes beside weights and cache when the context is full."""
    few, more = _PROBES if mlx_library.on_gpu(core) else _SMALL_PROBES
    low, high = (_probed(core, model, cache, tokens) for tokens in (few, more))
    each = max(0, high - low) / (more - few)
    return int(high + each * (min(STEP, cache.cells) - more))


def _probed(core: Any, model: Any, cache: Cache, tokens: int) -> int:
    """Return what the last tokens of a full context take while they are computed, in bytes."""
    core.clear_cache()
    core.reset_peak_memory()
    before = core.get_active_memory()
    cache.far(tokens)
    logits = model(core.zeros((1, tokens), dtype=core.int32), cache=cache.layers)
    core.eval([logits[:, -1], *cache.state])
    del logits
    found = int(core.get_peak_memory() - before)
    cache.clear()
    core.clear_cache()
    return found


def _allocated(core: Any, step_bytes: int) -> DeviceMemory:
    active = int(core.get_active_memory())
    gpu = mlx_library.on_gpu(core)
    now = None if gpu else process_memory.anonymous_bytes()
    beside = None if now is None else max(0, now - active)
    return DeviceMemory("GPU" if gpu else "CPU", gpu, active + step_bytes, 0, beside)


def _too_big(folder: Folder, detail: str) -> Problem:
    return Problem(
        OUT_OF_MEMORY,
        f"There is not enough memory for {folder.name} with this context.",
        "Choose a smaller context or a smaller quantization, or close other programs.",
        detail,
    )


def _failed(folder: Folder, error: Exception) -> Problem:
    """Return the problem for what MLX complains of."""
    said = f"{type(error).__name__}: {error}"
    if kind := _UNKNOWN_KIND.search(said):
        return Problem(
            "load-failed",
            f"The engine does not know this kind of model ({kind.group(1)}).",
            "Update Ponder, or choose another model.",
            said,
        )
    if "allocate" in said or "nsufficient" in said:
        return _too_big(folder, said)
    return Problem(
        "load-failed",
        f"{folder.name} is damaged or not a whole model:"
        " its weights are not those that config.json describes.",
        "Download it again, or choose another conversion of this model.",
        said,
    )
