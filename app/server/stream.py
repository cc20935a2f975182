"""What a server sends, taken apart: bytes into lines, lines into events, events into words.

Nothing here trusts the other side: half characters, lines without end, HTML where JSON was promised
and fields of any type come from real servers and from what stands between.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.engine.protocol import Channel
from app.errors import Problem, WorldError

MOST_LINE_BYTES = 8_000_000
"""A line of a stream holds a token, with log probabilities some thousand characters. What is larger
than any whole answer is no line of a stream."""


class Lines:
    """Cuts bytes into lines, however they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the lines that data completes, without their ends. Raises WorldError."""
        *ended, rest = data.split(b"\n")
        for line in ended:
            self._parts.append(line)
            yield self._taken()
        self._size += len(rest)
        if self._size > MOST_LINE_BYTES:
            raise WorldError(_nonsense(f"a line of more than {MOST_LINE_BYTES:,} bytes"))
        if rest:
            self._parts.append(rest)

    def finish(self) -> str:
        """Return what came after the last line's end."""
        return self._taken()

    def _taken(self) -> str:
        line = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return line.decode("utf-8", "replace").rstrip("\r")


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that keeps the connection alive; mlx_lm tells there how far it has read."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The server's own end of the stream."""


Event = Comment | Done | dict[str, Any]


def event(line: str) -> Event | None:
    """Return the event of a line, None for one without meaning. Raises WorldError for nonsense.

    Every server of this protocol puts one whole event on one data line.
    """
    if line.startswith(":"):
        return Comment(line[1:].strip())
    field, _, value = line.partition(":")
    if field != "data":
        if line.lstrip().startswith(("{", "<")):
            raise WorldError(_nonsense(line))
        return None
    value = value.strip()
    if value == "[DONE]":
        return Done()
    if not value:
        return None
    return document(value)


def document(text: str) -> dict[str, Any]:
    """Return the JSON object of a text. Raises WorldError."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorldError(_nonsense(text)) from error
    if not isinstance(found, dict):
        raise WorldError(_nonsense(text))
    return found


def _nonsense(text: str) -> Problem:
    return Problem(
        "server-nonsense",
        "The server sent something that is no answer.",
        "Check that the address is that of a server for language models, and try again.",
        text[:500],
    )


# ---------------------------------------------------------------- words


@dataclass(frozen=True, slots=True)
class Counts:
    """What a server says it counted, in tokens; times in seconds, 0 where it does not say."""

    prompt: int
    completion: int
    cached: int = 0
    prompt_s: float = 0.0
    decode_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Words:
    """What one event says. texts: in their order; a thought may be in "answer" with its tags.

    finish: why it ended, "" before that. progress: tokens of the prompt read, of all, from cache.
    """

    texts: tuple[tuple[Channel, str], ...] = ()
    finish: str = ""
    counts: Counts | None = None
    progress: tuple[int, int, int] | None = None


def words(value: dict[str, Any]) -> Words:
    """Return what an event says: a piece of a stream, or a whole answer that was not streamed."""
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choice, dict):
        choice = {}
    said = choice.get("delta") or choice.get("message") or {}
    if not isinstance(said, dict):
        said = {}
    texts: list[tuple[Channel, str]] = []
    for name in ("reasoning_content", "reasoning"):
        thought = said.get(name)
        if isinstance(thought, str) and thought:
            texts.append(("thinking", thought))
            break
    texts += _content(said.get("content"))
    finish = choice.get("finish_reason")
    return Words(
        tuple(texts),
        finish if isinstance(finish, str) else "",
        _counts(value),
        _progress(value.get("prompt_progress")),
    )


def _content(content: Any) -> list[tuple[Channel, str]]:
    """Return the texts of a content: text, or a list of parts as Mistral's API sends them."""
    if isinstance(content, str):
        return [("answer", content)] if content else []
    found: list[tuple[Channel, str]] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            found.append(("answer", part))
        elif isinstance(part, dict) and part.get("type") == "thinking":
            thought = "".join(text for _, text in _content(part.get("thinking")))
            found.append(("thinking", thought))
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            found.append(("answer", part["text"]))
    return [(channel, text) for channel, text in found if text]


def _counts(value: dict[str, Any]) -> Counts | None:
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return None
    details, timings = usage.get("prompt_tokens_details"), value.get("timings")
    return Counts(
        _number(usage, "prompt_tokens"),
        _number(usage, "completion_tokens"),
        _number(details, "cached_tokens"),
        _number(timings, "prompt_ms") / 1000,
        _number(timings, "predicted_ms") / 1000,
    )


def _progress(value: Any) -> tuple[int, int, int] | None:
    if not isinstance(value, dict):
        return None
    return _number(value, "processed"), _number(value, "total"), _number(value, "cache")


def _number(value: Any, name: str) -> int:
    """Return a count of a field, 0 where it is none."""
    found = value.get(name) if isinstance(value, dict) else None
    sound = isinstance(found, int | float) and not isinstance(found, bool) and found >= 0
    return int(found) if sound and found is not None and found < 1 << 53 else 0
