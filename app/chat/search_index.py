"""The full-text index of the chats: a file beside them that can be thrown away at any time.

It is never in the way of a chat being written: it is filled afterwards, by its own connection, from
what the store has (`messages.revision` says what is new). Whatever is the matter with it (damaged,
another version's, of another store), it is deleted and made again. What is deleted in the store for
good leaves it too, physically.

`docs` has what each message was indexed with, packed, because FTS5 can take a text out of an index
without contents only if it is told that text again.
"""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.chat import migrations
from app.chat.search_words import prepared
from app.errors import Problem, WorldError

APPLICATION_ID = 0x506F6E49
"""The letters "PonI"."""

VERSION = 1
"""Of the index and of how texts are prepared for it. Another one's is made again."""

_BATCH = 64
_BATCH_CHARACTERS = 200_000
"""How much goes into one transaction: some 20 ms, so that a search or an end waits no longer."""

_TOKENS = "unicode61 remove_diacritics 2 categories 'L* N* Co M* So'"
_SCHEMA = f"""
CREATE TABLE docs (
    ordinal INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    chat_id TEXT NOT NULL,
    body BLOB NOT NULL,
    thinking BLOB NOT NULL
);
CREATE TABLE names (number INTEGER PRIMARY KEY, chat_id TEXT NOT NULL UNIQUE, title TEXT NOT NULL);
-- A row here says that words of what is gone are still in the file.
CREATE TABLE unmerged (one INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE words USING fts5 (body, thinking, content="", tokenize="{_TOKENS}");
CREATE VIRTUAL TABLE titles USING fts5 (title, content="", tokenize="{_TOKENS}");
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""
_STALE = (
    "SELECT ordinal FROM docs WHERE NOT EXISTS (SELECT 1 FROM store.messages AS m"
    " WHERE m.ordinal = docs.ordinal AND m.id = docs.message_id)"
)
_MISSING = (
    "SELECT m.ordinal FROM store.messages AS m"
    " WHERE m.revision > ? AND m.status <> 'running' AND NOT EXISTS (SELECT 1 FROM docs"
    " WHERE docs.ordinal = m.ordinal AND docs.message_id = m.id AND docs.revision = m.revision)"
    " ORDER BY m.ordinal"
)
_MERGED_PAGES = 256
"""How much of the index is merged at a time when words are to be gone: some 20 ms."""


def index_path(store: Path) -> Path:
    """Return where the index of a store is kept."""
    return store.with_name(f"{store.stem}.search{store.suffix}")


def open_index(store: Path) -> sqlite3.Connection:
    """Open the index of a store, the store attached to be read as `store`; a bad one is made again.

    Raises WorldError where it cannot be, and FileNotFoundError where there is no store yet.
    """
    if not store.exists():
        raise FileNotFoundError(store)
    with index_errors(store):
        try:
            return _opened(store)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            drop(store)
            return _opened(store)


def _opened(store: Path) -> sqlite3.Connection:
    database = sqlite3.connect(
        index_path(store).resolve().as_uri(), uri=True, timeout=5.0, isolation_level=None
    )
    try:
        if _number(database, "user_version") != VERSION or (
            _number(database, "application_id") != APPLICATION_ID
        ):
            if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("an index of another version")
            _create(database)
        # What was deleted for good shall not be found in free pages. No waiting for the disk: what
        # a power cut spoils is made again.
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "secure_delete = ON"):
            database.execute(f"PRAGMA {pragma}").fetchall()
        database.execute("ATTACH ? AS store", (f"{store.resolve().as_uri()}?mode=ro",))
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        # Asked again inside the transaction: another process may have just made it.
        if _number(database, "user_version") != VERSION:
            for statement in migrations.statements(_SCHEMA):
                database.execute(statement)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether an error means that the index must be made again."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return type(error) is sqlite3.DatabaseError
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)


def drop(store: Path) -> None:
    """Delete the index of a store. Raises WorldError where the system does not let it."""
    path = index_path(store)
    try:
        for suffix in ("-wal", "-shm", ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise _unsearchable(store, str(error)) from error


@contextmanager
def index_errors(store: Path) -> Iterator[None]:
    """Turn what is wrong with the index's file or disk into a WorldError."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise
        raise _unsearchable(store, str(error)) from error


def _unsearchable(store: Path, detail: str) -> WorldError:
    return WorldError(
        Problem(
            "search-unavailable",
            "The chats cannot be searched just now.",
            f"Check the disk that holds {store.parent}: the chats themselves are not concerned.",
            detail,
        )
    )


_Row = tuple[str, int, str]
"""A message's id, its revision and its chat's id."""


