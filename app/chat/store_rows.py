"""How messages become rows and come back. Transactions belong to the store.

A running answer is only ever appended to: a checkpoint writes the text that came since the last
one as a row of `pieces`. Rewriting an answer of 800 kB (200,000 tokens) was measured at 927 KiB of
writing a checkpoint, some 2 GB over the whole answer; appending is 13 KiB, however long it is
(tests/bench/bench_store.py).
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, Literal

from app.chat import store_attachments
from app.chat.message import File, Image, Message, Part, Provenance, Text, Thinking
from app.chat.options import KEY
from app.engine.protocol import Sampling, Usage

MESSAGE_COLUMNS = "id, parent_id, role, created_at, status, note, usage, provenance"


def storable(text: str) -> str:
    """Return text that UTF-8 can hold: a lone surrogate (half of a pasted emoji) becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def storable_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return the parts with storable text."""
    return tuple(_storable_part(part) for part in parts)


def _storable_part(part: Part) -> Part:
    if isinstance(part, Image | File):
        return replace(part, name=storable(part.name))
    text = storable(part.text)
    return part if text is part.text else replace(part, text=text)


# ---------------------------------------------------------------- writing


def insert_chat(
    database: sqlite3.Connection,
    chat_id: str,
    title: str,
    title_source: Literal["auto", "user"],
    now: float,
    options: tuple[str, int | None, str],
) -> None:
    """Insert a chat without messages. options: system prompt, thinking budget, model."""
    system_prompt, thinking_budget, model = options
    database.execute(
        "INSERT INTO chats (id, title, title_source, created_at, updated_at,"
        " system_prompt, thinking_budget, model) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            chat_id,
            storable(title),
            title_source,
            now,
            now,
            storable(system_prompt),
            thinking_budget,
            storable(model),
        ),
    )


def next_revision(database: sqlite3.Connection) -> int:
    """Return a number above all that were given before, for a change of what messages say."""
    row = database.execute(
        "INSERT INTO state (key, value) VALUES ('revision', '1')"
        " ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING value"
    ).fetchone()
    return int(row[0])


def forget_options(database: sqlite3.Connection) -> None:
    """Delete the options of chats that are no longer there."""
    # By comparing and not LIKE, so that SQLite goes by the primary key.
    database.execute(
        "DELETE FROM state WHERE key > ? AND key < ?"
        " AND substr(key, ?) NOT IN (SELECT id FROM chats)",
        (KEY, f"{KEY}\U0010ffff", len(KEY) + 1),
    )


def note_change(database: sqlite3.Connection, message_id: str) -> None:
    """Note that a message says something else now."""
    revision = next_revision(database)
    database.execute("UPDATE messages SET revision = ? WHERE id = ?", (revision, message_id))


def insert_message(database: sqlite3.Connection, chat_id: str, message: Message) -> None:
    """Insert a message and its parts, which must be storable."""
    database.execute(
        f"INSERT INTO messages (chat_id, {MESSAGE_COLUMNS}, revision)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            chat_id,
            message.id,
            message.parent_id,
            message.role,
            message.created_at,
            message.status,
            storable(message.note),
            _json(message.usage),
            _json(message.provenance),
            next_revision(database),
        ),
    )
    _insert_parts(database, message.id, message.parts, start=0)


def update_message(database: sqlite3.Connection, message: Message) -> str:
    """Update what may change in a message, its parts aside; return its chat's id.

    Raises KeyError where there is no such message.
    """
    row = database.execute("SELECT chat_id FROM messages WHERE id = ?", (message.id,)).fetchone()
    if row is None:
        raise KeyError(message.id)
    database.execute(
        "UPDATE messages SET status = ?, note = ?, usage = ?, provenance = ? WHERE id = ?",
        (
            message.status,
            storable(message.note),
            _json(message.usage),
            _json(message.provenance),
            message.id,
        ),
    )
    return str(row[0])


def replace_parts(database: sqlite3.Connection, message_id: str, parts: tuple[Part, ...]) -> None:
    """Write all parts of a message anew."""
    database.execute("DELETE FROM pieces WHERE message_id = ?", (message_id,))
    database.execute("DELETE FROM parts WHERE message_id = ?", (message_id,))
    database.execute("DELETE FROM attached WHERE message_id = ?", (message_id,))
    _insert_parts(database, message_id, parts, start=0)


def extend_parts(
    database: sqlite3.Connection, message_id: str, old: tuple[Part, ...], new: tuple[Part, ...]
) -> None:
    """Write what `new` says beyond `old`, which the rows say; all of it if it is no extension."""
    if not _extends(old, new):
        replace_parts(database, message_id, new)
        return
    for ordinal, (before, after) in enumerate(zip(old, new, strict=False)):
        if isinstance(before, Image | File) or isinstance(after, Image | File):
            continue
        tail = after.text[len(before.text) :]
        if tail:
            database.execute(
                "INSERT INTO pieces (message_id, part, text) VALUES (?, ?, ?)",
                (message_id, ordinal, tail),
            )
        if isinstance(after, Thinking):
            database.execute(
                "UPDATE parts SET closed = ?, seconds = ?, tokens = ?"
                " WHERE message_id = ? AND ordinal = ?",
                (after.closed, after.seconds, after.tokens, message_id, ordinal),
            )
    _insert_parts(database, message_id, new[len(old) :], start=len(old))


def _extends(old: tuple[Part, ...], new: tuple[Part, ...]) -> bool:
    return len(old) <= len(new) and all(
        _grows(before, after) for before, after in zip(old, new, strict=False)
    )


def _grows(before: Part, after: Part) -> bool:
    if isinstance(before, Image | File) or isinstance(after, Image | File):
        return before == after
    return type(before) is type(after) and after.text.startswith(before.text)


def _insert_parts(
    database: sqlite3.Connection, message_id: str, parts: tuple[Part, ...], *, start: int
) -> None:
    for ordinal, part in enumerate(parts, start):
        if isinstance(part, Image | File):
            store_attachments.insert(database, part, ordinal, message_id=message_id)
            continue
        thought = part if isinstance(part, Thinking) else Thinking("")
        database.execute(
            "INSERT INTO parts (message_id, ordinal, kind, text, closed, seconds, tokens)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                message_id,
                ordinal,
                "thinking" if isinstance(part, Thinking) else "text",
                part.text,
                thought.closed,
                thought.seconds,
                thought.tokens,
            ),
        )


# ---------------------------------------------------------------- reading


def read_messages(
    database: sqlite3.Connection, chat_id: str, texts: store_attachments.Texts
) -> dict[str, Message]:
    """Return a chat's messages by id, in the order they were made."""
    parts = _read_parts(database, chat_id)
    for message_id, ordinal, part in store_attachments.of_messages(database, chat_id, texts):
        parts.setdefault(message_id, {})[ordinal] = part
    rows = database.execute(
        f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE chat_id = ? ORDER BY ordinal", (chat_id,)
    )
    return {
        row[0]: Message(
            id=row[0],
            parent_id=row[1],
            role=row[2],
            parts=tuple(part for _, part in sorted(parts.get(row[0], {}).items())),
            created_at=row[3],
            status=row[4],
            note=row[5],
            usage=None if row[6] is None else Usage(**_known(Usage, json.loads(row[6]))),
            provenance=None if row[7] is None else _provenance(json.loads(row[7])),
        )
        for row in rows
    }


