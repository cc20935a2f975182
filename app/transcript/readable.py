"""A branch of a chat in forms for people and other programs: Markdown, plain text, JSON lines.

All three are of one branch, from the first message to its end; the lossless form (`chain`) has the
others too. Each says by what every answer was made.
"""

from typing import Literal

from app.chat.message import File, Image, Message, Part, Text, Thinking
from app.transcript import made_by
from app.transcript.chain import encode
from app.transcript.record import Record
from app.transcript.sealing import fenced, sealed

ThinkingForm = Literal["details", "quote", "none"]
"""Folded away in <details>, as a quotation, or left out."""


def markdown(record: Record, *, thinking: ThinkingForm = "details") -> str:
    """Return the shown branch as Markdown."""
    said = [f"# {_line(record.title)}"]
    if record.system_prompt.strip():
        said += ["## System prompt", sealed(record.system_prompt)]
    for message in record.conversation.branch():
        said.append(f"## {_line(made_by.speaker(message))}")
        for part in message.parts:
            said += _part(part, message, thinking)
        ending = made_by.ending(message)
        if ending:
            said.append(f"*{_line(ending)}*")
        by = made_by.short(message)
        if by:
            said.append(f"*{_line(by)}*")
    return "\n\n".join(part for part in said if part) + "\n"


def _part(part: Part, message: Message, thinking: ThinkingForm) -> list[str]:
    match part:
        case Text(text=text):
            return [sealed(text)]
        case Thinking(text=text) if thinking == "details":
            summary = f"<details>\n<summary>{made_by.thought(message)}</summary>"
            return [summary, sealed(text), "</details>"]
        case Thinking(text=text) if thinking == "quote":
            quoted = f"**{made_by.thought(message)}**\n\n{sealed(text)}"
            return ["\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))]
        case Image() | File():
            return [f"*{_line(made_by.attached(part))}*", *_fenced(part)]
    return []


def _fenced(part: Image | File) -> list[str]:
    """Return what a text file says as code."""
    if isinstance(part, Image) or part.text is None:
        return []
    return [fenced(part.text.replace("\r\n", "\n"))]


def _line(text: str) -> str:
    """Return text as it is on one line of Markdown, with none of its signs meant as such."""
    plain = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_[]<>#$~|&" else char for char in plain)


def plain(record: Record, *, thinking: ThinkingForm = "details") -> str:
    """Return the shown branch as plain text; Markdown in it stays as it was written."""
    title = " ".join(record.title.split())
    said = [f"{title}\n{'=' * max(3, min(len(title), 72))}"]
    if record.system_prompt.strip():
        said.append(f"System prompt:\n{record.system_prompt}")
    for message in record.conversation.branch():
        said.append(f"{made_by.speaker(message)} ({made_by.when(message.created_at)}):")
        for part in message.parts:
            match part:
                case Text(text=text):
                    said.append(text)
                case Thinking(text=text) if thinking != "none":
                    said.append(f"[{made_by.thought(message)}]\n{text}\n[End of the thought]")
                case Image():
                    said.append(f"[{made_by.attached(part)}]")
                case File():
                    said.append(f"[{made_by.attached(part)}]\n{part.text or ''}\n[End of the file]")
        said += [f"[{line}]" for line in (made_by.ending(message), made_by.short(message)) if line]
    return "\n\n".join(part for part in said if part.strip()) + "\n"


def openai_line(record: Record, *, thinking: ThinkingForm = "details") -> str:
    """Return the shown branch as one line of JSON, in the form of OpenAI's messages.

    {"messages": [{"role", "content", "reasoning_content"}], "metadata": {…}}: reasoning_content
    is what servers of open models call a thought; metadata says by what each answer was made.
    """
    messages: list[dict[str, str]] = []
    if record.system_prompt.strip():
        messages.append({"role": "system", "content": record.system_prompt})
    made: list[dict[str, str] | None] = [None] * len(messages)
    for message in record.conversation.branch():
        found = {"role": message.role, "content": message.text}
        thought = message.thinking
        if thought is not None and thinking != "none":
            found["reasoning_content"] = thought.text
        messages.append(found)
        made.append(dict(made_by.lines(message)) or None)
    return (
        encode({"messages": messages, "metadata": {"title": record.title, "made_by": made}}) + "\n"
    )
