"""The part of a store that is about the list of chats: order, titles, pins and the trash."""

from app.chat import store_rows
from app.chat.message import ChatSummary
from app.chat.store_errors import sound_or_damaged
from app.chat.store_import import StoreImport
from app.chat.store_sound import check_summary

_SUMMARY = "id, title, updated_at, pinned_at IS NOT NULL"


class StoreList(StoreImport):
    """Lists chats and changes what is said of one. Raises KeyError where there is no such chat."""

    def list_chats(self) -> tuple[ChatSummary, ...]:
        """Return the chats that are not deleted: pinned ones first, then the one written in last.

        Pinned chats are in the order in which they were pinned, the newest pin last.
        """
        return self._listed(
            "deleted_at IS NULL ORDER BY pinned_at IS NULL, pinned_at, updated_at DESC, rowid DESC"
        )

    def list_deleted(self) -> tuple[ChatSummary, ...]:
        """Return what is in the trash, the last deleted first."""
        return self._listed("deleted_at IS NOT NULL ORDER BY deleted_at DESC, rowid DESC")

    def _listed(self, which: str) -> tuple[ChatSummary, ...]:
        with self._read() as database, sound_or_damaged(self.path):
            rows = database.execute(f"SELECT {_SUMMARY} FROM chats WHERE {which}")
            return tuple(
                check_summary(ChatSummary(chat_id, title, at, bool(pinned)))
                for chat_id, title, at, pinned in rows
            )

    def pin(self, chat_id: str, *, pinned: bool = True) -> None:
        """Keep a chat above the others, or no longer. Pinning twice leaves it where it is."""
        now = self._now()
        with self._write() as database:
            changed = database.execute(
                "UPDATE chats SET pinned_at = CASE WHEN ? THEN coalesce(pinned_at, ?) END"
                " WHERE id = ?",
                (pinned, now, chat_id),
            )
            if not changed.rowcount:
                raise KeyError(chat_id)

    # ------------------------------------------------------------ titles

    def rename(self, chat_id: str, title: str) -> None:
        """Give a chat the user's own title."""
        self._change_chat(chat_id, title=store_rows.storable(title), title_source="user")

    def wants_title(self, chat_id: str) -> bool:
        """Whether the model may make a title: it was not asked yet, and the user gave none."""
        with self._read() as database:
            row = database.execute(
                "SELECT titled = 0 AND title_source = 'auto' AND deleted_at IS NULL"
                " FROM chats WHERE id = ?",
                (chat_id,),
            ).fetchone()
            return row is not None and bool(row[0])

    def suggest_title(self, chat_id: str, title: str | None) -> bool:
        """Give a chat the model's title, None where it made none; return whether it is shown now.

        A title that the user gave stays. Either way the model is not asked again.
        """
        said = None if title is None else store_rows.storable(title)
        with self._write(durable=False) as database:
            database.execute("UPDATE chats SET titled = 1 WHERE id = ?", (chat_id,))
            changed = database.execute(
                "UPDATE chats SET title = ? WHERE id = ? AND title_source = 'auto'"
                " AND ? IS NOT NULL",
                (said, chat_id, said),
            )
            return bool(changed.rowcount)

    # ------------------------------------------------------------ trash

    def delete(self, chat_id: str) -> None:
        """Put a chat into the trash. It can be brought back for `KEEP_DELETED_S`."""
        self._change_chat(chat_id, deleted_at=self._now())

    def undelete(self, chat_id: str) -> None:
        """Bring a deleted chat back, as it was and where it was in the list."""
        self._change_chat(chat_id, deleted_at=None)

    def purge(self, chat_id: str) -> None:
        """Delete a chat that is in the trash for good, its messages with it.

        What was attached goes at the next opening, where nothing else names it. Raises KeyError
        where the chat is not in the trash.
        """
        with self._write() as database:
            gone = database.execute(
                "DELETE FROM chats WHERE id = ? AND deleted_at IS NOT NULL", (chat_id,)
            )
            if not gone.rowcount:
                raise KeyError(chat_id)
            store_rows.forget_options(database)
        self._forget_words()

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
