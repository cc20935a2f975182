"""What an MLX model's folder says of itself, read and checked before MLX sees any of it.

MLX tells a damaged folder in words about arrays and parameters, and ends the process on some. Here
each fault is found first and told in one sentence: what is missing, cut off or does not belong.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.protocol import Sampling
from app.errors import Problem, WorldError
from app.models.safetensors import DamagedError, Tensor, tensors

_FLOATS = ("F16", "BF16", "F32")
_AGAIN = "Download it again: what is here already is kept."
_SAMPLING = ("temperature", "top_k", "top_p", "min_p")
_NAMELESS = ("mlx", "model")
"""Names of folders that say nothing of the model in them."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is whole. config, generation, tokenizer: its JSON files, {} where missing.

    weights_bytes: of all its tensors; file_bytes: of their files.
    """

    path: Path
    config: dict[str, Any]
    generation: dict[str, Any]
    tokenizer: dict[str, Any]
    weights_bytes: int
    file_bytes: int
    quantization: str

    @property
    def text(self) -> dict[str, Any]:
        """Return the part of the config that describes the language model."""
        found = self.config.get("text_config")
        return found if isinstance(found, dict) else self.config

    @property
    def architecture(self) -> str:
        """Return the kind of model."""
        return str(self.text.get("model_type") or self.config["model_type"])

    @property
    def context_train(self) -> int:
        """Return the longest context in tokens, 0 where it is not told."""
        found = self.text.get("max_position_embeddings")
        return found if isinstance(found, int) else 0

    @property
    def name(self) -> str:
        """Return the model's name: its folder's, or its repository's in the hub's own cache."""
        folder = self.path.resolve() if self.path.name in ("", ".", "..") else self.path
        if folder.parent.name == "snapshots":  # the folder is named after a commit
            return folder.parent.parent.name.rpartition("--")[2]
        if folder.name.lower() in _NAMELESS:
            return f"{folder.parent.name} ({folder.name})"
        return folder.name

    @property
    def template(self) -> str | None:
        """Return the chat template, None where there is none."""
        found = _text(self.path / "chat_template.jinja") or self.tokenizer.get("chat_template")
        if found is None:
            found = _json(self.path / "chat_template.json").get("chat_template")
        if isinstance(found, list):  # several by name, of which one is the usual one
            named = {one["name"]: one["template"] for one in found if isinstance(one, dict)}
            found = named.get("default")
        return found if isinstance(found, str) and found else None

    @property
    def sampling(self) -> Sampling | None:
        """Return what the model's makers recommend, None where they say nothing."""
        said = {
            name: value
            for name in _SAMPLING
            if isinstance(value := self.generation.get(name), int | float)
        }
        if not said:
            return None
        standard = Sampling()
        return Sampling(
            temperature=float(said.get("temperature", standard.temperature)),
            top_k=int(said.get("top_k", standard.top_k)),
            top_p=float(said.get("top_p", standard.top_p)),
            min_p=float(said.get("min_p", standard.min_p)),
        )

    @property
    def ends(self) -> tuple[int, ...]:
        """Return the ids that the makers say end a text."""
        found: list[int] = []
        for source in (self.generation, self.config, self.text):
            said = source.get("eos_token_id")
            found += [said] if isinstance(said, int) else said if isinstance(said, list) else []
        return tuple(dict.fromkeys(number for number in found if isinstance(number, int)))


def read(path: Path) -> Folder:
    """Return what a folder says of itself. Raises WorldError where it is no whole MLX model."""
    config = _config(path)
    files = _weight_files(path)
    found: dict[str, Tensor] = {}
    for file in files:
        try:
            found.update(tensors(file))
        except DamagedError as error:
            raise WorldError(
                Problem(
                    "model-file",
                    f"{file.name} in {path.name} is damaged or not whole: {error.what}.",
                    _AGAIN,
                    error.detail,
                )
            ) from error
    if not any((path / name).is_file() for name in ("tokenizer.json", "tekken.json")):
        raise WorldError(
            Problem(
                "model-file",
                f"{path.name} has no tokenizer.json, without which text cannot be read or written.",
                "Download it again, or choose another conversion of this model.",
                str(path),
            )
        )
    return Folder(
        path=path,
        config=config,
        generation=_json(path / "generation_config.json"),
        tokenizer=_json(path / "tokenizer_config.json"),
        weights_bytes=sum(tensor.bytes for tensor in found.values()),
        file_bytes=sum(file.stat().st_size for file in files),
        quantization=_quantization(path, config, found),
    )


def _config(path: Path) -> dict[str, Any]:
    if not path.is_dir():
        raise WorldError(
            Problem(
                "model-file",
                f"There is no folder {path.name} any more.",
                "Choose the model again.",
                str(path),
            )
        )
    file = path / "config.json"
    if not file.is_file():
        raise WorldError(
            Problem(
                "model-file",
                f"{path.name} is not an MLX model: it has no config.json.",
                "Choose the folder with config.json and the .safetensors files.",
                str(path),
            )
        )
    config = _json(file)
    what = "it cannot be read as JSON" if not config else ""
    if config and not isinstance(config.get("model_type"), str):
        what = "it does not say what kind of model it is"
    if what:
        raise WorldError(
            Problem(
                "model-file", f"config.json in {path.name} is damaged: {what}.", _AGAIN, str(file)
            )
        )
    if config.get("model_file"):
        raise WorldError(
            Problem(
                "load-failed",
                f"{path.name} wants to run program code of its own, which Ponder does not do.",
                "Choose another model, or a GGUF of this one.",
                str(config["model_file"]),
            )
        )
    return config


def _weight_files(path: Path) -> list[Path]:
    """Return the files with weights. Raises WorldError where some or all are missing."""
    index = _json(path / "model.safetensors.index.json").get("weight_map")
    named = set(index.values()) if isinstance(index, dict) else set()
    missing = sorted(str(name) for name in named if not (path / str(name)).is_file())
    if missing:
        raise WorldError(
            Problem(
                "model-file",
                f"{len(missing)} of the {len(named)} files with the weights of {path.name}"
                f" {'is' if len(missing) == 1 else 'are'} missing.",
                _AGAIN,
                ", ".join(missing),
            )
        )
    files = sorted(path.glob("model*.safetensors"))
    if not files:
        raise WorldError(
            Problem(
                "model-file",
                f"{path.name} has no weights: no model.safetensors is in it.",
                _AGAIN,
                str(path),
            )
        )
    return files


def _quantization(path: Path, config: dict[str, Any], found: dict[str, Tensor]) -> str:
    """Return how the weights are kept: "4-bit", "BF16". Raises WorldError where that is unclear."""
    said = config.get("quantization") or config.get("quantization_config")
    if isinstance(said, dict):
        bits = said.get("bits")
        return f"{bits}-bit" if isinstance(bits, int) else str(said.get("quant_method", "packed"))
    sizes = Counter[str]()
    for tensor in found.values():
        sizes[tensor.dtype] += tensor.bytes
    dtype, _ = sizes.most_common(1)[0] if sizes else ("", 0)
    if dtype not in _FLOATS:
        raise WorldError(
            Problem(
                "model-file",
                f"The weights of {path.name} are of a type that MLX cannot compute with"
                f" ({dtype or 'none'}), and config.json does not say how they are packed.",
                "Choose an MLX conversion of this model, or a GGUF of it.",
                ", ".join(f"{name} {size:,} bytes" for name, size in sizes.most_common()),
            )
        )
    return dtype


def _json(path: Path) -> dict[str, Any]:
    """Return a JSON object, {} where there is none."""
    try:
        value = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
