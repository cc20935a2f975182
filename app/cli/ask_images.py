"""The images of `ponder ask --image FILE`: looked at, shown to the model, kept with the chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.chat import attached_image, attachments
from app.chat.message import Image
from app.engine.protocol import PictureFile
from app.models.picture_file import frame


@dataclass(frozen=True, slots=True)
class Shown:
    """An image as a message has it, as the engine is told of it, and its bytes."""

    part: Image
    file: PictureFile
    data: bytes


def read(paths: Sequence[str]) -> tuple[Shown, ...]:
    """Return images from files. Raises WorldError where one cannot be shown."""
    return tuple(_read(Path(path).expanduser()) for path in paths)


def _read(path: Path) -> Shown:
    data = attachments.read(path)
    name = attachments.clean_name(path.name)
    mime = attached_image.mime_of(data)
    if mime is None:
        raise attachments.refused(name, "is not an image", "Name a PNG, JPEG, GIF or BMP file.")
    found = frame(data, mime)
    if found is None and mime == "image/webp":
        why = "is a WebP image, which the engine cannot read"
        raise attachments.refused(name, why, "Save it as a PNG or JPEG, and name that.")
    if found is None:
        raise attached_image.broken(name)
    attached_image.check_size(name, found.width, found.height)
    part = attached_image.found(name, data, mime, *found.shown)
    return Shown(part, PictureFile(part.sha256, str(path.resolve()), mime, len(data)), data)
