"""llama.cpp reading ahead: guessed tokens are computed together with the one before them.

A large model's token costs the reading of all its weights, and a few tokens at once cost little
more. What was computed ahead is only used where the very same sampler then draws the very same
token; else it is cut off again. So the draws, their order and their random numbers are those of
`LlamaCppBackend`; only the last digits of the logits are a batch's.
"""

import time
from collections.abc import Sequence
from pathlib import Path

from app.engine.backends.base import LoadProgress
from app.engine.backends.llama_cpp import SLOW_TOKEN_S, LlamaCppBackend
from app.engine.backends.lookup import MOST_GUESSED, Lookup
from app.engine.protocol import LoadOptions, ModelInfo


class LookupBackend(LlamaCppBackend):
    """One large model, one sequence. See `Backend` for the verbs."""

    outputs = 1 + MOST_GUESSED

    def __init__(self) -> None:
        super().__init__()
        self._lookup = Lookup()
        # Computed after the sequence, and not part of it; which row of logits is the next.
        self._ahead: list[int] = []
        self._row = -1
        self._most = 0
        self._guesses = 0
        # Of all that was guessed, for whoever measures: how much, and how much was right.
        self.guessed = self.right = 0

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Load the model and its context. Raises WorldError."""
        info = super().load(options, progress)
        model = self._loaded.model if self._loaded is not None else None
        # A state that goes on from token to token cannot be cut back.
        goes_on = self._api.llama_model_is_recurrent(model) or self._api.llama_model_is_hybrid(
            model
        )
        self._most = 0 if goes_on else min(self.outputs - 1, options.batch - 1)
        self._room = info.context
        return info

    def read(self, ids: Sequence[int]) -> bool:
        """Decode a slice of the prompt; logits for its last token only."""
        self._drop()
        return super().read(ids)

    def sample(self) -> int:
        """Draw the next token."""
        token_id: int = self._api.llama_sampler_sample(self._sampler, self._context, self._row)
        return token_id

    def append(self, token_id: int) -> bool:
        """Take a token that was computed ahead, or decode it and what may follow."""
        if self._ahead and token_id == self._ahead[0]:
            del self._ahead[0]
            self._row += 1
            self._read.append(token_id)
            if not self._ahead:
                self._judge()
            return True
        self._drop()
        room = min(self._most, self._room - len(self._read) - 1)
        guesses = self._lookup.guess(self._read, token_id, room) if room > 0 else []
        if not guesses:
            return super().append(token_id)
        return self._append_with(token_id, guesses)

    def state_bytes(self) -> int:
        """Return the size of the sequence's keys and values."""
        self._drop()
        return super().state_bytes()

    def save(self, path: Path) -> bool:
        """Have llama.cpp write the sequence's keys and values, with its tokens."""
        self._drop()
        return super().save(path)

    def _append_with(self, token_id: int, guesses: list[int]) -> bool:
        at = len(self._read)
        for index, each in enumerate((token_id, *guesses)):
            self._ids[index] = each
            self._positions[index] = at + index
            self._wanted[index] = True
        self._batch.n_tokens = 1 + len(guesses)
        began = time.monotonic()
        if not self._decode():
            return False
        self._let_ask(time.monotonic() - began > SLOW_TOKEN_S)
        self._read.append(token_id)
        self._ahead, self._guesses, self._row = guesses, len(guesses), 0
        return True

    def _judge(self) -> None:
        """Learn from the guesses that are through. The row stays: the next draw is from it."""
        right = self._guesses - len(self._ahead)
        self._lookup.judge(self._guesses, right)
        self.guessed += self._guesses
        self.right += right
        self._guesses = 0

    def _drop(self) -> None:
        """Cut off what was computed ahead."""
        if self._ahead:
            self._keep(len(self._read))
        self._row = -1

    def _keep(self, count: int) -> None:
        if self._guesses:
            self._judge()
        self._ahead = []
        self._row = -1
        super()._keep(count)
        self._lookup.cut(len(self._read))
