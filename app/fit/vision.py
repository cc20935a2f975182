"""What a model's vision part takes of memory: its weights, its compute buffer, its results.

The compute buffer is laid out as ggml does it for mtmd's Pixtral graph (clip_graph_pixtral of
llama.cpp's tools/mtmd), for the largest picture that is ever encoded: mtmd scales pictures down to
1,024 tokens. The engine reserves that buffer when it loads, so that no picture grows it later; its
log then tells the size, and a test holds this against it.
"""

import functools

from app.fit.allocator import Graph, Place
from app.models.projectors import Projector, Sight

MOST_TOKENS = 1024
"""Of a picture, its rows' ends apart (set_limit_image_tokens of clip.cpp)."""

MOST_SLIM = 200
"""Pictures with a side this many times the other are not shown: beyond 1,024 mtmd's way of scaling
them down makes them larger."""

_F32, _F16 = 4, 2
_KEPT_RESULTS = 2
"""Of a picture's vectors: mtmd's, and ours, which is read from in slices."""


@functools.lru_cache(maxsize=32)
def largest(sight: Sight) -> tuple[int, int]:
    """Return the columns and rows in tokens of the picture that takes most: not always a square.

    A tall one has more ends of rows.
    """
    shapes = [(columns, MOST_TOKENS // columns) for columns in range(1, MOST_TOKENS + 1)]
    shown = {rows: (columns, rows) for columns, rows in shapes if rows <= MOST_SLIM * columns}
    tall = [shape for rows, shape in shown.items() if rows >= int(MOST_TOKENS**0.5)]
    return max(tall, key=lambda shape: compute_bytes(sight, *shape))


def most_tokens() -> int:
    """Return the most tokens that a picture has, ends of rows included."""
    rows = int((MOST_TOKENS * MOST_SLIM) ** 0.5)
    return MOST_TOKENS + rows


def taken_bytes(weights_bytes: int, sight: Sight) -> int:
    """Return all that a vision part takes beside the language model."""
    results = _KEPT_RESULTS * most_tokens() * sight.text_width * _F32
    return weights_bytes + compute_bytes(sight, *largest(sight)) + results


def projector_bytes(projector: Projector) -> int:
    """Return all that this projector takes."""
    return taken_bytes(projector.weights_bytes, projector)


def planned_bytes(weights_bytes: int, text_width: int) -> int:
    """Return all that a vision part takes that is not here, 0 where there is none of it.

    text_width: of the language model's embedding.
    """
    return taken_bytes(weights_bytes, Sight.of_family(text_width)) if weights_bytes else 0


def compute_bytes(sight: Sight, columns: int, rows: int, *, alignment: int = 32) -> int:
    """Return the compute buffer for a picture of so many tokens."""
    return _Layout(sight, columns, rows, alignment).peak()


class _Layout:
    """The graph of one picture."""

    def __init__(self, sight: Sight, columns: int, rows: int, alignment: int) -> None:
        self._sight = sight
        self._columns, self._rows = columns, rows
        self._tokens = columns * rows
        self._patches = self._tokens * sight.merge**2
        self._graph = Graph(alignment)

    def peak(self) -> int:
        """Return the buffer's size in bytes."""
        sight, graph, count = self._sight, self._graph, self._patches
        pixels = graph.input(count * sight.patch**2 * 3 * _F32)
        across, down = graph.input(count * 4), graph.input(count * 4)
        row_ends = graph.input(sight.text_width * self._rows * _F32)
        cut = graph.op(count * 3 * sight.patch**2 * sight.conv_bytes, pixels)
        state = graph.op(count * sight.width * _F32, cut)
        for _ in range(2):  # turned to the image's order, then to one row a patch
            state = graph.op(state.size, state)
        state = self._normed_in_place(state)
        # Two layers and the last are alike: the peak repeats.
        for _ in range(min(3, sight.layers)):
            state = self._layer(state, across, down)
        self._end(state, row_ends)
        return graph.peak()

    def _layer(self, state: Place, across: Place, down: Place) -> Place:
        graph, sight = self._graph, self._sight
        width = self._patches * sight.width
        normed = self._normed(state)
        query = self._turned(graph.op(width * _F32, normed), across, down)
        key = self._turned(graph.op(width * _F32, normed), across, down)
        value = graph.op(width * _F32, normed)
        key = graph.op(width * _F16, key)
        value = graph.op(width * _F16, value)
        seen = graph.op(width * _F32, query, key, value)
        out = graph.op(width * _F32, seen)
        state = graph.op(out.size, out, state, replaces=out)
        normed = self._normed(state)
        wide = self._patches * sight.feed_forward * _F32
        gate, up = graph.op(wide, normed), graph.op(wide, normed)
        down_ = graph.op(width * _F32, graph.op(wide, gate, up))
        return graph.op(state.size, state, down_, replaces=state)

    def _turned(self, place: Place, across: Place, down: Place) -> Place:
        """Rotate by both positions: what is seen as heads is first written anew, then in place."""
        place = self._graph.op(place.size, place, across)
        return self._graph.op(place.size, place, down, replaces=place)

    def _end(self, state: Place, row_ends: Place) -> None:
        """From patches to tokens, from the vision part's width to the model's."""
        graph, sight = self._graph, self._sight
        if sight.merge > 1:
            state = self._normed_in_place(state)
            turned = graph.op(state.size, state)
            gathered = graph.op(state.size, turned, turned)
            state = graph.op(self._tokens * sight.width * _F32, gathered)
        text = self._tokens * sight.text_width * _F32
        state = graph.op(text, state)
        state = graph.op(text, state, replaces=state)
        state = graph.op(text, state)
        ends = graph.op(row_ends.size, row_ends, replaces=row_ends)
        ends = graph.op(ends.size, ends, replaces=ends)
        graph.op((self._columns + 1) * self._rows * sight.text_width * _F32, state, ends)

    def _normed(self, state: Place) -> Place:
        normed = self._graph.op(state.size, state)
        return self._graph.op(normed.size, normed, replaces=normed)

    def _normed_in_place(self, state: Place) -> Place:
        normed = self._graph.op(state.size, state, replaces=state)
        return self._graph.op(normed.size, normed, replaces=normed)
