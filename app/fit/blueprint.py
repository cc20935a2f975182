"""The header a model's file would have, from its published dimensions: to plan before a download.

Names and shapes of the tensors are those that llama.cpp loads for each architecture; their types
are those that llama-quantize gives them (the mixes of src/llama-quant.cpp). So the weights of a
quantization nobody has published here come out to the byte: Q8_0 of Ministral 3 14B is 14,350 MB by
this and 14,359 MB as a file, of which 8 MB are the vocabulary's text.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.models.gguf import BLOCKS, Header, Tensor, Value

F32, F16, Q8_0, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS, BF16, MXFP4 = 0, 1, 8, 11, 12, 13, 14, 23, 30, 39
_Q5_0, _Q5_1, _IQ4_NL = 6, 7, 20

_BASE = {
    "BF16": BF16,
    "F16": F16,
    "Q8_0": Q8_0,
    "Q6_K": Q6_K,
    "Q6_K_L": Q6_K,
    "Q5_K_M": Q5_K,
    "Q5_K_S": Q5_K,
    "Q4_K_M": Q4_K,
    "Q4_K_S": Q4_K,
    "MXFP4": MXFP4,
}
# What llama-quantize takes where a row is no whole number of blocks (tensor_type_fallback).
_FALLBACK = {Q3_K: _IQ4_NL, Q4_K: _Q5_0, Q5_K: _Q5_1, Q6_K: Q8_0}

GENERAL_NAME = "general.name"


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The dimensions of a decoder, as its config.json names them.

    head: the size of one head. window: of the layers with a sliding window; every
    `window_period`-th layer is full. tied: the output is the embedding.
    """

    architecture: str
    layers: int
    embedding: int
    heads: int
    kv_heads: int
    head: int
    feed_forward: int
    vocabulary: int
    context_train: int
    experts: int = 0
    experts_used: int = 0
    window: int = 0
    window_period: int = 0
    tied: bool = False


def knows(quantization: str) -> bool:
    """Return whether the types of this quantization's tensors are known here."""
    return quantization in _BASE


@functools.lru_cache(maxsize=64)
def header(dimensions: Dimensions, quantization: str, name: str = "") -> Header:
    """Return the header that a file of these dimensions has. Types unknown here become F16.

    The vocabulary is left out (`tokenizer.ggml.model` is "no_vocab"): memory does not need it.
    """
    tensors: list[Tensor] = []
    at = 0
    for tensor, shape in _tensors(dimensions):
        kind = _kind(dimensions, quantization, tensor, shape)
        per_block, block_bytes = BLOCKS[kind]
        size = math.prod(shape) // per_block * block_bytes
        tensors.append(Tensor(tensor, shape, kind, at, size))
        at += -(-size // 32) * 32
    metadata = _metadata(dimensions, name)
    return Header(Path(), 3, metadata, {}, tuple(tensors), 0, at, at)


def _metadata(d: Dimensions, name: str) -> dict[str, Value]:
    pairs: dict[str, Value] = {
        "general.architecture": d.architecture,
        GENERAL_NAME: name or "planned",
        "{}.block_count": d.layers,
        "{}.context_length": d.context_train,
        "{}.embedding_length": d.embedding,
        "{}.feed_forward_length": d.feed_forward,
        "{}.attention.head_count": d.heads,
        "{}.attention.head_count_kv": d.kv_heads,
        "{}.attention.key_length": d.head,
        "{}.attention.value_length": d.head,
        "{}.attention.layer_norm_rms_epsilon": 1e-5,
        "{}.rope.dimension_count": d.head,
        "{}.rope.freq_base": 1e6,
        "{}.vocab_size": d.vocabulary,
        "tokenizer.ggml.model": "no_vocab",
    }
    if d.experts:
        pairs["{}.expert_count"] = d.experts
        pairs["{}.expert_used_count"] = d.experts_used
        pairs["{}.expert_feed_forward_length"] = d.feed_forward
    if d.window:
        pairs["{}.attention.sliding_window"] = d.window
        pairs["{}.attention.sliding_window_pattern"] = d.window_period
    return {key.replace("{}", d.architecture): value for key, value in pairs.items()}


def _tensors(d: Dimensions) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from outside_tensors(d)
    layer = layer_tensors(d)
    for number in range(d.layers):
        for tensor, shape in layer:
            yield f"blk.{number}.{tensor}", shape


def outside_tensors(d: Dimensions) -> list[tuple[str, tuple[int, ...]]]:
    """Return the names and shapes of the tensors outside of layers."""
    found: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd.weight", (d.embedding, d.vocabulary)),
        ("output_norm.weight", (d.embedding,)),
    ]
    return found if d.tied else [*found, ("output.weight", (d.embedding, d.vocabulary))]


