"""What an index answers: titles first, then messages, the best of the newest, with excerpts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.chat import search_words
from app.chat.search_excerpt import Place
from app.chat.search_index import Filler, index_errors, open_index, said

Where = Literal["title", "message", "thinking"]

LIMIT = 30
"""How many are found at most, unless asked otherwise. An excerpt takes some 0.2 ms."""

_RANKED = 400
"""How many of the newest that have the words are ranked. bm25 over all of 50,000 takes 140 ms."""

_SAID = (
    "SELECT c.id, m.id, c.title, c.updated_at, m.status, p.kind, p.text FROM store.messages AS m"
    " JOIN store.chats AS c ON c.id = m.chat_id JOIN store.parts AS p ON p.message_id = m.id"
    " WHERE m.ordinal = ? ORDER BY p.ordinal"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A place that has what was looked for.

    title: the chat's. message_id: None where it is the chat's title that has the words; part says
    where they are. excerpt: one line around them; marks: where they stand in it, starts and ends in
    characters. updated_at: the chat's, seconds since the epoch.
    """

    chat_id: str
    message_id: str | None
    title: str
    part: Where
    excerpt: str
    marks: tuple[tuple[int, int], ...]
    updated_at: float


def find(store: Path, text: str, limit: int = LIMIT) -> list[Found]:
    """Return where a store's chats have these words, the best first, with a complete index.

    Raises WorldError where the index cannot be made. A store that is not there has nothing.
    """
    try:
        database = open_index(store)
    except FileNotFoundError:
        return []
    with closing(database), index_errors(store):
        for _ in Filler(database).fill():
            pass
        return list(found(database, text, limit))


def found(database: sqlite3.Connection, text: str, limit: int) -> Iterator[Found]:
    """Yield where an index, as `open_index` gives it, has these words: titles first."""
    wanted = search_words.terms(text)
    if not wanted:
        return
    query = search_words.expression(wanted)
    place = Place(wanted)
    rows = database.execute(
        "SELECT c.id, c.title, c.updated_at FROM titles JOIN names ON names.number = titles.rowid"
        " JOIN store.chats AS c ON c.id = names.chat_id AND c.deleted_at IS NULL"
        " WHERE titles MATCH ? ORDER BY c.updated_at DESC LIMIT ?",
        (query, limit),
    ).fetchall()
    for chat_id, title, updated_at in rows:
        line, marks, _ = place.whole(title)
        yield Found(chat_id, None, title, "title", line, marks, updated_at)
    for ordinal in _ranked(database, query, limit - len(rows)):
        parts = database.execute(_SAID, (ordinal,)).fetchall()
        if parts:
            yield _placed(database, place, parts)


def _ranked(database: sqlite3.Connection, query: str, limit: int) -> list[int]:
    """Return the ordinals of messages: the best of the newest."""
    live = (
        "SELECT words.rowid FROM words JOIN docs ON docs.ordinal = words.rowid"
        " JOIN store.chats AS c ON c.id = docs.chat_id AND c.deleted_at IS NULL"
        " WHERE words MATCH ?"
    )
    newest = database.execute(
        f"{live} ORDER BY words.rowid DESC LIMIT {_RANKED}", (query,)
    ).fetchall()
    if not newest or limit < 1:
        return []
    if len(newest) == 1:
        return [newest[0][0]]
    # A word in what was said weighs twice of one that was only thought.
    best = database.execute(
        f"{live} AND words.rowid >= ? ORDER BY bm25(words, 2.0, 1.0), words.rowid DESC LIMIT ?",
        (query, newest[-1][0], limit),
    )
    return [row[0] for row in best]


def _placed(
    database: sqlite3.Connection,
    place: Place,
    parts: list[tuple[str, str, str, float, str, str, str]],
) -> Found:
    chat_id, message_id, title, updated_at, status, _, _ = parts[0]
    if status in ("running", "interrupted"):  # may have pieces that are not folded in yet
        body, thinking = said(database, message_id)
    else:
        body = "".join(text for *_, kind, text in parts if kind == "text")
        thinking = "".join(text for *_, kind, text in parts if kind == "thinking")
    part: Where = "message"
    line, marks, terms = place.excerpt(body)
    if thinking and terms < place.terms:
        other = place.excerpt(thinking)
        if other[2] > terms:
            part, (line, marks, _) = "thinking", other
    return Found(chat_id, message_id, title, part, line, marks, updated_at)
