"""The part of a session that is about which chats there are and which one is shown."""

from dataclasses import replace

from app.chat.conversation import Conversation
from app.chat.listing import in_order
from app.chat.message import Attachment
from app.chat.options import ChatOptions
from app.chat.session_attachments import SessionAttachments
from app.chat.session_core import OPEN_CHAT, read_chat
from app.chat.store import StoredChat


class SessionChats(SessionAttachments):
    """Begins, opens, renames and deletes chats."""

    def new_chat(self) -> None:
        """Show a chat not yet begun. It is created with its first message."""
        self._leave_chat()
        self._wanted_chat = None
        self._change(
            "chat",
            "conversation",
            "turn",
            "options",
            "attached",
            chat_id=None,
            conversation=Conversation(),
            collapsed={},
            draft="",
            attached=(),
            system_prompt="",
            thinking_budget=self.settings.thinking_budget,
            options=ChatOptions(),
        )
        self._recount()
        self._store.call(
            lambda store: (store.new_draft(), store.new_attached()), self._new_draft, self._report
        )
        self._note_open_chat(None)

    def _new_draft(self, draft: tuple[str, tuple[Attachment, ...]]) -> None:
        text, attached = draft
        if self._wanted_chat is not None:
            return
        if not self.state.draft:
            self._change("chat", draft=text)
        if not self.state.attached:
            self._change("attached", attached=attached)

    def open_chat(self, chat_id: str) -> None:
        """Show another chat, once the store has read it."""
        if chat_id == self.state.chat_id:
            return
        self._leave_chat()
        self._wanted_chat = chat_id

        # Behind the writes that are waiting: the chat may be among them.
        def show(found: tuple[StoredChat, ChatOptions]) -> None:
            if self._wanted_chat == chat_id:
                self._show_chat(*found)

        self._store.call(lambda store: read_chat(store, chat_id), show, self._report)
        self._note_open_chat(chat_id)

    def _leave_chat(self) -> None:
        if self._draft_due is not None:
            self._write_draft()

    def _note_open_chat(self, chat_id: str | None) -> None:
        self._store.call(
            lambda store: store.set_state(OPEN_CHAT, chat_id), failed=self._report, key="open"
        )

    def rename_chat(self, chat_id: str, title: str) -> None:
        """Give a chat another title; an empty one changes nothing."""
        title = " ".join(title.split())
        if not title:
            return
        chats = tuple(
            replace(chat, title=title) if chat.id == chat_id else chat for chat in self.state.chats
        )
        self._change("chats", chats=chats)
        self._durable.put(lambda store: store.rename(chat_id, title))

    def pin_chat(self, chat_id: str, *, pinned: bool = True) -> None:
        """Keep a chat above the others, below those pinned before it; or let it go back."""
        rest = [chat for chat in self.state.chats if chat.id != chat_id]
        found = [chat for chat in self.state.chats if chat.id == chat_id]
        if not found or found[0].pinned == pinned:
            return
        self._change("chats", chats=in_order((*rest, replace(found[0], pinned=pinned))))
        self._durable.put(lambda store: store.pin(chat_id, pinned=pinned))

    def delete_chat(self, chat_id: str) -> None:
        """Delete a chat; `undo_delete` brings it back."""
        gone = [chat for chat in self.state.chats if chat.id == chat_id]
        self._deleted += gone
        self._change("chats", chats=tuple(c for c in self.state.chats if c.id != chat_id))
        self._durable.put(lambda store: store.delete(chat_id))
        if self.state.chat_id == chat_id:
            self._draft_due = None
            self.new_chat()

    def undo_delete(self) -> None:
        """Bring back the chat that was deleted last, and show it."""
        if not self._deleted:
            return
        chat = self._deleted.pop()
        self._change("chats", chats=in_order((*self.state.chats, chat)))
        self._durable.put(lambda store: store.undelete(chat.id))
        self.open_chat(chat.id)
