"""What tests ask of mtmd in a process of its own; each command prints JSON.

python -m tests.support.vision_child logits WIDTH HEIGHT MODEL PROJECTOR PICTURE...
python -m tests.support.vision_child pixels MODEL PROJECTOR MIME PICTURE...
python -m tests.support.vision_child buffer MODEL PROJECTOR [MODEL PROJECTOR]...
python -m tests.support.vision_child growth MODEL PROJECTOR
python -m tests.support.vision_child ahead COUNT WIDTH HEIGHT MODEL PROJECTOR PICTURE PICTURE
"""

import base64
import ctypes
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.engine.backends import llama_library, llama_pixels, process_memory
from app.engine.backends.llama_vision import LlamaVisionBackend
from app.engine.protocol import LoadOptions, PictureFile, Sampling
from app.prompts import mistral
from app.prompts.segments import Picture, Turn
from tests.support import drawn

WRONG = (400, 401, 402)
QUESTION = "What is this, and where?"


def opened(model: str, projector: str) -> LlamaVisionBackend:
    backend = LlamaVisionBackend()
    options = LoadOptions(model, context=4096, gpu_layers=0, threads=1, projector=projector)
    backend.load(options, lambda _: True)
    return backend


def logits(width: str, height: str, model: str, projector: str, *paths: str) -> list[Any]:
    """Read a question about each picture in our way, and by mtmd's own helper; compare."""
    backend = opened(model, projector)
    return [_compared(backend, path, int(width), int(height)) for path in paths]


def _compared(backend: LlamaVisionBackend, path: str, width: int, height: int) -> dict[str, Any]:
    eyes: Any = backend._eyes
    mtmd, api, context = eyes._mtmd, backend._api, backend._context
    size = api.llama_vocab_n_tokens(api.llama_model_get_vocab(api.llama_get_model(context)))

    def last() -> list[float]:
        return list(api.llama_get_logits_ith(context, -1)[:size])

    turn = Turn("user", (Picture(path, width, height), QUESTION))
    prompt = mistral.build([turn], version="mistral-v13", keep_thinking=False)
    ids = backend.encode(prompt)
    backend.show([PictureFile(path, path, "image/png", 1)])
    backend.reuse(ids)
    for at in range(0, len(ids), 96):  # slices that cut the picture
        backend.read(ids[at : at + 96])
    ours = last()

    backend._keep(0)
    data = Path(path).read_bytes()
    buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
    bitmap = mtmd.mtmd_helper_bitmap_init_from_buf(eyes._context, buffer, len(data), False)
    text = f"<s>[INST]<__media__>{QUESTION}[/INST]".encode()
    said = mtmd.mtmd_input_text(text, len(text), False, True)
    chunks = mtmd.mtmd_input_chunks_init()
    bitmaps = (ctypes.c_void_p * 1)(bitmap)
    assert mtmd.mtmd_tokenize(eyes._context, chunks, ctypes.byref(said), bitmaps, 1) == 0
    counted = mtmd.mtmd_helper_get_n_tokens(chunks)
    past = ctypes.c_int32(0)
    done = mtmd.mtmd_helper_eval_chunks(
        eyes._context, context, chunks, 0, 0, 512, True, ctypes.byref(past)
    )
    assert done == 0
    theirs = last()
    backend._keep(0)  # the helper has read what the back end knows nothing of
    difference = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    best = max(range(size), key=ours.__getitem__)
    return {
        "tokens": len(ids),
        "theirs": counted,
        "difference": difference,
        "spread": max(theirs) - min(theirs),
        "best": best,
        "their_best": max(range(size), key=theirs.__getitem__),
        "some": ours[:64],
    }


