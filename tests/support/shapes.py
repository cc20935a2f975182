"""Models of true dimensions, and ways to load them, to hold the plans against llama.cpp.

Weights are holes in sparse files, so a model of 27 billion parameters costs no disk. For loads that
allocate in truth, `cut` keeps all widths and takes away layers and most of the vocabulary.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace

from app.engine.backends.simulate import ContextWish
from app.fit.dimensions import Dimensions

MODELS: dict[str, Dimensions] = {
    "llama 24B": Dimensions("llama", 40, 5120, 32, 8, 128, 32768, 131072, 131072),
    "llama 8B": Dimensions("llama", 32, 4096, 32, 8, 128, 14336, 128256, 131072),
    "mistral3 14B": Dimensions("mistral3", 40, 5120, 32, 8, 128, 16384, 131072, 262144),
    "mistral3 3B": Dimensions("mistral3", 26, 3072, 32, 8, 128, 9216, 131072, 262144, tied=True),
    "qwen3 14B": Dimensions("qwen3", 40, 5120, 40, 8, 128, 17408, 151936, 131072),
    "qwen3 4B": Dimensions("qwen3", 36, 2560, 32, 8, 128, 9728, 151936, 131072, tied=True),
    "qwen3moe 30B": Dimensions(
        "qwen3moe", 48, 2048, 32, 4, 128, 768, 151936, 262144, experts=128, experts_used=8
    ),
    "gemma3 12B": Dimensions(
        "gemma3",
        48,
        3840,
        16,
        8,
        256,
        15360,
        262208,
        131072,
        window=1024,
        window_period=6,
        tied=True,
    ),
    "gemma3 27B": Dimensions(
        "gemma3",
        62,
        5376,
        32,
        16,
        128,
        21504,
        262208,
        131072,
        window=1024,
        window_period=6,
        tied=True,
    ),
    "gpt-oss 20B": Dimensions(
        "gpt-oss",
        24,
        2880,
        64,
        8,
        64,
        2880,
        201088,
        131072,
        experts=32,
        experts_used=4,
        window=128,
        window_period=2,
    ),
}

OTHERS: dict[str, Dimensions] = {
    "qwen35 27B": Dimensions(
        "qwen35",
        64,
        5120,
        24,
        4,
        256,
        17408,
        248320,
        262144,
        state_period=4,
        state_heads=48,
        state_groups=16,
        state_size=128,
    ),
    "qwen35moe 35B": Dimensions(
        "qwen35moe",
        40,
        2048,
        16,
        2,
        256,
        512,
        248320,
        262144,
        experts=256,
        experts_used=8,
        experts_shared=1,
        state_period=4,
        state_heads=32,
        state_groups=16,
        state_size=128,
    ),
    "gemma4 12B": Dimensions(
        "gemma4",
        48,
        3840,
        16,
        8,
        256,
        15360,
        262144,
        262144,
        window=1024,
        window_period=6,
        tied=True,
        kv_heads_full=1,
        head_full=512,
    ),
    "deepseek2 30B": Dimensions(
        "deepseek2",
        47,
        2048,
        20,
        20,
        256,
        1536,
        154880,
        202752,
        experts=64,
        experts_used=4,
        experts_shared=1,
        query_rank=768,
        kv_rank=512,
        rope_head=64,
        dense_layers=1,
        dense_feed_forward=10240,
    ),
}
"""Architectures whose graphs are modelled roughly: weights and cache are exact, compute is near."""

CONTEXTS = (2048, 4096, 8192, 12_000, 16_384, 32_768, 40_960, 65_536, 100_000, 131_072)
BATCHES = (64, 128, 200, 256, 512, 1024, 2048)
KV = ("f16", "q8_0", "q4_0")


def cut(dimensions: Dimensions) -> Dimensions:
    """Return a model of the same widths that fits into 2 GB: few layers, few words, few experts."""
    layers = 2 * (dimensions.window_period or 1) if dimensions.window_period > 2 else 4
    experts = min(dimensions.experts, 2 * dimensions.experts_used)
    return replace(dimensions, layers=min(layers, 6), vocabulary=4096, experts=experts)


def wishes(count: int, start: int = 0, longest: int = 1 << 20) -> Iterator[ContextWish]:
    """Yield `count` different ways to make a context, spread over all that there are."""
    contexts = [context for context in CONTEXTS if context <= longest]
    every = list(itertools.product(contexts, KV, BATCHES, (True, False)))
    step = next(step for step in (53, 59, 61, 67) if len(every) % step)
    for number in range(count):
        yield ContextWish(*every[(start + number * step) % len(every)])