def identity(path: Path) -> tuple[int, int] | None:
    """Return which file is at a path now: a repaired store or a new index is another one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Filler:
    """Brings an index up to date with its store, a little at a time.

    One connection's, as `open_index` gave it. Errors of SQLite pass through. Chats in the trash
    stay: whoever searches leaves them out.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._known = -1

    def fill(self) -> Iterator[bool]:
        """Index what is new and drop what is gone, newest first, some 20 ms a step.

        Yields whether the step has changed anything; may be left at any step, and begun again.
        """
        database = self._database
        if _number(database, "store.user_version") != migrations.STEPS[-1].number:
            return
        revision = _revision(database)
        # Chats that come and go are seen by their titles; messages of the others by revision.
        renamed = self._names()
        yield renamed
        if revision == self._known and not renamed:
            return
        stale = [row[0] for row in database.execute(_STALE)]
        while stale:
            with _transaction(database):
                self._drop(stale[-_BATCH:])
                database.execute("INSERT OR IGNORE INTO unmerged VALUES (1)")
            del stale[-_BATCH:]
            yield True
        missing = [row[0] for row in database.execute(_MISSING, (self._known,))]
        while missing:
            with _transaction(database):
                self._take(missing)
            yield True
        self._known = revision
        yield from self._forget()

    def _forget(self) -> Iterator[bool]:
        """Drop the words of what is gone: FTS5 only marks them until all of it is merged."""
        database = self._database
        if not database.execute("SELECT count(*) FROM unmerged").fetchone()[0]:
            return
        for table in ("words", "titles"):
            pages = -_MERGED_PAGES  # negative: all segments are to become one
            while True:
                before = database.total_changes
                database.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', {pages})")
                pages = _MERGED_PAGES
                yield False
                if database.total_changes - before < 2:
                    break
        database.execute("DELETE FROM unmerged")
        database.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchall()

    def _names(self) -> bool:
        """Take over the titles of the chats that there are; return whether any has changed."""
        database = self._database
        gone = (
            "SELECT number, title FROM names WHERE NOT EXISTS (SELECT 1 FROM store.chats AS c"
            " WHERE c.id = names.chat_id AND c.title = names.title)"
        )
        come = "SELECT id, title FROM store.chats WHERE id NOT IN (SELECT chat_id FROM names)"
        if not any(database.execute(f"{one} LIMIT 1").fetchall() for one in (gone, come)):
            return False
        with _transaction(database):
            for number, title in database.execute(gone).fetchall():
                database.execute(
                    "INSERT INTO titles (titles, rowid, title) VALUES ('delete', ?, ?)",
                    (number, prepared(title)),
                )
                database.execute("DELETE FROM names WHERE number = ?", (number,))
                database.execute("INSERT OR IGNORE INTO unmerged VALUES (1)")
            for chat_id, title in database.execute(come).fetchall():
                added = database.execute(
                    "INSERT INTO names (chat_id, title) VALUES (?, ?)", (chat_id, title)
                )
                database.execute(
                    "INSERT INTO titles (rowid, title) VALUES (?, ?)",
                    (added.lastrowid, prepared(title)),
                )
        return True

    def _drop(self, ordinals: list[int]) -> None:
        for ordinal in ordinals:
            row = self._database.execute(
                "SELECT body, thinking FROM docs WHERE ordinal = ?", (ordinal,)
            ).fetchone()
            if row is None:
                continue
            try:
                body, thinking = (zlib.decompress(packed).decode() for packed in row)
            except (zlib.error, UnicodeDecodeError, TypeError) as error:
                raise sqlite3.DatabaseError("a text of the index is damaged") from error
            self._database.execute(
                "INSERT INTO words (words, rowid, body, thinking) VALUES ('delete', ?, ?, ?)",
                (ordinal, body, thinking),
            )
            self._database.execute("DELETE FROM docs WHERE ordinal = ?", (ordinal,))

    def _take(self, ordinals: list[int]) -> None:
        """Index the last few messages of a list, and take them off it."""
        batch: list[tuple[int, _Row, str, str]] = []
        characters = 0
        while ordinals and len(batch) < _BATCH and characters < _BATCH_CHARACTERS:
            ordinal = ordinals.pop()
            row = self._database.execute(
                "SELECT id, revision, chat_id FROM store.messages WHERE ordinal = ?", (ordinal,)
            ).fetchone()
            if row is None:  # deleted a moment ago
                continue
            body, thinking = (prepared(text) for text in said(self._database, row[0]))
            characters += len(body) + len(thinking)
            batch.append((ordinal, row, body, thinking))
        # Upwards: FTS5 writes what it has gathered at every step down, which made 1.1 MB of 1 MB.
        batch.reverse()
        self._drop([ordinal for ordinal, *_ in batch])
        for ordinal, row, body, thinking in batch:
            self._database.execute(
                "INSERT INTO words (rowid, body, thinking) VALUES (?, ?, ?)",
                (ordinal, body, thinking),
            )
            packed = (zlib.compress(text.encode(), 1) for text in (body, thinking))
            self._database.execute(
                "INSERT INTO docs VALUES (?, ?, ?, ?, ?, ?)", (ordinal, *row, *packed)
            )


def said(database: sqlite3.Connection, message_id: str) -> tuple[str, str]:
    """Return what a message of the store says and what was thought."""
    found: dict[str, list[str]] = {"text": [], "thinking": []}
    kinds: dict[int, str] = {}
    for ordinal, kind, text in database.execute(
        "SELECT ordinal, kind, text FROM store.parts WHERE message_id = ? ORDER BY ordinal",
        (message_id,),
    ):
        kinds[ordinal] = kind
        found[kind].append(text)
    for ordinal, text in database.execute(
        "SELECT part, text FROM store.pieces WHERE message_id = ? ORDER BY seq", (message_id,)
    ):
        found[kinds.get(ordinal, "text")].append(text)
    return "".join(found["text"]), "".join(found["thinking"])


def _revision(database: sqlite3.Connection) -> int:
    row = database.execute("SELECT value FROM store.state WHERE key = 'revision'").fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            with suppress(sqlite3.Error):
                database.execute("ROLLBACK")
        raise
