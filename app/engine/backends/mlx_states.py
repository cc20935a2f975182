"""What an MLX model has read as a file: the used part of each array of its cache, one by one.

Layer by layer, because a copy of a whole cache may be what a Mac has no memory for. The file begins
with a line of JSON that says what is in it; a file of another cache is refused.
"""

import json
from pathlib import Path
from typing import Any

from app.engine.backends.mlx_cache import Cache

_UNSIGNED = {1: "uint8", 2: "uint16", 4: "uint32"}
_CODES = {1: "B", 2: "H", 4: "I"}


def size(cache: Cache, tokens: int) -> int:
    """Return the bytes of such a file, 0 where the cache is of a kind that none is made of."""
    return cache.nbytes * tokens // cache.cells if cache.plain else 0


def save(core: Any, cache: Cache, path: Path, tokens: int) -> bool:
    """Write the first tokens of a cache; return whether that can be. Raises OSError."""
    if not cache.plain:
        return False
    with path.open("wb") as file:
        file.write(_head(cache, tokens) + b"\n")
        for array in cache.arrays:
            used = core.contiguous(array[..., :tokens, :])
            # As numbers that Python has too: bfloat16 is none of them.
            file.write(memoryview(used.view(getattr(core, _UNSIGNED[used.itemsize]))))
    return True


def restore(core: Any, cache: Cache, path: Path) -> int:
    """Read such a file into a cleared cache; return how many tokens were read, 0 where it is
    another cache's, or too long for this one."""
    if not cache.plain:
        return 0
    with path.open("rb") as file:
        head = file.readline().rstrip(b"\n")
        try:
            tokens = int(json.loads(head)["tokens"])
        except (ValueError, KeyError, TypeError):
            return 0
        if not 0 < tokens <= cache.cells or head != _head(cache, tokens):
            return 0
        for array in cache.arrays:
            shape = (*array.shape[:-2], tokens, array.shape[-1])
            data = file.read(array.nbytes // cache.cells * tokens)
            if len(data) != array.nbytes // cache.cells * tokens:
                return 0
            values: Any = memoryview(data)
            numbers = core.array(values.cast(_CODES[array.itemsize], shape))
            array[..., :tokens, :] = numbers.view(array.dtype)
            core.eval(array)
    cache.took(tokens)
    return tokens


def _head(cache: Cache, tokens: int) -> bytes:
    """Return the first line: all that has to be alike."""
    layout = [[str(array.dtype), *array.shape[:-2], array.shape[-1]] for array in cache.arrays]
    return json.dumps({"tokens": tokens, "layout": layout}).encode()
