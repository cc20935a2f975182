"""Writes vision parts (mmproj files) of the Pixtral kind, with random weights, of any size.

They see nothing sensible, but they load through mtmd, cut a picture into tokens and encode it at
the cost of their dimensions, and one picture gives other values than another. Same arguments, same
bytes. `write_model` writes a language model of synthetic's that knows the tokens of pictures.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.support import synthetic

_ALIGNMENT = 32
_F32, _F16 = 0, 1


@dataclass(frozen=True, slots=True)
class Eyes:
    """The dimensions of a vision part. text_width: of the language model it was made for."""

    text_width: int = 64
    width: int = 64
    layers: int = 2
    heads: int = 2
    feed_forward: int = 128
    patch: int = 14
    merge: int = 2
    image: int = 1540
    weights: Literal["f16", "f32"] = "f16"
    kind: str = "pixtral"
    seed: int = 1


SMALL = Eyes()
"""Encodes a picture of some hundred pixels in a moment."""

REAL = Eyes(5120, 1024, 24, 16, 4096)
"""Magistral 1.2's own: 0.88 GB of weights."""

_TOKENS = {10: "[IMG]", 12: "[IMG_BREAK]", 13: "[IMG_END]"}


def write_model(path: Path, shape: synthetic.Shape = synthetic.TINY, **metadata: Any) -> Path:
    """Write a language model whose vocabulary has the tokens of pictures. Returns the path."""
    plain = synthetic.CONTROLS
    try:
        synthetic.CONTROLS = {**plain, **_TOKENS}
        return synthetic.write(path, shape, **metadata)
    finally:
        synthetic.CONTROLS = plain


def write(path: Path, eyes: Eyes = SMALL, *, data: bool = True, **metadata: Any) -> Path:
    """Write a vision part; metadata adds or replaces keys ("." written as "__"). Returns the path.

    data: False leaves a hole in place of the weights (all zero), whatever their size.
    """
    pairs: dict[str, Any] = {
        "general.architecture": "clip",
        "general.name": "Synthetic eyes",
        "general.type": "mmproj",
        "general.file_type": 1 if eyes.weights == "f16" else 0,
        "clip.has_vision_encoder": True,
        "clip.projector_type": eyes.kind,
        "clip.use_silu": True,
        "clip.vision.projection_dim": eyes.text_width,
        "clip.vision.image_size": eyes.image,
        "clip.vision.patch_size": eyes.patch,
        "clip.vision.embedding_length": eyes.width,
        "clip.vision.feed_forward_length": eyes.feed_forward,
        "clip.vision.block_count": eyes.layers,
        "clip.vision.attention.head_count": eyes.heads,
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.spatial_merge_size": eyes.merge,
        "clip.vision.image_mean": [0.48145466, 0.4578275, 0.40821073],
        "clip.vision.image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    pairs.update({key.replace("__", "."): value for key, value in metadata.items()})
    tensors = list(_tensors(eyes))
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)))
        for key, value in pairs.items():
            file.write(synthetic.gguf_string(key) + _value(value))
        offset = 0
        for name, dimensions in tensors:
            kind = _kind(eyes, name, dimensions)
            count = len(dimensions)
            layout = f"<I{count}QIQ"
            file.write(synthetic.gguf_string(name))
            file.write(struct.pack(layout, count, *dimensions, kind, offset))
            offset += _padded(math.prod(dimensions) * (4 if kind == _F32 else 2))
        file.write(b"\0" * (-file.tell() % _ALIGNMENT))
        if not data:
            file.truncate(file.tell() + offset)
            return path
        import numpy as np

        random = np.random.default_rng(eyes.seed)
        for name, dimensions in tensors:
            kind = _kind(eyes, name, dimensions)
            if "norm" in name or ".ln" in name or "pre_ln" in name:
                values = np.ones(math.prod(dimensions), np.float32)
            else:
                rows = math.prod(dimensions[:-1]) or 1
                values = random.standard_normal(math.prod(dimensions), np.float32)
                values /= np.float32(math.sqrt(rows))
            raw = values.astype(np.float32 if kind == _F32 else np.float16).tobytes()
            file.write(raw + b"\0" * (_padded(len(raw)) - len(raw)))
    return path


def _tensors(eyes: Eyes) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = eyes.width
    yield "v.patch_embd.weight", (eyes.patch, eyes.patch, 3, width)
    yield "v.pre_ln.weight", (width,)
    for layer in range(eyes.layers):
        for name, dimensions in (
            ("ln1", (width,)),
            ("attn_q", (width, width)),
            ("attn_k", (width, width)),
            ("attn_v", (width, width)),
            ("attn_out", (width, width)),
            ("ln2", (width,)),
            ("ffn_gate", (width, eyes.feed_forward)),
            ("ffn_up", (width, eyes.feed_forward)),
            ("ffn_down", (eyes.feed_forward, width)),
        ):
            yield f"v.blk.{layer}.{name}.weight", dimensions
    yield "mm.input_norm.weight", (width,)
    yield "mm.patch_merger.weight", (width * eyes.merge**2, width)
    yield "mm.1.weight", (width, eyes.text_width)
    yield "mm.2.weight", (eyes.text_width, eyes.text_width)
    yield "v.token_embd.img_break", (eyes.text_width,)


def _kind(eyes: Eyes, name: str, dimensions: tuple[int, ...]) -> int:
    """Return the ggml type: norms and the break between rows are f32, as converters write them."""
    return _F32 if len(dimensions) == 1 or eyes.weights == "f32" else _F16


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _value(value: Any) -> bytes:
    if isinstance(value, list):
        return struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
    return synthetic.gguf_value(value)
