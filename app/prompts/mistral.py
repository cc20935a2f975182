"""Prompts of Mistral's models, from v3 (Mistral 7B 0.3, Nemo) to v15 (Mistral Small 4).

    v3   <s>[INST]…[/INST]answer</s>[INST]system, blank line, last question[/INST]
    v7   <s>[SYSTEM_PROMPT]…[/SYSTEM_PROMPT][INST]…[/INST]answer</s>; v11 differs in tools only
    v13  the same with thoughts: [THINK]…[/THINK]answer</s>
    v15  the same with settings before the first question: [MODEL_SETTINGS]{…}[/MODEL_SETTINGS]

The shape and its small print (what is joined by a blank line, what is left out) are those of
mistral-common, with which the ids are compared in the tests. From v13 on thoughts are marked with
control tokens; before, they are spelled as the text `<think>…</think>` on lines of their own, as
Magistral 1.0 (v7) writes them. There is no prefill: the model itself opens its thought.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, get_args

from app.prompts.segments import (
    Control,
    Effort,
    Image,
    Picture,
    Prompt,
    Role,
    Segment,
    Text,
    Thought,
    Turn,
    TurnPart,
)

Version = Literal["mistral-v3", "mistral-v7", "mistral-v11", "mistral-v13", "mistral-v15"]
VERSIONS: tuple[Version, ...] = get_args(Version)

_BLANK_LINE = "\n\n"

_BEGIN: dict[Role, str] = {"system": "[SYSTEM_PROMPT]", "user": "[INST]"}
_END: dict[Role, str] = {"system": "[/SYSTEM_PROMPT]", "user": "[/INST]"}


@dataclass(frozen=True, slots=True)
class Grid:
    """How a picture is cut: patches of `patch` pixels, `merge` by `merge` of them a token.

    largest: a picture's longer side is scaled down to so many pixels.
    """

    patch: int = 14
    merge: int = 2
    largest: int = 1540

    def cells(self, picture: Picture) -> tuple[int, int]:
        """Return a picture's columns and rows in tokens."""
        width, height = picture.width, picture.height
        ratio = max(width / self.largest, height / self.largest)
        if ratio > 1:
            width, height = max(round(width / ratio), 1), max(round(height / ratio), 1)
        side = self.patch * self.merge
        return (width - 1) // side + 1, (height - 1) // side + 1


MAGISTRAL_GRID = Grid()
"""Magistral 1.2 and Mistral Small 3.1 and later."""


def placeholders(image: Image) -> tuple[Control, ...]:
    """Return the tokens that stand for a picture: its patches, row by row."""
    rows: list[Control] = []
    for _ in range(image.rows):
        rows += [Control("[IMG]")] * image.columns
        rows.append(Control("[IMG_BREAK]"))
    rows[-1] = Control("[IMG_END]")
    return tuple(rows)


def build(
    turns: Sequence[Turn],
    *,
    version: Version,
    keep_thinking: bool,
    unfinished: bool = False,
    effort: Effort = "high",
    grid: Grid = MAGISTRAL_GRID,
) -> Prompt:
    """Return the prompt of a conversation; whatever its texts contain stays text.

    keep_thinking: assistants' thoughts stay in the history. Thoughts in a system turn stay where
    the version has a place for them (v13): they are the pattern that the model is shown.
    unfinished: the last turn is the assistant's and is to be continued, its thought included; an
    open thought at its end is continued in any case. effort: v15 alone is told of it.

    Neighbouring turns of one role are one turn, but system turns stay apart (v3 gathers them before
    the last question); texts that come to stand side by side in a turn are joined by a blank line
    (v15: directly, within one turn). An assistant's turn in which nothing is left is left out;
    spaces at the end of one that is only text are too. A thought that was never closed is closed
    where something follows it.
    """
    groups = _merged(_spoken(turns, keep_thinking, unfinished), version)
    if version == "mistral-v3":
        groups = _with_system_last(groups)
    asked = next((at for at, turn in enumerate(groups) if turn.role == "user"), -1)
    segments: list[Segment] = [Control("<s>")]
    for number, turn in enumerate(groups):
        last = number == len(groups) - 1
        if turn.role == "assistant":
            opens = last and _is_open(turn)
            parts = _with_open_end(turn.parts, opens=opens)
            segments += _without_last_spaces(_segments(parts, version, grid))
            if not (opens or (last and unfinished)):
                segments.append(Control("</s>"))
            continue
        if number == asked and version == "mistral-v15":
            segments += _settings(effort)
        segments.append(Control(_BEGIN[turn.role]))
        segments += _segments(_picture_first(turn.parts), version, grid)
        segments.append(Control(_END[turn.role]))
    return tuple(segments)


