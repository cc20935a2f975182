"""Prompts of Mistral's models: v13 (Magistral 1.1 and later) and v7 (Magistral 1.0, Mistral Small).

    <s>[SYSTEM_PROMPT]…[/SYSTEM_PROMPT][INST]…[/INST][THINK]…[/THINK]answer</s>[INST]…[/INST]

The shape and its small print (what is joined by a blank line, what is left out) are those of
mistral-common, with which the ids are compared in the tests. v13 marks thoughts with control
tokens, v7 spells them as the text `<think>…</think>` on lines of their own. There is no prefill:
the model itself opens its thought.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal

from app.prompts.segments import Control, Prompt, Role, Segment, Text, Thought, Turn

Version = Literal["mistral-v7", "mistral-v13"]

_BLANK_LINE = "\n\n"

_BEGIN: dict[Role, str] = {"system": "[SYSTEM_PROMPT]", "user": "[INST]"}
_END: dict[Role, str] = {"system": "[/SYSTEM_PROMPT]", "user": "[/INST]"}


def build(
    turns: Sequence[Turn], *, version: Version, keep_thinking: bool, unfinished: bool = False
) -> Prompt:
    """Return the prompt of a conversation; whatever its texts contain stays text.

    keep_thinking: assistants' thoughts stay in the history. Thoughts in a system turn always stay:
    they are the pattern that the model is shown.
    unfinished: the last turn is the assistant's and is to be continued, its thought included; an
    open thought at its end is continued in any case.

    Neighbouring turns of one role are one turn, but system turns stay apart; texts that come to
    stand side by side in a turn are joined by a blank line. An assistant's turn in which nothing is
    left is left out; spaces at the end of one that is only text are too. A thought that was never
    closed is closed where something follows it.
    """
    segments: list[Segment] = [Control("<s>")]
    groups = _merged(_spoken(turns, keep_thinking, unfinished))
    for number, turn in enumerate(groups):
        last = number == len(groups) - 1
        opens = last and turn.role == "assistant" and _is_open(turn)
        parts = _joined(turn.parts, keep_open=opens)
        if turn.role == "assistant":
            segments += _without_last_spaces(_segments(parts, version))
            if not (opens or (last and unfinished)):
                segments.append(Control("</s>"))
        else:
            segments.append(Control(_BEGIN[turn.role]))
            segments += _segments(parts, version)
            segments.append(Control(_END[turn.role]))
    return tuple(segments)


def _is_open(turn: Turn) -> bool:
    last = turn.parts[-1] if turn.parts else ""
    return isinstance(last, Thought) and not last.closed


def _spoken(turns: Sequence[Turn], keep_thinking: bool, unfinished: bool) -> list[Turn]:
    """Return the turns without the thoughts that are dropped, and without silent assistants."""
    spoken = []
    for number, turn in enumerate(turns):
        if turn.role != "assistant":
            spoken.append(turn)
            continue
        continued = number == len(turns) - 1 and (unfinished or _is_open(turn))
        kept = tuple(
            part
            for part in turn.parts
            if part and (isinstance(part, str) or keep_thinking or continued)
        )
        if kept:
            spoken.append(replace(turn, parts=kept))
    return spoken


def _merged(turns: Iterable[Turn]) -> list[Turn]:
    """Join neighbours of one role, except system turns."""
    merged: list[Turn] = []
    for role, group in groupby(turns, key=lambda turn: turn.role):
        if role == "system":
            merged += group
        else:
            merged.append(Turn(role, tuple(part for turn in group for part in turn.parts)))
    return merged


def _joined(parts: Iterable[str | Thought], *, keep_open: bool) -> list[str | Thought]:
    """Join texts that stand side by side; close the thoughts that are not the open end."""
    joined: list[str | Thought] = []
    for part in parts:
        if isinstance(part, Thought):
            joined.append(replace(part, closed=True))
        elif part and joined and isinstance(joined[-1], str):
            joined[-1] += _BLANK_LINE + part
        elif part:
            joined.append(part)
    if keep_open and isinstance(joined[-1], Thought):
        joined[-1] = replace(joined[-1], closed=False)
    return joined


def _without_last_spaces(segments: list[Segment]) -> list[Segment]:
    match segments:
        case [Text(text=text)]:
            return [Text(text.rstrip(" "))] if text.strip(" ") else []
    return segments


def _segments(parts: Sequence[str | Thought], version: Version) -> list[Segment]:
    if version == "mistral-v7":
        spelled = _spelled(parts)
        return [Text(spelled)] if spelled else []
    segments: list[Segment] = []
    for part in parts:
        if isinstance(part, str):
            segments.append(Text(part))
            continue
        segments.append(Control("[THINK]"))
        if part.text:
            segments.append(Text(part.text))
        if part.closed:
            segments.append(Control("[/THINK]"))
    return segments


def _spelled(parts: Sequence[str | Thought]) -> str:
    """Spell thoughts as text, each marker on a line of its own, as Magistral 1.0 writes them."""
    spelled = ""
    after_thought = False
    for part in parts:
        if isinstance(part, str):
            spelled += _on_new_line(part) if after_thought else part
        else:
            spelled += ("\n" if after_thought else "") + "<think>" + _on_new_line(part.text)
            if part.closed:
                spelled += ("" if part.text.endswith("\n") else "\n") + "</think>"
        after_thought = isinstance(part, Thought)
    return spelled


def _on_new_line(text: str) -> str:
    return text if text.startswith("\n") else "\n" + text
