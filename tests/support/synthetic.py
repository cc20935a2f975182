"""Writes GGUF models of the llama architecture with random weights: any size, no training.

They say nothing sensible, but they load, read and generate at the cost of their dimensions, with
Magistral's tokenizer form (byte-level BPE, tekken splitting, its control tokens). Same arguments,
same bytes.
"""

import itertools
import math
import string
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

CONTROLS = {
    0: "<unk>",
    1: "<s>",
    2: "</s>",
    3: "[INST]",
    4: "[/INST]",
    5: "[AVAILABLE_TOOLS]",
    6: "[/AVAILABLE_TOOLS]",
    7: "[TOOL_RESULTS]",
    8: "[/TOOL_RESULTS]",
    9: "[TOOL_CALLS]",
    11: "<pad>",
    17: "[SYSTEM_PROMPT]",
    18: "[/SYSTEM_PROMPT]",
    32: "[ARGS]",
    34: "[THINK]",
    35: "[/THINK]",
}
FIRST_BYTE = 40
"""The id of the first of the 256 bytes."""
FIRST_WORD = FIRST_BYTE + 256
"""The id of the first of `words`."""
_NORMAL, _CONTROL = 1, 3
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of a model. Widths must be multiples of 32 for q8_0.

    head: the width of a head where that is not width / heads.
    """

    vocabulary: int = 1024
    width: int = 64
    layers: int = 2
    heads: int = 2
    kv_heads: int = 1
    feed_forward: int = 128
    context: int = 16384
    weights: Literal["q8_0", "f16"] = "q8_0"
    seed: int = 1
    head: int = 0

    @property
    def head_width(self) -> int:
        """Return the width of one head."""
        return self.head or self.width // self.heads


TINY = Shape()
"""Loads in a moment, generates thousands of tokens a second: for what is about behaviour."""

BENCH = Shape(131_072, 256, 4, 4, 2, 768)
"""Tekken's vocabulary and about 2 ms a token on two cores: where the vocabulary is the cost."""

TRUE = Shape(4096, 5120, 1, 32, 8, 32_768, 40_960, head=128)
"""Magistral Small's widths, one layer of its forty, and few words: 600 MB."""

SLOW = Shape(4096, 1024, 8, 16, 4, 3072)
"""100M parameters: 8,000 tokens of prompt take 30 s or more on two cores."""


def words(count: int, first: int = 0) -> str:
    """Return a text of exactly `count` tokens: words that the vocabulary has as one token each.

    `first` chooses other words; there are as many as the vocabulary has room for.
    """
    return "".join(" " + word for word in itertools.islice(_words(), first, first + count))


def _words() -> Iterator[str]:
    for letters in itertools.product(string.ascii_lowercase, repeat=4):
        yield "".join(letters)


def write(
    path: Path,
    shape: Shape = TINY,
    *,
    values: Mapping[str, Any] | None = None,
    **metadata: str | int | float,
) -> Path:
    """Write a model; metadata adds or replaces keys ("." written as "__"). Returns the path.

    values: tensors, by name, that are not random: numpy arrays, for a shape with f16 weights only.
    """
    tokens = vocabulary(shape.vocabulary)
    pairs: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": "Synthetic",
        "general.file_type": 7 if shape.weights == "q8_0" else 1,
        "llama.block_count": shape.layers,
        "llama.context_length": shape.context,
        "llama.embedding_length": shape.width,
        "llama.feed_forward_length": shape.feed_forward,
        "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.attention.key_length": shape.head_width,
        "llama.attention.value_length": shape.head_width,
        "llama.rope.dimension_count": shape.head_width,
        "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": shape.vocabulary,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "tekken",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds(shape.vocabulary),
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.add_bos_token": False,
    }
    pairs.update({key.replace("__", "."): value for key, value in metadata.items()})
    tensors = list(_tensors(shape))
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)))
        for key, value in pairs.items():
            file.write(gguf_string(key) + gguf_value(value))
        offset = 0
        for name, dimensions in tensors:
            kind = _kind(shape, dimensions)
            file.write(
                gguf_string(name)
                + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, offset)
            )
            offset += _padded(_size(kind, dimensions))
        file.write(b"\0" * (-file.tell() % _ALIGNMENT))
        _write_weights(file, shape, tensors, values or {})
    return path


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    heads, kv = shape.heads * shape.head_width, shape.kv_heads * shape.head_width
    yield "token_embd.weight", (shape.width, shape.vocabulary)
    yield "output_norm.weight", (shape.width,)
    yield "output.weight", (shape.width, shape.vocabulary)
    for layer in range(shape.layers):
        for name, dimensions in (
            ("attn_norm", (shape.width,)),
            ("attn_q", (shape.width, heads)),
            ("attn_k", (shape.width, kv)),
            ("attn_v", (shape.width, kv)),
            ("attn_output", (heads, shape.width)),
            ("ffn_norm", (shape.width,)),
            ("ffn_gate", (shape.width, shape.feed_forward)),
            ("ffn_up", (shape.width, shape.feed_forward)),
            ("ffn_down", (shape.feed_forward, shape.width)),
        ):
            yield f"blk.{layer}.{name}.weight", dimensions


