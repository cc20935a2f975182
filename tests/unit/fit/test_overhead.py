"""What the engine's process takes beside all buffers, against what real children were seen to take.

The figures are the growth of a child's private memory (0.3.36, Linux) from one model to another
that differs in one thing; tests/real/test_fit_honest.py measures anew.
"""

from dataclasses import replace

import pytest

from app.fit import planned
from app.fit.dimensions import Dimensions
from app.fit.overhead import PROCESS_BYTES, process_bytes
from app.fit.shape import ModelShape

KB = 1024
LEAST = Dimensions("llama", 2, 256, 4, 2, 64, 512, 1024, 131_072)


def shape(quantization: str = "Q8_0", merges: int = 1, **changes: int) -> ModelShape:
    return replace(planned.shape(replace(LEAST, **changes), quantization), merges=merges)


def taken(model: ModelShape, cells: int = 2048, windows: int = 0, batch: int = 512) -> int:
    return process_bytes(model, cells, windows, batch)


@pytest.mark.parametrize(
    ("model", "cells", "grown_kb"),
    [
        (shape(vocabulary=32_768), 2048, 5_088),
        (shape(vocabulary=131_072), 2048, 20_700),
        (shape(), 65_536, 3_344),
        (shape(feed_forward=8192), 2048, 4_080),
        (shape("F16", feed_forward=8192), 2048, 7_920),
        (shape(merges=130_772), 2048, 13_657),
    ],
)
def test_it_grows_as_a_child_was_seen_to_grow(model: ModelShape, cells: int, grown_kb: int) -> None:
    grown = taken(model, cells) - taken(shape())
    assert grown == pytest.approx(grown_kb * KB, rel=0.08)


def test_a_header_without_a_tokenizer_has_the_merges_of_its_kind() -> None:
    planned_shape = planned.shape(LEAST, "Q8_0")
    assert planned_shape.merges is None
    assert taken(planned_shape) == taken(shape(merges=2 * LEAST.vocabulary))


def test_a_second_cache_has_cells_of_its_own_and_a_card_needs_no_work_buffer() -> None:
    model = shape()
    assert taken(model, windows=2048) - taken(model) == taken(model, 4096) - taken(model)
    assert PROCESS_BYTES < taken(model, batch=0) < taken(model)


def test_experts_that_are_used_together_are_quantized_together() -> None:
    few = shape(experts=32, experts_used=4, feed_forward=1024)
    many = shape(experts=32, experts_used=8, feed_forward=1024)
    assert taken(many) - taken(few) == int(512 * 4 * 1024 * 9.125 / 8)
