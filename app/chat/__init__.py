"""Chats: the values, the running turn, the store that never loses one, the use cases."""