def _settings(effort: Effort) -> tuple[Segment, ...]:
    said = Text(json.dumps({"reasoning_effort": effort}))
    return (Control("[MODEL_SETTINGS]"), said, Control("[/MODEL_SETTINGS]"))


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
            if part and (not isinstance(part, Thought) or keep_thinking or continued)
        )
        if kept:
            spoken.append(replace(turn, parts=kept))
    return spoken


def _merged(turns: Iterable[Turn], version: Version) -> list[Turn]:
    """Join neighbours of one role, except system turns; join the texts that come side by side."""
    within = "" if version == "mistral-v15" else _BLANK_LINE
    merged: list[Turn] = []
    for role, group in groupby(turns, key=lambda turn: turn.role):
        if role == "system":
            for turn in group:
                shown = _with_open_end(turn.parts, opens=False)
                if version != "mistral-v13":
                    shown = [part for part in shown if not isinstance(part, Thought)]
                merged.append(Turn(role, _joined([shown], within)))
        else:
            merged.append(Turn(role, _joined([turn.parts for turn in group], within)))
    return merged


def _joined(turns: Iterable[Sequence[TurnPart]], within: str) -> tuple[TurnPart, ...]:
    """Return the parts of turns as one: texts side by side are joined, empty ones left out."""
    joined: list[TurnPart] = []
    for parts in turns:
        between = _BLANK_LINE
        for part in parts:
            if not isinstance(part, str):
                joined.append(part)
            elif part and joined and isinstance(joined[-1], str):
                joined[-1] += between + part
            elif part:
                joined.append(part)
            if part:
                between = within
    return tuple(joined)


def _with_open_end(parts: Sequence[TurnPart], *, opens: bool) -> list[TurnPart]:
    """Return the parts with all thoughts closed, but the last one where it is to be continued."""
    closed = [replace(part, closed=True) if isinstance(part, Thought) else part for part in parts]
    if opens:
        closed[-1] = parts[-1]
    return closed


def _with_system_last(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns as v3 has them: what the system said stands before the last question."""
    said = _BLANK_LINE.join(
        "".join(part for part in turn.parts if isinstance(part, str))
        for turn in turns
        if turn.role == "system" and turn.parts
    )
    rest = [turn for turn in turns if turn.role != "system"]
    if not rest or rest[0].role != "user":
        rest.insert(0, Turn("user", ()))
    if not said:
        return rest
    last = max(at for at, turn in enumerate(rest) if turn.role == "user")
    parts = _picture_first(rest[last].parts)
    match parts:
        case () | (str(),):
            parts = (said + _BLANK_LINE + "".join(str(part) for part in parts),)
        case _:
            parts = (said + _BLANK_LINE, *parts)
    rest[last] = Turn("user", parts)
    return rest


def _picture_first(parts: tuple[TurnPart, ...]) -> tuple[TurnPart, ...]:
    """Return the parts with one picture at their end moved before the text: so it was trained."""
    if len(parts) > 1 and isinstance(parts[-1], Picture):
        texts = parts[:-1]
        if all(isinstance(part, str) for part in texts):
            return (parts[-1], *texts)
    return parts


def _without_last_spaces(segments: list[Segment]) -> list[Segment]:
    match segments:
        case [Text(text=text)]:
            return [Text(text.rstrip(" "))] if text.strip(" ") else []
    return segments


def _segments(parts: Sequence[TurnPart], version: Version, grid: Grid) -> list[Segment]:
    controls = version in ("mistral-v13", "mistral-v15")
    segments: list[Segment] = []
    for part in parts if controls else _spelled(parts):
        match part:
            case str():
                segments.append(Text(part))
            case Picture(key=key):
                segments.append(Image(key, *grid.cells(part), part.width, part.height))
            case Thought(text=text, closed=closed):
                segments.append(Control("[THINK]"))
                if text:
                    segments.append(Text(text))
                if closed:
                    segments.append(Control("[/THINK]"))
    return segments


def _spelled(parts: Sequence[TurnPart]) -> list[TurnPart]:
    """Spell thoughts as text, each marker on a line of its own, as Magistral 1.0 writes them."""
    if not any(isinstance(part, Thought) for part in parts):
        return list(parts)
    spelled = ""
    after_thought = False
    for part in parts:
        if isinstance(part, Thought):
            spelled += ("\n" if after_thought else "") + "<think>" + _on_new_line(part.text)
            if part.closed:
                spelled += ("" if part.text.endswith("\n") else "\n") + "</think>"
        elif isinstance(part, str):
            spelled += _on_new_line(part) if after_thought else part
        after_thought = isinstance(part, Thought)
    return [spelled]


def _on_new_line(text: str) -> str:
    return text if text.startswith("\n") else "\n" + text
