"""The compute buffer by formula: a model of llama.cpp's graphs, laid out as ggml does it.

Only what takes memory is modelled: the order of the operations of a decoder's layer, the size of
their results, and who reads them. Three layers and the last one are enough, for the peak repeats.
That replaces a table of fitted coefficients: one model of the graph holds for dense models and
experts, with and without sliding windows, at any batch, on devices with their own scratch space.
"""

import functools
from dataclasses import dataclass

from app.fit.allocator import Graph, Place
from app.fit.shape import Layer, ModelShape

_F32 = 4
_F16 = 2
_ROTATION = 64
"""Quantized KV caches are rotated by Hadamard matrices where the head is a multiple of this."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """What a device adds to ggml's plain sizes.

    alignment: of each result, in bytes. kv_f16: attention unpacks a layer's K and V to f16:
    "never", "quantized" (CUDA: where the cache is quantized) or "always" (Metal).
    """

    alignment: int = 32
    kv_f16: str = "never"
    partial_attention: bool = False


CPU = Scratch()


def compute_bytes(
    shape: ModelShape, cells: int, window_cells: int, batch: int, kv: str, scratch: Scratch = CPU
) -> int:
    """Return the size of the compute buffer for a prompt's slice of `batch` tokens.

    cells: of the KV cache; window_cells: of the layers with a sliding window.
    """
    return _peak(_skeleton(shape), cells, window_cells, batch, kv != "f16", scratch)


@functools.lru_cache(maxsize=512)
def _peak(
    skeleton: ModelShape,
    cells: int,
    window_cells: int,
    batch: int,
    quantized: bool,
    scratch: Scratch,
) -> int:
    return _Builder(skeleton, cells, window_cells, batch, quantized, scratch).build().peak()


def _skeleton(shape: ModelShape) -> ModelShape:
    """Return what the graph depends on: the same for all quantizations of a model."""
    layers = tuple(
        Layer(layer.kv_heads, layer.head_k, layer.head_v, 0, window=layer.window)
        for layer in _representative(shape.layers)
    )
    return ModelShape(
        name="",
        architecture="",
        quantization="",
        engine=shape.engine,
        layers=layers,
        embedding=shape.embedding,
        heads=shape.heads,
        head=shape.head,
        feed_forward=shape.feed_forward,
        vocabulary=shape.vocabulary,
        context_train=0,
        weights_bytes=0,
        embedding_bytes=0,
        output_bytes=0,
        file_bytes=0,
        experts=shape.experts,
        experts_used=shape.experts_used,
        expert_feed_forward=shape.expert_feed_forward,
        mla=shape.mla,
        traits=shape.traits,
    )


class _Builder:
    def __init__(
        self,
        shape: ModelShape,
        cells: int,
        window_cells: int,
        batch: int,
        quantized: bool,
        scratch: Scratch,
    ) -> None:
        self._shape = shape
        self._tokens = batch
        self._quantized = quantized
        self._scratch = scratch
        self._cells = {False: cells, True: window_cells}
        self._graph = Graph(scratch.alignment)

    def build(self) -> Graph:
        graph, shape = self._graph, self._shape
        ids = graph.input(self._tokens * _F32)
        # The input for embeddings (of pictures) is laid out too, and never freed.
        graph.input(shape.embedding * self._tokens * _F32)
        self._positions = graph.input(self._tokens * _F32)
        windows = {bool(layer.window) for layer in shape.layers if layer.kv_heads}
        self._inputs = {windowed: self._attention_inputs(windowed) for windowed in sorted(windows)}
        self._out = graph.input(_F32)
        state = graph.op(shape.embedding * self._tokens * _F32, ids)
        if shape.traits.scaled_queries:
            state = self._replace(state)
        for number, layer in enumerate(shape.layers, 1):
            state = self._layer(state, layer, last=number == len(shape.layers))
        if shape.traits.outputs_late:
            state = self._rows(state)
        state = self._norm(state)
        graph.op(shape.vocabulary * _F32, state)
        return graph

    def _attention_inputs(self, windowed: bool) -> tuple[Place, Place, Place, Place | None]:
        """Return where K and V go, the mask and the rotation of a kind of layer."""
        graph = self._graph
        places = graph.input(self._tokens * 8), graph.input(self._tokens * 8)
        mask = graph.input(self._cells[windowed] * self._tokens * _F16)
        head = self._shape.head
        rotated = self._quantized and head % _ROTATION == 0
        rotation = graph.input(_rotation(head) ** 2 * _F32) if rotated else None
        if rotated:
            graph.input(_ROTATION**2 * _F32)
        return (*places, mask, rotation)

    def _layer(self, state: Place, layer: Layer, *, last: bool) -> Place:
        shape = self._shape
        normed = self._norm(state)
        attended = self._attention(normed, layer) if layer.kv_heads else self._recurrence(normed)
        if last and not shape.traits.outputs_late:
            self._tokens, before = 1, self._tokens
            attended, state = self._rows(attended), self._rows(state)
        else:
            before = self._tokens
        if shape.traits.post_norms:
            attended = self._norm(attended)
        residual = self._graph.op(attended.size, attended, state, replaces=attended)
        fed = self._experts(self._norm(residual)) if shape.experts else self._dense(residual)
        if shape.traits.post_norms:
            fed = self._norm(fed)
        summed = self._graph.op(fed.size, fed, residual, replaces=fed)
        if not last:
            self._tokens = before
        return summed

    def _attention(self, normed: Place, layer: Layer) -> Place:
        graph, shape, tokens = self._graph, self._shape, self._tokens
        k_places, v_places, mask, rotation = self._inputs[bool(layer.window)]
        query_size = shape.heads * layer.head_k * tokens * _F32
        k_size = layer.kv_heads * layer.head_k * tokens * _F32
        v_size = layer.kv_heads * layer.head_v * tokens * _F32
        rotating = (rotation,) if rotation is not None else ()

        def turned(place: Place) -> Place:
            return graph.op(place.size, place, *rotating) if rotating else place

        def positioned(place: Place) -> Place:
            # The projection is read through a view by heads, and a view is never overwritten.
            if shape.traits.qk_norm:
                normed_heads = self._replace(graph.op(place.size, place))
                return self._replace(normed_heads, self._positions)
            return graph.op(place.size, place, self._positions)

        if shape.traits.fused_qkv:
            fused = graph.op(query_size + k_size + v_size, normed)
            q = graph.op(query_size, fused, self._positions)
            k = graph.op(k_size, fused, self._positions)
            v = fused
        else:
            q = positioned(graph.op(query_size, normed))
            if shape.traits.scaled_queries:
                q = self._replace(q)
            q = turned(q)
            # With windows llama.cpp builds K before V, else V before K.
            if len(self._inputs) > 1:
                k = turned(positioned(graph.op(k_size, normed)))
                v = turned(graph.op(v_size, normed))
            else:
                v = turned(graph.op(v_size, normed))
                k = turned(positioned(graph.op(k_size, normed)))
        graph.store(k, k_places)
        graph.store(v, v_places)
        out_size = shape.heads * layer.head_v * tokens * _F32
        attended = graph.op(out_size + self._attention_scratch(layer), q, mask)
        return graph.op(shape.embedding * tokens * _F32, turned(attended))

    def _attention_scratch(self, layer: Layer) -> int:
        """Return the bytes that a device lays behind the attention's result."""
        cells = self._cells[bool(layer.window)]
        extra = 0
        unpack = self._scratch.kv_f16
        if unpack == "always" or (unpack == "quantized" and self._quantized):
            extra += cells * layer.kv_heads * (layer.head_k + layer.head_v) * _F16
        if self._scratch.partial_attention:
            # Metal: 32 partial results of up to 32 tokens, and the padding of K and V and the mask.
            extra += _F32 * min(self._tokens, 32) * self._shape.heads * 32 * (layer.head_v + 2)
            extra += 64 * (layer.kv_heads * (layer.head_k + layer.head_v) + self._tokens) * _F16
            extra += -(-self._tokens // 8) * -(-cells // 64)
        return extra

    def _recurrence(self, normed: Place) -> Place:
        """Return the result of a layer with a state; inside, two widths of a query are taken."""
        graph, shape, tokens = self._graph, self._shape, self._tokens
        width = shape.heads * shape.head * tokens * _F32
        mixed = graph.op(2 * width, normed)
        turned = graph.op(2 * width, mixed)
        return graph.op(shape.embedding * tokens * _F32, graph.op(width, turned, mixed))

    def _dense(self, residual: Place) -> Place:
        graph, shape, tokens = self._graph, self._shape, self._tokens
        normed = self._norm(residual)
        width = shape.feed_forward * tokens * _F32
        up = graph.op(width, normed)
        if shape.traits.gate:
            gate = up
            up = graph.op(width, normed)
            active = graph.op(width, gate, up)
        else:
            active = self._replace(up)
        return graph.op(shape.embedding * tokens * _F32, active)

    def _experts(self, normed: Place) -> Place:
        graph, shape, tokens = self._graph, self._shape, self._tokens
        used = shape.experts_used
        scores = graph.op(shape.experts * tokens * _F32, normed)
        if not shape.traits.router_softmax_late:
            scores = self._replace(scores)
        chosen = graph.op(shape.experts * tokens * _F32, scores)
        weights = graph.op(used * tokens * _F32, scores, chosen)
        if shape.traits.router_softmax_late:
            weights = graph.op(weights.size, weights)
        else:
            total = self._replace(graph.op(tokens * _F32, weights))
            weights = graph.op(weights.size, weights, total)
        width = (shape.expert_feed_forward or shape.feed_forward) * used * tokens * _F32
        gate = graph.op(width, normed, chosen)
        if shape.traits.router_softmax_late:
            gate = graph.op(width, gate, chosen, replaces=gate)
        up = graph.op(width, normed, chosen)
        if shape.traits.router_softmax_late:
            up = graph.op(width, up, chosen, replaces=up)
        active = graph.op(width, gate, up)
        result = graph.op(shape.embedding * used * tokens * _F32, active, chosen)
        if shape.traits.router_softmax_late:
            result = graph.op(result.size, result, chosen, replaces=result)
        result = graph.op(result.size, result, weights, replaces=result)
        size = shape.embedding * tokens * _F32
        total = graph.op(size, *[result] * min(used, 2))
        for _ in range(2, used):
            total = graph.op(size, total, result, replaces=total)
        return total

    def _norm(self, place: Place) -> Place:
        """Return a normed state: the norm, then its weights in place."""
        return self._replace(self._replace(place))

    def _rows(self, place: Place) -> Place:
        """Return the one row that is wanted at the end."""
        return self._graph.op(self._shape.embedding * _F32, place, self._out)

    def _replace(self, place: Place, *others: Place) -> Place:
        return self._graph.op(place.size, place, *others, replaces=place)


def _rotation(head: int) -> int:
    """Return the largest power of two, from 64 on, that divides a head."""
    size = _ROTATION
    while head % (2 * size) == 0:
        size *= 2
    return size


def _representative(layers: tuple[Layer, ...]) -> list[Layer]:
    """Return a few layers that stand for all: two of each kind, and the last one."""
    seen: dict[tuple[int, bool], int] = {}
    chosen: list[Layer] = []
    for layer in layers[:-1]:
        kind = (layer.kv_heads, bool(layer.window))
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= 2:
            chosen.append(layer)
    return [*chosen, layers[-1]]
