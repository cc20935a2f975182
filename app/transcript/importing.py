"""Reading chats in: what Ponder exported, and what other programs did, known by what is in it.

A file's name says nothing: ".json" is what everyone calls theirs. What a program wrote is told by
the shape of its JSON; a zip is read file by file. What could not be taken (a picture that is not in
the file, a call of a tool) is listed, and a file is refused in one sentence or read, whatever its
bytes are. Only Ponder's own form carries a chain of hashes; of the others every answer says from
which program it was imported.
"""

import io
import json
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import given
from app.chat.attachments import in_words
from app.errors import Problem, WorldError
from app.transcript import lossless
from app.transcript.imports import chat as one_chat
from app.transcript.imports import chatgpt, llamacpp, lmstudio, openai, openwebui
from app.transcript.imports.chat import Chat
from app.transcript.imports.gathering import Gathering
from app.transcript.lossless import Read

if TYPE_CHECKING:
    from app.chat.store import Store

OWN = "Ponder"

MOST_BYTES = 512 << 20
"""A file's largest size, unpacked: reading takes some four times that in memory. A chat of 10 MB is
a very long one; years of ChatGPT's are some hundred."""

_MOST_FILES = 10_000
_PEEK_BYTES = 64
_FORMATS = (
    (llamacpp.NAME, llamacpp.matches, llamacpp.chats),
    (chatgpt.NAME, chatgpt.matches, chatgpt.chats),
    (openwebui.NAME, openwebui.matches, openwebui.chats),
    (lmstudio.NAME, lmstudio.matches, lmstudio.chats),
    (openai.NAME, openai.matches, openai.chats),
)


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file held. kind: the program that wrote it, "Ponder" for its own form.

    left_out: what could not be taken, in words with how often ("pictures that are not in the file
    (3)"); () where everything was.
    """

    chats: tuple[Read, ...]
    kind: str
    left_out: tuple[str, ...] = ()


def read(path: Path) -> Imported:
    """Return the chats of a file. Raises WorldError in one sentence where there are none."""
    return loads(bytes_of(path))


def bytes_of(path: Path) -> bytes:
    """Return what a file holds. Raises WorldError where it cannot be read, or is too large."""
    size = given.size_of(path)
    if size > MOST_BYTES:
        raise _refused(f"it has {in_words(size)}, and {in_words(MOST_BYTES)} is the most")
    return given.read(path, MOST_BYTES + 1)


def loads(data: bytes, *, now: float | None = None) -> Imported:
    """Return the chats of a file's bytes. Raises WorldError.

    now: seconds since the epoch, for chats that name no time; the clock's by default.
    """
    gathering = Gathering(time.time() if now is None else now)
    if data.startswith(b"PK\x03\x04"):
        chats, kind = _zipped(data, gathering)
    else:
        chats, kind = _one(data, gathering)
    if not chats:
        raise _refused("there is no message in it")
    return Imported(tuple(chats), kind, gathering.left_out)


def put(store: "Store", chat: Read) -> str:
    """Put a chat among the others; return its id there. Raises WorldError."""
    record = chat.record
    return store.import_chat(
        record.id,
        record.conversation,
        title=record.title,
        system_prompt=record.system_prompt,
        thinking_budget=record.thinking_budget,
        model=record.model,
        attachments=chat.attachments,
    )


def _one(data: bytes, gathering: Gathering) -> tuple[list[Read], str]:
    """Return the chats of one file that is no archive."""
    if not data.strip(b" \t\r\n\0"):
        raise _refused("it is empty" if b"\0" not in data else "it holds nothing but zeros")
    text = _text(data, gathering)
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise _refused("it is nested too deeply") from error
    except ValueError as error:
        lines = _lines(text, error)
        if lines and llamacpp.matches_lines(lines[0]):
            return _made(llamacpp.chats_of_lines(lines, gathering), gathering), llamacpp.NAME
        value = lines
    if llamacpp.matches_lines(value):
        return _made(llamacpp.chats_of_lines([value], gathering), gathering), llamacpp.NAME
    if lossless.is_lossless(value):
        # Nothing of it is mended: where bytes are no characters, this refuses.
        return [lossless.loads(data) if gathering.left_out else lossless.read(value)], OWN
    for name, matches, chats in _FORMATS:
        if matches(value):
            return _made(chats(value, gathering), gathering), name
    raise _refused("no program that Ponder knows writes such JSON")


def _text(data: bytes, gathering: Gathering) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
    gathering.leave_out("bytes that are no characters", text.count("\ufffd"))
    return text


def _lines(text: str, error: ValueError) -> list[Any]:
    """Return the values of JSON lines. Raises WorldError where the text is neither."""
    lines = [line for line in text.split("\n") if line.strip()]
    values: list[Any] = []
    for line in lines:
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            if len(values) < 1 or not isinstance(values[0], dict):
                raise _refused(f"it is not JSON ({error})") from error
            raise _refused(f"line {len(values) + 1} of it is not JSON") from error
    return values


def _made(chats: Iterator[Chat], gathering: Gathering) -> list[Read]:
    return [read for chat in chats if (read := one_chat.made(chat, gathering)) is not None]


def _zipped(data: bytes, gathering: Gathering) -> tuple[list[Read], str]:
    """Return the chats of all files of an archive that are chats."""
    chats: list[Read] = []
    kinds: dict[str, None] = {}
    left = MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > _MOST_FILES:
                raise _refused(f"it has {len(infos):,} files, and {_MOST_FILES:,} is the most")
            for info in infos:
                with archive.open(info) as file:
                    begun = file.read(_PEEK_BYTES)
                    if not _begins_as_json(begun):
                        gathering.leave_out("files that are no JSON")
                        continue
                    # Its own word for its size is not believed.
                    inner = begun + file.read(left + 1)
                left -= len(inner)
                if left < 0:
                    raise _refused(f"it unpacks to more than {in_words(MOST_BYTES)}")
                try:
                    found, kind = _one(inner, gathering)
                except WorldError:
                    gathering.leave_out("files that hold no chat")
                    continue
                chats += found
                kinds[kind] = None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise _refused("it is a damaged or locked archive") from error
    return chats, ", ".join(kinds)


def _begins_as_json(data: bytes) -> bool:
    return data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _refused(why: str) -> WorldError:
    return WorldError(
        Problem(
            "transcript-unreadable",
            f"This file is not a chat that Ponder can read: {why}.",
            "Choose a chat exported by Ponder, LM Studio, Open WebUI, llama.cpp or ChatGPT, or"
            " messages as OpenAI has them.",
        )
    )
