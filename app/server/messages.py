"""From the turns of a conversation to the messages a server is sent.

A server applies the model's template itself, so it gets messages, not ids. The system prompt is
the project's own merged one. Markers that belong to a prompt (the thought in Magistral's system
prompt) are spelled: servers read spelled control tokens, which is also why a "[THINK]" that a user
types is one to them. Earlier thoughts go back as the kind of server wants them, or are dropped.
Pictures go along as data, where they are still there.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.engine.protocol import PictureFile
from app.errors import Problem, WorldError
from app.prompts.segments import Picture, Thought, Turn, TurnPart
from app.server.kinds import Kind

Message = dict[str, Any]
Pictures = Sequence[PictureFile]

_OPEN, _CLOSE = "[THINK]", "[/THINK]"


def messages(turns: Sequence[Turn], kind: Kind, pictures: Pictures = ()) -> list[Message]:
    """Return the messages of a conversation, with the thoughts that are in it, where they can go.

    Raises WorldError where a picture is gone.
    """
    return [_message(turn, kind, pictures) for turn in turns]


def continued(turns: Sequence[Turn], kind: Kind, pictures: Pictures = ()) -> dict[str, Any]:
    """Return the fields of a request whose last turn is an assistant's that goes on.

    The kind must be able to: see Kind.prefill, and Kind.thoughts where the turn holds one.
    """
    *before, last = turns
    sent = messages(before, kind, pictures)
    thought, text = thought_of(last), text_of(last)
    is_open = thought is not None and not thought.closed and not text
    message = _message(last, kind, pictures)
    fields: dict[str, Any] = {}
    if kind.prefill == "flags":
        fields = {"continue_final_message": True, "add_generation_prompt": False}
    elif kind.prefill == "prefix":
        message["prefix"] = True
    if kind.name == "llama_cpp" and thought is not None:
        fields["continue_final_message"] = "reasoning_content" if is_open else "content"
        message["content"] = text
    elif kind.name == "vllm" and thought is not None:
        message = {"role": "assistant", "content": _parts(thought, text)}
    return {"messages": [*sent, message], **fields}


def thought_of(turn: Turn) -> Thought | None:
    """Return the thinking of a turn as one thought, None where it has none."""
    thoughts = [part for part in turn.parts if isinstance(part, Thought)]
    if not thoughts:
        return None
    return Thought("".join(thought.text for thought in thoughts), thoughts[-1].closed)


def text_of(turn: Turn) -> str:
    """Return what a turn says aloud."""
    return "".join(part for part in turn.parts if isinstance(part, str))


def _message(turn: Turn, kind: Kind, pictures: Pictures) -> Message:
    if turn.role != "assistant":
        return {"role": turn.role, "content": _content(turn, kind, pictures)}
    message: Message = {"role": "assistant", "content": text_of(turn)}
    thought = thought_of(turn)
    if thought is None or not thought.text:
        return message
    match kind.carry:
        case "reasoning_content" | "reasoning":
            message[kind.carry] = thought.text
        case "parts":
            message["content"] = _parts(thought, text_of(turn), listed=True)
    return message


def _content(turn: Turn, kind: Kind, pictures: Pictures) -> str | list[dict[str, Any]]:
    """Return the content of a system prompt or a question: one text where that is all it is."""
    found = [_one(part, kind, pictures) for part in turn.parts]
    if all(part["type"] == "text" for part in found):
        return "".join(part["text"] for part in found)
    return found


def _one(part: TurnPart, kind: Kind, pictures: Pictures) -> dict[str, Any]:
    match part:
        case str():
            return {"type": "text", "text": part}
        case Thought() if kind.carry == "parts":
            return _part(part, listed=True)
        case Thought(text=text):
            return {"type": "text", "text": f"{_OPEN}{text}{_CLOSE}"}
        case Picture(key=key):
            return {"type": "image_url", "image_url": {"url": _data(key, pictures)}}


def _data(key: str, pictures: Pictures) -> str:
    """Return a picture as an address that holds it. Raises WorldError."""
    try:
        file = next(picture for picture in pictures if picture.key == key)
        data = base64.b64encode(Path(file.path).read_bytes()).decode("ascii")
    except (StopIteration, OSError) as error:
        raise WorldError(
            Problem(
                "picture-gone",
                "A picture of this chat is not there any more, so it cannot be sent.",
                "Take it out of the message (Edit), or attach it again.",
                str(error),
            )
        ) from error
    return f"data:{file.mime};base64,{data}"


def _parts(thought: Thought, text: str, *, listed: bool = False) -> list[dict[str, Any]]:
    parts = [_part(thought, listed=listed)]
    return [*parts, {"type": "text", "text": text}] if text else parts


def _part(thought: Thought, *, listed: bool) -> dict[str, Any]:
    """Return a thought as a part of a content. listed: its text in a list, as Mistral's API has it.

    vLLM takes it as bare text only.
    """
    text: Any = [{"type": "text", "text": thought.text}] if listed else thought.text
    return {"type": "thinking", "thinking": text, "closed": thought.closed}
