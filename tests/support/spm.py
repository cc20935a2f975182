"""mistral-common over the sentencepiece vocabularies that it brings, and those as GGUF files."""

from pathlib import Path
from typing import Any

import mistral_common
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from tests.support.synthetic import gguf_string, gguf_value
from tests.support.tekken import Tekken

_DATA = Path(mistral_common.__file__).parent / "data"
FILES = {
    "mistral-v3": _DATA / "mistral_instruct_tokenizer_240323.model.v3",
    "mistral-v7": _DATA / "mistral_instruct_tokenizer_241114.model.v7",
}


class Sentencepiece(Tekken):
    """An oracle as `Tekken` is, whose ids are the vocabulary's own."""

    def _own(self, token: int) -> int:
        return token


def oracle(version: str) -> Sentencepiece:
    """Return mistral-common over the vocabulary of a version."""
    return Sentencepiece(MistralTokenizer.from_file(str(FILES[version])))


def write_gguf(path: Path, version: str) -> None:
    """Write the vocabulary as a GGUF without any weights: enough to encode with."""
    import struct

    from sentencepiece import SentencePieceProcessor

    model = SentencePieceProcessor(model_file=str(FILES[version]))
    size = model.vocab_size()
    kinds = [
        3
        if model.is_control(one)
        else 6
        if model.is_byte(one)
        else 2
        if model.is_unknown(one)
        else 1
        for one in range(size)
    ]
    scores = [float(model.get_score(one)) for one in range(size)]
    pairs: dict[str, Any] = {
        "general.architecture": "llama",
        "llama.context_length": 512,
        "llama.embedding_length": 32,
        "llama.block_count": 1,
        "llama.feed_forward_length": 32,
        "llama.attention.head_count": 1,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [model.id_to_piece(one) for one in range(size)],
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
    }
    body = b"".join(gguf_string(key) + gguf_value(value) for key, value in pairs.items())
    body += gguf_string("tokenizer.ggml.scores")
    body += struct.pack(f"<IIQ{size}f", 9, 6, size, *scores)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs) + 1) + body)
