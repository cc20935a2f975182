"""The header a model's file would have, from its published dimensions: to plan before a download.

Names and shapes of the tensors are those that llama.cpp loads for each architecture; their types
are those that llama-quantize gives them (the mixes of src/llama-quant.cpp). So the weights of a
quantization nobody has published here come out to the byte: Q8_0 of Ministral 3 14B is 14,350 MB by
this and 14,359 MB as a file, of which 8 MB are the vocabulary's text.
"""

import functools
import math
from pathlib import Path

from app.fit.dimensions import Dimensions, layer_kind
from app.fit.tensors import STATE_KERNEL, every
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
_PLAIN = ("norm.weight", ".bias", "ffn_gate_inp.weight", "ssm_conv1d.weight")
_QKV = {"Q4_K_M": Q5_K, "Q5_K_M": Q6_K}
# What llama-quantize takes where a row is no whole number of blocks (tensor_type_fallback).
_FALLBACK = {Q3_K: _IQ4_NL, Q4_K: _Q5_0, Q5_K: _Q5_1, Q6_K: Q8_0}

GENERAL_NAME = "general.name"


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
    for tensor, shape in every(dimensions):
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
        if d.state_period:
            width = d.experts_shared * d.feed_forward
            pairs["{}.expert_shared_feed_forward_length"] = width
    if d.window:
        pairs["{}.attention.sliding_window"] = d.window
        pairs["{}.attention.sliding_window_pattern"] = d.window_period
    if d.head_full:
        pairs.update(_two_heads(d))
    if d.state_period:
        pairs.update(_states(d))
    if d.kv_rank:
        pairs.update(_latents(d))
    return {key.replace("{}", d.architecture): value for key, value in pairs.items()}


def _two_heads(d: Dimensions) -> dict[str, Value]:
    full = [layer_kind(d, number) == "full" for number in range(d.layers)]
    return {
        "{}.attention.head_count_kv": tuple(
            d.kv_heads_full if is_full else d.kv_heads for is_full in full
        ),
        "{}.attention.sliding_window_pattern": tuple(not is_full for is_full in full),
        "{}.attention.key_length": d.head_full,
        "{}.attention.value_length": d.head_full,
        "{}.attention.key_length_swa": d.head,
        "{}.attention.value_length_swa": d.head,
        "{}.rope.dimension_count": d.head_full,
        "{}.rope.dimension_count_swa": d.head,
        "{}.rope.freq_base_swa": 1e4,
        "{}.attention.shared_kv_layers": 0,
        "{}.embedding_length_per_layer_input": 0,
        "{}.final_logit_softcapping": 30.0,
    }


def _states(d: Dimensions) -> dict[str, Value]:
    return {
        "{}.full_attention_interval": d.state_period,
        "{}.ssm.conv_kernel": STATE_KERNEL,
        "{}.ssm.state_size": d.state_size,
        "{}.ssm.group_count": d.state_groups,
        "{}.ssm.time_step_rank": d.state_heads,
        "{}.ssm.inner_size": d.state_heads * d.state_size,
        "{}.rope.dimension_count": d.head // 4,
        # A quarter of the head in pairs, shared out over time, height and width.
        "{}.rope.dimension_sections": (11, 11, 10, 0),
    }


def _latents(d: Dimensions) -> dict[str, Value]:
    return {
        # The cache holds one latent vector a token, for all heads.
        "{}.attention.head_count_kv": 1,
        "{}.attention.q_lora_rank": d.query_rank,
        "{}.attention.kv_lora_rank": d.kv_rank,
        "{}.attention.key_length": d.kv_rank + d.rope_head,
        "{}.attention.value_length": d.kv_rank,
        "{}.attention.key_length_mla": d.head,
        "{}.attention.value_length_mla": d.head,
        "{}.rope.dimension_count": d.rope_head,
        "{}.feed_forward_length": d.dense_feed_forward,
        "{}.leading_dense_block_count": d.dense_layers,
        "{}.expert_shared_count": d.experts_shared,
        "{}.expert_weights_scale": 1.0,
        "{}.expert_weights_norm": True,
        "{}.expert_gating_func": 2,
        "{}.expert_group_count": 1,
        "{}.expert_group_used_count": 1,
    }


def varies(name: str) -> bool:
    """Return whether a mix gives this tensor of a layer another type in some layers."""
    return "attn_v." in name or "ffn_down" in name


def tensor_bytes(d: Dimensions, quantization: str, name: str, shape: tuple[int, ...]) -> int:
    """Return the size of a tensor in this quantization."""
    per_block, block_bytes = BLOCKS[_kind(d, quantization, name, shape)]
    return math.prod(shape) // per_block * block_bytes


def _kind(d: Dimensions, quantization: str, name: str, shape: tuple[int, ...]) -> int:
    """Return the ggml type that llama-quantize gives a tensor."""
    if len(shape) == 1 or name.endswith(_PLAIN):
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
    if "attn_qkv." in name:
        return _QKV.get(quantization, base)
    if not varies(name):
        return base
    at, count = int(name.split(".")[1]), d.layers
    if "attn_v." in name:
        at, count = _value_index(d, at)
    if quantization in ("Q4_K_M", "Q5_K_M"):
        return Q6_K if _more_bits(at, count) else base
    if quantization == "Q4_K_S":
        return Q5_K if at < (4 if "attn_v." in name else count // 8) else base
    return base


def _value_index(d: Dimensions, number: int) -> tuple[int, int]:
    """Return which of the attn_v tensors a layer's is, and of how many llama-quantize counts.

    It counts fused projections (attn_qkv) among them, but does not number them.
    """
    if d.state_period:
        return (number + 1) // d.state_period - 1, d.layers
    if not d.head_full:
        return number, d.layers
    kinds = [layer_kind(d, at) for at in range(d.layers)]
    return kinds[:number].count(""), kinds.count("")


def _more_bits(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
