"""Magistral's control tokens and the tekken file format; standard library only.

Kept apart so that a test can turn the token list of a GGUF into a
tekken.json and compare mistral-common with llama.cpp, without torch.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

SPECIALS = (
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
    "[ARGS]",
    "[CALL_ID]",
    "[THINK]",
    "[/THINK]",
)
CONTROL = {name: i for i, name in enumerate(SPECIALS)}
PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_letters() -> list[str]:
    """The printable letter that stands for each byte in byte-level BPE."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, spare = {}, 256
    for b in range(256):
        if b in plain:
            letters[b] = chr(b)
        else:
            letters[b], spare = chr(spare), spare + 1
    return [letters[b] for b in range(256)]


def write_tekken(tokens: list[str], path: Path) -> None:
    """Write the vocabulary as a tekken.json of version v13.

    `tokens` is the GGUF's token list, so the file can be made from the model
    alone. mistral-common then has to give the same ids as llama.cpp.
    """
    byte_of = {letter: b for b, letter in enumerate(byte_letters())}
    vocab = []
    for rank, token in enumerate(tokens[len(SPECIALS) :]):
        raw = bytes(byte_of[letter] for letter in token)
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = None
        vocab.append(
            {"rank": rank, "token_bytes": base64.b64encode(raw).decode(), "token_str": text}
        )
    special = [
        {"rank": i, "token_str": name, "is_control": True} for i, name in enumerate(SPECIALS)
    ]
    config = {
        "pattern": PATTERN,
        "num_vocab_tokens": len(vocab),
        "default_vocab_size": len(tokens),
        "default_num_special_tokens": len(SPECIALS),
        "version": "v13",
    }
    path.write_text(
        json.dumps({"config": config, "vocab": vocab, "special_tokens": special}), encoding="utf-8"
    )
