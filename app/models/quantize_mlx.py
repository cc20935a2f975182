"""What quantizing a folder of safetensors for MLX will give, from their headers alone.

mlx_lm quantizes each linear layer and embedding whose rows are whole groups of 64: so many bits a
weight, and a scale and an offset a group. The rest is kept, in the type that config.json names.
"""

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.engine.backends.quantizing import GROUP_SIZE, MlxOrder
from app.errors import Problem, WorldError
from app.fit import mlx_shape
from app.fit.candidates import Candidate
from app.models import quantize_types as types
from app.models.safetensors import DamagedError, Tensor, tensors

_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_DTYPES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32"}
# mlx_lm leaves out the part that sees pictures.
_VISION = ("vision_tower", "vision_model", "vision_encoder", "multi_modal_projector")
_SHARD_BYTES = 5 << 30  # MAX_FILE_SIZE_GB of mlx_lm


@dataclass(frozen=True, slots=True)
class _Tensor:
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MlxPlan:
    """What will be made of a folder. bytes: of the result's .safetensors files.

    steps: how many tensors there are to do. candidate: the result, to plan memory for.
    """

    source: Path
    quantization: str
    bytes: int
    steps: int
    candidate: Candidate

    def order(self, out: Path, threads: int) -> MlxOrder:
        """Return the order for the child. threads: MLX takes what it wants."""
        return MlxOrder(str(self.source), str(out), types.MLX_BITS[self.quantization])

    def check(self, out: Path) -> int:
        """Return the size of what was made. Raises WorldError unless it is whole.

        Some kinds of models have rules of their own for what stays finer, so another size than
        predicted is no fault; a layer that is missing is.
        """
        shape = mlx_shape.read(out)
        empty = [number for number, layer in enumerate(shape.layers) if not layer.bytes]
        if empty or shape.quantization != self.quantization:
            detail = f"{shape.quantization}, without the layers {empty}"
            raise WorldError(_bad(out, "it is not what was planned", detail))
        size = 0
        for path in sorted(out.glob("*.safetensors")):
            _header(path)
            size += path.stat().st_size
        return size


def plan(source: Path, quantization: str) -> MlxPlan:
    """Return what will be made of a folder. Raises WorldError with why it cannot be."""
    name = types.mlx_name(quantization)
    config = _config(source)
    if config.get("quantization") or config.get("quantization_config"):
        raise WorldError(
            Problem(
                "quantize-source",
                f"{source.name} is quantized already, and what that lost would be lost twice.",
                "Choose the folder with the model's whole weights (BF16 or F16).",
                str(config.get("quantization") or config.get("quantization_config")),
            )
        )
    kept = _kept(source, config)
    bits = types.MLX_BITS[name]
    dtype = _dtype(config)
    made: dict[str, _Tensor] = {}
    for tensor_name, tensor in kept.items():
        made.update(_made(tensor_name, tensor, bits, dtype))
    weights = sum(_nbytes(tensor) for tensor in made.values())
    files = max(1, -(-weights // _SHARD_BYTES))
    size = weights + _headers_bytes(made, files)
    shape = mlx_shape.read(source).scaled(weights)
    shape = replace(shape, quantization=name, projector_bytes=0)
    return MlxPlan(source, name, size, len(kept), Candidate(shape, source.name, "", None))


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WorldError(_bad(folder, "config.json cannot be read", str(error))) from error
    if not isinstance(config, dict):
        raise WorldError(_bad(folder, "config.json is no JSON object"))
    return config


def _dtype(config: dict[str, Any]) -> str | None:
    """Return the type that weights are kept in, None where each keeps its own."""
    named = config.get("torch_dtype") or (config.get("text_config") or {}).get("dtype")
    return _DTYPES.get(str(named))


def _kept(folder: Path, config: dict[str, Any]) -> dict[str, _Tensor]:
    """Return the tensors that mlx_lm takes over. Raises WorldError where files are damaged."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise WorldError(_bad(folder, "there are no .safetensors files in it"))
    tied = config.get("tie_word_embeddings", False)
    kept: dict[str, _Tensor] = {}
    for path in files:
        for name, tensor in _header(path).items():
            vision = any(part in name for part in _VISION)
            if vision or "rotary_emb.inv_freq" in name or (tied and "lm_head." in name):
                continue
            kept[name] = _Tensor(tensor.dtype, tensor.shape)
            if tensor.dtype not in _BYTES:
                raise WorldError(
                    Problem(
                        "quantize-source",
                        f"{folder.name} is quantized already, or in a form that MLX's converter "
                        "does not read.",
                        "Choose the folder with the model's whole weights (BF16 or F16).",
                        f"{name} is {tensor.dtype}",
                    )
                )
    return kept


def _header(path: Path) -> dict[str, Tensor]:
    """Return the tensors that a safetensors file has. Raises WorldError unless it is whole."""
    try:
        return tensors(path)
    except DamagedError as error:
        raise WorldError(_bad(path, error.what, error.detail)) from error


def _made(name: str, tensor: _Tensor, bits: int, dtype: str | None) -> dict[str, _Tensor]:
    kept = dtype or tensor.dtype
    shape = tensor.shape
    if len(shape) < 2 or not name.endswith(".weight") or shape[-1] % GROUP_SIZE:
        return {name: _Tensor(kept, shape)}
    layer = name.removesuffix(".weight")
    groups = _Tensor(kept, (*shape[:-1], shape[-1] // GROUP_SIZE))
    packed = _Tensor("U32", (*shape[:-1], shape[-1] * bits // 32))
    return {name: packed, f"{layer}.scales": groups, f"{layer}.biases": groups}


def _nbytes(tensor: _Tensor) -> int:
    return math.prod(tensor.shape) * _BYTES.get(tensor.dtype, 4)


def _headers_bytes(made: dict[str, _Tensor], files: int) -> int:
    """Return the bytes of the files' headers: JSON without spaces, as MLX writes it."""
    entries: dict[str, Any] = {"__metadata__": {"format": "mlx"}}
    at = 0
    for name, tensor in made.items():
        end = at + _nbytes(tensor)
        entries[name] = {
            "data_offsets": [at, end],
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
        }
        at = end
    return len(json.dumps(entries, separators=(",", ":"))) + 8 * files


def _bad(path: Path, what: str, detail: str = "") -> Problem:
    return Problem(
        "quantize-source",
        f"{path.name} is not a model that can be converted: {what}.",
        "Choose a folder with config.json and whole .safetensors files, or download it again.",
        detail or str(path),
    )
