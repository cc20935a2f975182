"""The formula against figures that llama.cpp gave once (no_alloc, 0.3.36), and its own sums."""

from dataclasses import replace

import pytest

from app.fit import blueprint
from app.fit.allocator import Graph
from app.fit.devices import Device, Machine, named
from app.fit.gguf_shape import from_header
from app.fit.memory import Parts, Placement, estimate
from app.fit.shape import ModelShape
from tests.support.shapes import MODELS

MIB = 1 << 20


def shape(name: str, quantization: str = "Q8_0") -> ModelShape:
    return from_header(blueprint.header(MODELS[name], quantization), quantization)


def host(model: ModelShape, context: int, kv: str, batch: int = 512, full: bool = True) -> Parts:
    return estimate(model, Placement(context, kv, batch=batch, swa_full=full), named("cpu64")).host


@pytest.mark.parametrize(
    ("name", "context", "kv", "batch", "full", "kv_mib", "compute_mib"),
    [
        ("llama 24B", 40_960, "f16", 512, True, 6400.0, 270.01),
        ("llama 24B", 40_960, "q8_0", 512, True, 3400.0, 278.09),
        ("llama 24B", 40_960, "q4_0", 512, True, 1800.0, 278.09),
        ("mistral3 14B", 32_768, "q8_0", 512, True, 2720.0, 174.09),
        ("mistral3 3B", 2048, "f16", 2048, True, 208.0, 328.05),
        ("qwen3 14B", 32_768, "f16", 512, True, 5120.0, 174.01),
        ("qwen3 4B", 2048, "q8_0", 2048, True, 153.0, 328.13),
        ("qwen3moe 30B", 32_768, "f16", 512, True, 3072.0, 120.01),
        ("qwen3moe 30B", 2048, "f16", 2048, True, 192.0, 360.05),
        ("gemma3 12B", 32_768, "f16", 512, False, 2528.0, 154.02),
        ("gemma3 12B", 32_768, "q8_0", 512, False, 1343.0, 154.55),
        ("gpt-oss 20B", 32_768, "f16", 512, False, 786.0, 125.14),
        ("gpt-oss 20B", 32_768, "q8_0", 512, False, 417.56, 125.21),
    ],
)
def test_cache_and_compute_are_llama_cpps(
    name: str, context: int, kv: str, batch: int, full: bool, kv_mib: float, compute_mib: float
) -> None:
    parts = host(shape(name), context, kv, batch, full)
    assert parts.kv / MIB == pytest.approx(kv_mib, abs=0.01)
    assert parts.compute / MIB == pytest.approx(compute_mib, rel=0.001)


@pytest.mark.parametrize(
    ("quantization", "size"),
    [
        ("Q4_K_S", 13_541_396_480),
        ("Q4_K_M", 14_326_026_240),
        ("Q5_K_S", 16_296_529_920),
        ("Q5_K_M", 16_756_101_120),
        ("Q6_K", 19_338_055_680),
        ("Q6_K_L", 19_663_114_240),
        ("Q8_0", 25_046_896_640),
        ("BF16", 47_145_635_840),
    ],
)
def test_a_planned_quantization_has_the_bytes_of_a_published_one(
    quantization: str, size: int
) -> None:
    model = shape("llama 24B", quantization)
    assert model.weights_bytes == size
    layers = sum(layer.bytes for layer in model.layers)
    norms = 4 * model.embedding
    assert layers + model.embedding_bytes + model.output_bytes + norms == size


def test_a_published_files_size_follows_from_the_dimensions() -> None:
    """Ministral 3 14B Reasoning Q8_0 of ggml-org, which has 8 MB of header."""
    file = 14_359_309_728
    assert 7_000_000 < file - shape("mistral3 14B").weights_bytes < 9_000_000


def test_all_weights_are_somewhere_once_whatever_is_on_the_card() -> None:
    model, card = shape("qwen3moe 30B"), named("rtx4090")
    norms = 4 * model.embedding
    for layers in (0, 1, 17, 48, 49, 1000):
        for outside in (False, True):
            placement = Placement(4096, gpu_layers=layers, cpu_experts=outside)
            found = estimate(model, placement, card)
            weights = found.main.weights + found.host.weights
            assert weights + norms == model.weights_bytes
            kv = found.main.kv + found.host.kv
            assert kv == host(model, 4096, "f16").kv


def test_layers_go_to_the_card_from_the_last_one_back() -> None:
    model, card = shape("llama 8B"), named("rtx4090")
    one = estimate(model, Placement(4096, gpu_layers=1), card)
    assert one.main.weights == model.output_bytes
    assert one.main.kv == 0
    two = estimate(model, Placement(4096, gpu_layers=2), card)
    assert two.main.weights == model.output_bytes + model.layers[-1].bytes
    assert two.main.kv == host(model, 4096, "f16").kv // 32
    assert estimate(model, Placement(4096, gpu_layers=0), card).main.compute == 0


