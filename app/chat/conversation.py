"""A conversation: a tree of messages of which one branch is shown.

Immutable: every edit is a new value.
"""

from dataclasses import dataclass, field, replace

from app.chat.message import Message


@dataclass(frozen=True, slots=True)
class Conversation:
    """messages by id in the order they were made; leaf is the last of the branch shown."""

    messages: dict[str, Message] = field(default_factory=dict)
    leaf: str | None = None

    def branch(self) -> tuple[Message, ...]:
        """Return the messages from the root to the leaf."""
        found: list[Message] = []
        at = self.leaf
        while at is not None:
            found.append(self.messages[at])
            at = self.messages[at].parent_id
        return tuple(reversed(found))

    def siblings(self, message_id: str) -> tuple[str, ...]:
        """Return the ids with the message's parent and role, its own among them, oldest first."""
        message = self.messages[message_id]
        return tuple(
            other.id
            for other in self.messages.values()
            if other.parent_id == message.parent_id and other.role == message.role
        )

    def tip(self, message_id: str) -> str:
        """Return the newest leaf below a message: where a switch to its branch lands."""
        children: dict[str, str] = {}
        for other in self.messages.values():
            if other.parent_id is not None:
                children[other.parent_id] = other.id
        at = message_id
        while at in children:
            at = children[at]
        return at

    def with_message(self, message: Message) -> "Conversation":
        """Return the conversation with a message replaced, or added and made the leaf."""
        known = message.id in self.messages
        return replace(
            self,
            messages={**self.messages, message.id: message},
            leaf=self.leaf if known else message.id,
        )

    def with_leaf(self, leaf: str | None) -> "Conversation":
        """Return the conversation with another branch shown."""
        if leaf is not None and leaf not in self.messages:
            raise KeyError(leaf)
        return replace(self, leaf=leaf)
