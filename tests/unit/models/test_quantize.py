"""What quantizing will give, before anything is done: types, sizes, names, refusals."""

import dataclasses
import itertools
import json
import os
import shutil
import struct
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from app import paths
from app.engine.backends.quantizing import Listener, Step
from app.errors import WorldError
from app.fit import blueprint, gguf_shape, sparse
from app.fit.devices import named
from app.models import quantize, quantize_gguf, quantize_mlx, quantize_refusals, quantize_target
from app.models import quantize_types as types
from app.models.gguf import BLOCKS, read_header
from tests.support.shapes import MODELS

DEMO = paths.demo_model()
FOLDER = DEMO.with_name("mlx")
LOG = """llama_model_loader: loaded meta data
[   1/   3] output.weight  - [ 64, 1024,   1,   1], type =    f16, converting to q6_K .. size =\
     1.00 MiB ->     0.20 MiB
[   2/   3] output_norm.weight - [ 64, 1, 1, 1], type =    f32, size =    0.020 MiB
[   3/   3] token_embd.weight - [ 64, 1024, 1, 1], type =    f16, converting to q4_0 ..\
 llama_model_quantize: failed to quantize: tensor 'blk.0.failure' has invalid data
"""


def problem(path: Path, quantization: str) -> str:
    with pytest.raises(WorldError) as caught:
        quantize.plan(path, quantization)
    assert caught.value.problem.advice
    return caught.value.problem.title


def planned_file(folder: Path, model: str, quantization: str = "F16") -> Path:
    """Return a file of true dimensions that takes no room."""
    path = folder / f"{model}-{quantization}.gguf"
    return sparse.write(path, blueprint.header(MODELS[model], quantization))


@given(st.lists(st.integers(0, len(LOG)), max_size=30))
def test_a_log_cut_anywhere_tells_the_same_steps(cuts: list[int]) -> None:
    steps: list[Step] = []
    listener = Listener(steps.append)
    places = [0, *sorted(cuts), len(LOG)]
    for start, end in itertools.pairwise(places):
        listener.hear(LOG[start:end])
    # A name may be told short where the cut went through it; the counts never are wrong.
    counts = [(step.done, step.of) for step in steps]
    assert list(dict.fromkeys(counts)) == [(0, 3), (1, 3), (2, 3)]
    assert steps[-1] == Step(2, 3, "token_embd.weight")
    assert [line.split(": ", 2)[1] for line in listener.complaints] == ["failed to quantize"]


@pytest.mark.parametrize(
    ("written", "name"),
    [("q4_k_m", "Q4_K_M"), ("Q4_K", "Q4_K_M"), ("iq4-xs", "IQ4_XS"), ("mxfp4", "MXFP4_MOE")],
)
def test_types_go_by_the_names_people_use(written: str, name: str) -> None:
    assert types.gguf_name(written) == name


def test_a_type_that_is_not_there_is_told_with_those_that_are() -> None:
    assert problem(DEMO, "Q4_K_XXL") == 'There is no type "Q4_K_XXL".'
    assert "MLX" in problem(DEMO, "4bit")
    assert problem(FOLDER, "Q4_K_M") == 'There is no type "Q4_K_M".'
    assert quantize.types_for(FOLDER) == ("8bit", "6bit", "5bit", "4bit")
    assert set(quantize.types_for(DEMO)) == set(types.FILE_TYPES)


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("Magistral-Small-2509-BF16.gguf", "Magistral-Small-2509-Q4_K_M.gguf"),
        ("model.f16.gguf", "model-Q4_K_M.gguf"),
        ("model.gguf", "model-Q4_K_M.gguf"),
        ("Big-Q8_0-00001-of-00002.gguf", "Big-Q4_K_M.gguf"),
        ("Qwen3-Q.gguf", "Qwen3-Q-Q4_K_M.gguf"),
    ],
)
def test_the_result_is_named_after_its_type(source: str, out: str) -> None:
    assert quantize.default_out(Path("m", source), "Q4_K_M") == Path("m", out)


