"""MLX models through mlx_lm's models and caches: the same verbs as llama.cpp's back end.

The device is kept busy as mlx_lm does it: while a token is being told, the step after it is already
computed, on the token as the device has it. Where that was in vain (another token was written, the
answer ended) the cache is cut by one. What cannot always be cut is never run ahead of.

The last token that was read is computed only together with the first draw: for it alone the whole
vocabulary's logits are needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.engine.backends import mlx_load, mlx_states
from app.engine.backends.base import REPETITION_TOKENS, LoadProgress, Stopped, Token
from app.engine.backends.mlx_cache import STEP
from app.engine.backends.mlx_load import LoadedModel
from app.engine.backends.mlx_sampling import Draw, drawing
from app.engine.prefix import reusable
from app.engine.protocol import LoadOptions, ModelInfo, Sampling
from app.errors import Problem, WorldError
from app.prompts.segments import Prompt


class MlxBackend:
    """One model, one sequence. See `Backend` for the verbs."""

    def __init__(self) -> None:
        self._loaded: LoadedModel | None = None
        self._stopped: Stopped = lambda: False
        self._ids: list[int] = []
        # How many tokens are in the cache: all of the ids, all but the last, or one ahead.
        self._held = 0
        self._draw: Draw = lambda logits, position, written: None
        # Where the answer begins in the ids, None where it does not matter.
        self._begun: int | None = None
        # The token after the ids, and the one after that, as the device has or will have them.
        self._drawn: Any = None
        self._ahead: Any = None
        self._told = -1
        # Of the last two positions, by their numbers: a draw may be refused.
        self._logits: dict[int, Any] = {}

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Load the model and make its cache. Raises WorldError."""
        self._loaded = loaded = mlx_load.load(options, progress)
        self._core = loaded.library.core
        self._model = loaded.model
        self._cache = loaded.cache
        self._vocabulary = loaded.vocabulary
        self._step = loaded.info.batch
        return loaded.info

    def unload(self) -> None:
        """Free everything."""
        if self._loaded is None:
            return
        library = self._loaded.library
        self._core.synchronize()
        self._loaded = self._model = self._drawn = self._ahead = None
        self._logits.clear()
        del self._cache
        mlx_load.free(library)

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt. Raises WorldError for what the vocabulary has not."""
        return self._vocabulary.encode(prompt)

    def token(self, token_id: int) -> Token:
        """Return a token of the vocabulary."""
        return self._vocabulary.token(token_id)

    def reuse(self, ids: Sequence[int]) -> int:
        """Keep the common prefix in the cache; nothing where it cannot be cut there."""
        self._keep(reusable(self._ids, ids))
        return len(self._ids)

    def watch(self, stopped: Stopped) -> None:
        """Ask `stopped` before each step of reading."""
        self._stopped = stopped

    def read(self, ids: Sequence[int]) -> bool:
        """Read a slice of the prompt in steps, all but its last token."""
        self._keep(len(self._ids))
        before = len(self._ids)
        self._ids += ids
        last = len(self._ids) - 1
        while self._held < last:
            if self._stopped():
                self._keep(before)
                return False
            part = self._ids[self._held : min(self._held + self._step, last)]
            self._compute(self._core.array([part]))
            self._wait(self._cache.state)
            self._core.clear_cache()
        return True

    def begin(self, sampling: Sampling, forbidden: Sequence[int] = ()) -> None:
        """Make the sampler; where the next token's logits are known, draw it from them."""
        self._keep(len(self._ids))
        self._draw = drawing(self._core, sampling, forbidden)
        self._begun = len(self._ids) if sampling.repetition != 1 else None
        if self._held == len(self._ids) and self._held in self._logits:
            self._drawn = self._chosen(self._logits[self._held], self._written(None))

    def sample(self) -> int:
        """Draw the next token, and have the one after it begun."""
        if self._drawn is None:
            self._drawn = self._following(self._core.array(self._ids[self._held :]), drawn=False)
        if self._ahead is None and self._cache.plain and self._held < self._cache.cells:
            self._ahead = self._following(self._drawn)
        try:
            self._told = self._drawn.item()
        except RuntimeError as error:
            raise self._broken(error) from error
        return self._told

    def append(self, token_id: int) -> bool:
        """Append one token: the one that was drawn is under way already, or is begun here."""
        if token_id != self._told:
            self._keep(len(self._ids))
            self._ids.append(token_id)
        elif self._ahead is not None:
            self._ids.append(token_id)
            self._drawn, self._ahead = self._ahead, None
        else:
            self._ids.append(token_id)
            self._drawn = self._following(self._drawn)
        self._told = -1
        if len(self._ids) % STEP == 0:
            self._core.clear_cache()
        return True

    @property
    def sequence(self) -> Sequence[int]:
        """Return the tokens that were read and appended."""
        return self._ids

    def state_bytes(self) -> int:
        """Return the size of the keys and values of what was computed."""
        return mlx_states.size(self._cache, self._held)

    def save(self, path: Path) -> bool:
        """Write the keys and values. Raises OSError."""
        self._keep(len(self._ids))
        return mlx_states.save(self._core, self._cache, path, self._held)

    def restore(self, path: Path, ids: Sequence[int]) -> bool:
        """Read keys and values; the last of the ids may have to be computed yet."""
        self._keep(0)
        self._cache.clear()
        self._held = mlx_states.restore(self._core, self._cache, path)
        if not len(ids) - 1 <= self._held <= len(ids):
            self._cache.clear()
            self._held = 0
            return False
        self._ids = list(ids)
        return True

    def _following(self, tokens: Any, *, drawn: bool = True) -> Any:
        """Begin to compute tokens, and the draw after them; return the drawn token to be.

        drawn: they are one token that was drawn itself; it may not be in the sequence yet.
        """
        logits = self._compute(tokens[None])[:, -1, :]
        before = self._logits.get(self._held - 1)
        self._logits = {self._held - 1: before, self._held: logits}
        return self._chosen(logits, self._written(tokens if drawn else None))

    def _chosen(self, logits: Any, written: Any) -> Any:
        """Begin to draw the token that follows all that is in the cache."""
        next_one = self._draw(logits, self._held, written)
        try:
            self._core.async_eval(next_one)
        except RuntimeError as error:
            raise self._broken(error) from error
        return next_one

    def _written(self, drawn: Any) -> Any:
        """Return what was written lately and a token that was drawn, where repetition counts."""
        if self._begun is None:
            return None
        lately = self._ids[max(self._begun, len(self._ids) - REPETITION_TOKENS) :]
        if drawn is None:
            return self._core.array(lately) if lately else None
        return self._core.concatenate([self._core.array(lately, drawn.dtype), drawn])

    def _compute(self, tokens: Any) -> Any:
        """Have the model read tokens, (1, tokens), after those in the cache; return its logits."""
        logits = self._model(tokens, cache=self._cache.layers)
        self._held += tokens.shape[1]
        return logits

    def _wait(self, arrays: list[Any]) -> None:
        try:
            self._core.eval(arrays)
        except RuntimeError as error:
            raise self._broken(error) from error

    def _keep(self, count: int) -> None:
        """Cut the sequence to its first `count` tokens, or to none where it cannot be cut.

        What was drawn and not appended is forgotten.
        """
        self._drawn = self._ahead = None
        self._told = -1
        surplus = max(0, self._held - count)
        self._held -= surplus
        if not self._cache.cut(surplus):
            self._held = count = 0
        del self._ids[count:]

    def _broken(self, error: RuntimeError) -> WorldError:
        """Return the failure of a computation; nothing that was read can be relied on any more."""
        self._drawn = self._ahead = None
        self._logits.clear()
        self._cache.clear()
        self._held = 0
        self._ids.clear()
        return WorldError(
            Problem(
                "decode-failed",
                "The engine could not go on with this answer.",
                "Try again; if it fails again, load the model with a smaller context.",
                str(error),
            )
        )
