"""Prompts through the real engine's tokenizer: the ids that mistral-common gives."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.backends import llama_library
from app.engine.backends.vocabulary import Vocabulary
from app.engine.protocol import LoadOptions, Tokenize, Tokens
from app.prompts.mistral import build
from app.prompts.segments import Turn
from tests.support.conversations import conversations, without_thoughts
from tests.support.engine import Engine
from tests.support.tekken import Tekken, of_gguf, shipped, write_gguf

DEMO = Path(__file__).parents[2] / "resources" / "demo" / "ponder-demo.gguf"


@pytest.fixture(scope="module")
def tekken(tmp_path_factory: pytest.TempPathFactory) -> Tekken:
    return shipped(tmp_path_factory.mktemp("tekken"), ranks=16_000)


@pytest.fixture(scope="module")
def vocabulary(tekken: Tekken, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    """llama.cpp's own tokenizer over mistral-common's vocabulary."""
    path = tmp_path_factory.mktemp("gguf") / "vocabulary.gguf"
    write_gguf(path, tekken)
    api = llama_library.library()
    params = api.llama_model_default_params()
    params.vocab_only = True
    model = api.llama_model_load_from_file(str(path).encode(), params)
    assert model
    yield Vocabulary(api, model)
    api.llama_model_free(model)


def test_the_engines_ids_are_mistral_commons(tekken: Tekken, vocabulary: Vocabulary) -> None:
    for turns in conversations(200, seed=21):
        prompt = build(turns, version="mistral-v13", keep_thinking=True)
        assert vocabulary.encode(prompt) == tekken.ids(turns)


def test_llama_cpp_alone_splits_words_with_marks(tekken: Tekken, vocabulary: Vocabulary) -> None:
    """Should this ever fail, llama.cpp has learned of marks and app.prompts.tekken can go."""
    hindi = "यह एक परीक्षण है"
    turns = [Turn("user", (hindi,))]
    prompt = build(turns, version="mistral-v13", keep_thinking=True)
    assert vocabulary.encode(prompt) == tekken.ids(turns)
    vocabulary._tekken = False
    try:
        assert vocabulary.encode(prompt) != tekken.ids(turns)
    finally:
        vocabulary._tekken = True


def test_the_demo_model_through_the_child(tmp_path: Path) -> None:
    oracle = of_gguf(tmp_path, DEMO)
    engine = Engine(tmp_path / "engine.log")
    try:
        engine.load(LoadOptions(str(DEMO)))
        for turns in conversations(200, seed=23):
            for keep in (True, False):
                request = engine.client.next_request()
                prompt = build(turns, version="mistral-v13", keep_thinking=keep)
                engine.client.send(Tokenize(request, prompt))
                (tokens,) = engine.until(lambda event: isinstance(event, Tokens))
                assert isinstance(tokens, Tokens)
                assert list(tokens.ids) == oracle.ids(turns if keep else without_thoughts(turns))
    finally:
        engine.client.close()
