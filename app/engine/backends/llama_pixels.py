"""From a picture's file to the pixels that mtmd encodes: opaque, and upright as it is shown.

mtmd decodes PNG, JPEG, GIF and BMP by stb_image. That knows nothing of a turned camera, and mtmd
drops transparency, so that black letters on nothing become black on black: both are put right here.
WebP it cannot read.
"""

import ctypes
import importlib
from pathlib import Path
from typing import Any

from app.engine.protocol import PictureFile
from app.errors import Problem, WorldError
from app.fit.vision import MOST_SLIM
from app.models.picture_file import Frame, frame

MOST_PIXELS = 60_000_000
"""As many as can be attached: three bytes each, and twice that while they are scaled down."""
_CLEAR = (b"\4", b"\6")  # PNG's colour types with transparency


def bitmap(mtmd: Any, context: Any, picture: PictureFile) -> Any:
    """Return mtmd's bitmap of a picture; the caller frees it. Raises WorldError, one sentence."""
    data = _read(picture)
    found = frame(data, picture.mime)
    if picture.mime == "image/webp":
        raise _unreadable("is a WebP file, which the engine cannot read", picture)
    if found is None or min(found.width, found.height) < 1:
        raise _unreadable("cannot be read: its file is damaged", picture)
    if found.width * found.height > MOST_PIXELS:
        raise _unreadable("is too large to be shown to the model", picture)
    check_shape(*found.shown)
    if _is_clear(data, picture.mime):
        pixels = _opaque(mtmd, data)
        if pixels is not None:
            return _of(mtmd, pixels)
    buffer = (ctypes.c_uint8 * len(data)).from_buffer_copy(data)
    made = mtmd.mtmd_helper_bitmap_init_from_buf(context, buffer, len(data), False)
    if not made:
        raise _unreadable("cannot be read: its file is damaged", picture)
    return _upright(mtmd, made, found) if found.orientation != 1 else made


def check_shape(width: int, height: int) -> None:
    """Raise WorldError where a picture is too long and narrow to be shown. In pixels."""
    if max(width, height) > MOST_SLIM * min(width, height):
        raise WorldError(
            Problem(
                "picture-shape",
                f"An image of {width:,} × {height:,} pixels is too long and narrow for the model.",
                "Cut a piece of it out, and attach that.",
            )
        )


def _read(picture: PictureFile) -> bytes:
    try:
        return Path(picture.path).read_bytes()
    except OSError as error:
        raise WorldError(
            Problem(
                "picture-gone",
                "The file of an image in this chat is missing.",
                "Attach the image again, or remove the message that shows it.",
                str(error),
            )
        ) from error


def _unreadable(why: str, picture: PictureFile) -> WorldError:
    return WorldError(
        Problem(
            "picture-unreadable",
            f"An image in this chat {why}.",
            "Attach it as a PNG or JPEG of ordinary size instead.",
            f"{picture.mime}, {picture.size_bytes:,} bytes, {picture.key}",
        )
    )


def _is_clear(data: bytes, mime: str) -> bool:
    """Whether a picture may have transparent parts."""
    if mime == "image/png":
        return data[25:26] in _CLEAR or b"tRNS" in data[:8192]
    return mime == "image/gif"


def _opaque(mtmd: Any, data: bytes) -> Any:
    """Return the pixels [height, width, 3] on white; None where the build hides stb_image."""
    import numpy as np

    library = importlib.import_module("llama_cpp.mtmd_cpp")._libmtmd
    try:
        load, free = library.stbi_load_from_memory, library.stbi_image_free
    except AttributeError:  # Windows exports what is declared to be, and no more
        return None
    load.restype = ctypes.POINTER(ctypes.c_uint8)
    free.argtypes = [ctypes.c_void_p]
    width, height, channels = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    sizes = (ctypes.byref(width), ctypes.byref(height), ctypes.byref(channels))
    found = load(data, len(data), *sizes, 4)
    if not found:
        return None
    try:
        shape = (height.value, width.value, 4)
        pixels = np.ctypeslib.as_array(found, shape).astype(np.uint16)
    finally:
        free(found)
    alpha = pixels[:, :, 3:]
    return ((pixels[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _upright(mtmd: Any, made: Any, found: Frame) -> Any:
    """Return the bitmap turned as its camera says; the one given is freed."""
    import numpy as np

    data = mtmd.mtmd_bitmap_get_data(made)
    stored = np.ctypeslib.as_array(data, (found.height, found.width, 3)).copy()
    mtmd.mtmd_bitmap_free(made)
    # EXIF's eight: mirrored, upside down, and the same four with the axes exchanged.
    turned = stored.transpose(1, 0, 2) if found.orientation >= 5 else stored
    if found.orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    if found.orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    return _of(mtmd, turned)


def _of(mtmd: Any, pixels: Any) -> Any:
    import numpy as np

    whole = np.ascontiguousarray(pixels)
    height, width, _ = whole.shape
    pointer = whole.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
    return mtmd.mtmd_bitmap_init(width, height, pointer)
