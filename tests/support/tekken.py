"""mistral-common's tokenizer over any vocabulary: the oracle that prompts are compared with.

A tekken vocabulary is the special tokens, then the 256 bytes, then merges by rank. `shipped` takes
the first ranks of the one that mistral-common brings; `of_gguf` reads a model file's own.
"""

import base64
import functools
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import mistral_common
import mistral_common.tokens.tokenizers.image as images
import numpy as np
from mistral_common.protocol.instruct.chunk import ImageChunk, TextChunk, ThinkChunk
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest, ReasoningEffort
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from PIL import Image as Pillow

from app.prompts.mistral import placeholders
from app.prompts.segments import Control, Image, Picture, Prompt, Thought, Turn

SHIPPED = Path(mistral_common.__file__).parent / "data" / "tekken_240911.json"

# Only the places of pictures are compared, and resizing them would need OpenCV.
images.transform_image = lambda image, new_size: np.zeros((1, 1, 1))

# What mistral-common asks a v15 vocabulary for, the latest.
SPECIALS = [
    *("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"),
    *("[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]"),
    *("[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    *("[TOOL_CONTENT]", "[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]"),
    *("[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"),
]


@dataclass
class Tekken:
    """mistral-common over one vocabulary.

    own: the special tokens that the vocabulary itself has, in the order of its ids; the ids that
    `ids` and `encode` return are the vocabulary's own.
    """

    oracle: MistralTokenizer[Any, Any, Any, Any, Any]
    own: list[str] = field(default_factory=lambda: SPECIALS)

    def ids(
        self, turns: list[Turn], *, prefix: bool = False, effort: str | None = None
    ) -> list[int]:
        """Return what mistral-common makes of a conversation. effort: v15's setting."""
        messages = [_message(turn, prefix and turn is turns[-1]) for turn in turns]
        wish = None if effort is None else ReasoningEffort(effort)
        request = ChatCompletionRequest(messages=messages, reasoning_effort=wish)
        found = self.oracle.encode_chat_completion(request)
        return [self._own(token) for token in found.tokens]

    def encode(self, prompt: Prompt) -> list[int]:
        """Return the ids of a prompt's segments, each by itself."""
        tekken = self.tekkenizer
        found: list[int] = []
        for segment in prompt:
            if isinstance(segment, Control):
                found.append(tekken.get_special_token(segment.name))
            elif isinstance(segment, Image):
                found += [tekken.get_special_token(one.name) for one in placeholders(segment)]
            else:
                found += tekken.encode(segment.text, bos=False, eos=False)
        return [self._own(token) for token in found]

    def spellings(self) -> list[tuple[int, str]]:
        """Return id and spelling of the ordinary tokens, as a GGUF spells them."""
        letters = _byte_letters()
        ranks = self.tekkenizer._tekken_token2id_nospecial
        return [
            (rank + len(self.own), "".join(letters[byte] for byte in token))
            for token, rank in ranks.items()
        ]

    @property
    def tekkenizer(self) -> Tekkenizer:
        tokenizer = self.oracle.instruct_tokenizer.tokenizer
        assert isinstance(tokenizer, Tekkenizer)
        return tokenizer

    def _own(self, token: int) -> int:
        special = self.tekkenizer.num_special_tokens
        if token >= special:
            return token - special + len(self.own)
        return self.own.index(self.tekkenizer.id_to_piece(token))


def _message(turn: Turn, prefix: bool) -> Any:
    parts: Any = [
        ThinkChunk(thinking=part.text, closed=part.closed)
        if isinstance(part, Thought)
        else ImageChunk(image=Pillow.new("RGB", (part.width, part.height)))
        if isinstance(part, Picture)
        else TextChunk(text=part)
        for part in turn.parts
    ]
    content = turn.parts[0] if len(turn.parts) == 1 and isinstance(turn.parts[0], str) else parts
    if turn.role == "system":
        return SystemMessage(content=content)
    if turn.role == "user":
        return UserMessage(content=content)
    return AssistantMessage(content=content, prefix=prefix)


def shipped(folder: Path, *, version: str = "v13", ranks: int = 6_000) -> Tekken:
    """Return an oracle with the first ranks of mistral-common's own vocabulary."""
    return _tekken(folder, _shipped()["vocab"][:ranks], SPECIALS, version)


@functools.cache
def _shipped() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return content


def of_gguf(folder: Path, gguf: Path) -> Tekken:
    """Return an oracle with the vocabulary of a model whose control tokens come first."""
    values = read_gguf(gguf)
    tokens, kinds = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
    first = next(number for number, kind in enumerate(kinds) if kind == 1)
    letters = {letter: byte for byte, letter in enumerate(_byte_letters())}
    vocab = [
        {
            "rank": rank,
            "token_bytes": base64.b64encode(bytes(letters[one] for one in token)).decode(),
            "token_str": None,
        }
        for rank, token in enumerate(tokens[first:])
    ]
    return _tekken(folder, vocab, tokens[:first], "v13")


def write_gguf(path: Path, tekken: Tekken) -> None:
    """Write the vocabulary as a GGUF without any weights: enough to encode with."""
    specials, spellings = tekken.own, [spelling for _, spelling in sorted(tekken.spellings())]
    ranks = {spelling: rank for rank, spelling in enumerate(spellings)}
    merges = [
        f"{token[:cut]} {token[cut:]}"
        for rank, token in enumerate(spellings)
        for cut in range(1, len(token))
        if ranks.get(token[:cut], rank) < rank and ranks.get(token[cut:], rank) < rank
    ]
    kinds = [3] * len(specials) + [1] * len(spellings)
    numbers = {
        "llama.context_length": 512,
        "llama.embedding_length": 32,
        "llama.block_count": 1,
        "llama.feed_forward_length": 32,
        "llama.attention.head_count": 1,
        "tokenizer.ggml.bos_token_id": specials.index("<s>"),
        "tokenizer.ggml.eos_token_id": specials.index("</s>"),
    }
    texts = {
        "general.architecture": "llama",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "tekken",
    }
    pairs = [
        *(_text(key) + struct.pack("<I", 8) + _text(value) for key, value in texts.items()),
        *(_text(key) + struct.pack("<II", 4, value) for key, value in numbers.items()),
        _text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, 1e-5),
        _texts("tokenizer.ggml.tokens", [*specials, *spellings]),
        _texts("tokenizer.ggml.merges", merges),
        _text("tokenizer.ggml.token_type")
        + struct.pack(f"<IIQ{len(kinds)}i", 9, 5, len(kinds), *kinds),
    ]
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs))


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _texts(key: str, values: list[str]) -> bytes:
    return _text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(_text, values))


