"""Chats on their way out and in: forms that people read, and one that proves what it says."""