def test_a_tied_output_is_on_the_card_and_the_embedding_in_memory() -> None:
    model = shape("mistral3 3B")
    found = estimate(model, Placement(4096), named("rtx4090"))
    assert found.host.weights == model.embedding_bytes
    assert found.main.weights + 4 * model.embedding == model.weights_bytes


def test_cards_share_layers_by_their_free_memory() -> None:
    one = named("rtx4090").gpus[0]
    half = Device("half", "cuda", one.free_bytes // 2, 0, one.bandwidth_bytes_s)
    machine = Machine("two", (one, half), named("rtx4090").host)
    model = shape("llama 24B", "Q4_K_M")
    found = estimate(model, Placement(8192), machine)
    alone = estimate(model, Placement(8192), named("rtx4090"))
    assert found.main.kv == alone.main.kv
    assert found.main.weights == alone.main.weights
    assert found.gpus[0].kv == pytest.approx(2 * found.gpus[1].kv, rel=0.2)


def test_a_quantized_cache_is_unpacked_on_cuda_and_every_cache_on_metal() -> None:
    model = shape("llama 24B")
    layer = 40_960 * 8 * (128 + 128) * 2
    f16, q8 = (
        estimate(model, Placement(40_960, kv), named("rtx4090")).main.compute
        for kv in ("f16", "q8_0")
    )
    plain = host(model, 40_960, "f16").compute
    assert f16 == pytest.approx(plain, rel=0.001)
    # It lies where the feed-forward's results lie at another time, so it shows in part.
    assert plain + layer // 2 < q8 < plain + layer
    metal = estimate(model, Placement(40_960), named("mac32")).main
    assert metal.compute > plain + layer // 4
    assert metal.weights + 4 * model.embedding == model.weights_bytes


def test_a_window_bounds_the_cache_unless_all_of_it_is_kept() -> None:
    model = shape("gemma3 12B")
    windows, full = (host(model, 32_768, "f16", full=full).kv for full in (False, True))
    assert full == 32_768 * 48 * 8 * 512 * 2
    assert windows == (8 * 32_768 + 40 * 1536) * 8 * 512 * 2
    short = [host(model, 1024, "f16", full=full).kv for full in (False, True)]
    assert short[0] == short[1]


def test_mlx_counts_groups_of_64_and_the_scores_of_a_quantized_cache() -> None:
    model = replace(shape("llama 24B", "F16"), engine="mlx", quantization="5bit")
    f16, q8, q4 = (
        estimate(model, Placement(40_960, kv), named("mac32")).main
        for kv in ("f16", "q8_0", "q4_0")
    )
    assert q8.kv == f16.kv * (8 / 8 + 4 / 64) / 2
    assert q4.kv == f16.kv * (4 / 8 + 4 / 64) / 2
    assert q8.compute - f16.compute == 2 * 2 * 32 * 256 * 40_960


@pytest.mark.parametrize(
    ("head", "kv", "bits"), [(32, "q8_0", 9), (32, "q4_0", 5), (80, "q8_0", 16)]
)
def test_mlx_quantizes_by_the_width_of_a_head(head: int, kv: str, bits: int) -> None:
    model = shape("llama 24B", "F16")
    layers = tuple(replace(layer, head_k=head, head_v=head) for layer in model.layers)
    model = replace(model, engine="mlx", head=head, layers=layers)
    parts = estimate(model, Placement(4096, kv), named("mac32")).main
    assert parts.kv == 4096 * 40 * 8 * 2 * head * bits // 8


def test_mlx_holds_scores_where_metal_has_no_kernel_for_a_head() -> None:
    model = replace(shape("llama 24B", "F16"), engine="mlx", projector_bytes=900_000_000)
    fused, not_fused = (
        estimate(replace(model, head=head), Placement(8192), named("mac32")).main
        for head in (128, 256)
    )
    assert not_fused.compute - fused.compute == 2 * 2 * 32 * 256 * 8192
    assert fused.projector == 0  # the engine leaves out what sees pictures


def test_the_allocator_reuses_gaps_and_operands() -> None:
    graph = Graph(alignment=32)
    first = graph.input(100)
    second = graph.op(1000, first)
    third = graph.op(1000, second, replaces=second)
    assert graph.peak() == 128 + 1024  # the input's 100 bytes, padded, then one result in place

    graph = Graph(alignment=32)
    first = graph.input(96)
    second = graph.op(64, first)
    third = graph.op(96, second)  # into the place of the input, which nobody reads any more
    graph.op(32, third)
    assert graph.peak() == 160


def test_the_allocator_keeps_what_somebody_still_reads() -> None:
    graph = Graph(alignment=32)
    first = graph.input(64)
    second = graph.op(64, first, replaces=first)
    graph.op(64, second, first)
    assert graph.peak() == 192
