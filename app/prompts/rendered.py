"""Prompts by a model's own chat template, the user's text still encoded without special tokens.

The template is rendered once, with what was typed shielded (`app.prompts.markup`). Where a template
looks for markup in a message (it cuts an answer at `</think>`, say), it finds none that was typed:
that stays the text it is, whole. A thought is handed over as a field of its own instead.

Templates refuse some conversations. Neighbouring messages of one role are joined before they are
shown to any; where one still refuses and there is a system message, that is put before the first
question, where models without a system role were trained to have it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NoReturn

from app.errors import Problem, WorldError
from app.prompts.markup import Shield, segments
from app.prompts.sandbox import Work, Written
from app.prompts.segments import Picture, Prompt, Templated, Thought, Turn
from app.reasoning.formats import Format, watched

Write = Callable[[Work], Written]
Has = Callable[[str], bool]

_BLANK_LINE = "\n\n"
_SYSTEM_MOVED = (
    "Its chat template has no place for a system prompt: it stands before the first question."
)
_TYPED_MARKUP = (
    "Its chat template looks for markup in messages; what was typed is not taken for any."
)
_NOT_SHOWN = "Its chat template does not show the last question as it was typed."
_THOUGHTS_DROPPED = "Its chat template leaves thoughts out of the history."


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as a template wrote it.

    thinking_open: it ends inside a thought. thinking_closed: it ends with a thought that is closed
    already, so that the model will not think. reasoning: how thoughts are marked as the prompt's
    end shows it, "" where that is not asked. notes: what had to be done to the conversation.
    """

    prompt: Prompt
    thinking_open: bool = False
    thinking_closed: bool = False
    reasoning: str = ""
    notes: tuple[str, ...] = ()


def render(
    asked: Templated, row: Format, write: Write, has: Has, *, check: bool = False
) -> Rendered:
    """Return the prompt of a conversation. row: how the model marks thoughts.

    check: render once more without the shield, to note whether the template looked for markup.
    Raises WorldError where the template refuses the conversation or fails.
    """
    turns = [turn for turn in asked.turns if turn.parts or turn.role == "user"]
    last = turns.pop() if asked.unfinished and turns and turns[-1].role == "assistant" else None
    shield = Shield(_texts(asked.turns))
    text, notes = _written(asked, turns, write, shield.hide)
    if check and any(shield.hide(text) != text for text in _texts(turns)):
        plain, _ = _written(asked, turns, write, str)
        if plain != shield.show(text):
            notes.append(_TYPED_MARKUP)
    thoughts = [part for turn in turns for part in turn.parts if isinstance(part, Thought)]
    if asked.keep_thinking and any(shield.hide(part.text.strip()) not in text for part in thoughts):
        notes.append(_THOUGHTS_DROPPED)
    row = next((one for one in (row, *watched(row)) if any(_ending(text, one))), row)
    open_, closed = _ending(text, row)
    if last is not None:
        text, open_ = _continued(text, last, row, open_=open_, hide=shield.hide)
        closed = False
    prompt = segments(text, has, shield)
    return Rendered(_with_begin(prompt, asked, has), open_, closed, row.name, tuple(notes))


def _texts(turns: Sequence[Turn]) -> list[str]:
    parts = [part for turn in turns for part in turn.parts]
    return [part.text if isinstance(part, Thought) else part for part in parts
            if not isinstance(part, Picture)]  # fmt: skip


def _written(
    asked: Templated, turns: Sequence[Turn], write: Write, hide: Callable[[str], str]
) -> tuple[str, list[str]]:
    """Return what the template writes, and what had to be done for it."""
    notes: list[str] = []
    messages = _messages(turns, asked, hide)
    written = write(Work(asked.template, _variables(asked, messages)))
    if written.refused and messages and messages[0]["role"] == "system":
        messages = _messages(_folded(turns), asked, hide)
        notes.append(_SYSTEM_MOVED)
        written = write(Work(asked.template, _variables(asked, messages)))
    if not written.refused and not _shows(written.text, messages):
        listed = [
            {**message, "content": [{"type": "text", "text": message["content"]}]}
            for message in messages
        ]
        again = write(Work(asked.template, _variables(asked, listed)))
        if not again.refused and _shows(again.text, messages):
            written = again
    if written.refused:
        _refuse(written.refused)
    if not written.text.strip():
        _refuse("It writes nothing.")
    if not _shows(written.text, messages):
        notes.append(_NOT_SHOWN)
    return written.text, notes


