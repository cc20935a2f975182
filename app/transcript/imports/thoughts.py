"""Thoughts that other programs keep as tags within an answer's text, taken out of it.

Only where the answer begins with one: an answer that speaks of `<think>` keeps what it says. Open
WebUI's <details type="reasoning"> stand anywhere, since only that program writes them.
"""

import re
from html import unescape

from app.chat.message import Part, Text, Thinking

_TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reason>", "</reason>"),
    ("<reasoning>", "</reasoning>"),
    ("<thought>", "</thought>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[THINK]", "[/THINK]"),
    ("<<<reasoning_content_start>>>", "<<<reasoning_content_end>>>"),
)
_DETAILS = re.compile(r'<details type="([a-z_]+)"([^>]*)>')
_END = "</details>"
_SUMMARY = re.compile(r"\s*<summary>[^<]*</summary>\n?")
_DURATION = re.compile(r'duration="(\d+(?:\.\d+)?)"')
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*(m|s)(?![a-z]{3,}ths)", re.IGNORECASE)
_TOOLS = frozenset(["tool_calls", "code_interpreter"])


def parts_of(text: str) -> tuple[Part, ...]:
    """Return an answer's text as its thought, if it begins with one, and the rest."""
    begun = text.lstrip()
    for opening, closing in _TAGS:
        if not begun.startswith(opening):
            continue
        thought, closed, rest = begun[len(opening) :].partition(closing)
        parts = (Thinking(thought.strip("\n"), bool(closed)), *text_of(rest.lstrip("\n")))
        return parts if thought.strip() else text_of(rest.lstrip("\n"))
    return text_of(text)


def text_of(text: str) -> tuple[Part, ...]:
    """Return a text as parts: none where there is nothing in it."""
    return (Text(text),) if text.strip() else ()


def without_details(text: str) -> tuple[tuple[Part, ...], int]:
    """Return the parts of a text of Open WebUI's, and how many calls of tools were in it."""
    parts: list[Part] = []
    said: list[str] = []
    tools = done = 0
    for found in _DETAILS.finditer(text):
        if found.start() < done:
            continue
        end = text.find(_END, found.end())
        inner = text[found.end() : end if end >= 0 else len(text)]
        if found[1] == "reasoning":
            parts.append(_reasoning(inner, found[2], closed=end >= 0))
        elif found[1] in _TOOLS:
            tools += 1
        else:
            continue
        said.append(text[done : found.start()])
        done = end + len(_END) if end >= 0 else len(text)
    said.append(text[done:])
    if not done:
        return parts_of(text), 0
    rest = "".join(said).strip("\n")
    return (*(part for part in parts if part.text.strip()), *text_of(rest)), tools  # type: ignore[union-attr] # only thoughts were put there


def _reasoning(inner: str, attributes: str, *, closed: bool) -> Thinking:
    """Return the thought in a fold: its lines are quoted, and in newer versions escaped."""
    lines = _SUMMARY.sub("", inner, count=1).strip("\n").split("\n")
    if all(line.startswith(">") for line in lines if line.strip()):
        lines = [line[2:] if line.startswith("> ") else line[1:] for line in lines]
    thought = "\n".join(lines)
    if "<" not in thought and ">" not in thought:
        thought = unescape(thought)
    duration = _DURATION.search(attributes)
    finished = closed and 'done="false"' not in attributes
    return Thinking(thought, finished, float(duration[1]) if duration else 0.0)


def seconds_in(words: str) -> float:
    """Return the time that "Thought for 1m 12.5 seconds" says, 0 where it says none."""
    total = 0.0
    for number, unit in _SECONDS.findall(words[:200]):
        total += float(number) * (60 if unit.lower() == "m" else 1)
    return total