def _kind(shape: Shape, dimensions: tuple[int, ...]) -> int:
    """Return the ggml type: norms are f32."""
    if len(dimensions) == 1:
        return 0
    return 8 if shape.weights == "q8_0" else 1


def _size(kind: int, dimensions: tuple[int, ...]) -> int:
    elements = math.prod(dimensions)
    return {0: elements * 4, 1: elements * 2, 8: elements // 32 * 34}[kind]


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _write_weights(
    file: BinaryIO,
    shape: Shape,
    tensors: list[tuple[str, tuple[int, ...]]],
    values: Mapping[str, Any],
) -> None:
    import numpy as np

    random = np.random.default_rng(shape.seed)
    for name, dimensions in tensors:
        kind = _kind(shape, dimensions)
        elements = math.prod(dimensions)
        # Rows of unit length after the product keep the activations in range at any depth.
        deviation = 1 / math.sqrt(dimensions[0])
        if name in values:
            assert (kind, values[name].shape[::-1]) == (1, dimensions), name
            data = values[name].astype(np.float16).tobytes()
        elif kind == 0:
            data = np.ones(elements, np.float32).tobytes()
        elif kind == 1:
            noise = random.standard_normal(elements, np.float32) * deviation
            data = noise.astype(np.float16).tobytes()
        else:
            blocks = np.zeros(elements // 32, [("scale", np.float16), ("q", np.int8, 32)])
            blocks["scale"] = deviation / 73  # the deviation of whole numbers from -127 to 127
            blocks["q"] = random.integers(-127, 128, (elements // 32, 32), np.int8)
            data = blocks.tobytes()
        file.write(data)
        file.write(b"\0" * (_padded(len(data)) - len(data)))


def kinds(size: int) -> list[int]:
    """Return the kind of each token of `vocabulary`."""
    return [_CONTROL if number < FIRST_BYTE else _NORMAL for number in range(size)]


def vocabulary(size: int) -> list[str]:
    """Return control tokens, the 256 bytes in byte-level BPE's spelling, then four-letter words."""
    tokens = [CONTROLS.get(i, f"<SPECIAL_{i}>") for i in range(FIRST_BYTE)]
    tokens += _byte_spellings()
    tokens += ["\u0120" + word for word in itertools.islice(_words(), size - FIRST_WORD)]
    assert len(tokens) == size
    return tokens


def _byte_spellings() -> list[str]:
    """Return GPT-2's printable character for each byte: itself where printable, else 256 on."""
    spare = itertools.count(256)
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    return [chr(byte) if byte in printable else chr(next(spare)) for byte in range(256)]


def gguf_string(text: str) -> bytes:
    """Return a text as GGUF has it."""
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(value: Any) -> bytes:
    """Return a metadata value with its type. Raises TypeError for what GGUF has no type for."""
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value & 0xFFFFFFFF)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + gguf_string(value)
        case [str(), *_]:
            items = b"".join(gguf_string(item) for item in value)
            return struct.pack("<IIQ", 9, 8, len(value)) + items
        case [int(), *_]:
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    raise TypeError(f"no GGUF value: {value!r}")
