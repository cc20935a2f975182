"""The network: a Llama as small as one can be and still carry a sum.

It has to load in llama.cpp and MLX without a line of our own code there, so
it is Llama exactly: RMSNorm, rotary positions (rotate-half form), grouped
query attention, SwiGLU, tied embeddings, no biases. Every row width is a
multiple of 32, because q8_0 works on blocks of 32 and llama.cpp silently
falls back to another type otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; `context` is what the exports promise."""

    vocab: int = 1024
    width: int = 128
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    hidden: int = 320
    rope_theta: float = 10_000.0
    eps: float = 1e-5
    context: int = 8192

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.width // self.heads


def rope_table(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, head_dim / 2)."""
    half = shape.head_dim // 2
    freq = shape.rope_theta ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * freq[None, :]
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn (batch, heads, length, head_dim) by position, halves paired."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention, written out: torch's fused bfloat16 kernel took ten
    times as long on a CPU with AMX (113 ms a call against 11)."""
    scores = q.bfloat16() @ k.bfloat16().transpose(-1, -2)
    at = torch.arange(q.shape[-2])
    seen = at[None, :] <= at[:, None]
    scores = torch.where(seen, scores.float() * q.shape[-1] ** -0.5, float("-inf"))
    return torch.softmax(scores, -1).bfloat16() @ v.bfloat16()


class Block(nn.Module):
    """One pre-norm layer: attention, then the gated feed-forward."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        kv = shape.kv_heads * shape.head_dim
        self.attn_norm = nn.RMSNorm(shape.width, eps=shape.eps)
        self.ffn_norm = nn.RMSNorm(shape.width, eps=shape.eps)
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, kv, bias=False)
        self.v = nn.Linear(shape.width, kv, bias=False)
        self.o = nn.Linear(shape.width, shape.width, bias=False)
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the next residual stream, (batch, length, width)."""
        s = self.shape
        batch, length, _ = x.shape
        h = self.attn_norm(x)
        q = self.q(h).view(batch, length, s.heads, s.head_dim).transpose(1, 2)
        k = self.k(h).view(batch, length, s.kv_heads, s.head_dim).transpose(1, 2)
        v = self.v(h).view(batch, length, s.kv_heads, s.head_dim).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        group = s.heads // s.kv_heads
        k = k.repeat_interleave(group, dim=1)
        v = v.repeat_interleave(group, dim=1)
        a = attend(q, k, v)
        x = x + self.o(a.transpose(1, 2).reshape(batch, length, s.width))
        h = self.ffn_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    """Token ids (batch, length) to final hidden states; `logits` closes it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=shape.eps)
        cos, sin = rope_table(shape, 2048)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                scale = 0.02 if "embed" in name else p.shape[1] ** -0.5
                if name.endswith(("o.weight", "down.weight")):
                    scale /= (2 * shape.layers) ** 0.5
                nn.init.normal_(p, std=scale)

    def forward(self, ids: Tensor) -> Tensor:
        """Return normed hidden states, (batch, length, width)."""
        cos = self.cos[: ids.shape[1]]
        sin = self.sin[: ids.shape[1]]
        x = self.embed(ids)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of `targets` (batch, length); -100 is left out."""
        logits = functional.linear(self(ids).flatten(0, 1), self.embed.weight)
        return functional.cross_entropy(logits.float(), targets.flatten(), ignore_index=-100)
