"""Chats as files: one in each form, several in a zip."""

import io
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, get_args

from app import files
from app.chat.attachments import Kept
from app.chat.message import ChatSummary
from app.chat.store import Store
from app.errors import Problem, WorldError
from app.transcript import chain, readable
from app.transcript.names import file_name
from app.transcript.readable import ThinkingForm
from app.transcript.record import Record

Form = Literal["json", "md", "html", "pdf", "txt", "jsonl"]
FORMS: tuple[Form, ...] = get_args(Form)


def record_from(store: Store, chat_id: str) -> Record:
    """Return a stored chat with all its branches. Raises WorldError where there is none."""
    chat = store.load(chat_id)
    return Record(
        id=chat.summary.id,
        title=chat.summary.title,
        conversation=chat.conversation,
        system_prompt=chat.system_prompt,
        thinking_budget=chat.thinking_budget,
        model=chat.model,
    )


def attachments_of(record: Record, kept: Kept) -> dict[str, bytes]:
    """Return the bytes of what is attached in a chat, by hash; what is gone is left out."""
    named = {
        part.sha256
        for message in record.conversation.messages.values()
        for part in message.attachments
    }
    found = {name: kept.get(name) for name in named}
    return {name: data for name, data in found.items() if data is not None}


def exported(
    record: Record, form: Form, *, kept: Kept, thinking: ThinkingForm = "details"
) -> bytes:
    """Return a chat in a form, as the bytes of a file."""
    made: Callable[..., str]
    match form:
        case "json":
            return chain.dumps(record, attachments_of(record, kept))
        case "html":
            from app.transcript.html import page

            kept_bytes = attachments_of(record, kept)
            text = page(record, thinking=thinking, attachments=kept_bytes)
            return text.encode("utf-8", "replace")
        case "pdf":
            from app.transcript.paper import pdf

            return pdf(record, attachments_of(record, kept), thinking)
        case "md":
            made = readable.markdown
        case "txt":
            made = readable.plain
        case "jsonl":
            made = readable.openai_line
    # Half an emoji cannot be written; what is stored has none, what is imported may.
    return made(record, thinking=thinking).encode("utf-8", "replace")


def together(
    records: Iterable[Record], form: Form, *, kept: Kept, thinking: ThinkingForm = "details"
) -> bytes:
    """Return several chats as one file: JSON lines as they are, everything else in a zip."""
    if form == "jsonl":
        return b"".join(exported(one, form, kept=kept, thinking=thinking) for one in records)
    packed = io.BytesIO()
    names: list[str] = []
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            names.append(file_name(record.title, form, names))
            archive.writestr(names[-1], exported(record, form, kept=kept, thinking=thinking))
    return packed.getvalue()


def write(path: Path, data: bytes) -> None:
    """Put an export in its place, whole or not at all. Raises WorldError."""
    try:
        files.replace(path, data)
    except OSError as error:
        raise WorldError(
            Problem(
                "export-unwritable",
                f"The export could not be written to {path}.",
                "Choose another folder, or free some space on its disk.",
                str(error),
            )
        ) from error


def find(store: Store, wanted: str) -> ChatSummary:
    """Return the one chat whose id begins so. Raises WorldError where none or several do."""
    found = [chat for chat in store.list_chats() if chat.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    what = "No chat has" if not found else f"{len(found)} chats have"
    raise WorldError(
        Problem(
            "chat-unknown",
            f"{what} an id that begins with {wanted!r}.",
            "`ponder chats list` shows the ids.",
        )
    )