def _read_parts(database: sqlite3.Connection, chat_id: str) -> dict[str, dict[int, Part]]:
    """Return texts and thoughts by message and ordinal."""
    tails: dict[tuple[str, int], list[str]] = {}
    for message_id, ordinal, text in database.execute(
        "SELECT message_id, part, pieces.text FROM pieces JOIN messages ON messages.id = message_id"
        " WHERE chat_id = ? ORDER BY seq",
        (chat_id,),
    ):
        tails.setdefault((message_id, ordinal), []).append(text)
    parts: dict[str, dict[int, Part]] = {}
    for message_id, ordinal, kind, text, closed, seconds, tokens in database.execute(
        "SELECT message_id, parts.ordinal, kind, text, closed, seconds, tokens"
        " FROM messages JOIN parts ON messages.id = message_id"
        " WHERE chat_id = ? ORDER BY message_id, parts.ordinal",
        (chat_id,),
    ):
        whole = "".join((text, *tails.get((message_id, ordinal), ())))
        parts.setdefault(message_id, {})[ordinal] = (
            Thinking(whole, bool(closed), seconds, tokens) if kind == "thinking" else Text(whole)
        )
    return parts


def fold_pieces(database: sqlite3.Connection, message_id: str) -> None:
    """Move a message's pieces into its parts: what `_read_parts` would read is unchanged."""
    tails: dict[int, list[str]] = {}
    for ordinal, text in database.execute(
        "SELECT part, text FROM pieces WHERE message_id = ? ORDER BY seq", (message_id,)
    ):
        tails.setdefault(ordinal, []).append(text)
    for ordinal, texts in tails.items():
        database.execute(
            "UPDATE parts SET text = text || ? WHERE message_id = ? AND ordinal = ?",
            ("".join(texts), message_id, ordinal),
        )
    database.execute("DELETE FROM pieces WHERE message_id = ?", (message_id,))


# ---------------------------------------------------------------- JSON columns


def _json(value: Usage | Provenance | None) -> str | None:
    # ASCII: the path of a model may hold bytes that UTF-8 cannot.
    return None if value is None else json.dumps(asdict(value))


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that `kind` has: a later Ponder may have written more."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


def _provenance(values: Mapping[str, Any]) -> Provenance:
    known = _known(Provenance, values)
    return Provenance(**{**known, "sampling": Sampling(**_known(Sampling, known["sampling"]))})