def _shows(text: str, messages: Sequence[dict[str, Any]]) -> bool:
    """Whether the last question is in the prompt."""
    asked = [message["content"] for message in messages if message["role"] == "user"]
    if not asked:
        return True
    last = asked[-1].strip()
    return last in text or last.casefold() in text.casefold()


def _messages(
    turns: Sequence[Turn], asked: Templated, hide: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Return the turns as templates know them, neighbours of one role joined."""
    messages: list[dict[str, Any]] = []
    for role, group in groupby(turns, key=lambda turn: turn.role):
        said: list[str] = []
        thought: list[str] = []
        for turn in group:
            for part in turn.parts:
                if isinstance(part, Thought):
                    thought.append(part.text)
                elif isinstance(part, Picture):
                    _refuse("It is not known how it shows pictures.")
                elif part:
                    said.append(part)
        if role == "assistant" and not said and not (thought and asked.keep_thinking):
            continue
        message: dict[str, Any] = {"role": role, "content": hide(_BLANK_LINE.join(said))}
        if role == "assistant" and thought and asked.keep_thinking:
            message["reasoning_content"] = hide(_BLANK_LINE.join(thought))
            message["reasoning"] = message["reasoning_content"]
        messages.append(message)
    return messages


def _folded(turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns with what the system said before the first question."""
    said = tuple(part for turn in turns if turn.role == "system" for part in turn.parts)
    rest = [turn for turn in turns if turn.role != "system"]
    if rest and rest[0].role == "user":
        return [Turn("user", (*said, *rest[0].parts)), *rest[1:]]
    return [Turn("user", said), *rest]


def _variables(asked: Templated, messages: list[dict[str, Any]]) -> dict[str, Any]:
    variables: dict[str, Any] = {
        "messages": messages,
        "add_generation_prompt": True,
        "bos_token": asked.bos,
        "eos_token": asked.eos,
        "tools": None,
    }
    if asked.think is not None:
        # The names that makers chose for the same switch.
        variables |= {"enable_thinking": asked.think, "thinking": asked.think}
        effort = _effort(asked.template, asked.think)
        if effort:
            variables["reasoning_effort"] = effort
    return variables


def _effort(template: str, think: bool) -> str:
    """Return what a template is told of effort, "" for nothing: "none" or the least it knows."""
    if think:
        # Hunyuan 3 does not think unless it is told to.
        return "high" if "no_think" in template and "reasoning_effort" in template else ""
    words = ("no_think", "none", "minimal", "low")
    return next((word for word in words if re.search(rf"['\"]{word}['\"]", template)), "low")


def _ending(text: str, row: Format) -> tuple[bool, bool]:
    """Return whether a prompt ends inside a thought, and whether it ends with a closed one."""
    if not row.open:
        return False, False
    end = text.rstrip()
    if end.endswith(row.open.rstrip()) or (
        row.suffix and end.endswith((row.open + row.suffix).rstrip())
    ):
        return True, False
    return False, end.endswith(row.close)


def _continued(
    text: str, turn: Turn, row: Format, *, open_: bool, hide: Callable[[str], str]
) -> tuple[str, bool]:
    """Return the prompt with an answer begun after it, and whether it ends inside its thought."""
    for part in turn.parts:
        if isinstance(part, Thought):
            text += ("" if open_ else row.begin) + hide(part.text)
            open_ = not part.closed
            if part.closed:
                text += row.end
        elif isinstance(part, str) and part:
            if open_:
                text += row.end.lstrip("\n")
                open_ = False
            text += hide(part)
    return text, open_


def _with_begin(prompt: Prompt, asked: Templated, has: Has) -> Prompt:
    """Return the prompt with the token that begins every text, if its vocabulary wants one."""
    bos = segments(asked.bos, has) if asked.bos and asked.adds_bos else ()
    return prompt if prompt[: len(bos)] == bos else (*bos, *prompt)


def _refuse(words: str) -> NoReturn:
    raise WorldError(
        Problem(
            "template-refused",
            "The model's chat template refuses this conversation.",
            "Choose another prompt format for this model, or begin a new chat.",
            words,
        )
    )
