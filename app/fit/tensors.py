"""The tensors that llama.cpp loads for each architecture: their names and shapes.

Each of them was accepted by llama.cpp 0.3.36 itself (tests/real/test_fit_exact.py); one that is
missing, or has another shape, is refused.
"""

import functools
from collections.abc import Iterator

from app.fit.dimensions import Dimensions, layer_kind

Described = tuple[str, tuple[int, ...]]


def every(d: Dimensions) -> Iterator[Described]:
    """Yield all tensors of a model."""
    yield from outside(d)
    for number in range(d.layers):
        for name, shape in layer(d, layer_kind(d, number)):
            yield f"blk.{number}.{name}", shape


def outside(d: Dimensions) -> list[Described]:
    """Return the tensors outside of layers."""
    found: list[Described] = [
        ("token_embd.weight", (d.embedding, d.vocabulary)),
        ("output_norm.weight", (d.embedding,)),
    ]
    if d.head_full:
        found.append(("rope_freqs.weight", (d.head_full // 2,)))
    return found if d.tied else [*found, ("output.weight", (d.embedding, d.vocabulary))]


@functools.lru_cache(maxsize=32)
def layer(d: Dimensions, kind: str) -> tuple[Described, ...]:
    """Return the tensors (named behind "blk.N.") of a layer of this kind (`layer_kind`)."""
    if d.state_period:
        mixer = _state(d) if kind == "state" else _attention(d, 2 * d.heads * d.head)
        return (*mixer, ("post_attention_norm.weight", (d.embedding,)), *_feed_forward(d))
    if d.kv_rank:
        fed = _dense(d, d.dense_feed_forward) if kind == "dense" else _experts(d)
        return (*_latent(d), ("ffn_norm.weight", (d.embedding,)), *fed)
    if d.architecture == "gemma4":
        return (*_gemma4(d, full=kind == "full"), *_gemma_norms(d), *_feed_forward(d))
    found = _attention(d, d.heads * d.head)
    if d.architecture == "gemma3":
        return (*found, *_gemma_norms(d), *_feed_forward(d))
    if d.architecture == "gpt-oss":
        return (*found, *_gpt_oss(d), *_feed_forward(d))
    return (*found, ("ffn_norm.weight", (d.embedding,)), *_feed_forward(d))


def _attention(d: Dimensions, query: int) -> list[Described]:
    kv = d.kv_heads * d.head
    found: list[Described] = [
        ("attn_norm.weight", (d.embedding,)),
        ("attn_q.weight", (d.embedding, query)),
        ("attn_k.weight", (d.embedding, kv)),
        ("attn_v.weight", (d.embedding, kv)),
        ("attn_output.weight", (d.heads * d.head, d.embedding)),
    ]
    if d.architecture in ("qwen3", "qwen3moe", "qwen35", "qwen35moe", "gemma3"):
        found += [("attn_q_norm.weight", (d.head,)), ("attn_k_norm.weight", (d.head,))]
    return found


def _gemma4(d: Dimensions, *, full: bool) -> list[Described]:
    head, kv_heads = (d.head_full, d.kv_heads_full) if full else (d.head, d.kv_heads)
    found: list[Described] = [
        ("attn_norm.weight", (d.embedding,)),
        ("attn_q.weight", (d.embedding, d.heads * head)),
        ("attn_k.weight", (d.embedding, kv_heads * head)),
        ("attn_output.weight", (d.heads * head, d.embedding)),
        ("attn_q_norm.weight", (head,)),
        ("attn_k_norm.weight", (head,)),
        ("layer_output_scale.weight", (1,)),
    ]
    return found if full else [*found, ("attn_v.weight", (d.embedding, kv_heads * head))]


def _gemma_norms(d: Dimensions) -> list[Described]:
    names = ("post_attention_norm.weight", "post_ffw_norm.weight", "ffn_norm.weight")
    return [(name, (d.embedding,)) for name in names]


def _gpt_oss(d: Dimensions) -> list[Described]:
    return [
        ("post_attention_norm.weight", (d.embedding,)),
        ("attn_q.bias", (d.heads * d.head,)),
        ("attn_k.bias", (d.kv_heads * d.head,)),
        ("attn_v.bias", (d.kv_heads * d.head,)),
        ("attn_output.bias", (d.embedding,)),
        ("attn_sinks.weight", (d.heads,)),
    ]


def _state(d: Dimensions) -> list[Described]:
    """Return the tensors of a gated delta net."""
    keys, values = d.state_groups * d.state_size, d.state_heads * d.state_size
    return [
        ("attn_norm.weight", (d.embedding,)),
        ("attn_qkv.weight", (d.embedding, 2 * keys + values)),
        ("attn_gate.weight", (d.embedding, values)),
        ("ssm_conv1d.weight", (STATE_KERNEL, 2 * keys + values)),
        ("ssm_dt.bias", (d.state_heads,)),
        ("ssm_a", (d.state_heads,)),
        ("ssm_beta.weight", (d.embedding, d.state_heads)),
        ("ssm_alpha.weight", (d.embedding, d.state_heads)),
        ("ssm_norm.weight", (d.state_size,)),
        ("ssm_out.weight", (values, d.embedding)),
    ]


STATE_KERNEL = 4
"""The width of the convolution before a gated delta net (linear_conv_kernel_dim)."""


def _latent(d: Dimensions) -> list[Described]:
    """Return the tensors of multi-head latent attention."""
    return [
        ("attn_norm.weight", (d.embedding,)),
        ("attn_q_a.weight", (d.embedding, d.query_rank)),
        ("attn_q_a_norm.weight", (d.query_rank,)),
        ("attn_q_b.weight", (d.query_rank, d.heads * d.head)),
        ("attn_kv_a_mqa.weight", (d.embedding, d.kv_rank + d.rope_head)),
        ("attn_kv_a_norm.weight", (d.kv_rank,)),
        ("attn_k_b.weight", (d.head - d.rope_head, d.kv_rank, d.heads)),
        ("attn_v_b.weight", (d.kv_rank, d.head, d.heads)),
        ("attn_output.weight", (d.heads * d.head, d.embedding)),
    ]


def _feed_forward(d: Dimensions) -> list[Described]:
    return _experts(d) if d.experts else _dense(d, d.feed_forward)


def _dense(d: Dimensions, width: int, mark: str = "") -> list[Described]:
    return [
        (f"ffn_gate{mark}.weight", (d.embedding, width)),
        (f"ffn_up{mark}.weight", (d.embedding, width)),
        (f"ffn_down{mark}.weight", (width, d.embedding)),
    ]


def _experts(d: Dimensions) -> list[Described]:
    found: list[Described] = [("ffn_gate_inp.weight", (d.embedding, d.experts))]
    found += [
        (name, (*shape, d.experts)) for name, shape in _dense(d, d.feed_forward, mark="_exps")
    ]
    if d.kv_rank:
        found.append(("exp_probs_b.bias", (d.experts,)))
    if d.experts_shared and d.state_period:
        found.append(("ffn_gate_inp_shexp.weight", (d.embedding,)))
    if d.experts_shared:
        found += _dense(d, d.experts_shared * d.feed_forward, mark="_shexp")
    if d.architecture == "gpt-oss":
        found += [
            ("ffn_gate_inp.bias", (d.experts,)),
            ("ffn_gate_exps.bias", (d.feed_forward, d.experts)),
            ("ffn_up_exps.bias", (d.feed_forward, d.experts)),
            ("ffn_down_exps.bias", (d.embedding, d.experts)),
        ]
    return found
