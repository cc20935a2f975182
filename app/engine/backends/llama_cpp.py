"""GGUF models through llama.cpp's low-level functions: the lean loop.

Per token: llama_sampler_sample, a look into a dictionary, one batch that lives as long as the
model (llama.cpp keeps only the pointers), llama_decode. That is within 5 % of the same loop in C.
"""

from collections.abc import Sequence
from typing import Any

from app.engine.backends.base import LoadProgress, Token
from app.engine.backends.llama_load import LoadedModel, load
from app.engine.prefix import reusable
from app.engine.protocol import LoadOptions, ModelInfo, Sampling
from app.errors import Problem, WorldError
from app.prompts.segments import Prompt


class LlamaCppBackend:
    """One model, one sequence. See `Backend` for the verbs."""

    def __init__(self) -> None:
        self._loaded: LoadedModel | None = None
        self._read: list[int] = []
        self._sampler: Any = None
        self._batch: Any = None

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Load the model and its context. Raises WorldError."""
        self._loaded = loaded = load(options, progress)
        self._api = api = loaded.api
        self._context = loaded.context
        self._memory = api.llama_get_memory(loaded.context)
        self._batch = batch = api.llama_batch_init(options.batch, 0, 1)
        for index in range(options.batch):
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
        # Each access of a field of the batch would make a new pointer object.
        self._ids, self._positions, self._wanted = batch.token, batch.pos, batch.logits
        self._vocabulary = loaded.vocabulary
        return loaded.info

    def unload(self) -> None:
        """Free everything."""
        if self._loaded is None:
            return
        self._free_sampler()
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
        kept = reusable(self._read, ids)
        # False where a memory cannot be cut (recurrent models): then nothing can be kept.
        if not self._api.llama_memory_seq_rm(self._memory, 0, kept, -1):
            self._api.llama_memory_clear(self._memory, True)
            kept = 0
        del self._read[kept:]
        return kept

    def read(self, ids: Sequence[int]) -> None:
        """Decode a slice of the prompt; logits for its last token only."""
        at = len(self._read)
        last = len(ids) - 1
        for index, token_id in enumerate(ids):
            self._ids[index] = token_id
            self._positions[index] = at + index
            self._wanted[index] = index == last
        self._batch.n_tokens = len(ids)
        self._decode()
        self._read += ids

    def begin(self, sampling: Sampling) -> None:
        """Make the sampler chain: top_k first, because the others cost nine times as much alone."""
        self._free_sampler()
        api = self._api
        self._sampler = chain = api.llama_sampler_chain_init(
            api.llama_sampler_chain_default_params()
        )
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

    def append(self, token_id: int) -> None:
        """Decode one token."""
        self._ids[0] = token_id
        self._positions[0] = len(self._read)
        self._wanted[0] = True
        self._batch.n_tokens = 1
        self._decode()
        self._read.append(token_id)

    def _decode(self) -> None:
        status: int = self._api.llama_decode(self._context, self._batch)
        if status == 0:
            return
        # What was half read must not be taken for read.
        self._api.llama_memory_seq_rm(self._memory, 0, len(self._read), -1)
        raise WorldError(
            Problem(
                "decode-failed",
                "The engine could not go on with this answer.",
                "Try again; if it fails again, load the model with a smaller context.",
                f"llama_decode returned {status}",
            )
        )

    def _free_sampler(self) -> None:
        if self._sampler is not None:
            self._api.llama_sampler_free(self._sampler)
            self._sampler = None