def pixels(model: str, projector: str, mime: str, *paths: str) -> list[dict[str, Any]]:
    """Decode pictures as they are handed to mtmd."""
    backend = opened(model, projector)
    eyes: Any = backend._eyes
    mtmd = eyes._mtmd
    found = []
    for path in paths:
        bitmap = llama_pixels.bitmap(mtmd, eyes._context, PictureFile("it", path, mime, 1))
        size = mtmd.mtmd_bitmap_get_n_bytes(bitmap)
        data = bytes(mtmd.mtmd_bitmap_get_data(bitmap)[:size])
        width, height = mtmd.mtmd_bitmap_get_nx(bitmap), mtmd.mtmd_bitmap_get_ny(bitmap)
        mtmd.mtmd_bitmap_free(bitmap)
        found.append({"size": [width, height], "data": base64.b64encode(data).decode()})
    return found


def buffer(*paths: str) -> list[dict[str, int]]:
    """Load each model with its vision part; return the sizes of its buffers as the log has them."""
    found = []
    for model, projector in zip(paths[::2], paths[1::2], strict=True):
        backend = opened(model, projector)
        eyes: Any = backend._eyes
        buffers = (eyes.buffers.weights, eyes.buffers.compute)
        weights, compute = (sum(part.values()) for part in buffers)
        found.append({"weights": weights, "compute": compute})
        backend.unload()
    return found


def growth(model: str, projector: str) -> dict[str, Any]:
    """Look at the largest pictures there are, and tell by how much the process has grown."""
    backend = opened(model, projector)
    eyes: Any = backend._eyes
    llama_library.buffer_lines.clear()
    grown = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (width, height) in enumerate(((896, 896), (96, 9520), (896, 896))):
            picture = drawn.shown(drawn.png(Path(folder) / f"{number}.png", width, height, number))
            before = process_memory.anonymous_bytes() or 0
            eyes.encode(picture, eyes.tokens(width, height), lambda: False)
            if number > 1:  # the first ones touch what was reserved
                grown.append((process_memory.anonymous_bytes() or 0) - before)
    lines = [line for line in llama_library.buffer_lines if "compute buffer" in line]
    return {"bytes": grown, "compute_lines": len(lines)}


def ahead(
    count: str, width: str, height: str, model: str, projector: str, *paths: str
) -> dict[str, Any]:
    """Draw so many tokens after each of two pictures, with and without reading ahead."""
    told: dict[str, Any] = {}
    for name, reads in (("plain", False), ("ahead", True)):
        backend = LlamaVisionBackend(ahead=reads)
        options = LoadOptions(model, context=4096, gpu_layers=0, threads=1, projector=projector)
        backend.load(options, lambda _: True)
        backend.show([PictureFile(path, path, "image/png", 1) for path in paths])
        for way, sampling in (("greedy", Sampling(0.0)), ("drawn", Sampling(0.7, seed=3))):
            ids: list[int] = []
            drawn_ids: list[int] = []
            dropped = []
            for path in paths:
                turn = Turn("user", (QUESTION, Picture(path, int(width), int(height)), QUESTION))
                ids += backend.encode(
                    mistral.build([turn], version="mistral-v13", keep_thinking=False)
                )
                if drawn_ids:  # the next turn, over what is computed ahead at this moment
                    dropped.append(len(backend._ahead))
                    backend._prompt = ids
                else:
                    backend.reuse(ids)
                assert backend.read(ids[len(backend.sequence) :])
                backend.begin(sampling)
                for _ in range(int(count)):
                    ids.append(backend.sample())
                    assert backend.append(ids[-1])
                    drawn_ids.append(ids[-1])
                ids.append(backend.sample())
                # The next turn begins over guesses, wrong ones.
                assert backend._append_with(ids[-1], [*WRONG] if reads else [])
                assert list(backend.sequence) == ids
            told[f"{name} {way}"] = drawn_ids
            told[f"{name} {way} dropped"] = dropped
        told[f"{name} guessed"], told[f"{name} right"] = backend.guessed, backend.right
        backend.unload()
    return told


if __name__ == "__main__":
    commands: dict[str, Callable[..., Any]] = {
        "logits": logits,
        "pixels": pixels,
        "buffer": buffer,
        "growth": growth,
        "ahead": ahead,
    }
    print(json.dumps(commands[sys.argv[1]](*sys.argv[2:])))
