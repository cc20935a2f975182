"""What was attached, as rows: to which message or draft, under which name. See `attachments`.

Transactions belong to the store.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from app.chat.attached_text import decoded
from app.chat.attachments import Kept
from app.chat.message import Attachment, File, Image

_COLUMNS = "attached.ordinal, sha256, size_bytes, kind, name, about"
_FROM = "FROM attached JOIN attachments USING (sha256)"
_DRAFT = "message_id IS NULL AND draft_of IS ?"


class Texts:
    """The texts of kept files, each read once however many messages it was attached to."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._known: dict[tuple[str, str], str | None] = {}

    def of(self, sha256: str, encoding: str) -> str | None:
        """Return a kept file's text; None where the bytes are gone."""
        key = sha256, encoding
        if key not in self._known:
            data = self._kept.get(sha256)
            self._known[key] = None if data is None else decoded(data, encoding)
        return self._known[key]


def note(database: sqlite3.Connection, sha256: str, size_bytes: int, now: float) -> None:
    """Write down that bytes are about to be kept. now: seconds since the epoch."""
    database.execute(
        "INSERT OR IGNORE INTO attachments (sha256, size_bytes, added_at) VALUES (?, ?, ?)",
        (sha256, size_bytes, now),
    )


def insert(
    database: sqlite3.Connection,
    part: Attachment,
    ordinal: int,
    *,
    message_id: str | None = None,
    draft_of: str | None = None,
) -> None:
    """Attach a part to a message, or else to a draft. Its bytes must have been noted."""
    about: dict[str, Any]
    if isinstance(part, Image):
        about = {"mime": part.mime, "width": part.width, "height": part.height}
        about |= {"withheld": True} if part.withheld else {}
    else:
        about = {"encoding": part.encoding}
    kind = "image" if isinstance(part, Image) else "file"
    database.execute(
        "INSERT INTO attached (message_id, draft_of, ordinal, sha256, kind, name, about)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (message_id, draft_of, ordinal, part.sha256, kind, part.name, json.dumps(about)),
    )


def append_to_draft(database: sqlite3.Connection, chat_id: str | None, part: Attachment) -> None:
    """Attach a part to a draft, after what is there."""
    (last,) = database.execute(
        f"SELECT max(ordinal) FROM attached WHERE {_DRAFT}", (chat_id,)
    ).fetchone()
    insert(database, part, 0 if last is None else last + 1, draft_of=chat_id)


def replace_draft(
    database: sqlite3.Connection, chat_id: str | None, parts: Iterable[Attachment]
) -> None:
    """Attach just these to a draft."""
    database.execute(f"DELETE FROM attached WHERE {_DRAFT}", (chat_id,))
    for ordinal, part in enumerate(parts):
        insert(database, part, ordinal, draft_of=chat_id)


def of_draft(
    database: sqlite3.Connection, chat_id: str | None, texts: Texts
) -> tuple[Attachment, ...]:
    """Return what is attached to a draft."""
    rows = database.execute(
        f"SELECT {_COLUMNS} {_FROM} WHERE {_DRAFT} ORDER BY attached.ordinal", (chat_id,)
    )
    return tuple(_part(row, texts) for row in rows.fetchall())


def of_messages(
    database: sqlite3.Connection, chat_id: str, texts: Texts
) -> Iterator[tuple[str, int, Attachment]]:
    """Yield message id, ordinal and part of all that is attached to a chat's messages."""
    rows = database.execute(
        f"SELECT message_id, {_COLUMNS} {_FROM} JOIN messages ON messages.id = message_id"
        " WHERE chat_id = ?",
        (chat_id,),
    )
    for message_id, *row in rows.fetchall():
        yield message_id, row[0], _part(row, texts)


def unnamed(database: sqlite3.Connection) -> list[str]:
    """Return the hashes that no message (not even one in the trash) and no draft names."""
    rows = database.execute(
        "SELECT sha256 FROM attachments WHERE sha256 NOT IN (SELECT sha256 FROM attached)"
    )
    return [sha256 for (sha256,) in rows]


def forget(database: sqlite3.Connection, sha256: str) -> None:
    """Take away the row of bytes that are gone."""
    database.execute("DELETE FROM attachments WHERE sha256 = ?", (sha256,))


def _part(row: Any, texts: Texts) -> Attachment:
    _, sha256, size_bytes, kind, name, about = row
    known = json.loads(about)
    if kind == "image":
        return Image(
            sha256,
            name,
            size_bytes,
            known["mime"],
            known["width"],
            known["height"],
            known.get("withheld", False),
        )
    encoding = known["encoding"]
    return File(sha256, name, size_bytes, encoding, texts.of(sha256, encoding))
