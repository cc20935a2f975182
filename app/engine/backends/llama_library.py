"""The one place that imports llama-cpp-python, and what has to be done once when it is.

Only its low-level functions are used. The high-level ones detokenize the whole answer for each
token (12.9 ms a token at 4,000), hide [THINK], and let a typed "[THINK]" become a control token.
"""

import ctypes
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import types
from collections import deque
from typing import Any

from app.errors import Problem, WorldError

_DEBUG, _WARNING, _ERROR, _CONTINUED = 1, 3, 4, 5  # ggml_log_level of ggml.h
_CPU_KIND = 0  # GGML_BACKEND_DEVICE_TYPE_CPU
_GPU_KINDS = (1, 2)  # GGML_BACKEND_DEVICE_TYPE_GPU and _IGPU
_EXPERTS = rb"\.ffn_(up|down|gate|gate_up)_(ch|)exps"  # LLM_FFN_EXPS_REGEX of llama.cpp

complaints: deque[str] = deque(maxlen=20)
"""The last warnings and errors of llama.cpp: it reports a failed load in no other way."""

buffer_lines: deque[str] = deque(maxlen=200)
"""The lines that tell of buffers (app.engine.backends.buffers reads them), of the last load."""

flash_attention: deque[bool] = deque(maxlen=1)
"""What the last context chose: it is left to llama.cpp, which tells its choice only here."""

_FLASH = re.compile(
    rb"(?:Flash Attention (?:was auto, set to )?|\bflash_attn +?= +)(enabled|disabled)\b"
)


@functools.cache
def library() -> Any:
    """Return llama_cpp's low-level module, initialised, its log pointed at our stderr (the log).

    Raises WorldError where the library is missing or does not load (a driver that is not there).
    """
    try:
        api = _low_level_module()
    except (ImportError, OSError, RuntimeError) as error:
        raise WorldError(
            Problem(
                "engine-library",
                "The engine's library, llama.cpp, could not be loaded.",
                "Run python3 run.py once more: it builds what is missing.",
                str(error),
            )
        ) from error
    api.llama_log_set(log_callback(api), None)
    api.llama_backend_init()
    return api


def _low_level_module() -> Any:
    """Import llama_cpp.llama_cpp without the package's own __init__.

    That imports the high-level half with numpy and jinja2: 0.55 s against 0.13 s, before each first
    token. An empty package of the same name and path, put in its place, is all the module needs.
    """
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("llama_cpp is not installed")
    if "llama_cpp" not in sys.modules:
        package = types.ModuleType("llama_cpp")
        package.__path__ = list(spec.submodule_search_locations)
        package.__spec__ = spec  # who looks for the package again finds it
        sys.modules["llama_cpp"] = package
    return importlib.import_module("llama_cpp.llama_cpp")


@functools.cache
def log_callback(api: Any) -> Any:
    """Return the callback; cached, because C keeps only its address."""
    level_before = 0

    def log(level: int, text: bytes, _: Any) -> None:
        nonlocal level_before
        if level == _CONTINUED:
            level = level_before
        level_before = level
        if level == _DEBUG:
            return
        os.write(2, text)
        if found := _FLASH.search(text):
            flash_attention.append(found[1] == b"enabled")
        if b"buffer size" in text:
            buffer_lines.append(text.decode("utf-8", "replace"))
        if level in (_WARNING, _ERROR):
            complaints.append(text.decode("utf-8", "replace").strip())

    return api.llama_log_callback(log)


def build() -> str:
    """Return the engine's name and version."""
    return f"llama-cpp-python {importlib.metadata.version('llama-cpp-python')}"


class _Override(ctypes.Structure):
    """struct llama_model_tensor_buft_override, which the bindings leave out."""

    _fields_ = (("pattern", ctypes.c_char_p), ("buffer_type", ctypes.c_void_p))


def experts_in_main_memory() -> Any:
    """Return `tensor_buft_overrides` that keep the experts of all layers in main memory.

    llama.cpp keeps the address: the array has to live as long as the load.
    """
    library()
    libggml = importlib.import_module("llama_cpp._ggml").libggml
    libggml.ggml_backend_dev_by_type.argtypes = [ctypes.c_int]
    libggml.ggml_backend_dev_by_type.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_buffer_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_buffer_type.restype = ctypes.c_void_p
    processor = libggml.ggml_backend_dev_by_type(_CPU_KIND)
    plain = libggml.ggml_backend_dev_buffer_type(processor)
    return (_Override * 2)(_Override(_EXPERTS, plain), _Override(None, None))


def gpus() -> list[str]:
    """Return the descriptions of the GPUs that this build of llama.cpp can use."""
    library()
    # ggml's list of devices is not in the bindings.
    libggml = importlib.import_module("llama_cpp._ggml").libggml
    libggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    libggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    libggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    libggml.ggml_backend_dev_type.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_description.argtypes = [ctypes.c_void_p]
    libggml.ggml_backend_dev_description.restype = ctypes.c_char_p
    devices = [libggml.ggml_backend_dev_get(i) for i in range(libggml.ggml_backend_dev_count())]
    return [
        libggml.ggml_backend_dev_description(device).decode("utf-8", "replace")
        for device in devices
        if libggml.ggml_backend_dev_type(device) in _GPU_KINDS
    ]