def _tekken(folder: Path, vocab: list[dict[str, Any]], own: list[str], version: str) -> Tekken:
    specials = [*own, *(name for name in SPECIALS if name not in own)]
    pattern = _shipped()["config"]["pattern"]
    path = folder / "tekken.json"
    content = {
        "config": {
            "pattern": pattern,
            "num_vocab_tokens": len(vocab),
            "default_vocab_size": len(vocab) + len(specials),
            "default_num_special_tokens": len(specials),
            "version": version,
        },
        "vocab": vocab,
        "special_tokens": [
            {"rank": rank, "token_str": name, "is_control": True}
            for rank, name in enumerate(specials)
        ],
    }
    if version != "v3":
        content["image"] = {"image_patch_size": 14, "max_image_size": 1540, "spatial_merge_size": 2}
    if version == "v15":
        efforts = {"type": "enum", "values": ["none", "high"], "default": "none"}
        content["model_settings_builder"] = {"reasoning_effort": {**efforts, "accepts_none": True}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return Tekken(MistralTokenizer.from_file(str(path)), own)


def _byte_letters() -> list[str]:
    """Return the letter by which byte-level BPE writes each byte in a GGUF's token list."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(spare)) for byte in range(256)]


def read_gguf(path: Path) -> dict[str, Any]:
    """Return a GGUF's key-value pairs (version 2 and later, little-endian)."""
    with path.open("rb") as file:
        magic, _version, _tensors, count = struct.unpack("<4sIQQ", file.read(24))
        assert magic == b"GGUF"
        return {_string(file): _value(file, _number(file, "I")) for _ in range(count)}


_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}


def _number(file: BinaryIO, code: str) -> Any:
    return struct.unpack(f"<{code}", file.read(struct.calcsize(f"<{code}")))[0]


def _string(file: BinaryIO) -> str:
    return file.read(_number(file, "Q")).decode("utf-8")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == 8:
        return _string(file)
    if kind == 9:
        inner = _number(file, "I")
        return [_value(file, inner) for _ in range(_number(file, "Q"))]
    return _number(file, _SCALARS[kind])
