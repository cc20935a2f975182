"""Prompts through the real engine's tokenizer: the ids that mistral-common gives."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.backends import llama_library
from app.engine.backends.vocabulary import Vocabulary
from app.engine.protocol import LoadOptions, Tokenize, Tokens
from app.prompts.mistral import VERSIONS, Version, build, placeholders
from app.prompts.segments import Effort, Image, Prompt, Turn
from tests.support import spm
from tests.support.conversations import chats, conversations, without_thoughts
from tests.support.engine import Engine
from tests.support.tekken import Tekken, of_gguf, shipped, write_gguf

EXAMPLES = int(os.environ.get("PONDER_EXAMPLES", "15"))
MANY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 500,
    suppress_health_check=[HealthCheck.too_slow],
)
DEMO = Path(__file__).parents[2] / "resources" / "demo" / "ponder-demo.gguf"


@pytest.fixture(scope="module")
def tekken(tmp_path_factory: pytest.TempPathFactory) -> Tekken:
    return shipped(tmp_path_factory.mktemp("tekken"), ranks=16_000)


@pytest.fixture(scope="module")
def vocabulary(tekken: Tekken, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vocabulary]:
    """llama.cpp's own tokenizer over mistral-common's vocabulary."""
    path = tmp_path_factory.mktemp("gguf") / "vocabulary.gguf"
    write_gguf(path, tekken)
    with opened(path) as found:
        yield found


@contextmanager
def opened(path: Path) -> Iterator[Vocabulary]:
    """Give the vocabulary of a GGUF."""
    api = llama_library.library()
    params = api.llama_model_default_params()
    params.vocab_only = True
    model = api.llama_model_load_from_file(str(path).encode(), params)
    assert model
    yield Vocabulary(api, model)
    api.llama_model_free(model)


def shown(prompt: Prompt) -> Prompt:
    """Return a prompt with the tokens that stand for its pictures."""
    return tuple(
        one
        for part in prompt
        for one in (placeholders(part) if isinstance(part, Image) else (part,))
    )


def test_the_engines_ids_are_mistral_commons(tekken: Tekken, vocabulary: Vocabulary) -> None:
    for turns in conversations(100, seed=21):
        prompt = build(turns, version="mistral-v13", keep_thinking=True)
        assert vocabulary.encode(prompt) == tekken.ids(turns)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[Version, Tekken]:
    return {
        version: shipped(
            tmp_path_factory.mktemp(version), version=version.removeprefix("mistral-"), ranks=16_000
        )
        for version in VERSIONS
    }


@pytest.mark.parametrize("version", VERSIONS)
@MANY
@given(data=st.data())
def test_every_version(
    versions: dict[Version, Tekken], vocabulary: Vocabulary, version: Version, data: st.DataObject
) -> None:
    turns = data.draw(chats(version))
    efforts: list[Effort] = ["none", "high"] if version == "mistral-v15" else ["high"]
    effort = data.draw(st.sampled_from(efforts))
    unfinished = turns[-1].role == "assistant"
    prompt = build(turns, version=version, keep_thinking=True, unfinished=unfinished, effort=effort)
    told = effort if version == "mistral-v15" else None
    expected = versions[version].ids(turns, prefix=unfinished, effort=told)
    assert vocabulary.encode(shown(prompt)) == expected


@pytest.fixture(scope="module", params=list(spm.FILES))
def sentencepiece(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Version, Tekken, Vocabulary]]:
    """Mistral 7B 0.3 and Mistral Large have vocabularies of sentencepiece's kind."""
    path = tmp_path_factory.mktemp("spm") / "vocabulary.gguf"
    spm.write_gguf(path, request.param)
    with opened(path) as found:
        yield request.param, spm.oracle(request.param), found


@MANY
@given(data=st.data())
def test_sentencepiece(
    sentencepiece: tuple[Version, Tekken, Vocabulary], data: st.DataObject
) -> None:
    version, oracle, found = sentencepiece
    turns = data.draw(chats(version, pictures=False))
    unfinished = turns[-1].role == "assistant"
    prompt = build(turns, version=version, keep_thinking=True, unfinished=unfinished)
    assert found.encode(prompt) == oracle.ids(turns, prefix=unfinished)


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
        for turns in conversations(80, seed=23):
            for keep in (True, False):
                request = engine.client.next_request()
                prompt = build(turns, version="mistral-v13", keep_thinking=keep)
                engine.client.send(Tokenize(request, prompt))
                (tokens,) = engine.until(lambda event: isinstance(event, Tokens))
                assert isinstance(tokens, Tokens)
                assert list(tokens.ids) == oracle.ids(turns if keep else without_thoughts(turns))
    finally:
        engine.client.close()
