"""Writes MLX folders with random weights, any size: the MLX twins of `synthetic`'s GGUF files.

Written by hand, so that the tests' own process needs no MLX.
"""

import json
import math
import random
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from tests.support import synthetic
from tests.support.synthetic import Shape

Kind = Literal["F16", "F32"]
_BYTES = {"F16": 2, "F32": 4}
_CODES = {"F16": "e", "F32": "f"}
_HEAD = "lm_head.weight"


def write(
    folder: Path, shape: Shape, kind: Kind = "F32", *, values: Mapping[str, Any] | None = None
) -> Path:
    """Write a model of the llama architecture with `synthetic`'s vocabulary; return the folder.

    values: tensors, by name, that are not random: numpy arrays.
    """
    given = values or {}
    folder.mkdir(parents=True)
    config = {
        "model_type": "llama",
        "hidden_size": shape.width,
        "intermediate_size": shape.feed_forward,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_width,
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.context,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": _HEAD not in given,
        "eos_token_id": 2,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    _write_tokenizer(folder, shape.vocabulary)
    header: dict[str, object] = {"__metadata__": {"format": "mlx"}}
    at = 0
    tensors = [*_tensors(shape)]
    if _HEAD in given:
        tensors.append((_HEAD, (shape.vocabulary, shape.width)))
    for name, dimensions in tensors:
        end = at + math.prod(dimensions) * _BYTES[kind]
        header[name] = {"dtype": kind, "shape": dimensions, "data_offsets": [at, end]}
        at = end
    spelled = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(spelled)) + spelled)
        for name, dimensions in tensors:
            if name in given:
                assert given[name].shape == dimensions, name
                file.write(given[name].astype({"F16": "<f2", "F32": "<f4"}[kind]).tobytes())
            else:
                file.writelines(_values(name, dimensions, kind, shape.seed))
    return folder


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    width, feed, kv = shape.width, shape.feed_forward, shape.kv_heads * shape.head_width
    yield "model.embed_tokens.weight", (shape.vocabulary, width)
    yield "model.norm.weight", (width,)
    for number in range(shape.layers):
        layer = f"model.layers.{number}"
        yield f"{layer}.input_layernorm.weight", (width,)
        yield f"{layer}.post_attention_layernorm.weight", (width,)
        for name, dimensions in (
            ("self_attn.q_proj", (width, width)),
            ("self_attn.k_proj", (kv, width)),
            ("self_attn.v_proj", (kv, width)),
            ("self_attn.o_proj", (width, width)),
            ("mlp.gate_proj", (feed, width)),
            ("mlp.up_proj", (feed, width)),
            ("mlp.down_proj", (width, feed)),
        ):
            yield f"{layer}.{name}.weight", dimensions


def _values(name: str, dimensions: tuple[int, ...], kind: Kind, seed: int) -> Iterator[bytes]:
    """Yield the bytes of a tensor: ones for a norm, else a block of random values over and over."""
    count = math.prod(dimensions)
    drawn = random.Random(f"{name} {seed}")
    spread = 1 / math.sqrt(dimensions[-1])
    # A prime length, so that rows differ.
    block = [
        1.0 if len(dimensions) == 1 else drawn.gauss(0, spread) for _ in range(min(count, 4093))
    ]
    data = struct.pack(f"<{len(block)}{_CODES[kind]}", *block)
    whole, rest = divmod(count, len(block))
    for _ in range(whole):
        yield data
    yield data[: rest * _BYTES[kind]]


def _write_tokenizer(folder: Path, size: int) -> None:
    spellings = synthetic.vocabulary(size)
    added = [
        {
            "id": number,
            "content": spellings[number],
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for number in sorted(synthetic.CONTROLS)
    ]
    levels = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": levels | {"use_regex": True},
        "post_processor": None,
        "decoder": levels | {"use_regex": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": {spelling: number for number, spelling in enumerate(spellings)},
            "merges": [],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
