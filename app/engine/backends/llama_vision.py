"""A GGUF model with its vision part: pictures among the tokens of the one sequence.

A picture is as many ids as it has tokens, all negative, made of its hash and the vision part's: so
the prefix that is kept, the states on the disk and the hash of a prompt all tell one picture from
another without knowing of pictures. Its vectors are made when its first token is to be read, and
are read in slices like text. What a user typed never becomes one of these ids.
"""

import ctypes
import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from app.engine.backends import process_memory
from app.engine.backends.base import LoadProgress, Token, unknown_control
from app.engine.backends.llama_lookup import LookupBackend
from app.engine.backends.llama_mtmd import LoadedProjector
from app.engine.backends.vocabulary import no_pictures
from app.engine.protocol import DeviceMemory, LoadOptions, ModelInfo, PictureFile
from app.errors import Problem, WorldError
from app.models import projectors
from app.models.projectors import Projector
from app.models.split import read_model
from app.prompts.segments import Control, Image, Prompt, Segment

_END = "[IMG_END]"
_PICTURE = Token(b"[IMG]", control="[IMG]")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A picture of the prompt: its key, and the ids that stand for it."""

    key: str
    ids: tuple[int, ...]


class LlamaVisionBackend(LookupBackend):
    """One model that sees, one sequence. See `Backend` for the verbs."""

    def __init__(self, *, ahead: bool = False) -> None:
        """ahead: read ahead, as `LookupBackend` does."""
        super().__init__()
        if not ahead:
            self.outputs = 1
        self._eyes: LoadedProjector | None = None
        self._mark = b""
        self._files: dict[str, PictureFile] = {}
        self._known: dict[tuple[int, ...], _Shown] = {}
        self._prompt: Sequence[int] = ()
        self._seen: tuple[str, Any] | None = None

    def load(self, options: LoadOptions, progress: LoadProgress) -> ModelInfo:
        """Load the model, then its vision part. Raises WorldError."""
        # Before the model: it is read in a moment, and what is wrong with it is told at once.
        projector, blind = _chosen(options)
        info = super().load(options, progress)
        if projector is None:
            return replace(info, blind=blind)
        api, model = self._api, self._loaded.model if self._loaded else None
        if _END not in info.controls:
            problem = _not_for_pictures(info.name, projector.path.name)
            if options.projector == projectors.BESIDE:
                return replace(info, blind=problem.title)
            raise WorldError(problem)
        self._width = projector.text_width
        gpu = info.device != "CPU" and options.gpu_layers != 0
        eyes = LoadedProjector(api, model, projector, gpu=gpu, threads=info.threads)
        self._eyes = eyes
        stat = projector.path.stat()
        self._mark = f"{projector.path}\0{stat.st_size}\0{stat.st_mtime_ns}".encode()
        taken = _with(info.allocated, eyes)
        return replace(
            info,
            sees=True,
            projector=str(projector.path),
            projector_bytes=stat.st_size,
            allocated=taken,
        )

    def unload(self) -> None:
        """Free everything."""
        if self._eyes is not None:
            self._eyes.free()
            self._eyes = None
        super().unload()

    def show(self, pictures: Sequence[PictureFile]) -> None:
        """Tell where the pictures of the next prompt are."""
        self._files = {picture.key: picture for picture in pictures}

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt. Raises WorldError for an unknown control token."""
        ids: list[int] = []
        rest: list[Segment] = []
        for segment in prompt:
            if isinstance(segment, Image):
                ids += super().encode(tuple(rest)) + self._picture(segment)
                rest = [Control(_END)]
            else:
                rest.append(segment)
        return ids + super().encode(tuple(rest))

    def token(self, token_id: int) -> Token:
        """Return a token of the vocabulary, or the one that stands for a piece of a picture."""
        return super().token(token_id) if token_id >= 0 else _PICTURE

    def reuse(self, ids: Sequence[int]) -> int:
        """Keep the common prefix in the KV cache, remove the rest."""
        self._prompt = ids
        return super().reuse(ids)

    def read(self, ids: Sequence[int]) -> bool:
        """Decode a slice of the prompt, text or picture."""
        self._drop()  # a picture takes the very places of what was computed ahead
        before = len(self._read)
        for is_picture, run in groupby(ids, key=lambda token_id: token_id < 0):
            part = list(run)
            if not (self._look(part) if is_picture else super().read(part)):
                self._keep(before)
                return False
        return True

    def _picture(self, image: Image) -> list[int]:
        """Return the ids of a picture: as many as mtmd cuts a picture of its size into."""
        if self._eyes is None:
            raise no_pictures()
        if min(image.width, image.height) < 1:
            raise RuntimeError(f"a picture of no size: {image}")
        count = self._eyes.tokens(image.width, image.height)
        size = f"\0{image.width}x{image.height}\0{image.key}".encode()
        values = array("I", hashlib.shake_256(self._mark + size).digest(4 * count))
        ids = tuple(-1 - (value & 0x7FFFFFFF) for value in values)
        self._known[ids] = _Shown(image.key, ids)
        return list(ids)

    def _look(self, ids: Sequence[int]) -> bool:
        """Decode tokens of one picture; return False if it was stopped halfway."""
        shown, first = self._at(len(self._read))
        if self._seen is None or self._seen[0] != shown.key:
            self._seen = None
            vectors = self._vectors(shown)
            if vectors is None:
                return False
            self._seen = (shown.key, vectors)
        return self._decode_vectors(self._seen[1], first, ids)

    def _at(self, at: int) -> tuple[_Shown, int]:
        """Return the picture at a place of the prompt, and how much of it is before that place."""
        begin = at
        while begin and self._prompt[begin - 1] < 0:
            begin -= 1
        ids = tuple(_while_negative(self._prompt, begin))
        shown = self._known.get(ids)
        if shown is None:
            raise RuntimeError("a picture that was never encoded")
        return shown, at - begin

    def _vectors(self, shown: _Shown) -> Any:
        """Return a picture's vectors, None where it was stopped. Raises WorldError."""
        picture = self._files.get(shown.key)
        if self._eyes is None or picture is None:
            raise RuntimeError("a picture in the prompt, and no file of it")
        return self._eyes.encode(picture, len(shown.ids), self._stopped)

    def _decode_vectors(self, vectors: Any, first: int, ids: Sequence[int]) -> bool:
        """Decode some of a picture's vectors in place of tokens; no logits are wanted of them."""
        self._let_ask(True)
        at = len(self._read)
        for index in range(len(ids)):
            self._positions[index] = at + index
            self._wanted[index] = False
        words, begin = self._batch, first * self._width * ctypes.sizeof(ctypes.c_float)
        batch = self._api.llama_batch(
            n_tokens=len(ids),
            embd=ctypes.cast(ctypes.addressof(vectors) + begin, ctypes.POINTER(ctypes.c_float)),
            pos=words.pos,
            n_seq_id=words.n_seq_id,
            seq_id=words.seq_id,
            logits=words.logits,
        )
        try:
            self._batch = batch
            whole = self._decode()
        finally:
            self._batch = words
        if whole:
            self._read += ids
        return whole