def test_nothing_is_put_where_another_program_keeps_its_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ponder_home: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    cached = tmp_path / "hub" / "models--a--b" / "snapshots" / "1" / "b-BF16.gguf"
    own = quantize.default_out(cached, "Q4_0")
    assert own.name == "b-Q4_0.gguf"
    assert own.is_relative_to(ponder_home)
    assert quantize.default_out(DEMO, "Q4_0").parent == own.parent
    quantize_target.check(own, 1)
    work = quantize_target.workshop(own)
    assert work.parent == own.parent, "it is made where it is not there yet"


def test_rows_that_are_no_whole_blocks_fall_back() -> None:
    """The demo model's rows are 128 and 320 wide: no K-quant fits."""
    planned = quantize_gguf.plan(DEMO, "Q4_K_M")
    found = {target.tensor.name: types.type_name(target.type) for target in planned.targets}
    assert found["token_embd.weight"] == "Q8_0"
    assert found["blk.1.attn_q.weight"] == "Q5_0"
    assert found["blk.1.attn_norm.weight"] == "F32"


def test_magistrals_published_sizes() -> None:
    """Sizes of Mistral Small 24B's files, as published in GB; they hold 8 MB of vocabulary more."""
    header = blueprint.header(MODELS["llama 24B"], "F16")
    sizes = {
        name: sum(target.bytes for target in quantize_gguf.targets(header, header.tensors, name))
        for name in ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0")
    }
    published = {"Q4_K_M": 14.33, "Q5_K_M": 16.76, "Q6_K": 19.35, "Q8_0": 25.05}
    for name, size in published.items():
        assert sizes[name] / 1e9 == pytest.approx(size, rel=0.002)


def test_q8_0_comes_out_as_the_catalogues_own_plan_has_it() -> None:
    for dimensions in MODELS.values():
        source = blueprint.header(dimensions, "F16")
        made = quantize_gguf.targets(source, source.tensors, "Q8_0")
        assert {target.tensor.name: target.type for target in made} == {
            tensor.name: tensor.type for tensor in blueprint.header(dimensions, "Q8_0").tensors
        }


def test_every_type_is_in_the_table_of_blocks() -> None:
    assert {file_type.base for file_type in types.FILE_TYPES.values()} <= set(BLOCKS)
    numbers = [file_type.number for file_type in types.FILE_TYPES.values()]
    assert len(set(numbers)) == len(numbers)


def test_what_is_made_says_of_itself_what_it_is() -> None:
    for name, kind in types.FILE_TYPES.items():
        header = blueprint.header(MODELS["llama 8B"], "Q8_0")
        made = {**header.metadata, "general.file_type": kind.number}
        shape = gguf_shape.from_header(dataclasses.replace(header, metadata=made))
        assert shape.quantization == name.removesuffix("_MOE")


def test_what_is_quantized_already_is_refused_with_why(tmp_path: Path) -> None:
    path = planned_file(tmp_path, "llama 8B", "Q4_K_M")
    assert "lost would be lost twice" in problem(path, "Q4_0")
    assert problem(path, "Q4_K_M").endswith("is Q4_K_M already.")
    assert problem(DEMO, "F16").endswith("is F16 already.")
    eight = planned_file(tmp_path, "llama 8B", "Q8_0")
    assert quantize.plan(eight, "Q4_K_M").bytes < eight.stat().st_size * 0.6


def test_types_that_need_an_importance_matrix_say_so(tmp_path: Path) -> None:
    path = planned_file(tmp_path, "llama 8B")
    for name in types.FILE_TYPES:
        if name in types.NEED_IMATRIX:
            assert "needs an importance matrix" in problem(path, name)
        elif name != "F16":
            assert quantize.plan(path, name).bytes > 0


def test_a_source_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    short = tmp_path / "short.gguf"
    short.write_bytes(DEMO.read_bytes()[:-1000])
    assert "is incomplete" in problem(short, "Q4_0")
    assert "no longer where it was" in problem(tmp_path / "gone.gguf", "Q4_0")


