"""The vision part of a GGUF model (its projector, mmproj*.gguf): found beside it, and checked.

A projector turns a picture into values as wide as the model's embedding; one of another width is
another model's. Only those of the Pixtral kind (Magistral 1.2, Ministral 3, Mistral Small 3.1 and
later) are used: for them the prompt's tokens of a picture are known. Headers alone are read, and
checked closely, because llama.cpp ends its process over a projector whose figures contradict.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import Problem, WorldError
from app.models.gguf import Header, read_header

KIND = "pixtral"
BESIDE = "beside"
"""In place of a path: whatever lies beside the model."""
MARK = "mmproj"
"""In the name of every projector's file: nothing else tells it from a model that is not opened."""

_OLLAMA_BLOBS = "blobs"
_OLLAMA_PROJECTOR = "application/vnd.ollama.image.projector"
# The best first: what was trained in 16 bits gains nothing in 32; 8 bits lose next to nothing.
_PREFERRED = {1: 0, 32: 1, 0: 2, 7: 3}
_BF16 = 30  # ggml's number of the type
_MOST = 1 << 20
"""No dimension of a vision part is larger."""


@dataclass(frozen=True, slots=True)
class Sight:
    """A vision part's dimensions. text_width: of the model's embedding it was made for.

    patch: pixels of a patch's side; merge: so many patches a side make one token. conv_bytes: of a
    value of the patches as ggml cuts them out: two, but for bfloat16 four (ggml_conv_2d).
    """

    width: int
    layers: int
    heads: int
    feed_forward: int
    patch: int
    merge: int
    text_width: int
    conv_bytes: int = 2

    @staticmethod
    def of_family(text_width: int) -> "Sight":
        """Return those of all of Mistral's vision parts since Small 3.1, for one not here yet."""
        return Sight(1024, 24, 16, 4096, 14, 2, text_width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Projector(Sight):
    """A vision part that is here: its dimensions and its file. file_type: of llama.h."""

    path: Path
    weights_bytes: int
    file_type: int = 1

    @property
    def rank(self) -> tuple[int, int]:
        """Return its place among several for the same model: the lowest is the best."""
        return _PREFERRED.get(self.file_type, len(_PREFERRED)), self.weights_bytes


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside a model: the projectors that fit it, the best first; why others do not."""

    projectors: tuple[Projector, ...] = ()
    problems: tuple[Problem, ...] = field(default=())


def read(path: Path) -> Projector:
    """Return the projector in a file. Raises WorldError where it is none, or none that is used."""
    header = read_header(path)
    if header.architecture != "clip":
        raise WorldError(
            Problem(
                "projector",
                f"{path.name} is not a model's vision part.",
                "Choose the file whose name begins with mmproj from the model's own page.",
                f"general.architecture is {header.architecture!r}",
            )
        )
    header.check()
    kind = str(
        header.metadata.get("clip.projector_type")
        or header.metadata.get("clip.vision.projector_type")
        or ""
    )
    if not header.metadata.get("clip.has_vision_encoder") or kind != KIND:
        raise WorldError(
            Problem(
                "projector",
                f"{path.name} is a vision part of a kind that Ponder does not use"
                f" ({kind or 'none'}).",
                "Choose a model of the Mistral family (Magistral 1.2, Ministral 3), or connect to a"
                " server that runs this one.",
                f"clip.projector_type is {kind!r}, not {KIND!r}",
            )
        )
    return _described(header)


def fitting(projector: Projector, text_width: int, model: str) -> Projector:
    """Return it. Raises WorldError where it was made for another model than the one of this width.

    text_width: the length of the model's embedding. model: its name, for the message.
    """
    if projector.text_width != text_width:
        raise WorldError(
            Problem(
                "projector",
                f"{projector.path.name} was made for another model than {model}.",
                "Put the vision part of this very model beside it: its page has an mmproj file.",
                f"it makes vectors of {projector.text_width:,}, the model takes {text_width:,}",
            )
        )
    return projector


def beside(path: Path, text_width: int, *, model: str = "") -> Beside:
    """Return the projectors that lie beside a model's file and fit it.

    Reads the headers of files that are named mmproj, in its folder or else in the one above.
    """
    found: list[Projector] = []
    problems: list[Problem] = []
    for each in _files(path):
        try:
            found.append(fitting(read(each), text_width, model or path.name))
        except WorldError as error:
            problems.append(error.problem)
    found.sort(key=lambda projector: (_kinship(projector.path, path), *projector.rank))
    return Beside(tuple(found), tuple(problems))


def wanted(path: str, projector: str) -> bool:
    """Return whether there is something to look at: a file named, or one beside the model."""
    return bool(list(_files(Path(path)))) if projector == BESIDE else bool(projector)


def width_of(header: Header) -> int:
    """Return the length of a model's embedding, 0 where its header does not tell."""
    return header.number("{arch}.embedding_length") or 0


def _kinship(projector: Path, model: Path) -> int:
    """Return 0 where a projector's name holds the model's: its own, in a folder of several."""
    plain = projector.stem.lower().replace(MARK, "").strip("-_.")
    named = plain.rsplit("-", 1)[0].rsplit(".", 1)[0]
    return 0 if len(named) > 4 and model.stem.lower().startswith(named) else 1


def _files(path: Path) -> Iterable[Path]:
    try:
        if path.parent.name == _OLLAMA_BLOBS and path.name.startswith("sha256-"):
            return _ollama(path)
        # A repository may have a folder for each quantization, and the vision part above them.
        return in_folder(path.parent) or in_folder(path.parent.parent)
    except OSError:
        return ()


def in_folder(folder: Path) -> list[Path]:
    """Return the files of a folder that are named as vision parts are. Raises OSError."""
    return sorted(
        each
        for each in folder.iterdir()
        if MARK in each.name.lower() and each.suffix.lower() == ".gguf" and each.is_file()
    )


def _ollama(blob: Path) -> list[Path]:
    """Return the projectors that Ollama's manifests name together with a model's blob."""
    found: list[Path] = []
    digest = blob.name.replace("-", ":", 1)
    for manifest in sorted((blob.parent.parent / "manifests").rglob("*")):
        if not manifest.is_file():
            continue
        try:
            layers = json.loads(manifest.read_bytes()).get("layers", [])
            digests = {layer["digest"]: layer.get("mediaType") for layer in layers}
        except (OSError, ValueError, AttributeError, TypeError, KeyError):
            continue  # not a manifest
        if digest in digests:
            found += [
                blob.with_name(other.replace(":", "-", 1))
                for other, kind in digests.items()
                if kind == _OLLAMA_PROJECTOR
            ]
    return [path for path in dict.fromkeys(found) if path.is_file()]


def _described(header: Header) -> Projector:
    """Return what a header tells; raise where its figures do not agree with its tensors."""
    width, layers, heads, feed_forward, patch, _ = (
        _figure(header, key)
        for key in (
            "embedding_length",
            "block_count",
            "attention.head_count",
            "feed_forward_length",
            "patch_size",
            "image_size",
        )
    )
    merge = header.number("clip.vision.spatial_merge_size") or 1
    if width % heads or width // heads % 4 or not 1 <= merge <= 16 or layers > len(header.tensors):
        detail = f"{layers:,} layers, {heads:,} heads in {width:,}, merge {merge}"
        raise WorldError(_damaged(header, detail))
    shapes = {tensor.name: tensor for tensor in header.tensors}
    out = shapes.get("mm.2.weight")
    text = out.shape[-1] if out is not None else 0
    wanted: dict[str, tuple[int, ...]] = {
        "mm.2.weight": (text, text),
        "mm.1.weight": (width, text),
        "v.patch_embd.weight": (patch, patch, 3, width),
        "v.token_embd.img_break": (text,),
    }
    if merge > 1:
        wanted["mm.patch_merger.weight"] = (width * merge * merge, width)
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            wanted[f"v.blk.{layer}.{name}.weight"] = (width, width)
        for name in ("ffn_up", "ffn_gate"):
            wanted[f"v.blk.{layer}.{name}.weight"] = (width, feed_forward)
        wanted[f"v.blk.{layer}.ffn_down.weight"] = (feed_forward, width)
    for name, shape in wanted.items():
        tensor = shapes.get(name)
        if tensor is None or tensor.shape != shape:
            has = "missing" if tensor is None else f"{tensor.shape}, not {shape}"
            raise WorldError(_damaged(header, f"{name} is {has}"))
    kind = header.metadata.get("general.file_type")
    return Projector(
        path=header.path,
        weights_bytes=sum(tensor.bytes or 0 for tensor in header.tensors),
        text_width=text,
        width=width,
        layers=layers,
        heads=heads,
        feed_forward=feed_forward,
        patch=patch,
        merge=merge,
        conv_bytes=4 if shapes["v.patch_embd.weight"].type == _BF16 else 2,
        file_type=kind if isinstance(kind, int) else -1,
    )


def _figure(header: Header, key: str) -> int:
    value = header.number(f"clip.vision.{key}") or 0
    if not 1 <= value <= _MOST:
        raise WorldError(_damaged(header, f"its {key} is {value:,}"))
    return value


def _damaged(header: Header, detail: str) -> Problem:
    return Problem(
        "projector",
        f"{header.path.name}, the model's vision part, is damaged.",
        "Download it again.",
        detail,
    )
