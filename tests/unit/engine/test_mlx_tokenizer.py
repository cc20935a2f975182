"""The vocabularies of MLX folders, against mistral-common and the plain definition of joining."""

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from app.engine.backends import mlx_folder
from app.engine.backends.mlx_tokenizer import TekkenTokenizer, UnusableError, joined
from app.engine.backends.mlx_vocabulary import MlxVocabulary
from app.prompts.mistral import build
from app.prompts.segments import Control, Text
from tests.support import synthetic_mlx
from tests.support.conversations import conversations
from tests.support.synthetic import TINY
from tests.support.tekken import Tekken, shipped


@pytest.fixture(scope="module")
def tekken(tmp_path_factory: pytest.TempPathFactory) -> Tekken:
    """An oracle; its tekken.json lies in a folder that is an MLX model otherwise."""
    folder = synthetic_mlx.write(tmp_path_factory.mktemp("tekken") / "model", TINY)
    (folder / "tokenizer.json").unlink()
    return shipped(folder)


@pytest.fixture(scope="module")
def folder(tekken: Tekken, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next(tmp_path_factory.getbasetemp().glob("tekken*/model"))


def test_mistrals_own_file_gives_mistral_commons_ids(tekken: Tekken, folder: Path) -> None:
    vocabulary = MlxVocabulary(mlx_folder.read(folder), 1 << 20)
    for turns in conversations(120, seed=5):
        prompt = build(turns, version="mistral-v13", keep_thinking=True)
        ids = vocabulary.encode(prompt)
        assert ids == tekken.ids(turns)
        text = "".join(segment.text for segment in prompt if isinstance(segment, Text))
        tokens = [vocabulary.token(number) for number in ids]
        assert b"".join(token.data for token in tokens if token.control is None) == text.encode()
    assert vocabulary.token(vocabulary.encode((Control("</s>"),))[0]).end


def slowly_joined(word: bytes, ids: dict[bytes, int]) -> list[int]:
    """The definition: look at all pairs, join the first of the lowest id, begin again."""
    if word in ids:
        return [ids[word]]
    parts = [bytes([byte]) for byte in word]
    while True:
        pairs = [
            (ids[a + b], at) for at, (a, b) in enumerate(itertools.pairwise(parts)) if a + b in ids
        ]
        if not pairs:
            return [ids[part] for part in parts]
        at = min(pairs)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


def test_joining_quickly_is_joining() -> None:
    drawn = random.Random(3)
    for _ in range(300):
        ids = {bytes([letter]): letter for letter in range(97, 101)}
        known = list(ids)
        for number in range(drawn.randrange(3, 40)):
            made = drawn.choice(known) + drawn.choice(known)
            if made not in ids:
                ids[made] = 200 + number
                known.append(made)
        word = bytes(drawn.choices(range(97, 101), k=drawn.randrange(1, 60)))
        assert joined(word, ids) == slowly_joined(word, ids)
    long = b"abcd" * 20_000
    assert len(joined(long, ids | {b"ab": 900})) <= len(long)


@pytest.mark.parametrize("damage", ["cut off", "no control tokens", "another pattern"])
def test_a_file_that_cannot_be_used(damage: str, folder: Path, tmp_path: Path) -> None:
    content: dict[str, Any] = json.loads((folder / "tekken.json").read_text(encoding="utf-8"))
    if damage == "no control tokens":
        del content["special_tokens"]
    if damage == "another pattern":
        content["config"]["pattern"] = ".*"
    text = json.dumps(content)
    path = tmp_path / "tekken.json"
    path.write_text(text[: len(text) // 2] if damage == "cut off" else text, encoding="utf-8")
    with pytest.raises(UnusableError):
        TekkenTokenizer(path)


def _sentencepiece(folder: Path) -> None:
    """Give a folder a vocabulary as SentencePiece has it: a letter for the space, spelled bytes."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    letters = ["\u2581", *"abcdefghijklmnopqrstuvwxyz"]
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    names += ["\u2581c", "\u2581ca", "\u2581cat"]
    content["model"] |= {
        "vocab": {name: number for number, name in enumerate(names)},
        "merges": [["\u2581", "c"], ["\u2581c", "a"], ["\u2581ca", "t"]],
        "byte_fallback": True,
        "ignore_merges": False,
        "unk_token": "<unk>",
    }
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    prepend = {"type": "Prepend", "prepend": "\u2581"}
    content["normalizer"] = {"type": "Sequence", "normalizers": [prepend, replace]}
    content["pre_tokenizer"] = None
    back = {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}
    content["decoder"] = {
        "type": "Sequence",
        "decoders": [back, {"type": "ByteFallback"}, {"type": "Fuse"}],
    }
    content["added_tokens"] = [one for one in content["added_tokens"] if one["id"] <= 2]
    path.write_text(json.dumps(content), encoding="utf-8")


def test_a_vocabulary_of_sentencepiece(tmp_path: Path) -> None:
    folder = synthetic_mlx.write(tmp_path / "model", TINY)
    _sentencepiece(folder)
    vocabulary = MlxVocabulary(mlx_folder.read(folder), 1024)
    ids = vocabulary.encode((Control("<s>"), Text("cat \u00e9 </s>"), Control("</s>")))
    tokens = [vocabulary.token(number) for number in ids]
    assert [token.control for token in (tokens[0], tokens[-1])] == ["<s>", "</s>"]
    assert tokens[1].data == b" cat"
    assert all(token.control is None for token in tokens[1:-1])
    assert b"".join(token.data for token in tokens[1:-1]).decode().startswith(" cat \u00e9 ")
    assert vocabulary.token(1023).data == b""  # a row of the weights without a token


def test_a_token_may_swallow_the_space_after_it(tmp_path: Path) -> None:
    folder = synthetic_mlx.write(tmp_path / "model", TINY)
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for token in content["added_tokens"]:
        token["rstrip"] = token["content"] == "[/INST]"
    path.write_text(json.dumps(content), encoding="utf-8")
    vocabulary = MlxVocabulary(mlx_folder.read(folder), 1024)
    swallowed = vocabulary.encode((Control("[/INST]"), Text(" \n"), Text(" a b")))
    assert swallowed == vocabulary.encode((Control("[/INST]"), Text("a b")))
    kept = vocabulary.encode((Control("[INST]"), Text(" a b")))
    assert len(kept) == len(vocabulary.encode((Control("[INST]"), Text("a b")))) + 1


def test_a_wrong_pattern_of_a_mistral_model_is_mended(tmp_path: Path) -> None:
    folder = synthetic_mlx.write(tmp_path / "model", TINY)
    vocabulary = MlxVocabulary(mlx_folder.read(folder), 1024)
    # The folder's own keeps digits together; tekken takes each by itself.
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    words = {number: spelling for spelling, number in content["model"]["vocab"].items()}
    content["model"]["vocab"] = {v: k for k, v in (words | {1022: "123"}).items()}
    path.write_text(json.dumps(content), encoding="utf-8")
    again = MlxVocabulary(mlx_folder.read(folder), 1024)
    assert again.encode((Text("123"),)) == vocabulary.encode((Text("123"),))
    assert len(again.encode((Text("123"),))) == 3
