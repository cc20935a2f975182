"""Why a model cannot see, in words: it has no vision part, a wrong one, or no room for it."""

from app.engine.protocol import ModelInfo
from app.errors import Problem

_EYES = "[IMG_END]"
"""A control token of all vocabularies of models that see, and of some that do not."""


def blind(model: str, info: ModelInfo | None, *, left_out: bool = False) -> Problem:
    """Return why an image is not shown to a model. model: its name, as the user knows it.

    info: None while it is not loaded. left_out: it was loaded without its vision part, because
    memory is short.
    """
    if info is None:
        return Problem(
            "image-unseen",
            f"{model} is still being loaded, so it is not known yet whether it can see images.",
            "Send again in a moment, or send the message without the image.",
        )
    ways = "Send the message without the image, remove it, or choose a model that sees."
    why = "."
    if info.blind:
        why = f": {info.blind}"
    elif left_out:
        why = ": there was no memory for its vision part."
        ways = "Choose a smaller context or a smaller quantization, or send it without the image."
    elif info.backend == "mlx":
        ways = "Load a GGUF of this model with its vision part, or send it without the image."
    elif info.server is None and _EYES in info.controls:
        why = ": no vision part lies beside its file."
        ways = (
            "If it was made to see, put that (mmproj….gguf, from its page) beside it and load it"
            " again; else send the message without the image, or choose a model that sees."
        )
    return Problem("image-unseen", f"{model} cannot see images here{why}", ways)


def not_read(name: str) -> Problem:
    """Return why an image of a kind that the engine cannot decode is not sent. name: its file's."""
    return Problem(
        "image-kind",
        f"“{name}” is a WebP image, which the engine cannot read.",
        "Attach it as a PNG or JPEG, or open it, copy it, and paste it here.",
    )
