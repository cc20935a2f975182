"""A vision part in memory, through llama.cpp's mtmd: pictures to tokens, tokens to vectors.

The compute buffer is made for the largest picture as the part is loaded, by an encoding that is
stopped at its first step: so the load takes what it was promised to take, too little memory shows
then and not in the middle of a chat, and no later picture takes more.
"""

import ctypes
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.engine.backends import llama_library, llama_pixels, process_memory
from app.engine.backends.buffers import Buffers, read
from app.engine.protocol import OUT_OF_MEMORY, PictureFile
from app.errors import Problem, WorldError
from app.fit import vision
from app.models.projectors import Projector

_ASK_EVERY = 8
"""Of the graph's operations: Magistral's vision part has some 900, and computes for seconds."""


class LoadedProjector:
    """One vision part and the library that runs it.

    buffers: what it took, by device. beside_bytes: of main memory beside them, 0 where the system
    cannot tell.
    """

    def __init__(self, api: Any, model: Any, projector: Projector, *, gpu: bool, threads: int):
        """Load it. gpu: on a graphics device. Raises WorldError."""
        before = process_memory.anonymous_bytes()
        self._api = api
        self._mtmd = mtmd = _library(api)
        self._stopped: Callable[[], bool] = lambda: False
        self._steps = 0
        self._cut = False
        self._width = projector.text_width
        llama_library.complaints.clear()
        llama_library.buffer_lines.clear()
        params = mtmd.mtmd_context_params_default()
        params.use_gpu = gpu
        params.n_threads = threads
        params.print_timings = False
        params.warmup = False  # it would reserve for a small picture
        # Kept, because mtmd has only its address.
        self._callback = params.cb_eval = api.ggml_backend_sched_eval_callback(self._ask)
        self._context = mtmd.mtmd_init_from_file(os.fsencode(projector.path), model, params)
        if not self._context:
            raise _refused(projector)
        now = process_memory.anonymous_bytes()
        try:
            self._reserve(projector)
            self.buffers = self._taken(projector.weights_bytes)
            # Measured before the buffer is there: what is touched of it is not beside it.
            held = self.buffers.weights.get("CPU", 0)
            self.beside_bytes = max(0, (now or 0) - (before or 0) - held)
        except WorldError:
            self.free()
            raise

    def tokens(self, width: int, height: int) -> int:
        """Return how many tokens a picture of so many pixels is, its last row's end apart."""
        llama_pixels.check_shape(width, height)
        bitmap = self._mtmd.mtmd_bitmap_init(width, height, None)  # a size, and no pixels
        try:
            count: int = self._with_chunk(bitmap, self._mtmd.mtmd_input_chunk_get_n_tokens)
        finally:
            self._mtmd.mtmd_bitmap_free(bitmap)
        return count

    def encode(self, picture: PictureFile, tokens: int, stopped: Callable[[], bool]) -> Any:
        """Return the vectors of a picture, an array of c_float; None where it was stopped.

        tokens: as many as were counted. Raises WorldError where the picture cannot be read.
        """
        mtmd = self._mtmd
        bitmap = llama_pixels.bitmap(mtmd, self._context, picture)
        try:
            return self._with_chunk(bitmap, lambda chunk: self._vectors(chunk, tokens, stopped))
        finally:
            mtmd.mtmd_bitmap_free(bitmap)

    def free(self) -> None:
        """Free it."""
        self._mtmd.mtmd_free(self._context)

    def _vectors(self, chunk: Any, tokens: int, stopped: Callable[[], bool]) -> Any:
        mtmd = self._mtmd
        if mtmd.mtmd_input_chunk_get_n_tokens(chunk) != tokens:
            raise WorldError(
                Problem(
                    "picture-changed",
                    "The file of an image in this chat is not the one that was attached.",
                    "Attach the image again.",
                )
            )
        self._stopped, self._cut = stopped, False
        status: int = mtmd.mtmd_encode_chunk(self._context, chunk)
        self._stopped = lambda: False
        if self._cut:
            return None
        if status != 0:
            raise WorldError(
                Problem(
                    "picture-failed",
                    "The engine could not look at an image in this chat.",
                    "Try again; if it fails again, load the model with a smaller context.",
                    "\n".join(llama_library.complaints) or f"mtmd_encode_chunk returned {status}",
                )
            )
        vectors = mtmd.mtmd_get_output_embd(self._context)
        kept = (ctypes.c_float * (tokens * self._width))()
        ctypes.memmove(kept, vectors, ctypes.sizeof(kept))
        return kept

    def _with_chunk(self, bitmap: Any, do: Callable[[Any], Any]) -> Any:
        """Cut a bitmap into tokens and do something with the chunk of them."""
        mtmd = self._mtmd
        chunks = mtmd.mtmd_input_chunks_init()
        try:
            part = mtmd.mtmd_input_part(None, bitmap)
            parts = (ctypes.POINTER(mtmd.mtmd_input_part) * 1)(ctypes.pointer(part))
            status = mtmd.mtmd_tokenize_from_parts(self._context, chunks, parts, 1, False)
            for at in range(mtmd.mtmd_input_chunks_size(chunks) if status == 0 else 0):
                chunk = mtmd.mtmd_input_chunks_get(chunks, at)
                if mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_IMAGE:
                    return do(chunk)
            raise RuntimeError(f"mtmd cut no picture: status {status}")
        finally:
            mtmd.mtmd_input_chunks_free(chunks)

    def _reserve(self, projector: Projector) -> None:
        """Have the compute buffer made for the picture that takes most."""
        mtmd, side = self._mtmd, projector.patch * projector.merge
        columns, rows = vision.largest(projector)
        pixels = (ctypes.c_uint8 * (columns * rows * side * side * 3))()
        bitmap = mtmd.mtmd_bitmap_init(columns * side, rows * side, pixels)
        self._stopped = lambda: True
        try:
            status = self._with_chunk(
                bitmap, lambda chunk: mtmd.mtmd_encode_chunk(self._context, chunk)
            )
        finally:
            mtmd.mtmd_bitmap_free(bitmap)
            self._stopped = lambda: False
        if status != 0 or not self._cut:
            raise WorldError(
                Problem(
                    OUT_OF_MEMORY,
                    "There is not enough memory for the model's vision part.",
                    "Choose a smaller context or a smaller quantization, or close other programs.",
                    "\n".join(llama_library.complaints),
                )
            )

    def _taken(self, weights_bytes: int) -> Buffers:
        """Return what it took, by device: the log tells all but the weights, which are the file."""
        found = read(llama_library.buffer_lines)
        device = next((name for name in found.compute if not name.startswith("CPU")), "CPU")
        found.weights[device] = weights_bytes
        return found

    def _ask(self, _: Any, asks: bool, __: Any) -> bool:
        """Answer ggml: which operations to stop at (asks), and there whether to go on."""
        if asks:
            self._steps += 1
            return self._steps % _ASK_EVERY == 1
        self._cut = self._cut or self._stopped()
        return not self._cut


def _library(api: Any) -> Any:
    """Return mtmd's bindings, its log where llama.cpp's goes. Raises WorldError."""
    try:
        mtmd = importlib.import_module("llama_cpp.mtmd_cpp")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise WorldError(
            Problem(
                "engine-library",
                "The engine was built without its part for images (mtmd).",
                "Run python3 run.py once more: it builds what is missing.",
                str(error),
            )
        ) from error
    mtmd.mtmd_helper_log_set(llama_library.log_callback(api), None)
    return mtmd


def _refused(projector: Projector) -> WorldError:
    text = "\n".join(llama_library.complaints)
    return WorldError(
        Problem(
            "projector",
            f"{Path(projector.path).name}, the model's vision part, could not be loaded.",
            "Download it again, or load the model without it: move the file elsewhere.",
            text,
        )
    )
