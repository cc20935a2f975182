"""Shapes from headers and MLX folders; planned headers survive being written and read again."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import WorldError
from app.fit import blueprint, gguf_shape, mlx_shape, sparse
from app.fit.devices import named
from app.fit.memory import Placement, estimate
from app.models.gguf import Header, Tensor, Value, read_header
from tests.support import synthetic
from tests.support.shapes import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_a_planned_header_is_read_back_from_its_sparse_file(name: str, tmp_path: Path) -> None:
    planned = blueprint.header(MODELS[name], "Q4_K_M")
    path = sparse.write(tmp_path / "planned.gguf", planned)
    there = read_header(path)
    there.check()
    assert gguf_shape.from_header(there, "x").layers == gguf_shape.from_header(planned, "x").layers
    assert there.file_bytes == there.data_end
    assert there.data_end - there.data_start == planned.data_end
    assert [(t.name, t.shape, t.type) for t in there.tensors] == [
        (t.name, t.shape, t.type) for t in planned.tensors
    ]
    # Gigabytes by its size, a few kB on the disk.
    assert path.stat().st_blocks * 512 < 1_000_000 < path.stat().st_size


def test_a_header_is_copied_to_the_full_size_of_its_file(tmp_path: Path) -> None:
    path = synthetic.write(tmp_path / "whole.gguf")
    whole = read_header(path)
    begun = tmp_path / "begun.gguf"
    begun.write_bytes(path.read_bytes()[: whole.data_start + 10])
    copied = read_header(sparse.copy(tmp_path / "copy.gguf", read_header(begun)))
    copied.check()
    assert copied.file_bytes == whole.data_end
    assert gguf_shape.from_header(copied) == replace(
        gguf_shape.from_header(whole), file_bytes=whole.data_end
    )


def test_a_file_tells_its_shape(tmp_path: Path) -> None:
    shape = gguf_shape.read(synthetic.write(tmp_path / "tiny.gguf"))
    tiny = synthetic.TINY
    assert (shape.name, shape.quantization) == ("Synthetic", "Q8_0")
    assert (len(shape.layers), shape.embedding, shape.vocabulary) == (2, 64, 1024)
    assert {(layer.kv_heads, layer.head_k, layer.window) for layer in shape.layers} == {(1, 32, 0)}
    tensors = read_header(tmp_path / "tiny.gguf").tensors
    assert shape.weights_bytes == sum(tensor.bytes or 0 for tensor in tensors)
    assert shape.context_train == tiny.context
    assert not shape.tied


def header(architecture: str, layers: int, names: list[str], **keys: Value) -> Header:
    metadata: dict[str, Value] = {
        "general.architecture": architecture,
        f"{architecture}.block_count": layers,
        f"{architecture}.embedding_length": 64,
        f"{architecture}.attention.head_count": 4,
        f"{architecture}.attention.head_count_kv": 2,
        f"{architecture}.feed_forward_length": 128,
    }
    metadata |= {f"{architecture}.{key.replace('__', '.')}": value for key, value in keys.items()}
    tensors = [Tensor("token_embd.weight", (64, 100), 0, 0, 25_600)]
    for number in range(layers):
        tensors += [Tensor(f"blk.{number}.{name}", (64,), 0, 0, 256) for name in names]
    return Header(Path("model.gguf"), 3, metadata, {}, tuple(tensors), 0, 0, 1 << 20)


def windows(found: Header) -> list[int]:
    return [layer.window for layer in gguf_shape.from_header(found).layers]


def test_windows_follow_the_file_or_the_architecture() -> None:
    names = ["attn_q.weight"]
    listed = header(
        "new",
        4,
        names,
        attention__sliding_window=10,
        attention__sliding_window_pattern=(True, False, True, False),
    )
    assert windows(listed) == [10, 0, 10, 0]
    period = header(
        "new", 6, names, attention__sliding_window=10, attention__sliding_window_pattern=3
    )
    assert windows(period) == [10, 10, 0, 10, 10, 0]
    assert windows(header("gemma3", 7, names, attention__sliding_window=10)) == [10] * 5 + [0, 10]
    assert windows(header("gpt-oss", 4, names, attention__sliding_window=10)) == [10, 0, 10, 0]
    # Files of some models name a window that llama.cpp does not use.
    assert windows(header("qwen3", 2, names, attention__sliding_window=10)) == [0, 0]
    assert windows(header("new", 2, names)) == [0, 0]


def test_a_recurrent_layer_has_a_state_and_no_cache() -> None:
    found = header(
        "hybrid",
        1,
        ["ssm_in.weight", "attn_qkv.weight"],
        ssm__inner_size=64,
        ssm__state_size=16,
        ssm__group_count=2,
        ssm__conv_kernel=4,
    )
    (layer,) = gguf_shape.from_header(found).layers
    assert layer.kv_heads == 0
    assert layer.state_bytes == 4 * (3 * (64 + 2 * 2 * 16) + 16 * 64)


def test_a_layer_that_looks_ahead_has_weights_and_no_cache() -> None:
    found = header("new", 3, ["attn_q.weight"], nextn_predict_layers=1)
    layers = gguf_shape.from_header(found).layers
    assert [layer.kv_heads for layer in layers] == [2, 2, 0]
    assert layers[2].bytes == 256


def test_mla_keeps_one_vector_a_token() -> None:
    found = header(
        "deepseek2",
        2,
        ["attn_kv_a_mqa.weight"],
        attention__key_length=576,
        attention__value_length=512,
        attention__key_length_mla=192,
    )
    found.metadata["deepseek2.attention.head_count_kv"] = 1
    shape = gguf_shape.from_header(found)
    assert shape.mla
    cache = estimate(shape, Placement(1000), named("cpu64")).host.kv
    assert cache == 2 * 1024 * 576 * 2


def test_kv_heads_may_differ_by_layer() -> None:
    found = header("new", 3, ["attn_q.weight"])
    found.metadata["new.attention.head_count_kv"] = (1, 0, 4)
    assert [layer.kv_heads for layer in gguf_shape.from_header(found).layers] == [1, 0, 4]


def test_a_file_without_dimensions_is_refused_in_words() -> None:
    with pytest.raises(WorldError, match="does not tell its dimensions"):
        gguf_shape.from_header(header("clip", 0, []))


def mlx(folder: Path, **more: object) -> Path:
    text = {
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 64,
        "head_dim": 16,
        "intermediate_size": 128,
        "vocab_size": 100,
        "max_position_embeddings": 4096,
    }
    folder.mkdir(exist_ok=True)
    config = {
        "model_type": "mistral3",
        "text_config": {**text, **more},
        "quantization": {"bits": 5},
    }
    (folder / "config.json").write_text(json.dumps(config))
    sizes = {
        "language_model.model.embed_tokens.weight": 1000,
        "language_model.lm_head.weight": 1100,
        "language_model.model.norm.weight": 128,
        "language_model.model.layers.0.self_attn.q_proj.weight": 500,
        "language_model.model.layers.1.self_attn.q_proj.weight": 600,
        "vision_tower.layers.0.attention.weight": 300,
        "multi_modal_projector.linear.weight": 40,
    }
    at = 0
    header: dict[str, object] = {"__metadata__": {"format": "mlx"}}
    for name, size in sizes.items():
        header[name] = {"dtype": "U32", "shape": [1], "data_offsets": [at, at + size]}
        at += size
    data = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(data)) + data)
    return folder


def test_an_mlx_folder_tells_its_shape(tmp_path: Path) -> None:
    shape = mlx_shape.read(mlx(tmp_path / "model"))
    assert (shape.engine, shape.quantization, shape.name) == ("mlx", "5bit", "model")
    assert [layer.bytes for layer in shape.layers] == [500, 600]
    assert (shape.embedding_bytes, shape.output_bytes) == (1000, 1100)
    assert shape.projector_bytes == 340
    assert shape.weights_bytes == 1000 + 1100 + 128 + 500 + 600
    assert {(layer.kv_heads, layer.head_k) for layer in shape.layers} == {(2, 16)}


def test_an_mlx_models_windows_are_its_layer_types(tmp_path: Path) -> None:
    kinds = ["sliding_attention", "full_attention"]
    shape = mlx_shape.read(mlx(tmp_path / "m", sliding_window=512, layer_types=kinds))
    assert [layer.window for layer in shape.layers] == [512, 0]


@pytest.mark.parametrize("damage", ["no config", "no json", "no weights", "cut", "no layers"])
def test_a_broken_mlx_folder_is_told_in_words(damage: str, tmp_path: Path) -> None:
    folder = mlx(tmp_path / "model")
    match damage:
        case "no config":
            (folder / "config.json").unlink()
        case "no json":
            (folder / "config.json").write_text("{")
        case "no weights":
            (folder / "model.safetensors").unlink()
        case "cut":
            (folder / "model.safetensors").write_bytes(b"\x00\x01")
        case "no layers":
            mlx(folder, num_hidden_layers=None)
    with pytest.raises(WorldError, match="not a usable part of an MLX model"):
        mlx_shape.read(folder)
