"""The part of a session about chats as a collection: the trash, other writers, finding a message.

What is asked of the store here is asked once and told if it fails: nobody has typed anything that
could be lost, and whoever asked can ask again.
"""

from collections.abc import Callable

from app.chat.message import ChatSummary
from app.chat.session_chats import SessionChats
from app.chat.store import Store
from app.engine import states
from app.engine.protocol import Forget


class SessionLibrary(SessionChats):
    """Lists the trash and empties it, lists all chats anew, shows a message wherever it is."""

    def list_deleted(self, done: Callable[[tuple[ChatSummary, ...]], None]) -> None:
        """Give `done` what is in the trash, the last deleted first."""
        # Behind the writes that wait: a deletion may be among them.
        self._durable.put(lambda store: store.list_deleted(), done)

    def restore_chat(self, chat_id: str) -> None:
        """Bring a chat back from the trash, to where it was in the list."""
        self._deleted = [chat for chat in self._deleted if chat.id != chat_id]
        self._durable.put(lambda store: store.undelete(chat_id))
        self.list_again()

    def purge_chats(self, chat_ids: tuple[str, ...]) -> None:
        """Delete chats of the trash for good, and what the engine keeps of them."""
        self._deleted = [chat for chat in self._deleted if chat.id not in chat_ids]

        def purge(store: Store) -> tuple[str, ...]:
            # Another window may have restored or emptied it meanwhile.
            there = {chat.id for chat in store.list_deleted()}
            gone = tuple(chat_id for chat_id in chat_ids if chat_id in there)
            for chat_id in gone:
                store.purge(chat_id)
            # Where no engine runs, and so that it is done before this counts as done.
            states.drop_chats(states.default_folder(), gone)
            return gone

        self._durable.put(purge, self._forget)

    def _forget(self, gone: tuple[str, ...]) -> None:
        """Have the engine forget chats, if there is one: it may hold them in memory."""
        if not self._closed and self._engine.pid is not None:
            self._engine.send(Forget(gone))

    def list_again(self, done: Callable[[], None] = lambda: None) -> None:
        """Show the list of chats as the store has it: others may have written there."""

        def show(chats: tuple[ChatSummary, ...]) -> None:
            self._change("chats", chats=chats)
            done()

        self._durable.put(lambda store: store.list_chats(), show)

    def show_branch_of(self, message_id: str) -> bool:
        """Show the branch of the open chat that a message is on; False where it has none such."""
        conversation = self.state.conversation
        chat_id = self.state.chat_id
        if message_id not in conversation.messages or chat_id is None:
            return False
        if all(one.id != message_id for one in conversation.branch()):
            leaf = conversation.tip(message_id)
            self._change("conversation", conversation=conversation.with_leaf(leaf))
            self._durable.put(lambda store: store.set_leaf(chat_id, leaf))
            self._recount()
        return True
