"""Drawing the next token with MLX, in llama.cpp's order: repetition, top_k, top_p, min_p, the rest.

mlx_lm's own sampler runs top_p over the whole vocabulary and top_k last, which is another choice of
tokens. Everything is left to be computed with the model's own step: nothing is waited for here.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from app.engine.protocol import Sampling

Draw = Callable[[Any, int, Any], Any]
"""Takes the logits of one position, (1, vocabulary), its number, and the tokens that were written
lately, (n,) or None; returns the token, (1,)."""


def drawing(core: Any, sampling: Sampling, forbidden: Sequence[int] = ()) -> Draw:
    """Return how tokens are drawn: never a forbidden one. The same seed and position draw alike."""
    high = (sampling.seed & 0xFFFFFFFF) << 32
    never = core.array([list(forbidden)]) if forbidden else None

    def draw(logits: Any, position: int, written: Any) -> Any:
        if never is not None:
            out = core.array(-math.inf, logits.dtype)
            logits = core.put_along_axis(logits, never, out, axis=-1)
        if sampling.repetition != 1 and written is not None:
            logits = _less_likely(core, logits, written, sampling.repetition)
        if sampling.temperature <= 0:
            return core.argmax(logits, axis=-1)
        return chosen(logits, core.random.key(high | position))

    def chosen(logits: Any, key: Any) -> Any:
        logits, ids = _candidates(core, logits.astype(core.float32), sampling)
        picked = core.random.categorical(logits / sampling.temperature, key=key)
        return picked if ids is None else core.take_along_axis(ids, picked[:, None], axis=-1)[:, 0]

    return draw


def _less_likely(core: Any, logits: Any, written: Any, factor: float) -> Any:
    """Return the logits with those of tokens that were written moved away from likely."""
    logits = logits.astype(core.float32)
    said = logits[0, written]
    logits[0, written] = core.where(said > 0, said / factor, said * factor)
    return logits


def _candidates(core: Any, logits: Any, sampling: Sampling) -> tuple[Any, Any]:
    """Return the logits to draw from, those out of question at -inf, and their ids (None: all)."""
    ids = None
    if 0 < sampling.top_k < logits.shape[-1]:
        ids = core.argpartition(-logits, kth=sampling.top_k - 1, axis=-1)[:, : sampling.top_k]
        logits = core.take_along_axis(logits, ids, axis=-1)
    if sampling.top_p < 1:
        order = core.argsort(-logits, axis=-1)
        ids = order if ids is None else core.take_along_axis(ids, order, axis=-1)
        logits = core.take_along_axis(logits, order, axis=-1)
        chances = core.softmax(logits, axis=-1)
        # Kept is who has less than top_p before him: always the first.
        before = core.cumsum(chances, axis=-1, inclusive=False)
        logits = core.where(before < sampling.top_p, logits, -math.inf)
    if sampling.min_p > 0:
        least = core.max(logits, axis=-1, keepdims=True) + math.log(sampling.min_p)
        logits = core.where(logits < least, -math.inf, logits)
    return logits, ids
