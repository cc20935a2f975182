"""The published description of the lossless form, as JSON Schema, made of the types themselves.

`python -m app.transcript.schema` prints what is kept as resources/schemas/transcript-1.json; a test
holds the two equal. What a later Ponder adds is allowed by it: the version changes only where what
there is changes its meaning.
"""

import json
import sys
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from app.chat.message import File, Image, Provenance, Role, Status, Text, Thinking
from app.engine.protocol import Sampling, Usage
from app.transcript.chain import FORMAT, VERSION

_HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_PARTS = {"text": Text, "thinking": Thinking, "image": Image, "file": File}
_TOLD = {
    Text: "Plain text, or Markdown, as typed or generated.",
    Thinking: "What the model thought; closed is false where it never ended its thought.",
    Image: "A picture; its bytes are among the attachments under its SHA-256.",
    File: "A text file; its bytes are among the attachments under its SHA-256.",
    Provenance: "By what an answer was made; edited: a person changed it; imported: from which"
    " program, and then nothing but the model is known.",
    Usage: "Counts in tokens, times in seconds; output_hash: of the ids written (little-endian"
    " int32).",
    Sampling: "How tokens were drawn.",
}


def schema() -> dict[str, Any]:
    """Return the schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Ponder transcript, version {VERSION}",
        "description": (
            "A chat with all its branches. Each `hash` is the SHA-256, in hex, of the hash before"
            ' it ("" before the chat\'s), a line feed, and the object without its `hash` as JSON in'
            " UTF-8: no spaces, names in the order of this file, characters unescaped except"
            " control characters, quotation marks, backslashes and lone surrogates. `head` is the"
            " last hash; where attachments are null, the hash after it of an object with their"
            " sorted names as `gone`. The file itself is written with the chat, each message, the"
            " attachments and the head on a line of its own."
        ),
        "type": "object",
        "required": ["chat", "messages", "attachments", "head"],
        "properties": {
            "chat": _chat(),
            "messages": {"type": "array", "items": _message()},
            "attachments": {
                "description": "Base64 of the bytes, by their SHA-256; null where they were gone.",
                "type": "object",
                "propertyNames": _HASH,
                "additionalProperties": {
                    "type": ["string", "null"],
                    "contentEncoding": "base64",
                },
            },
            "head": _HASH,
        },
        "$defs": {
            kind.__name__.lower(): _object(kind)
            for kind in (Text, Thinking, Image, File, Usage, Sampling, Provenance)
        },
    }


def _chat() -> dict[str, Any]:
    text = {"type": "string"}
    given = {
        "format": {"const": FORMAT},
        "version": {"const": VERSION},
        "id": text,
        "title": text,
        "leaf": {"type": ["string", "null"], "description": "The last message of what is shown."},
        "system_prompt": {**text, "description": "The user's addition to the model's own."},
        "thinking_budget": {"type": ["integer", "null"], "description": "In tokens."},
        "model": {**text, "description": "The model's file or its address."},
        "hash": _HASH,
    }
    return {"type": "object", "required": list(given), "properties": given}


def _message() -> dict[str, Any]:
    given = {
        "number": {"type": "integer", "minimum": 1, "description": "Its place, from 1."},
        "id": {"type": "string"},
        "parent_id": {"type": ["string", "null"], "description": "An earlier message's id."},
        "role": {"enum": list(get_args(Role))},
        "created_at": {"type": "number", "description": "Seconds since 1970, UTC."},
        "status": {"enum": list(get_args(Status))},
        "note": {"type": "string", "description": "How it ended, where that was not well."},
        "parts": {
            "type": "array",
            "items": {"oneOf": [_part(name, kind) for name, kind in _PARTS.items()]},
        },
        "usage": {"anyOf": [{"$ref": "#/$defs/usage"}, {"type": "null"}]},
        "provenance": {"anyOf": [{"$ref": "#/$defs/provenance"}, {"type": "null"}]},
        "hash": _HASH,
    }
    return {"type": "object", "required": list(given), "properties": given}


def _part(name: str, kind: type[Any]) -> dict[str, Any]:
    return {
        "$ref": f"#/$defs/{kind.__name__.lower()}",
        "required": ["type"],
        "properties": {"type": {"const": name}},
    }


def _object(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    # What a file says stands in its bytes.
    given = {
        one.name: _type(hints[one.name])
        for one in fields(kind)
        if not (kind is File and one.name == "text")
    }
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.name in given]
    return {
        "description": _TOLD[kind],
        "type": "object",
        "required": needed,
        "properties": given,
    }


def _type(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return {"anyOf": [_type(one) for one in get_args(hint)]}
    if hint is Sampling:
        return {"$ref": "#/$defs/sampling"}
    names = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}
    return {"type": names[hint]}


def dumps() -> str:
    """Return the schema as the file that is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(dumps())
