"""A chat from elsewhere is put among the others: all of it in one step, or nothing."""

from collections.abc import Mapping
from dataclasses import replace

from app.chat import store_attachments, store_rows
from app.chat.conversation import Conversation
from app.chat.message import Attachment, Message, new_id
from app.chat.salvage import Salvaged
from app.chat.store_base import StoreBase


class StoreImport(StoreBase):
    """The part of a store that takes chats in."""

    def import_chat(
        self,
        chat_id: str,
        conversation: Conversation,
        *,
        title: str,
        system_prompt: str = "",
        thinking_budget: int | None = None,
        model: str = "",
        attachments: Mapping[str, bytes] | None = None,
        durable: bool = True,
    ) -> str:
        """Put a chat among the others and return its id: a new one where it is taken.

        So are the ids of its messages then. An answer that was being written is not any more: it
        is interrupted. attachments: bytes by their SHA-256; those that nothing names are left out.
        durable: it is on the disk when this returns.
        Raises WorldError where the disk is at fault; then nothing of it is there.
        """
        named = {part.sha256 for part in _attached(conversation)}
        kept = {name: data for name, data in (attachments or {}).items() if name in named}
        now = self._now()
        # The row before the file, as ever: what lies in the folder is always known.
        with self._write(durable=False) as database:
            for name, data in kept.items():
                store_attachments.note(database, name, len(data), now)
            for part in _attached(conversation):
                store_attachments.note(database, part.sha256, part.size_bytes, now)
        for name, data in kept.items():
            if self.kept.put(data) != name:
                raise ValueError(f"bytes under another's name: {name}")
        with self._write(durable=durable) as database:
            if self._is_taken(chat_id, conversation):
                chat_id, conversation = new_id(), with_new_ids(conversation)
            options = (system_prompt, thinking_budget, model)
            store_rows.insert_chat(database, chat_id, title, "user", now, options)
            for message in conversation.messages.values():
                parts = store_rows.storable_parts(message.parts)
                status = "interrupted" if message.status == "running" else message.status
                store_rows.insert_message(
                    database, chat_id, replace(message, parts=parts, status=status)
                )
            database.execute("UPDATE chats SET leaf = ? WHERE id = ?", (conversation.leaf, chat_id))
        return chat_id

    def restore(self, chat: Salvaged) -> str:
        """Put a chat that was saved from a damaged file in its place; return its id."""
        chat_id = self.import_chat(
            chat.id,
            chat.conversation,
            title=chat.title,
            system_prompt=chat.system_prompt,
            thinking_budget=chat.thinking_budget,
            model=chat.model,
            durable=False,
        )
        source = "user" if chat.titled_by_user else "auto"
        with self._write(durable=False) as database:
            database.execute(
                "UPDATE chats SET created_at = ?, updated_at = ?, deleted_at = ?, title_source = ?,"
                " titled = 1 WHERE id = ?",
                (
                    min((m.created_at for m in chat.conversation.messages.values()), default=0.0),
                    chat.updated_at,
                    self._now() if chat.deleted else None,
                    source,
                    chat_id,
                ),
            )
        return chat_id

    def _is_taken(self, chat_id: str, conversation: Conversation) -> bool:
        if self._database.execute("SELECT 1 FROM chats WHERE id = ?", (chat_id,)).fetchone():
            return True
        return any(
            self._database.execute("SELECT 1 FROM messages WHERE id = ?", (one,)).fetchone()
            for one in conversation.messages
        )


def with_new_ids(conversation: Conversation) -> Conversation:
    """Return the same conversation under ids that nothing else has."""
    names = {old: new_id() for old in conversation.messages}
    messages: dict[str, Message] = {}
    for message in conversation.messages.values():
        parent = None if message.parent_id is None else names[message.parent_id]
        again = replace(message, id=names[message.id], parent_id=parent)
        messages[again.id] = again
    return Conversation(messages, None if conversation.leaf is None else names[conversation.leaf])


def _attached(conversation: Conversation) -> list[Attachment]:
    return [part for message in conversation.messages.values() for part in message.attachments]
