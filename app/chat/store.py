"""Where chats are kept: one SQLite database, written so that no crash loses more than a second.

Write-ahead log, one writer at a time, every method one transaction. What a user did and a finished
answer are written with `synchronous = FULL`: in WAL mode the commit then returns only after the
log has reached the disk, so a power cut afterwards loses nothing. What is written often and may
lag (checkpoints of the running answer, drafts) is written with NORMAL: no waiting for the disk; a
killed process loses none of it, a power cut at most what came since the last full write. Not
thread-safe: `StoreWorker` gives it its own thread.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.chat import migrations, store_rows
from app.chat.conversation import Conversation
from app.chat.message import ChatSummary, Message, Part
from app.chat.store_errors import busy, unreachable, world_errors
from app.chat.store_presence import Presence
from app.errors import Problem, WorldError

BUSY_S = 5.0
"""How long to wait for another process's write: ours take milliseconds, a backup longer."""

KEEP_DELETED_S = 30 * 24 * 3600
"""How long a deleted chat can still be brought back."""

INTERRUPTED_NOTE = "Ponder was closed while this was being written. What came is kept."

_NEW_DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class StoredChat:
    """A chat as it was left.

    collapsed: the thinking panels the user closed (True) or opened (False), by message id; the
    others were never touched. model: the path last used, "" for none.
    """

    summary: ChatSummary
    conversation: Conversation
    draft: str
    system_prompt: str
    thinking_budget: int | None
    model: str
    collapsed: Mapping[str, bool]