def test_a_vision_projector_is_no_model(tmp_path: Path) -> None:
    header = blueprint.header(MODELS["llama 8B"], "F16")
    metadata = {"general.architecture": "clip", "clip.vision.block_count": 24}
    path = sparse.write(tmp_path / "mmproj.gguf", dataclasses.replace(header, metadata=metadata))
    assert "does not tell its dimensions" in problem(path, "Q8_0")


def test_a_layout_that_llama_cpp_would_garble_is_refused(tmp_path: Path) -> None:
    header = blueprint.header(MODELS["llama 8B"], "F16")
    metadata = {**header.metadata, "general.alignment": 64}
    wide = dataclasses.replace(header, metadata=metadata, data_end=header.data_end + 64)
    path = sparse.write(tmp_path / "wide.gguf", wide)
    assert "lays out its data" in problem(path, "Q4_0")


def test_a_preview_tells_size_and_fit_before_anything_is_made(tmp_path: Path) -> None:
    path = planned_file(tmp_path, "llama 24B")
    out = tmp_path / "out.gguf"
    fits = quantize.preview(path, "q4_k_m", machine=named("rtx4090"), context=40_960, out=out)
    assert fits.quantization == "Q4_K_M"
    assert fits.bytes == pytest.approx(14.33e9, rel=0.002)
    assert fits.row is not None
    assert fits.row.verdict == "fits"
    assert fits.row.reason.startswith("Fits with")
    big = quantize.preview(path, "Q8_0", machine=named("rtx3060-12gb"), out=out)
    assert big.row is not None
    assert big.row.verdict != "fits"
    few = quantize.preview(path, "Q1_0", machine=named("rtx4090"), out=out)
    assert few.row is not None
    assert "too few bits for reasoning" in few.row.reason
    none = quantize.preview(path, "IQ1_S", machine=named("rtx4090"))
    assert (none.bytes, none.row) == (0, None)
    assert none.problem is not None


def test_a_folder_as_the_target_takes_the_usual_name(tmp_path: Path) -> None:
    seen = quantize.preview(DEMO, "Q4_0", machine=named("cpu16"), out=tmp_path)
    assert seen.problem is None
    (tmp_path / "ponder-demo-Q4_0.gguf").touch()
    seen = quantize.preview(DEMO, "Q4_0", machine=named("cpu16"), out=tmp_path)
    assert seen.problem is not None
    assert seen.problem.title == "ponder-demo-Q4_0.gguf is there already."


def test_a_preview_says_that_the_disk_is_too_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorldError, match=r"needs .* GB, and 1\.0 GB should stay free"):
        quantize_target.check(tmp_path / "out.gguf", shutil.disk_usage(tmp_path).total)
    path = planned_file(tmp_path, "llama 24B")
    monkeypatch.setattr(quantize_target, "RESERVE_BYTES", 1 << 60)
    seen = quantize.preview(path, "Q8_0", machine=named("rtx4090"))
    assert seen.problem is not None
    assert seen.problem.key == "disk-full"
    assert seen.row is not None, "the fit is told all the same"


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    work, out = tmp_path / "work.part", tmp_path / "out.gguf"
    work.write_bytes(b"new")
    out.write_bytes(b"old")
    with pytest.raises(WorldError, match="is there already"):
        quantize_target.publish(work, out)
    with pytest.raises(WorldError, match="is there already"):
        quantize_target.check(out, 1)
    assert out.read_bytes() == b"old"
    out.unlink()
    quantize_target.publish(work, out)
    assert out.read_bytes() == b"new"


