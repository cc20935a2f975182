"""The bodies of the requests: a command of the engine's in a server's own words."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from app.engine.protocol import Generate
from app.prompts.segments import Turn
from app.server import messages
from app.server.kinds import Kind

CUT = ("length", "model_length", "max_tokens")
"""The reasons for an end that mean there was no more room."""


def body(
    command: Generate,
    kind: Kind,
    model: str,
    *,
    turns: Sequence[Turn] | None = None,
    unfinished: bool | None = None,
) -> dict[str, Any]:
    """Return the request that answers a conversation. Raises WorldError.

    turns, unfinished: None as in the command.
    """
    turns = command.turns if turns is None else turns
    goes_on = command.unfinished if unfinished is None else unfinished
    ask = messages.continued if goes_on else _messages
    sampling = command.sampling
    fields: dict[str, Any] = {
        "model": model,
        **ask(turns, kind, command.pictures),
        "stream": True,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        kind.seed: sampling.seed & 0x7FFF_FFFF,
    }
    if kind.samplers:
        fields |= {"top_k": sampling.top_k, "min_p": sampling.min_p}
    if kind.repetition and sampling.repetition != 1:
        fields[kind.repetition] = sampling.repetition
    # Mistral's API counts unasked, and takes no field that it does not know.
    if kind.name != "mistral":
        fields["stream_options"] = {"include_usage": True}
    if kind.name == "llama_cpp":
        fields["return_progress"] = True
    most = command.max_tokens or kind.max_tokens
    if most:
        fields["max_tokens"] = most
    return fields


def without_thinking(kind: Kind) -> dict[str, Any]:
    """Return the fields that ask a model to answer at once, as far as the server knows any."""
    fields: dict[str, Any] = {"reasoning_effort": "none"}
    if kind.samplers:
        fields["chat_template_kwargs"] = {"enable_thinking": False}
    return fields


def said(turn: Turn) -> tuple[str, str]:
    """Return the thought and the answer that a turn has already."""
    thought = messages.thought_of(turn)
    return (thought.text if thought else ""), messages.text_of(turn)


def hash_of(fields: dict[str, Any]) -> str:
    """Return the sha256 (hex) of the messages that were sent, as JSON."""
    text = json.dumps(fields["messages"], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _messages(turns: Sequence[Turn], kind: Kind, pictures: messages.Pictures) -> dict[str, Any]:
    return {"messages": messages.messages(turns, kind, pictures)}