def _chosen(options: LoadOptions) -> tuple[Projector | None, str]:
    """Return the vision part to load, or why none of those beside the model can be.

    Raises WorldError where the one that was named cannot be.
    """
    path = Path(options.path)
    width = projectors.width_of(read_model(path))
    if options.projector != projectors.BESIDE:
        found = projectors.read(Path(options.projector))
        return projectors.fitting(found, width, path.name), ""
    beside = projectors.beside(path, width)
    if beside.projectors:
        return beside.projectors[0], ""
    return None, beside.problems[0].title if beside.problems else ""


def _while_negative(ids: Sequence[int], begin: int) -> Iterator[int]:
    for at in range(begin, len(ids)):
        if ids[at] >= 0:
            return
        yield ids[at]


def _with(allocated: tuple[DeviceMemory, ...], eyes: LoadedProjector) -> tuple[DeviceMemory, ...]:
    """Return what a load took, with what its vision part took."""
    sizes: dict[str, int] = {}
    for part in (eyes.buffers.weights, eyes.buffers.compute):
        for name, size in part.items():
            where = name if process_memory.is_card(name) else "CPU"
            sizes[where] = sizes.get(where, 0) + size
    found = []
    for device in allocated:
        beside = device.beside_bytes
        if not device.card and beside is not None:
            beside += eyes.beside_bytes
        more = sizes.pop(device.device, 0)
        found.append(replace(device, bytes=device.bytes + more, beside_bytes=beside))
    found += [DeviceMemory(name, name != "CPU", size) for name, size in sizes.items() if size]
    return tuple(found)


def _not_for_pictures(model: str, projector: str) -> Problem:
    return Problem(
        "projector",
        f"{model} was not made to see pictures, so {projector} is not its vision part.",
        "Load it without that file, or choose a model that sees.",
        unknown_control(_END).problem.title,
    )
