"""What the engine's process takes beside llama.cpp's buffers: its vocabulary, its bookkeeping.

Each figure is the growth of a real child's memory (0.3.36, Linux), with everything else held equal:
words from 1,024 to 131,072, 131,000 merges, contexts of 2,048 and 65,536, 2 and 24 layers, widths
of 512 and 8,192. For a 24B model this is under 1 %; for a model of 0.5 GB it decides whether a
promise is within 3 %.
"""

from app.fit.shape import ModelShape

PROCESS_BYTES = 20 << 20
"""Python, the libraries and what they touch at once: 14.5 MB, and slack of the C library."""
_WORD_BYTES = 164
"""150 in the vocabulary, 12 among the candidates of a draw."""
_MERGE_BYTES = 110
_CELL_BYTES = 54
_LAYER_BYTES = 64 << 10
_MERGES_PER_WORD = 2
"""Tekken, Llama 3 and gpt-oss have 2.1 to 2.2; only planned headers do not tell."""
_PLAIN = ("F16", "BF16")


def process_bytes(shape: ModelShape, cells: int, window_cells: int, batch: int) -> int:
    """Return the bytes of main memory beside weights, cache, compute and output.

    cells: of the KV cache; window_cells: of a second one for sliding windows, 0 without; batch: of
    the tokens that the processor reads at once, 0 where a card does.
    """
    merges = shape.merges if shape.merges is not None else _MERGES_PER_WORD * shape.vocabulary
    return (
        PROCESS_BYTES
        + _WORD_BYTES * shape.vocabulary
        + _MERGE_BYTES * merges
        + _CELL_BYTES * (cells + window_cells)
        + _LAYER_BYTES * len(shape.layers)
        + _work_bytes(shape, batch)
    )


def _work_bytes(shape: ModelShape, batch: int) -> int:
    """Return the buffer in which the processor quantizes what it multiplies by weights.

    Of the widest input of any product: f16 for plain weights, else blocks of q8_K at the most.
    """
    experts = shape.experts_used * (shape.expert_feed_forward or shape.feed_forward)
    width = max(
        shape.embedding,
        shape.heads * shape.head,
        experts if shape.experts else shape.feed_forward,
        shape.shared_feed_forward,
    )
    bits = 16 if shape.quantization in _PLAIN else 9.125
    return int(batch * width * bits / 8)
