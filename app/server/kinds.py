"""The servers that speak OpenAI's protocol, and where they differ: a table.

Each row was checked against the server itself or against recordings of it (tests/fixtures/servers),
but for those of Mistral, LM Studio, Ollama and SGLang, and for how vLLM continues an answer, which
follow their documentation. A server that none of the signs fits is "other": it gets nothing but
what the protocol itself knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

KindName = Literal[
    "llama_cpp", "vllm", "sglang", "mlx_lm", "llama_cpp_python", "lmstudio", "ollama", "mistral",
    "other",
]  # fmt: skip

Carry = Literal["reasoning_content", "reasoning", "parts", "none"]
"""How an earlier thought is sent back: as a field of this name, as parts of the content, or not."""

Prefill = Literal["flags", "prefix", "last", "none"]
"""How an unfinished answer is continued. flags: continue_final_message, as vLLM has it. prefix: a
field of the message, as Mistral's API has it. last: by being the last message."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A server's ways. label: its name in the window.

    thoughts: whether a continued answer may begin with a thought (else it is text alone). samplers:
    it takes top_k and min_p. repetition, seed: the name of the field, "" where there is none.
    max_tokens: sent where the user sets no limit, because the server has a small one of its own;
    0 sends none.
    """

    name: KindName
    label: str
    carry: Carry
    prefill: Prefill
    thoughts: bool = False
    samplers: bool = False
    repetition: str = ""
    seed: str = "seed"
    max_tokens: int = 0


_REPEAT, _REPETITION = "repeat_penalty", "repetition_penalty"

_ROWS = (
    Kind("llama_cpp", "llama.cpp", "reasoning_content", "flags", True, True, _REPEAT),
    Kind("vllm", "vLLM", "reasoning", "flags", True, True, _REPETITION),
    Kind("sglang", "SGLang", "reasoning_content", "flags", False, True, _REPETITION),
    # Its own limit is 512 tokens: less than one thought.
    Kind(
        "mlx_lm", "mlx_lm", "reasoning_content", "none", False, True, _REPETITION, max_tokens=32_768
    ),
    Kind("llama_cpp_python", "llama-cpp-python", "none", "none", False, True, _REPEAT),
    Kind("lmstudio", "LM Studio", "none", "none", False, True, _REPEAT),
    Kind("ollama", "Ollama", "reasoning", "last"),
    Kind("mistral", "Mistral", "parts", "prefix", thoughts=True, seed="random_seed"),
    Kind("other", "an OpenAI-compatible server", "none", "none"),
)

KINDS: dict[str, Kind] = {row.name: row for row in _ROWS}

_OWNERS: dict[str, KindName] = {
    "vllm": "vllm",
    "sglang": "sglang",
    "llamacpp": "llama_cpp",
    "me": "llama_cpp_python",
    "organization_owner": "lmstudio",
    "library": "ollama",
    "mistralai": "mistral",
}
"""By what the list of models says of their owner."""


def detect(host: str, headers: Mapping[str, str], models: Any) -> Kind:
    """Return the kind of a server.

    host: its name. headers: of its list of models, the names in small letters. models: that list as
    JSON, None where it was empty.
    """
    if host.endswith("mistral.ai"):
        return KINDS["mistral"]
    server = headers.get("server", "").lower()
    if server.startswith("llama.cpp"):
        return KINDS["llama_cpp"]
    found = models.get("data") if isinstance(models, dict) else None
    entry = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    owner = str(entry.get("owned_by", "")).lower()
    if owner in _OWNERS:
        return KINDS[_OWNERS[owner]]
    # Python's own server class: no other of them is built on it.
    if server.startswith("basehttp/"):
        return KINDS["mlx_lm"]
    return KINDS["other"]


def limits(kind: Kind) -> tuple[str, ...]:
    """Return what cannot be done with such a server, each as a sentence."""
    said = []
    if kind.prefill == "none":
        said.append("An answer that stopped cannot be continued: retry it instead.")
    if kind.prefill == "none" or not kind.thoughts:
        said.append(
            "A thought cannot be closed midway: “Answer now” and a thinking budget ask anew, "
            "without thinking, which some models do not obey."
        )
    if kind.name == "llama_cpp_python":
        said.append("It does not tell a thought from the answer: both come as one text.")
    if kind.carry == "none":
        said.append("Earlier thoughts are never sent back.")
    left_out = [_IN_WORDS[name] for name in ignores(kind)]
    if left_out:
        *more, last = left_out
        named = f"{', '.join(more)} and {last}" if more else last
        said.append(f"It takes no {named}: they are not sent.")
    said.append("Tokens are counted by the server: how many a message takes is known afterwards.")
    return tuple(said)


_IN_WORDS = {"top_k": "top_k", "min_p": "min_p", "repetition": "repetition penalty", "seed": "seed"}


def ignores(kind: Kind) -> tuple[str, ...]:
    """Return the names of the fields of `Sampling` that such a server is not sent."""
    taken = {"top_k": kind.samplers, "min_p": kind.samplers, "repetition": bool(kind.repetition)}
    taken["seed"] = bool(kind.seed)
    return tuple(name for name, takes in taken.items() if not takes)
