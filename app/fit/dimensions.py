"""A decoder's dimensions, as its config.json names them, and which kinds of layers it has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dimensions:
    """head: the size of one head. window: of the layers with a sliding window; every
    `window_period`-th layer is full. tied: the output is the embedding.

    Gemma 4: its full layers have kv_heads_full heads of head_full, and keys that are the values.
    Qwen 3.5 and on: every state_period-th layer has attention, with a gate as wide as the queries;
    the others a state of state_heads values and state_groups keys of state_size.
    Latent attention (GLM Flash): query_rank and kv_rank of the projections, rope_head of the part
    of a head that is rotated; the first dense_layers have no experts, but dense_feed_forward.
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
    kv_heads_full: int = 0
    head_full: int = 0
    state_period: int = 0
    state_heads: int = 0
    state_groups: int = 0
    state_size: int = 0
    query_rank: int = 0
    kv_rank: int = 0
    rope_head: int = 0
    experts_shared: int = 0
    dense_layers: int = 0
    dense_feed_forward: int = 0


def layer_kind(d: Dimensions, number: int) -> str:
    """Return which tensors a layer has: "state", "full" (of Gemma 4), "dense", or "" for the rest.

    Layers of one kind have the same tensors.
    """
    if d.state_period and (number + 1) % d.state_period:
        return "state"
    if d.head_full and (number + 1) % d.window_period == 0:
        return "full"
    return "dense" if number < d.dense_layers else ""
