"""A model's vision part is found beside it, checked, and told from another model's."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import WorldError
from app.fit.vision import (
    MOST_SLIM,
    compute_bytes,
    largest,
    most_tokens,
    planned_bytes,
    projector_bytes,
    taken_bytes,
)
from app.models import projectors
from app.models.gguf import read_header
from tests.support import synthetic
from tests.support import synthetic_vision as seeing

EYES = seeing.Eyes(text_width=64, width=64, layers=2, feed_forward=96)


def names(path: Path, width: int = 64) -> list[str]:
    return [found.path.name for found in projectors.beside(path, width).projectors]


def test_what_a_header_tells(tmp_path: Path) -> None:
    path = seeing.write(tmp_path / "mmproj.gguf", EYES)
    found = projectors.read(path)
    assert (found.text_width, found.width, found.layers, found.heads) == (64, 64, 2, 2)
    assert (found.feed_forward, found.patch, found.merge, found.file_type) == (96, 14, 2, 1)
    assert found.weights_bytes == sum(t.bytes or 0 for t in read_header(path).tensors)


def test_the_best_of_several_comes_first(tmp_path: Path) -> None:
    model = seeing.write_model(tmp_path / "Magistral-Small-2509-Q4_K_M.gguf")
    assert names(model) == []
    assert not projectors.wanted(str(model), projectors.BESIDE)
    seeing.write(tmp_path / "mmproj-F32.gguf", replace(EYES, weights="f32"))
    seeing.write(tmp_path / "mmproj-Q8_0.gguf", EYES, general__file_type=7)
    seeing.write(tmp_path / "mmproj-F16.gguf", EYES)
    seeing.write(tmp_path / "mmproj-BF16.gguf", EYES, general__file_type=32)
    assert names(model) == [
        "mmproj-F16.gguf",
        "mmproj-BF16.gguf",
        "mmproj-F32.gguf",
        "mmproj-Q8_0.gguf",
    ]
    assert projectors.wanted(str(model), projectors.BESIDE)
    # In a folder of several models a vision part that bears the model's name is its own.
    seeing.write(tmp_path / "mmproj-Magistral-Small-2509-F32.gguf", replace(EYES, weights="f32"))
    assert names(model)[0] == "mmproj-Magistral-Small-2509-F32.gguf"


def test_another_models_vision_part_is_passed_over_and_why_is_said(tmp_path: Path) -> None:
    model = seeing.write_model(tmp_path / "seer.gguf")
    seeing.write(tmp_path / "mmproj-mine.gguf", EYES)
    seeing.write(tmp_path / "mmproj-others.gguf", replace(EYES, text_width=96))
    seeing.write(tmp_path / "mmproj-qwen.gguf", replace(EYES, kind="qwen3vl_merger"))
    (tmp_path / "mmproj-junk.gguf").write_bytes(b"junk")
    (tmp_path / "mmproj-readme.txt").write_text("not one")
    found = projectors.beside(model, 64)
    assert [each.path.name for each in found.projectors] == ["mmproj-mine.gguf"]
    titles = [problem.title for problem in found.problems]
    assert titles == [
        "mmproj-junk.gguf is not a GGUF model file.",
        "mmproj-others.gguf was made for another model than seer.gguf.",
        "mmproj-qwen.gguf is a vision part of a kind that Ponder does not use (qwen3vl_merger).",
    ]
    assert projectors.beside(tmp_path / "gone" / "seer.gguf", 64) == projectors.Beside()


@pytest.mark.parametrize(
    "figures",
    [
        {"clip__vision__block_count": 3},
        {"clip__vision__block_count": 1 << 30},
        {"clip__vision__embedding_length": 0},
        {"clip__vision__patch_size": 0},
        {"clip__vision__patch_size": 28},
        {"clip__vision__attention__head_count": 5},
        {"clip__vision__attention__head_count": 64},
        {"clip__vision__spatial_merge_size": 3},
        {"clip__vision__spatial_merge_size": 0x7FFFFFFF},
        {"clip__vision__feed_forward_length": 97},
        {"clip__vision__image_size": 0},
    ],
)
def test_figures_that_contradict_the_weights_are_damage(
    tmp_path: Path, figures: dict[str, Any]
) -> None:
    """llama.cpp ends its process over most of these."""
    path = seeing.write(tmp_path / "mmproj.gguf", EYES, **figures)
    with pytest.raises(WorldError) as caught:
        projectors.read(path)
    assert caught.value.problem.title == "mmproj.gguf, the model's vision part, is damaged."
    assert caught.value.problem.detail


def test_ollamas_blobs_are_found_by_the_manifest(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    model = synthetic.write(blobs / ("sha256-" + "a" * 64))
    eyes = seeing.write(blobs / ("sha256-" + "b" * 64), EYES)
    seeing.write(blobs / ("sha256-" + "c" * 64), EYES)
    assert projectors.beside(model, 64).projectors == ()
    home = tmp_path / "manifests" / "registry" / "library" / "seer"
    home.mkdir(parents=True)
    layers = [
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": f"sha256:{letter * 64}"}
        for kind, letter in (("model", "a"), ("projector", "b"))
    ]
    (home / "latest").write_text(json.dumps({"layers": layers}))
    (home / "broken").write_text("[1, 2")
    assert [each.path for each in projectors.beside(model, 64).projectors] == [eyes]


def test_what_a_vision_part_takes() -> None:
    """Magistral's: 0.88 GB of weights, and what encoding its largest picture needs."""
    family = projectors.Sight.of_family(5120)
    weights = 880_000_000
    taken = taken_bytes(weights, family)
    # 4,096 patches of 4,096 values three times over, and what stands beside them.
    assert 3 * 4096 * 4096 * 4 < taken - weights < 1.7 * 3 * 4096 * 4096 * 4
    assert planned_bytes(weights, 5120) == taken
    assert planned_bytes(0, 5120) == 0


def test_no_picture_takes_more_than_what_is_promised(tmp_path: Path) -> None:
    for width in (64, 2560, 4096, 5120):
        sight = projectors.Sight.of_family(width)
        most = compute_bytes(sight, *largest(sight))
        for columns in range(1, 1025, 29):
            rows = 1024 // columns
            if rows <= MOST_SLIM * columns:
                assert compute_bytes(sight, columns, rows) <= most
                assert columns * rows + rows <= most_tokens()
    found = projectors.read(seeing.write(tmp_path / "mmproj.gguf", EYES))
    assert projector_bytes(found) == taken_bytes(found.weights_bytes, found)
