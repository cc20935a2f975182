"""Chats: the values, the reducer of a running turn, the store that never loses one, the use cases."""
