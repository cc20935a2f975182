"""Why a model cannot see is said in one sentence, with what to do about it."""

from dataclasses import replace

import pytest

from app.chat.sight import blind
from app.engine.protocol import ModelInfo, ServerFacts

INFO = ModelInfo(
    name="Seer",
    path="seer.gguf",
    size_bytes=1,
    architecture="llama",
    quantization="Q8_0",
    parameters=1,
    layers=1,
    vocabulary=1,
    context=1,
    context_train=1,
    controls=("[IMG_END]",),
    template=None,
    sampling=None,
    backend="llama_cpp",
    device="CPU",
    build="",
)


@pytest.mark.parametrize(
    ("info", "left_out", "title", "advice"),
    [
        (None, False, "Seer is still being loaded, so it is not known yet", "in a moment"),
        (INFO, False, "Seer cannot see images here: no vision part lies beside its", "mmproj"),
        (INFO, True, "Seer cannot see images here: there was no memory for its", "smaller"),
        (
            replace(INFO, blind="mmproj.gguf was made for another model than seer.gguf."),
            True,
            "Seer cannot see images here: mmproj.gguf was made for another model than seer.gguf.",
            "choose a model that sees",
        ),
        (replace(INFO, controls=()), False, "Seer cannot see images here.", "a model that sees"),
        (replace(INFO, backend="mlx"), False, "Seer cannot see images here.", "GGUF"),
        (
            replace(INFO, server=ServerFacts("box:8000", "vLLM", here=False)),
            False,
            "Seer cannot see images here.",
            "a model that sees",
        ),
    ],
)
def test_why_an_image_is_not_shown(
    info: ModelInfo | None, left_out: bool, title: str, advice: str
) -> None:
    problem = blind("Seer", info, left_out=left_out)
    assert problem.title.startswith(title)
    assert problem.title.endswith(".")
    assert advice in problem.advice
