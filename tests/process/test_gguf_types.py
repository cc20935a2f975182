"""The header reader's table of tensor types against the library that defines them."""

import ctypes
import importlib.util
from pathlib import Path

from app.models.gguf import BLOCKS

_OBSOLETE = {4, 5, 31, 32, 33, 36, 37, 38}


def ggml() -> ctypes.CDLL:
    spec = importlib.util.find_spec("llama_cpp")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "lib"
    names = ("libggml-base.so", "libggml-base.dylib", "ggml-base.dll")
    return ctypes.CDLL(str(next(folder / name for name in names if (folder / name).exists())))


def test_sizes_are_ggmls() -> None:
    library = ggml()
    library.ggml_blck_size.restype = ctypes.c_int64
    library.ggml_type_size.restype = ctypes.c_size_t
    library.ggml_type_name.restype = ctypes.c_char_p
    known = {
        kind: (library.ggml_blck_size(kind), library.ggml_type_size(kind)) for kind in range(43)
    }
    for kind in _OBSOLETE:
        del known[kind]
    assert known == BLOCKS, {
        library.ggml_type_name(kind): size
        for kind, size in known.items()
        if BLOCKS.get(kind) != size
    }
