"""A model's shape from an MLX folder: config.json and the headers of its safetensors files.

The headers tell the bytes of each tensor without reading one.
"""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from app.errors import Problem, WorldError
from app.fit.shape import Layer, ModelShape
from app.models import safetensors

_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
_VISION = ("vision_tower", "multi_modal_projector", "vision_model", "vision_encoder")


def read(folder: Path) -> ModelShape:
    """Return the shape of the model in a folder. Raises WorldError."""
    config = _json(folder / "config.json")
    tensors = _tensors(folder)
    text = config.get("text_config", config)
    layers: dict[int, int] = defaultdict(int)
    experts: dict[int, int] = defaultdict(int)
    parts = {"embed_tokens": 0, "lm_head": 0, "vision": 0, "rest": 0}
    for name, size in tensors.items():
        found = _LAYER.search(name)
        if name.startswith(_VISION) or any(f".{part}." in name for part in _VISION):
            parts["vision"] += size
        elif found:
            layers[int(found.group(1))] += size
            if "switch_mlp" in name or ".experts." in name:
                experts[int(found.group(1))] += size
        else:
            part = next((part for part in ("embed_tokens", "lm_head") if part in name), "rest")
            parts[part] += size
    tied = not parts["lm_head"]
    count = _need(text, "num_hidden_layers", folder)
    heads = _need(text, "num_attention_heads", folder)
    embedding = _need(text, "hidden_size", folder)
    head = text.get("head_dim") or embedding // heads
    windows = _windows(text, count)
    kv_heads = text.get("num_key_value_heads") or heads
    bits = (config.get("quantization") or {}).get("bits", 16)
    weights = sum(layers.values()) + parts["embed_tokens"] + parts["lm_head"] + parts["rest"]
    return ModelShape(
        name=folder.name,
        architecture=str(text.get("model_type") or config.get("model_type") or ""),
        quantization=f"{bits}bit",
        engine="mlx",
        layers=tuple(
            Layer(kv_heads, head, head, layers[n], experts[n], windows[n]) for n in range(count)
        ),
        embedding=embedding,
        heads=heads,
        head=head,
        feed_forward=text.get("intermediate_size") or 4 * embedding,
        vocabulary=text.get("vocab_size") or 0,
        context_train=text.get("max_position_embeddings") or 0,
        weights_bytes=weights,
        embedding_bytes=parts["embed_tokens"],
        output_bytes=parts["embed_tokens"] if tied else parts["lm_head"],
        file_bytes=weights + parts["vision"],
        experts=text.get("num_local_experts") or text.get("num_experts") or 0,
        experts_used=text.get("num_experts_per_tok") or 0,
        projector_bytes=parts["vision"],
        tied=tied,
    )


def _windows(text: dict[str, Any], count: int) -> tuple[int, ...]:
    size = text.get("sliding_window") or 0
    kinds = text.get("layer_types")
    if size and isinstance(kinds, list) and len(kinds) == count:
        return tuple(size if kind == "sliding_attention" else 0 for kind in kinds)
    return (0,) * count


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorldError(_problem(path, "it cannot be read as JSON", str(error))) from error
    if not isinstance(value, dict):
        raise WorldError(_problem(path, "it is no JSON object"))
    return value


def _need(text: dict[str, Any], key: str, folder: Path) -> int:
    value = text.get(key)
    if not isinstance(value, int) or value <= 0:
        raise WorldError(_problem(folder / "config.json", f"it does not tell {key}"))
    return value


def _tensors(folder: Path) -> dict[str, int]:
    """Return the bytes of every tensor, by its name."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise WorldError(_problem(folder, "there are no .safetensors files in it"))
    found: dict[str, int] = {}
    for path in files:
        try:
            # Of a model on the hub only the headers are here.
            header = safetensors.tensors(path, whole=False)
        except safetensors.DamagedError as error:
            raise WorldError(_problem(path, error.what, error.detail)) from error
        found.update({name: tensor.bytes for name, tensor in header.items()})
    return found


def _problem(path: Path, what: str, detail: str = "") -> Problem:
    return Problem(
        "model-file",
        f"{path.name} is not a usable part of an MLX model: {what}.",
        "Choose the folder with config.json and the .safetensors files, or download it again.",
        detail or str(path),
    )
