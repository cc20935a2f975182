"""The two forms in which an MLX folder has its vocabulary: tokenizer.json, and Mistral's own file.

Both turn a text into ids with special tokens switched off, and an id into bytes. What ids mean
beyond that is `mlx_vocabulary`'s.

Many conversions of Mistral's models carry a wrong pattern for splitting text into words; it is
replaced by tekken's own, so that the ids are those that the model was trained on.
"""

import base64
import heapq
import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from app.prompts import tekken

_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SPACE = "▁"
_KNOWN_DECODERS = {"ByteLevel", "ByteFallback", "Metaspace", "Replace"}


class UnusableError(Exception):
    """A vocabulary cannot be used. The message is half a sentence that says why."""


class Tokenizer(Protocol):
    """A vocabulary. size: how many ordinary tokens it has at most. added: beside these, by id.

    special: of the added, the control tokens. strips: of these, those that swallow the white space
    after them.
    """

    size: int
    added: dict[int, str]
    special: set[int]
    strips: set[int]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text without lone surrogates."""

    def data(self, token_id: int) -> bytes:
        """Return the bytes of an ordinary token, b"" where there is none of this id."""

    def find(self, spelling: str) -> int | None:
        """Return the id of a token by its spelling."""


def read(folder: Path) -> Tokenizer:
    """Return a folder's vocabulary. Raises UnusableError."""
    path = folder / "tokenizer.json"
    return JsonTokenizer(path) if path.is_file() else TekkenTokenizer(folder / "tekken.json")


class JsonTokenizer:
    """tokenizer.json, through the library that is made for it."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises UnusableError."""
        self._library = importlib.import_module("tokenizers")
        try:
            self._tokenizer = self._library.Tokenizer.from_file(str(path))
        except BaseException as error:
            if type(error) is not Exception:  # the library raises the bare class, and only that
                raise
            raise UnusableError("it is damaged", str(error)) from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        found = self._tokenizer.get_added_tokens_decoder()
        self.added = {number: token.content for number, token in found.items()}
        self.special = {number for number, token in found.items() if token.special}
        self.strips = {number for number in self.special if found[number].rstrip}
        self.size = self._tokenizer.get_vocab_size(with_added_tokens=False)
        parts = _parts(self._tokenizer.decoder)
        if not _KNOWN_DECODERS & parts:
            raise UnusableError("it is of a kind that is not known here", ", ".join(sorted(parts)))
        self._in_bytes = "ByteLevel" in parts
        if self._in_bytes and "[INST]" in self.added.values():
            self._split_as_tekken()

    def _split_as_tekken(self) -> None:
        parts = self._library.pre_tokenizers
        self._tokenizer.pre_tokenizer = parts.Sequence(
            [
                parts.Split(self._library.Regex(_TEKKEN), "isolated"),
                parts.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def data(self, token_id: int) -> bytes:
        """Return the bytes that a token's spelling stands for."""
        spelling = self._tokenizer.id_to_token(token_id) or ""
        if self._in_bytes:
            return tekken.spelled_bytes(spelling) or b""
        if len(spelling) == 6 and spelling.startswith("<0x") and spelling.endswith(">"):
            return bytes.fromhex(spelling[3:5])
        return str(spelling).replace(_SPACE, " ").encode()

    def find(self, spelling: str) -> int | None:
        """Return the id of a token."""
        found: int | None = self._tokenizer.token_to_id(spelling)
        return found


def _parts(decoder: Any) -> set[str]:
    """Return the kinds of the parts of a decoder."""
    if decoder is None:
        return set()
    # The only thing it tells of itself is what it pickles to.
    said = json.loads(decoder.__getstate__())
    return {str(part["type"]) for part in said.get("decoders", [said])}


class TekkenTokenizer:
    """tekken.json: control tokens first, then bytes and what they were joined to, in that order."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises UnusableError."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            controls = content["special_tokens"]
            self.added = {int(token["rank"]): str(token["token_str"]) for token in controls}
            reserved = int(content["config"]["default_num_special_tokens"])
            self.size = int(content["config"]["default_vocab_size"])
            words = content["vocab"][: self.size - reserved]
            self._data = [base64.b64decode(word["token_bytes"]) for word in words]
            pattern = content["config"]["pattern"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UnusableError("it is damaged", f"{type(error).__name__}: {error}") from error
        if pattern != _TEKKEN:
            raise UnusableError("it splits text in a way that is not known here", str(pattern))
        self.special = set(self.added)
        self.strips: set[int] = set()
        self._reserved = reserved
        self._ids = {data: reserved + rank for rank, data in enumerate(self._data)}

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text."""
        return tekken.encode(text, self._ids, lambda word: joined(word.encode(), self._ids))

    def data(self, token_id: int) -> bytes:
        """Return the bytes of a token."""
        rank = token_id - self._reserved
        return self._data[rank] if 0 <= rank < len(self._data) else b""

    def find(self, spelling: str) -> int | None:
        """Return the id of a token."""
        named = (number for number, name in self.added.items() if name == spelling)
        return next(named, self._ids.get(spelling.encode()))


def joined(word: bytes, ids: Mapping[bytes, int]) -> list[int]:
    """Return the ids of a word: neighbours joined, always the pair whose id is the lowest.

    Of pairs with the same id the first one; a word may be of any length.
    """
    if word in ids:
        return [ids[word]]
    end = len(word)
    # By the start of a part: where it ends, 0 where it is one no more; and where the one before
    # it starts.
    ends = list(range(1, end + 1))
    before = list(range(-1, end))
    pairs: list[tuple[int, int, int, int]] = []

    def offer(start: int) -> None:
        middle = ends[start]
        if middle < end and (token := ids.get(word[start : ends[middle]])) is not None:
            heapq.heappush(pairs, (token, start, middle, ends[middle]))

    for start in range(end - 1):
        offer(start)
    while pairs:
        _, start, middle, stop = heapq.heappop(pairs)
        if ends[start] != middle or ends[middle] != stop:
            continue  # one of the two was joined with another
        ends[start], ends[middle] = stop, 0
        before[stop] = start
        if start:
            offer(before[start])
        offer(start)
    return [ids[word[start:stop]] for start, stop in enumerate(ends) if stop]
