"""What a repository holds, judged by what the hub says of it: which files run here, or why none.

Pure: takes the hub's answer as it is, so that recorded answers can test it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.errors import Problem, WorldError
from app.models.download_types import Agreed, Item, Wanted, check_name, is_later_part, siblings
from app.models.hub import (
    EngineName,
    RemoteFile,
    Repository,
    mlx_quantization,
    quantization_of,
)

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

_METHODS = {
    "awq": "AWQ",
    "gptq": "GPTQ",
    "bitsandbytes": "bitsandbytes",
    "compressed-tensors": "compressed-tensors",
    "fp8": "FP8",
    "exl2": "EXL2",
    "exl3": "EXL3",
    "hqq": "HQQ",
    "aqlm": "AQLM",
}
_MLX_SUFFIXES = (".safetensors", ".json", ".txt", ".jinja", ".model", ".tiktoken")
_WAYS = (
    "Search for a GGUF or MLX version of it; or convert its BF16 weights and quantize them here; "
    "or run it on a vLLM server and connect to that."
)


def read(info: "ModelInfo") -> Repository:
    """Return what a repository is to Ponder."""
    items = _items(info)
    names = {item.name for item in items}
    models = _gguf(items)
    engine: EngineName | None = "llama_cpp" if models else None
    if not models and _is_mlx(info, names):
        engine, models = "mlx", (_mlx(info, items),)
    why, advice = ("", "") if engine else _why_not(info, names)
    return Repository(
        id=info.id,
        publisher=info.id.partition("/")[0],
        revision=info.sha or "",
        licence=_licence(info),
        gated=bool(info.gated),
        files=models,
        engine=engine,
        why_not=why,
        why_not_advice=advice,
        projectors=_gguf(items, projectors=True),
        base=_base(info),
        downloads=info.downloads or 0,
        likes=info.likes or 0,
        updated=f"{info.last_modified:%Y-%m-%d}" if info.last_modified else "",
    )


def agree(info: "ModelInfo", wanted: Wanted) -> Agreed:
    """Return what a download consists of. Raises WorldError where the repository lacks a file."""
    items = {item.name: item for item in _items(info)}
    names = [part for name in wanted.files for part in siblings(name)]
    if not wanted.files:
        # The config last: without it the folder is no model, so a half of one is none.
        names = sorted(_mlx_names(items), key=lambda name: (name == "config.json", name))
        if "config.json" not in items or not any(n.endswith(".safetensors") for n in names):
            why, advice = _why_not(info, set(items))
            raise WorldError(Problem("hub-no-model", why, advice))
    for name in names:
        check_name(name)
        if name not in items:
            raise WorldError(
                Problem(
                    "hub-no-file",
                    f"{info.id} has no file {name}.",
                    "It may have been renamed or removed: look at its list of files again.",
                )
            )
    return Agreed(info.sha or "main", tuple(items[name] for name in dict.fromkeys(names)))


def _items(info: "ModelInfo") -> tuple[Item, ...]:
    return tuple(
        Item(
            name=sibling.rfilename,
            bytes=(sibling.lfs.size if sibling.lfs else sibling.size) or 0,
            sha256=sibling.lfs.sha256 if sibling.lfs else "",
            blob_id=sibling.blob_id or "",
        )
        for sibling in info.siblings or ()
    )


def _gguf(items: Iterable[Item], *, projectors: bool = False) -> tuple[RemoteFile, ...]:
    """Return the GGUF models, or the projectors; the parts of a split one together, by size."""
    every = {item.name: item for item in items}
    found = []
    for item in every.values():
        name = item.name.rpartition("/")[2].lower()
        # imatrix files are GGUFs too by now: measurements, no model.
        if not name.endswith(".gguf") or is_later_part(item.name) or "imatrix" in name:
            continue
        if ("mmproj" in name) != projectors:
            continue
        parts = siblings(item.name)
        if not all(part in every for part in parts):
            continue
        size = sum(every[part].bytes for part in parts)
        quantization = quantization_of(item.name)
        found.append(RemoteFile(item.name, quantization, size, item.sha256, parts))
    return tuple(sorted(found, key=lambda file: (file.bytes, file.name)))


def _is_mlx(info: "ModelInfo", names: set[str]) -> bool:
    said = info.library_name == "mlx" or "mlx" in (info.tags or ())
    return said and "config.json" in names and any(name.endswith(".safetensors") for name in names)


def _mlx(info: "ModelInfo", items: tuple[Item, ...]) -> RemoteFile:
    every = {item.name: item for item in items}
    names = tuple(_mlx_names(every))
    bits = _quantization_config(info).get("bits")
    quantization = mlx_quantization(info.id) or (f"{bits}bit" if bits else "bf16")
    return RemoteFile("", quantization, sum(every[name].bytes for name in names), "", names)


def _mlx_names(names: Iterable[str]) -> list[str]:
    """Return what of a repository a model is made of: no texts for people, no pictures, no code."""
    return sorted(
        name
        for name in names
        if "/" not in name and not name.startswith(".") and name.lower().endswith(_MLX_SUFFIXES)
    )


def _quantization_config(info: "ModelInfo") -> dict[str, Any]:
    config = info.config if isinstance(info.config, dict) else {}
    found = config.get("quantization_config") or config.get("quantization") or {}
    return found if isinstance(found, dict) else {}


def _licence(info: "ModelInfo") -> str:
    card = info.card_data
    name = getattr(card, "license_name", None) or getattr(card, "license", None)
    if isinstance(name, str) and name:
        return name
    tags = [tag for tag in info.tags or () if tag.startswith("license:")]
    return tags[0].removeprefix("license:") if tags else ""


def _base(info: "ModelInfo") -> str:
    base = getattr(info.card_data, "base_model", None)
    if isinstance(base, list):
        base = base[0] if base else None
    return base if isinstance(base, str) else ""


def _why_not(info: "ModelInfo", names: set[str]) -> tuple[str, str]:
    """Return why neither engine runs a repository, and the ways that can."""
    method = str(_quantization_config(info).get("quant_method") or "").lower()
    tags = {tag.lower() for tag in info.tags or ()}
    words = set(info.id.lower().replace("_", "-").replace("/", "-").split("-"))
    kind = next((label for key, label in _METHODS.items() if key in (method, *tags, *words)), "")
    if kind:
        return (
            f"{info.id} holds {kind} weights: a form for GPU servers, which llama.cpp cannot run.",
            _WAYS,
        )
    if any(name.endswith((".safetensors", ".bin", ".pt", ".pth")) for name in names):
        return (
            f"{info.id} holds plain weights (safetensors), which llama.cpp cannot run as they are.",
            _WAYS,
        )
    return f"{info.id} holds no model that can run here.", "Choose another repository."
