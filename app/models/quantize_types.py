"""The types that llama.cpp can quantize to, by the names people know them by.

A type of a file (general.file_type, LLAMA_FTYPE_* of llama.h) is a mix: each tensor gets a type of
ggml's, the `base` or what app.models.quantize_rules chooses instead. MLX knows one: so many bits
for each weight, with a scale and an offset for each group of 64.
"""

import re
from typing import NamedTuple

from app.errors import Problem, WorldError


class FileType(NamedTuple):
    """A type of a GGUF file: its number in llama.h, and the ggml type that most tensors get."""

    number: int
    base: int


# Numbers of enum ggml_type.
F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 = 0, 1, 2, 3, 6, 7, 8
Q2_K, Q3_K, Q4_K, Q5_K, Q6_K = 10, 11, 12, 13, 14
IQ2_XXS, IQ2_XS, IQ3_XXS, IQ1_S, IQ4_NL, IQ3_S, IQ2_S, IQ4_XS = 16, 17, 18, 19, 20, 21, 22, 23
IQ1_M, BF16, TQ1_0, TQ2_0, MXFP4, Q1_0, Q2_0 = 29, 30, 34, 35, 39, 41, 42

FILE_TYPES = {
    "F32": FileType(0, F32),
    "BF16": FileType(32, BF16),
    "F16": FileType(1, F16),
    "Q8_0": FileType(7, Q8_0),
    "Q6_K": FileType(18, Q6_K),
    "Q5_K_M": FileType(17, Q5_K),
    "Q5_K_S": FileType(16, Q5_K),
    "Q5_1": FileType(9, Q5_1),
    "Q5_0": FileType(8, Q5_0),
    "Q4_K_M": FileType(15, Q4_K),
    "Q4_K_S": FileType(14, Q4_K),
    "Q4_1": FileType(3, Q4_1),
    "Q4_0": FileType(2, Q4_0),
    "IQ4_NL": FileType(25, IQ4_NL),
    "IQ4_XS": FileType(30, IQ4_XS),
    "MXFP4_MOE": FileType(38, MXFP4),
    "Q3_K_L": FileType(13, Q3_K),
    "Q3_K_M": FileType(12, Q3_K),
    "Q3_K_S": FileType(11, Q3_K),
    "IQ3_M": FileType(27, IQ3_S),
    "IQ3_S": FileType(26, IQ3_S),
    "IQ3_XS": FileType(22, IQ3_S),
    "IQ3_XXS": FileType(23, IQ3_XXS),
    "Q2_K": FileType(10, Q2_K),
    "Q2_K_S": FileType(21, Q2_K),
    "Q2_0": FileType(41, Q2_0),
    "IQ2_M": FileType(29, IQ2_S),
    # Its mix begins with IQ2_XS: llama_ftype_get_default_type says so.
    "IQ2_S": FileType(28, IQ2_XS),
    "IQ2_XS": FileType(20, IQ2_XS),
    "IQ2_XXS": FileType(19, IQ2_XXS),
    "TQ2_0": FileType(37, TQ2_0),
    "TQ1_0": FileType(36, TQ1_0),
    "IQ1_M": FileType(31, IQ1_M),
    "IQ1_S": FileType(24, IQ1_S),
    "Q1_0": FileType(40, Q1_0),
}
"""What llama_model_quantize makes, the most bits first. Of llama.h's list, NVFP4 is not made."""

NEED_IMATRIX = (
    "IQ3_XS",
    "IQ3_XXS",
    "Q2_K_S",
    "IQ2_M",
    "IQ2_S",
    "IQ2_XS",
    "IQ2_XXS",
    "IQ1_M",
    "IQ1_S",
)
"""Of them, those that need an importance matrix where a model's rows are of whole blocks."""

MLX_BITS = {"8bit": 8, "6bit": 6, "5bit": 5, "4bit": 4}
"""What an MLX folder can be made to."""

SOURCES = (F32, F16, BF16, Q8_0)
"""ggml types that may be quantized: from fewer bits the loss would come twice."""

_ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "MXFP4": "MXFP4_MOE"}
_TYPE_NAMES = {
    value: name
    for name, value in dict(globals()).items()
    if isinstance(value, int) and name.isupper() and not name.startswith("_")
}
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})$")
_ENDING = re.compile(
    r"[-_.](?:" + "|".join(sorted((*FILE_TYPES, "FP16", "FP32"), key=len, reverse=True)) + ")$",
    re.IGNORECASE,
)


def type_name(kind: int) -> str:
    """Return the name of a ggml type."""
    return _TYPE_NAMES.get(kind, f"type {kind}")


def gguf_name(text: str) -> str:
    """Return the name of the type that someone wrote. Raises WorldError with all there are."""
    name = text.upper().replace("-", "_")
    name = _ALIASES.get(name, name)
    if name in FILE_TYPES:
        return name
    if text.lower() in MLX_BITS:
        raise WorldError(
            Problem(
                "quantize-type",
                f"{text} is a type of MLX folders, not of GGUF files.",
                f"Choose one of: {', '.join(FILE_TYPES)}.",
            )
        )
    raise WorldError(_unknown(text, ", ".join(FILE_TYPES)))


def mlx_name(text: str) -> str:
    """Return the name of MLX's type that someone wrote. Raises WorldError with all there are."""
    name = text.lower().replace("-", "").removeprefix("mlx")
    if name in MLX_BITS:
        return name
    raise WorldError(_unknown(text, ", ".join(MLX_BITS)))


def without_type(stem: str) -> str:
    """Return a file's name without its type, and without the number of a split file."""
    return _ENDING.sub("", _SPLIT.sub("", stem))


def split_of(stem: str) -> tuple[str, int] | None:
    """Return the stem of a split file without its number, and how many there are."""
    found = _SPLIT.search(stem)
    return (stem[: found.start()], int(found.group(2))) if found else None


def _unknown(text: str, known: str) -> Problem:
    return Problem("quantize-type", f'There is no type "{text}".', f"Choose one of: {known}.")
