"""Where chats are kept: one SQLite database, written so that no crash loses more than a second.

Every method is one transaction. How it is opened and written is `store_base`'s. Not thread-safe:
`StoreWorker` gives it its own thread.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.chat import store_attachments, store_rows
from app.chat.attachments import Found
from app.chat.conversation import Conversation
from app.chat.message import Attachment, ChatSummary, Message
from app.chat.store_attachments import Texts
from app.chat.store_base import BUSY_S, INTERRUPTED_NOTE, KEEP_DELETED_S
from app.chat.store_errors import sound_or_damaged
from app.chat.store_list import StoreList
from app.chat.store_sound import check_conversation, check_summary
from app.errors import Problem, WorldError

__all__ = ["BUSY_S", "INTERRUPTED_NOTE", "KEEP_DELETED_S", "Store", "StoredChat"]

_NEW_DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class StoredChat:
    """A chat as it was left.

    collapsed: the thinking panels the user closed (True) or opened (False), by message id; the
    others were never touched. model: the path last used, "" for none. attached: to the draft.
    """

    summary: ChatSummary
    conversation: Conversation
    draft: str
    system_prompt: str
    thinking_budget: int | None
    model: str
    collapsed: Mapping[str, bool]
    attached: tuple[Attachment, ...] = ()


class Store(StoreList):
    """The chats. Every method raises WorldError where the disk is at fault.

    After such an error nothing of the call was written and the store remains usable: the same call
    can be made again (a checkpoint then writes all that came since the last good one).
    """

    # ------------------------------------------------------------ reading

    def load(self, chat_id: str) -> StoredChat:
        """Return a chat, deleted or not. Raises WorldError "chat-gone" where there is none."""
        with self._read() as database, sound_or_damaged(self.path):
            row = database.execute(
                "SELECT title, updated_at, leaf, draft, system_prompt, thinking_budget, model,"
                " pinned_at IS NOT NULL FROM chats WHERE id = ?",
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
            title, updated_at, leaf, draft, system_prompt, thinking_budget, model, pinned = row
            collapsed = database.execute(
                "SELECT id, collapsed FROM messages WHERE chat_id = ? AND collapsed IS NOT NULL",
                (chat_id,),
            )
            texts = Texts(self.kept)
            messages = store_rows.read_messages(database, chat_id, texts)
            if self.trouble is not None:
                messages = {name: self._ended(message) for name, message in messages.items()}
            return StoredChat(
                summary=check_summary(ChatSummary(chat_id, title, updated_at, bool(pinned))),
                conversation=check_conversation(Conversation(messages, leaf)),
                draft=draft,
                system_prompt=system_prompt,
                thinking_budget=thinking_budget,
                model=model,
                collapsed={message_id: bool(value) for message_id, value in collapsed},
                attached=store_attachments.of_draft(database, chat_id, texts),
            )

    def _ended(self, message: Message) -> Message:
        """Return a message as an opening with room would have left it."""
        if message.status != "running" or message.id in self._written:
            return message
        return replace(message, status="interrupted", note=INTERRUPTED_NOTE)

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
            options = (system_prompt, thinking_budget, model)
            store_rows.insert_chat(database, chat_id, title, "auto", now, options)
            self._insert(database, chat_id, messages)
            if takes_draft:
                database.execute("DELETE FROM state WHERE key = ?", (_NEW_DRAFT,))
                store_attachments.replace_draft(database, None, ())
        self._remember(messages)
        return ChatSummary(chat_id, store_rows.storable(title), now)

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

    # ------------------------------------------------------------ messages

    def add_messages(
        self, chat_id: str, messages: Sequence[Message], *, draft: str | None = None
    ) -> None:
        """Add messages to a chat; the last of them becomes the leaf. All or nothing.

        draft: the chat's draft from now on ("" after sending it), with nothing attached; None
        leaves it.
        """
        with self._write() as database:
            self._insert(database, chat_id, messages)
            if draft is not None:
                store_attachments.replace_draft(database, chat_id, ())
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
            store_rows.note_change(database, message.id)
            database.execute("UPDATE chats SET updated_at = ? WHERE id = ?", (self._now(), chat_id))
        self._written.pop(message.id, None)

    def tell(self, message: Message) -> None:
        """Save what is said about a message, its parts aside, and leave its chat where it is."""
        with self._write(durable=False) as database:
            store_rows.update_message(database, message)

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

    def attach(self, chat_id: str | None, found: Found) -> None:
        """Keep what was found and attach it to a chat's draft; None is the chat not yet begun."""
        part = found.part
        with self._write(durable=False) as database:
            store_attachments.note(database, part.sha256, part.size_bytes, self._now())
        self.kept.put(found.data, part.name)
        with self._write() as database:
            store_attachments.append_to_draft(database, chat_id, part)

    def set_attached(self, chat_id: str | None, parts: Sequence[Attachment]) -> None:
        """Attach just these, which are kept already, to a chat's draft."""
        with self._write(durable=False) as database:
            store_attachments.replace_draft(database, chat_id, parts)

    def new_attached(self) -> tuple[Attachment, ...]:
        """Return what is attached to the draft of the chat not yet begun."""
        with self._read() as database:
            return store_attachments.of_draft(database, None, Texts(self.kept))

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
