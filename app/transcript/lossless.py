"""Reading the lossless form back: the chat, and its attachments, exactly as they were.

A file whose chain is broken is still read where it can be: what it says may be all there is. That
it was changed is for `chain.verify` to say, and whoever imports says both.
"""

import json
import re
from base64 import b64decode
from dataclasses import dataclass, replace
from typing import Any

from app.chat.attachments import digest
from app.chat.message import File
from app.errors import Problem, WorldError
from app.transcript.chain import FORMAT, VERSION
from app.transcript.record import NotARecordError, Record, record_of

_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Read:
    """A chat read from a file. attachments: their bytes by their SHA-256."""

    record: Record
    attachments: dict[str, bytes]


def is_lossless(value: Any) -> bool:
    """Whether a JSON value is, or was once, this form."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("chat"), dict)
        and value["chat"].get("format") == FORMAT
    )


def loads(data: bytes) -> Read:
    """Return the chat in a file. Raises WorldError in one sentence where there is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise not_a_chat(f"it is not JSON ({error})") from error
    return read(value)


def read(value: Any) -> Read:
    """Return the chat of a JSON value. Raises WorldError."""
    if not is_lossless(value):
        raise not_a_chat("it does not say that it is one")
    version = value["chat"].get("version")
    if not isinstance(version, int) or version > VERSION:
        raise WorldError(
            Problem(
                "transcript-newer",
                "This transcript was written by a newer Ponder.",
                "Install the newest Ponder, then import it again; nothing was changed.",
                f"version {version!r}, this Ponder knows {VERSION}",
            )
        )
    try:
        record = record_of(value["chat"], value.get("messages"))
        kept = value.get("attachments", {})
        attachments = {
            name: b64decode(text, validate=True) for name, text in kept.items() if text is not None
        }
        _check(record, attachments)
        record = _with_texts(record, attachments)
    except NotARecordError as error:
        raise not_a_chat(str(error)) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise not_a_chat("its attachments cannot be read") from error
    return Read(record, attachments)


def _check(record: Record, attachments: dict[str, bytes]) -> None:
    """Refuse names that are no hashes, and bytes under another's: both become names of files."""
    for number, message in enumerate(record.conversation.messages.values(), 1):
        for part in message.attachments:
            if not _HASH.fullmatch(part.sha256):
                raise NotARecordError(f"message {number} has an attachment without a hash")
    for name, data in attachments.items():
        if digest(data) != name:
            raise NotARecordError(f"the attachment {name[:12]!r} is not what its hash says")


def _with_texts(record: Record, attachments: dict[str, bytes]) -> Record:
    """Return the chat with what its text files say."""
    conversation = record.conversation
    for message in conversation.messages.values():
        if any(isinstance(part, File) for part in message.parts):
            parts = tuple(
                replace(part, text=_text_of(part, attachments)) if isinstance(part, File) else part
                for part in message.parts
            )
            conversation = conversation.with_message(replace(message, parts=parts))
    return replace(record, conversation=conversation)


def _text_of(file: File, attachments: dict[str, bytes]) -> str | None:
    data = attachments.get(file.sha256)
    try:
        return None if data is None else data.decode(file.encoding, errors="replace")
    except LookupError as error:
        raise NotARecordError(f"a file has the unknown encoding {file.encoding!r:.40}") from error


def not_a_chat(why: str) -> WorldError:
    """Return the error of a file that holds no chat."""
    return WorldError(
        Problem(
            "transcript-unreadable",
            f"This file is not a transcript that Ponder can read: {why}.",
            "Choose a chat that was exported as JSON.",
        )
    )