class Store:
    """The open database. Every method raises WorldError where the disk is at fault.

    After such an error nothing of the call was written and the store remains usable: the same call
    can be made again (a checkpoint then writes all that came since the last good one).
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float] = time.time,
        steps: Sequence[migrations.Step] = migrations.STEPS,
    ) -> None:
        """Open or create the database, bring its schema up to date, and tidy what a crash left.

        now: seconds since the epoch. Raises WorldError; NewerDatabaseError and DamagedDatabaseError
        in particular, after which the file is as it was.
        """
        self.path = path
        self._now = now
        # What the rows of running answers say, so that a checkpoint can write only what is new.
        self._written: dict[str, tuple[Part, ...]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unreachable(path, str(error)) from error
        with world_errors(path), ExitStack() as undo:
            self._presence = Presence(path, wait_s=BUSY_S)
            undo.callback(self._presence.close)
            # isolation_level None: transactions begin and end where this module says so.
            self._database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
            undo.callback(self._database.close)
            self._open(steps)
            self._presence.settle()
            undo.pop_all()

    def _open(self, steps: Sequence[migrations.Step]) -> None:
        if migrations.check(self._database, self.path, steps):
            if not self._presence.alone:
                raise busy(self.path, "the schema must be changed, which needs it alone")
            migrations.migrate(self._database, self.path, steps)
        for pragma in (
            "journal_mode = WAL",
            "foreign_keys = ON",
            # A chat that was deleted for good shall not be found in the file's free pages.
            "secure_delete = ON",
            # On macOS fsync leaves the data in the drive's cache; elsewhere these do nothing.
            "fullfsync = ON",
            "checkpoint_fullfsync = ON",
        ):
            self._database.execute(f"PRAGMA {pragma}").fetchall()
        if self._presence.alone:
            self._tidy()

    def _tidy(self) -> None:
        """End what a crash left running, and drop what was deleted long ago."""
        with self._write() as database:
            database.execute(
                "UPDATE messages SET status = 'interrupted', note = ? WHERE status = 'running'",
                (INTERRUPTED_NOTE,),
            )
        # The rest only makes the file smaller, and needs room to do it. Without room the chats are
        # there to be read all the same, and a later opening does it.
        with suppress(WorldError), self._write() as database:
            for (message_id,) in database.execute(
                "SELECT DISTINCT message_id FROM pieces"
            ).fetchall():
                store_rows.fold_pieces(database, message_id)
            database.execute(
                "DELETE FROM chats WHERE deleted_at < ?", (self._now() - KEEP_DELETED_S,)
            )

    def close(self) -> None:
        """Close the database. The last one to leave folds the log into it."""
        self._database.close()
        self._presence.close()

    @contextmanager
    def _write(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        database = self._database
        with world_errors(self.path):
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # on a full disk SQLite has rolled back by itself
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """One view of the database for several queries, whatever another process writes."""
        with world_errors(self.path):
            self._database.execute("BEGIN")
            try:
                yield self._database
            finally:
                if self._database.in_transaction:
                    self._database.execute("COMMIT")

    # ------------------------------------------------------------ reading

    def list_chats(self) -> tuple[ChatSummary, ...]:
        """Return the chats that are not deleted, the one written in last first."""
        with self._read() as database:
            rows = database.execute(
                "SELECT id, title, updated_at FROM chats WHERE deleted_at IS NULL"
                " ORDER BY updated_at DESC, rowid DESC"
            )
            return tuple(ChatSummary(*row) for row in rows)

    def load(self, chat_id: str) -> StoredChat:
        """Return a chat, deleted or not. Raises WorldError "chat-gone" where there is none."""
        with self._read() as database:
            row = database.execute(
                "SELECT title, updated_at, leaf, draft, system_prompt, thinking_budget, model"
                " FROM chats WHERE id = ?",
                (chat_id,),
            ).fetchone()
            if row is None:
                raise WorldError(
                    Problem(
                        "chat-gone",
                        "This chat is no longer there.",
                        "It was deleted, perhaps in another window of Ponder.",
                        chat_id,
                    )
                )
            title, updated_at, leaf, draft, system_prompt, thinking_budget, model = row
            collapsed = database.execute(
                "SELECT id, collapsed FROM messages WHERE chat_id = ? AND collapsed IS NOT NULL",
                (chat_id,),
            )
            return StoredChat(
                summary=ChatSummary(chat_id, title, updated_at),
                conversation=Conversation(store_rows.read_messages(database, chat_id), leaf),
                draft=draft,
                system_prompt=system_prompt,
                thinking_budget=thinking_budget,
                model=model,
                collapsed={message_id: bool(value) for message_id, value in collapsed},
            )

    # ------------------------------------------------------------ chats

    def create_chat(
        self,
        chat_id: str,
        *,
        title: str,
        messages: Sequence[Message] = (),
        system_prompt: str = "",
        thinking_budget: int | None = None,
        model: str = "",
        takes_draft: bool = False,
    ) -> ChatSummary:
        """Create a chat with its first messages; the last of them becomes the leaf.

        title counts as made by Ponder until `rename`. takes_draft: the first message was the draft
        of the chat not yet begun, which is emptied in the same transaction.
        """
        now = self._now()
        with self._write() as database:
            database.execute(
                "INSERT INTO chats (id, title, title_source, created_at, updated_at,"
                " system_prompt, thinking_budget, model) VALUES (?, ?, 'auto', ?, ?, ?, ?, ?)",
                (
                    chat_id,
                    store_rows.storable(title),
                    now,
                    now,
                    store_rows.storable(system_prompt),
                    thinking_budget,
                    store_rows.storable(model),
                ),
            )
            self._insert(database, chat_id, messages)
            if takes_draft:
                database.execute("DELETE FROM state WHERE key = ?", (_NEW_DRAFT,))
        self._remember(messages)
        return ChatSummary(chat_id, store_rows.storable(title), now)

    def rename(self, chat_id: str, title: str) -> None:
        """Give a chat the user's own title."""
        self._change_chat(chat_id, title=store_rows.storable(title), title_source="user")

    def delete(self, chat_id: str) -> None:
        """Delete a chat. It can be brought back for `KEEP_DELETED_S`."""
        self._change_chat(chat_id, deleted_at=self._now())

    def undelete(self, chat_id: str) -> None:
        """Bring a deleted chat back, as it was and where it was in the list."""
        self._change_chat(chat_id, deleted_at=None)

    def set_leaf(self, chat_id: str, leaf: str | None) -> None:
        """Show another branch of a chat."""
        self._change_chat(chat_id, leaf=leaf)

    def set_options(
        self, chat_id: str, *, system_prompt: str, thinking_budget: int | None, model: str
    ) -> None:
        """Save what a chat is asked with. thinking_budget in tokens, None is no limit."""
        self._change_chat(
            chat_id,
            system_prompt=store_rows.storable(system_prompt),
            thinking_budget=thinking_budget,
            model=store_rows.storable(model),
        )

    def _change_chat(
        self, chat_id: str, *, durable: bool = True, **values: str | float | None
    ) -> None:
        """Set columns of a chat. Raises KeyError where there is none."""
        columns = ", ".join(f"{name} = ?" for name in values)
        with self._write(durable=durable) as database:
            changed = database.execute(
                f"UPDATE chats SET {columns} WHERE id = ?", (*values.values(), chat_id)
            )
            if not changed.rowcount:
                raise KeyError(chat_id)

    # ------------------------------------------------------------ messages

    def add_messages(
        self, chat_id: str, messages: Sequence[Message], *, draft: str | None = None
    ) -> None:
        """Add messages to a chat; the last of them becomes the leaf. All or nothing.

        draft: the chat's draft from now on ("" after sending it); None leaves it.
        """
        with self._write() as database:
            self._insert(database, chat_id, messages)
            database.execute(
                "UPDATE chats SET updated_at = ?, draft = coalesce(?, draft) WHERE id = ?",
                (self._now(), draft, chat_id),
            )
        self._remember(messages)

    def _insert(
        self, database: sqlite3.Connection, chat_id: str, messages: Sequence[Message]
    ) -> None:
        for message in messages:
            store_rows.insert_message(database, chat_id, message)
        if messages:
            database.execute("UPDATE chats SET leaf = ? WHERE id = ?", (messages[-1].id, chat_id))

    def _remember(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.status == "running":
                self._written[message.id] = store_rows.storable_parts(message.parts)

    def checkpoint(self, message: Message) -> None:
        """Save how far a running answer has come: what is new is appended, the disk not waited for.

        Call it about once a second. Raises KeyError where the message was never added.
        """
        parts = store_rows.storable_parts(message.parts)
        with self._write(durable=False) as database:
            store_rows.update_message(database, message)
            written = self._written.get(message.id)
            if written is None:
                store_rows.replace_parts(database, message.id, parts)
            else:
                store_rows.extend_parts(database, message.id, written, parts)
        self._written[message.id] = parts

    def finish(self, message: Message) -> None:
        """Save an answer that is over, whole and on the disk: a power cut afterwards loses nothing.

        Raises KeyError where the message was never added.
        """
        with self._write() as database:
            chat_id = store_rows.update_message(database, message)
            parts = store_rows.storable_parts(message.parts)
            store_rows.replace_parts(database, message.id, parts)
            database.execute("UPDATE chats SET updated_at = ? WHERE id = ?", (self._now(), chat_id))
        self._written.pop(message.id, None)

    # ------------------------------------------------------------ where one was

    def set_collapsed(self, message_id: str, *, collapsed: bool) -> None:
        """Keep whether a message's thinking panel is closed."""
        with self._write(durable=False) as database:
            database.execute(
                "UPDATE messages SET collapsed = ? WHERE id = ?", (collapsed, message_id)
            )

    def set_draft(self, chat_id: str | None, text: str) -> None:
        """Keep what is typed and not sent; chat_id None is the chat not yet begun."""
        if chat_id is None:
            self.set_state(_NEW_DRAFT, text or None)
        else:
            self._change_chat(chat_id, durable=False, draft=store_rows.storable(text))

    def new_draft(self) -> str:
        """Return the draft of the chat not yet begun."""
        return self.get_state(_NEW_DRAFT) or ""

    def get_state(self, key: str) -> str | None:
        """Return a value kept under a name, such as "open_chat"; None where there is none."""
        with self._read() as database:
            row = database.execute("SELECT value FROM state WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(row[0])

    def set_state(self, key: str, value: str | None) -> None:
        """Keep a value under a name; None forgets it."""
        with self._write(durable=False) as database:
            if value is None:
                database.execute("DELETE FROM state WHERE key = ?", (key,))
            else:
                database.execute(
                    "INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)",
                    (key, store_rows.storable(value)),
                )
