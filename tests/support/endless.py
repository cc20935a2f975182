"""Models that never close a thought by themselves: GGUF and MLX, weights arranged by hand.

Attention and feed-forward add nothing, so the next token depends on the last one alone: a row of
the output matrix is the sum of the embeddings after which its token comes. After a prompt's end a
thought opens; in it words follow each other for ever. Only a closing marker that was written in the
model's place leads on to an answer and to its end.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import synthetic, synthetic_mlx
from tests.support.synthetic import FIRST_WORD, Shape

SHAPE = Shape(vocabulary=2048, width=256, layers=1, feed_forward=32, context=16384, weights="f16")
ANSWER = (1700, 1701, 1702)
"""The words of the answer."""

_SHARPNESS = 40.0
"""The logit of what follows; what does not stays below a quarter of it."""
_END, _ASKED, _THINK, _CLOSE = 2, 4, 34, 35


@dataclass(frozen=True, slots=True)
class Passages:
    """What a model thinks, by the indices of `synthetic`'s words.

    After the last word of a passage any of them may begin, all alike: one passage is a circle,
    several are a rut without one. reopens: after a closing marker may come another thought, or the
    end, as well as the answer.
    """

    passages: tuple[tuple[int, ...], ...]
    reopens: bool = False

    def successors(self) -> Iterator[tuple[int, Sequence[int]]]:
        """Yield tokens and what may come after each, all alike."""
        firsts = [FIRST_WORD + passage[0] for passage in self.passages]
        yield _ASKED, [_THINK]
        yield _THINK, firsts[:1]
        for passage in self.passages:
            for one, other in itertools.pairwise(passage):
                yield FIRST_WORD + one, [FIRST_WORD + other]
            yield FIRST_WORD + passage[-1], firsts
        answer = [FIRST_WORD + word for word in ANSWER]
        yield _CLOSE, [answer[0], _THINK, _END] if self.reopens else answer[:1]
        for one, other in zip(answer, [*answer[1:], _END], strict=True):
            yield one, [other]


def straight(words: int) -> Passages:
    """Return a thought that says so many different words before it begins again."""
    return Passages((tuple(range(words)),))


def rut(passages: int, words: int) -> Passages:
    """Return a thought that says one of some passages after another, in any order."""
    return Passages(tuple(tuple(range(at * words, (at + 1) * words)) for at in range(passages)))


def write_gguf(path: Path, thought: Passages, shape: Shape = SHAPE) -> Path:
    """Write the GGUF model; return its path."""
    return synthetic.write(path, shape, values=_tensors(thought, shape))


def write_mlx(folder: Path, thought: Passages, shape: Shape = SHAPE) -> Path:
    """Write the MLX model; return its folder."""
    found = _tensors(thought, shape)
    names = {
        "token_embd.weight": "model.embed_tokens.weight",
        "output.weight": "lm_head.weight",
        "blk.0.attn_output.weight": "model.layers.0.self_attn.o_proj.weight",
        "blk.0.ffn_down.weight": "model.layers.0.mlp.down_proj.weight",
    }
    tensors = {names[name]: values for name, values in found.items()}
    return synthetic_mlx.write(folder, shape, "F16", values=tensors)


def _tensors(thought: Passages, shape: Shape) -> Mapping[str, Any]:
    """Return the tensors that are not random, as (rows, columns) arrays of numpy."""
    import numpy as np

    vocabulary = shape.vocabulary
    random = np.random.default_rng(1)
    embeddings = random.choice((-1.0, 1.0), (vocabulary, shape.width))
    known = dict(thought.successors())
    # Whatever the prompt ends with, the thought goes on from there, or begins.
    loose = [token for token in range(vocabulary) if token not in known]
    embeddings[loose] = embeddings[0]
    output = np.zeros((vocabulary, shape.width))
    after_all = FIRST_WORD + thought.passages[0][0]
    for token, following in {**known, 0: [after_all]}.items():
        for other in following:
            output[other] += embeddings[token]
    return {
        "token_embd.weight": embeddings,
        "output.weight": output * (_SHARPNESS / shape.width),
        "blk.0.attn_output.weight": np.zeros((shape.width, shape.heads * shape.head_width)),
        "blk.0.ffn_down.weight": np.zeros((shape.width, shape.feed_forward)),
    }