@functools.lru_cache(maxsize=16)
def layer_tensors(d: Dimensions) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return the names (behind "blk.N.") and shapes of one layer's tensors."""
    query, kv = d.heads * d.head, d.kv_heads * d.head
    gpt_oss = d.architecture == "gpt-oss"
    layer: list[tuple[str, tuple[int, ...]]] = [
        ("attn_norm.weight", (d.embedding,)),
        ("attn_q.weight", (d.embedding, query)),
        ("attn_k.weight", (d.embedding, kv)),
        ("attn_v.weight", (d.embedding, kv)),
        ("attn_output.weight", (query, d.embedding)),
    ]
    if d.architecture in ("qwen3", "qwen3moe", "gemma3"):
        layer += [("attn_q_norm.weight", (d.head,)), ("attn_k_norm.weight", (d.head,))]
    if d.architecture == "gemma3" or gpt_oss:
        layer.append(("post_attention_norm.weight", (d.embedding,)))
    if d.architecture == "gemma3":
        layer.append(("post_ffw_norm.weight", (d.embedding,)))
    if gpt_oss:
        layer += [
            ("attn_q.bias", (query,)),
            ("attn_k.bias", (kv,)),
            ("attn_v.bias", (kv,)),
            ("attn_output.bias", (d.embedding,)),
            ("attn_sinks.weight", (d.heads,)),
        ]
    else:
        layer.append(("ffn_norm.weight", (d.embedding,)))
    return (*layer, *_feed_forward(d))


def varies(name: str) -> bool:
    """Return whether a mix gives this tensor of a layer another type in some layers."""
    return "attn_v." in name or "ffn_down" in name


def tensor_bytes(d: Dimensions, quantization: str, name: str, shape: tuple[int, ...]) -> int:
    """Return the size of a tensor in this quantization."""
    per_block, block_bytes = BLOCKS[_kind(d, quantization, name, shape)]
    return math.prod(shape) // per_block * block_bytes


def _feed_forward(d: Dimensions) -> list[tuple[str, tuple[int, ...]]]:
    up, down = (d.embedding, d.feed_forward), (d.feed_forward, d.embedding)
    if not d.experts:
        return [("ffn_gate.weight", up), ("ffn_up.weight", up), ("ffn_down.weight", down)]
    found: list[tuple[str, tuple[int, ...]]] = [
        ("ffn_gate_inp.weight", (d.embedding, d.experts)),
        ("ffn_gate_exps.weight", (*up, d.experts)),
        ("ffn_up_exps.weight", (*up, d.experts)),
        ("ffn_down_exps.weight", (*down, d.experts)),
    ]
    if d.architecture == "gpt-oss":
        found += [
            ("ffn_gate_inp.bias", (d.experts,)),
            ("ffn_gate_exps.bias", (d.feed_forward, d.experts)),
            ("ffn_up_exps.bias", (d.feed_forward, d.experts)),
            ("ffn_down_exps.bias", (d.embedding, d.experts)),
        ]
    return found


def _kind(d: Dimensions, quantization: str, name: str, shape: tuple[int, ...]) -> int:
    """Return the ggml type that llama-quantize gives a tensor."""
    if len(shape) == 1 or name.endswith(("norm.weight", ".bias", "ffn_gate_inp.weight")):
        return F32
    kind = _mixed(d, quantization, name)
    if shape[0] % BLOCKS[kind][0]:
        kind = _FALLBACK.get(kind, F16)
    return kind


def _mixed(d: Dimensions, quantization: str, name: str) -> int:
    base = _BASE.get(quantization, F16)
    if base in (BF16, F16, Q8_0):
        return base
    if quantization == "MXFP4":
        return MXFP4 if "_exps." in name else Q8_0
    if name == "output.weight" or (name == "token_embd.weight" and d.tied):
        return Q8_0 if quantization == "Q6_K_L" else Q6_K
    if name == "token_embd.weight":
        return Q8_0 if quantization == "Q6_K_L" else base
    if not varies(name):
        return base
    layer = int(name.split(".")[1])
    if quantization in ("Q4_K_M", "Q5_K_M"):
        return Q6_K if _more_bits(layer, d.layers) else base
    if quantization == "Q4_K_S":
        first = 4 if "attn_v." in name else d.layers // 8
        return Q5_K if layer < first else base
    return base


def _more_bits(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