def test_what_a_dead_ponder_left_is_removed_and_what_lives_is_not(tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    dead = tmp_path / f".out.gguf.{2**22 + 1}.abc.part"
    mine = tmp_path / f".out.gguf.{os.getpid()}.abc.part"
    other = tmp_path / f".other.gguf.{2**22 + 1}.abc.part"
    for folder in (dead, mine, other):
        folder.mkdir()
        (folder / "out.gguf.part").write_bytes(b"0")
    made = quantize_target.workshop(out)
    assert sorted(tmp_path.iterdir()) == sorted([made, mine, other])


def test_a_folder_for_mlx_is_planned_from_its_headers() -> None:
    planned = {name: quantize_mlx.plan(FOLDER, name) for name in types.MLX_BITS}
    # 4.5, 5.5, 6.5 and 8.5 bits for each of the weights that are in groups, which nearly all are.
    weights = 820_000
    for name, bits in types.MLX_BITS.items():
        assert planned[name].bytes == pytest.approx(weights * (bits + 0.5) / 8, rel=0.03)
    assert planned["4bit"].candidate.shape.quantization == "4bit"


def test_a_folder_that_mlx_cannot_convert_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FOLDER, folder)
    weights = folder / "model.safetensors"
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization": {"bits": 4}}))
    assert "quantized already" in problem(folder, "8bit")
    (folder / "config.json").write_text(json.dumps(config))
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100_000])
    assert "of 1 MB are here" in problem(folder, "4bit")
    weights.write_bytes(struct.pack("<Q", 10**9) + whole[8:])
    assert "header is damaged" in problem(folder, "4bit")
    weights.write_bytes(whole.replace(b'"F16"', b'"I8" ', 1))
    assert "does not read" in problem(folder, "4bit")
    weights.unlink()
    assert "no .safetensors" in problem(folder, "4bit")


def test_a_split_source_is_planned_as_one(tmp_path: Path) -> None:
    first, second = split(DEMO, tmp_path)
    whole, parts = quantize_gguf.plan(DEMO, "Q4_0"), quantize_gguf.plan(first, "Q4_0")
    assert [target.tensor.name for target in parts.targets] == [
        target.tensor.name for target in whole.targets
    ]
    assert parts.bytes == pytest.approx(whole.bytes, abs=256)
    assert quantize_gguf.plan(second, "Q4_0") == parts
    second.unlink()
    assert "no longer where it was" in problem(first, "Q4_0")


def split(source: Path, folder: Path) -> tuple[Path, Path]:
    """Write a model as two files, as llama-gguf-split does, with half of the tensors in each."""
    header = read_header(source)
    data = source.read_bytes()
    tensors = header.tensors
    half = len(tensors) // 2
    paths_ = (folder / "demo-00001-of-00002.gguf", folder / "demo-00002-of-00002.gguf")
    # The metadata as they are in the source: between the counts and the first tensor's name.
    name = tensors[0].name.encode()
    metadata = data[24 : data.index(struct.pack("<Q", len(name)) + name)]
    entries = struct.unpack_from("<Q", data, 16)[0]
    for number, part in enumerate((tensors[:half], tensors[half:])):
        pairs = b"".join(
            struct.pack("<Q", len(key)) + key + struct.pack(layout, kind, value)
            for key, layout, kind, value in (
                (b"split.no", "<IH", 2, number),
                (b"split.count", "<IH", 2, 2),
                (b"split.tensors.count", "<Ii", 5, len(tensors)),
            )
        )
        kept = metadata if number == 0 else b""
        text = b"GGUF" + struct.pack("<IQQ", 3, len(part), 3 + (entries if number == 0 else 0))
        text += kept + pairs
        body = b""
        for tensor in part:
            key = tensor.name.encode()
            text += struct.pack("<Q", len(key)) + key + struct.pack("<I", len(tensor.shape))
            text += struct.pack(f"<{len(tensor.shape)}QIQ", *tensor.shape, tensor.type, len(body))
            start = header.data_start + tensor.offset
            body += data[start : start + (tensor.bytes or 0)]
            body += bytes(-len(body) % 32)
        paths_[number].write_bytes(text + bytes(-len(text) % 32) + body)
    return paths_


def test_why_it_failed_is_a_sentence() -> None:
    died = quantize_refusals.died(-9, (), oom_killed=True)
    assert died.title == "The quantization ran out of memory and was killed from outside."
    died = quantize_refusals.died(-6, ("GGML_ASSERT",), oom_killed=False)
    assert died.title == "The quantization gave up on an error of its own (abort)."
    assert died.detail == "GGML_ASSERT"
