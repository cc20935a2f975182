"""Writes whole models of any architecture that `blueprint` knows: with a vocabulary, weights zero.

The weights are holes, which read as zeros: loading reads and keeps every byte of them, but the disk
holds none. For what is about memory; a model that has to say something is `synthetic`'s.
"""

import struct
from pathlib import Path

from app.fit import blueprint
from app.fit.dimensions import Dimensions
from app.models.gguf import Header
from tests.support import synthetic


def write(path: Path, dimensions: Dimensions, quantization: str) -> Path:
    """Write a model that loads, reads and writes tokens as the true one would. Returns the path."""
    header = blueprint.header(dimensions, quantization, path.stem)
    pairs = {**header.metadata, **_vocabulary(dimensions.vocabulary)}
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(header.tensors), len(pairs)))
        for key, value in pairs.items():
            file.write(synthetic.gguf_string(key) + synthetic.gguf_value(value))
        file.write(_tensors(header))
        file.truncate(-(-file.tell() // 32) * 32 + header.data_end)
    return path


def _vocabulary(size: int) -> dict[str, object]:
    tokens = synthetic.vocabulary(size)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "tekken",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": synthetic.kinds(len(tokens)),
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }


def _tensors(header: Header) -> bytes:
    found = b""
    for tensor in header.tensors:
        count = len(tensor.shape)
        found += synthetic.gguf_string(tensor.name)
        found += struct.pack(f"<I{count}QIQ", count, *tensor.shape, tensor.type, tensor.offset)
    return found
