"""The quick way to a planned shape says the same as the planned header."""

from dataclasses import replace

import pytest

from app.fit import blueprint, gguf_shape, planned
from app.fit.candidates import from_entry
from app.models.catalogue import find
from tests.support.shapes import MODELS, OTHERS

QUANTIZATIONS = ("Q8_0", "Q6_K_L", "Q5_K_M", "Q4_K_M", "Q4_K_S", "MXFP4", "BF16", "IQ4_XS")


ALL = {**MODELS, **OTHERS}


@pytest.mark.parametrize("name", ALL)
def test_it_is_what_the_planned_header_tells(name: str) -> None:
    dimensions = ALL[name]
    for quantization in QUANTIZATIONS:
        told = gguf_shape.from_header(blueprint.header(dimensions, quantization), quantization)
        found = planned.shape(dimensions, quantization)
        # A file pads its tensors to 32 bytes.
        assert 0 <= told.file_bytes - found.file_bytes < 32 * 1024
        assert found == replace(told, file_bytes=found.file_bytes)


@pytest.mark.parametrize(
    ("name", "quantization", "gigabytes"),
    [
        ("qwen35 27B", "Q4_K_M", 16.5),
        ("qwen35 27B", "Q6_K", 22.0),
        ("qwen35 27B", "Q8_0", 28.6),
        ("deepseek2 30B", "Q4_K_M", 18.3),
        ("deepseek2 30B", "Q6_K", 24.7),
    ],
)
def test_sizes_are_those_of_published_files(name: str, quantization: str, gigabytes: float) -> None:
    size = planned.shape(OTHERS[name], quantization).weights_bytes
    assert size / 1e9 == pytest.approx(gigabytes, rel=0.011)


def test_layers_differ_where_the_mix_does() -> None:
    mixed = planned.shape(MODELS["llama 24B"], "Q4_K_M").layers
    assert len(set(mixed)) == 2
    assert len(set(planned.shape(MODELS["llama 24B"], "Q8_0").layers)) == 1
    windowed = planned.shape(MODELS["gemma3 12B"], "Q8_0").layers
    assert {layer.window for layer in windowed} == {0, 1024}


def test_a_catalogue_entry_can_be_asked_of_llama_cpp() -> None:
    entry = find("magistral")
    assert entry is not None
    for candidate in from_entry(entry):
        header = candidate.full_header()
        if candidate.shape.engine == "mlx":
            assert header is None
        else:
            assert header is not None
            weights = sum(tensor.bytes or 0 for tensor in header.tensors)
            if blueprint.knows(candidate.shape.quantization):
                assert weights == candidate.shape.weights_bytes


def test_a_files_own_header_comes_first() -> None:
    header = blueprint.header(MODELS["qwen3 4B"], "Q8_0")
    entry = find("gpt-oss-20b")
    assert entry is not None
    (candidate,) = from_entry(entry)
    assert replace(candidate, header=header).full_header() is header
