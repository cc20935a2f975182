"""The KV cache of an MLX model: bounded, allocated once, quantized where asked, cut where possible.

mlx_lm's caches grow by 256 tokens as long as there are tokens; unbounded they have taken whole Macs
down. Here a plain cache gets its full size at the first token, so that a context which does not fit
is refused at the load and what was promised can be compared with what was taken. Caches of another
kind (sliding windows, recurrent states) are the model's own: they are bounded by themselves, and
some cannot be cut: then nothing is kept of them.
"""

from typing import Any

from app.engine.backends.mlx_library import Library
from app.engine.protocol import KVType

STEP = 256
"""Tokens read at once: with a quantized cache MLX holds two matrices of scores for them."""

GROUPS = (64, 32)
"""Values that share a scale and an offset; 32 where the width of a head is no multiple of 64."""

_BITS = {"q8_0": 8, "q4_0": 4}


class Cache:
    """What a model has read. cells: the tokens there is room for, whole steps."""

    def __init__(self, library: Library, model: Any, context: int) -> None:
        self._caches = library.caches
        self._trees = library.trees
        self._model = model
        self.cells = -(-context // STEP) * STEP
        self.kv_type: KVType = "f16"
        self._group = 0
        self.layers: list[Any] = []
        self.clear()

    def quantize(self, kv_type: KVType, group: int) -> None:
        """Begin anew with plain caches in so many bits a value. group: of GROUPS."""
        self.kv_type, self._group, self.layers = kv_type, group, []
        self.clear()

    @property
    def plain(self) -> bool:
        """Return whether the last tokens can be forgotten at any time."""
        return all(map(self._is_plain, self.layers))

    @property
    def nbytes(self) -> int:
        """Return its bytes, also of what is planned and not computed yet."""
        return sum(layer.nbytes for layer in self.layers)

    @property
    def state(self) -> list[Any]:
        """Return the arrays that have to be computed for what was read to be in it."""
        return [
            array
            for _, array in self._trees.tree_flatten([layer.state for layer in self.layers])
            if hasattr(array, "nbytes")
        ]

    @property
    def arrays(self) -> list[Any]:
        """Return the keys and values of all layers, where the cache is plain and has its size."""
        return [
            array
            for layer in self.layers
            for _, array in self._trees.tree_flatten([layer.keys, layer.values])
        ]

    def took(self, tokens: int) -> None:
        """Take the first tokens of plain caches for read: they were put there."""
        for layer in self.layers:
            layer.offset = tokens

    def cut(self, tokens: int) -> bool:
        """Forget the last tokens; return False where that cannot be, and then nothing is left."""
        if tokens == 0:
            return True
        if self._caches.can_trim_prompt_cache(self.layers):
            self._caches.trim_prompt_cache(self.layers, tokens)
            return True
        self.clear()
        return False

    def clear(self) -> None:
        """Forget everything. Plain caches keep their memory."""
        fresh = self._caches.make_prompt_cache(self._model)
        old = self.layers or [None] * len(fresh)
        self.layers = [
            self._cleared(before) if self._is_plain(before) else self._made(after)
            for before, after in zip(old, fresh, strict=True)
        ]

    def far(self, tokens: int) -> None:
        """Let plain caches take the next tokens as their last: how much memory that takes is seen.

        Only with nothing read, and to be cleared afterwards.
        """
        for layer in self.layers:
            if self._is_plain(layer):
                layer.offset = self.cells - tokens

    def _is_plain(self, layer: Any) -> bool:
        return type(layer) in (self._caches.KVCache, self._caches.QuantizedKVCache)

    def _cleared(self, layer: Any) -> Any:
        layer.offset = 0
        return layer

    def _made(self, layer: Any) -> Any:
        if type(layer) is not self._caches.KVCache:
            return layer
        if self.kv_type != "f16":
            layer = self._caches.QuantizedKVCache(group_size=self._group, bits=_BITS[self.kv_type])
        layer.step = self.cells  # what it grows by
        return layer
