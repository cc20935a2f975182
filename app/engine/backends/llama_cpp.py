"""GGUF models through llama.cpp's low-level functions: the lean loop.

Per token: llama_sampler_sample, a look into a dictionary, one batch that lives as long as the
model (llama.cpp keeps only the pointers), llama_decode. That is within 5 % of the same loop in C.
"""

import ctypes
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.engine.backends.base import REPETITION_TOKENS, LoadProgress, Stopped, Token
from app.engine.backends.llama_load import LoadedModel, load
from app.engine.prefix import reusable
from app.engine.protocol import LoadOptions, ModelInfo, Sampling
from app.errors import Problem, WorldError
from app.prompts.segments import Prompt

_ABORTED = 2
"""What llama_decode returns where its abort callback said stop."""

SLOW_TOKEN_S = 0.05
"""Asking costs some 2 us a node, 1 ms a token: nothing where a token takes this long or longer."""


class LlamaCppBackend:
    """One model, one sequence. See `Backend` for the verbs.

    outputs: rows of logits that a batch may have.
    """

    outputs = 1

    def __init__(self) -> None:
        self._loaded: LoadedModel | None = None
        self._read: list[int] = []
        self._sampler: Any = None
        self._batch: Any = None
        self._stopped: Stopped = lambda: False
        self._asks = False

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Load the model and its context. Raises WorldError."""
        self._loaded = loaded = load(options, progress, outputs=self.outputs)
        self._api = api = loaded.api
        self._vocabulary = loaded.vocabulary
        if options.words_only:
            return loaded.info
        self._context = loaded.context
        self._memory = api.llama_get_memory(loaded.context)
        self._batch = batch = api.llama_batch_init(options.batch, 0, 1)
        for index in range(options.batch):
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
        # Kept, because llama.cpp has only their addresses.
        self._ask = api.ggml_abort_callback(lambda _: self._stopped())
        self._ask_not = api.ggml_abort_callback()
        # Each access of a field of the batch would make a new pointer object.
        self._ids, self._positions, self._wanted = batch.token, batch.pos, batch.logits
        return loaded.info

    def unload(self) -> None:
        """Free everything."""
        if self._loaded is None:
            return
        self._free_sampler()
        if self._batch is not None:
            self._api.llama_batch_free(self._batch)
        self._loaded.free()
        self._loaded = None

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt. Raises WorldError for an unknown control token."""
        return self._vocabulary.encode(prompt)

    def token(self, token_id: int) -> Token:
        """Return a token of the vocabulary."""
        return self._vocabulary.token(token_id)

    def reuse(self, ids: Sequence[int]) -> int:
        """Keep the common prefix in the KV cache, remove the rest."""
        self._keep(reusable(self._read, ids))
        return len(self._read)

    def watch(self, stopped: Stopped) -> None:
        """Let llama.cpp ask `stopped` while it computes (on the CPU; other devices do not ask)."""
        self._stopped = stopped

    def read(self, ids: Sequence[int]) -> bool:
        """Decode a slice of the prompt; logits for its last token only."""
        self._let_ask(True)
        at = len(self._read)
        last = len(ids) - 1
        for index, token_id in enumerate(ids):
            self._ids[index] = token_id
            self._positions[index] = at + index
            self._wanted[index] = index == last
        self._batch.n_tokens = len(ids)
        if not self._decode():
            return False
        self._read += ids
        return True

    def begin(self, sampling: Sampling, forbidden: Sequence[int] = ()) -> None:
        """Make the sampler chain: top_k first, because the others cost nine times as much alone."""
        self._free_sampler()
        api = self._api
        self._sampler = chain = api.llama_sampler_chain_init(
            api.llama_sampler_chain_default_params()
        )
        if sampling.repetition != 1:
            penalties = api.llama_sampler_init_penalties(
                self._vocabulary.size, REPETITION_TOKENS, sampling.repetition, 0.0, 0.0
            )
            api.llama_sampler_chain_add(chain, penalties)
        if forbidden:
            biases = (api.llama_logit_bias * len(forbidden))(
                *(api.llama_logit_bias(token_id, -math.inf) for token_id in forbidden)
            )
            never = api.llama_sampler_init_logit_bias(self._vocabulary.size, len(forbidden), biases)
            api.llama_sampler_chain_add(chain, never)
        if sampling.temperature <= 0:
            api.llama_sampler_chain_add(chain, api.llama_sampler_init_greedy())
            return
        if sampling.top_k > 0:
            api.llama_sampler_chain_add(chain, api.llama_sampler_init_top_k(sampling.top_k))
        if sampling.top_p < 1:
            api.llama_sampler_chain_add(chain, api.llama_sampler_init_top_p(sampling.top_p, 1))
        if sampling.min_p > 0:
            api.llama_sampler_chain_add(chain, api.llama_sampler_init_min_p(sampling.min_p, 1))
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_temp(sampling.temperature))
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_dist(sampling.seed & 0xFFFFFFFF))

    def sample(self) -> int:
        """Draw the next token."""
        token_id: int = self._api.llama_sampler_sample(self._sampler, self._context, -1)
        return token_id

    def append(self, token_id: int) -> bool:
        """Decode one token."""
        self._ids[0] = token_id
        self._positions[0] = len(self._read)
        self._wanted[0] = True
        self._batch.n_tokens = 1
        began = time.monotonic()
        if not self._decode():
            return False
        self._let_ask(time.monotonic() - began > SLOW_TOKEN_S)
        self._read.append(token_id)
        return True

    @property
    def sequence(self) -> Sequence[int]:
        """Return the tokens whose keys and values are in the cache."""
        return self._read

    def state_bytes(self) -> int:
        """Return the size of the sequence's keys and values."""
        return int(self._api.llama_state_seq_get_size(self._context, 0))

    def save(self, path: Path) -> bool:
        """Have llama.cpp write the sequence's keys and values, with its tokens."""
        tokens = (self._api.llama_token * len(self._read))(*self._read)
        count = len(self._read)
        written = self._api.llama_state_seq_save_file(
            self._context, os.fsencode(path), 0, tokens, count
        )
        return int(written) > 0

    def restore(self, path: Path, ids: Sequence[int]) -> bool:
        """Have llama.cpp read such a file. It trusts what is in it: check it before."""
        self._keep(0)
        tokens = (self._api.llama_token * len(ids))()
        count = ctypes.c_size_t(0)
        taken = self._api.llama_state_seq_load_file(
            self._context, os.fsencode(path), 0, tokens, len(ids), ctypes.byref(count)
        )
        if not taken or list(tokens[: count.value]) != list(ids):
            self._api.llama_memory_clear(self._memory, True)
            return False
        self._read = list(ids)
        return True

    def _decode(self) -> bool:
        """Decode the batch; return False if it was stopped. Raises WorldError if it failed."""
        status: int = self._api.llama_decode(self._context, self._batch)
        if status == 0:
            return True
        self._keep(len(self._read))  # what was half read must not be taken for read
        if status == _ABORTED:
            return False
        raise WorldError(
            Problem(
                "decode-failed",
                "The engine could not go on with this answer.",
                "Try again; if it fails again, load the model with a smaller context.",
                f"llama_decode returned {status}",
            )
        )

    def _keep(self, count: int) -> None:
        """Cut the sequence to its first `count` tokens, or to none where it cannot be cut."""
        # False where a memory has no positions to remove (recurrent models).
        if not self._api.llama_memory_seq_rm(self._memory, 0, count, -1):
            self._api.llama_memory_clear(self._memory, True)
            count = 0
        del self._read[count:]

    def _let_ask(self, wanted: bool) -> None:
        """Have llama.cpp ask whether to stop, or not: it asks at every node of the graph."""
        if wanted != self._asks:
            self._asks = wanted
            callback = self._ask if wanted else self._ask_not
            self._api.llama_set_abort_callback(self._context, callback, None)

    def _free_sampler(self) -> None:
        if self._sampler is not None:
            self._api.llama_sampler_free(self._sampler)
            self._sampler = None
