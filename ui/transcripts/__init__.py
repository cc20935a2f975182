"""What the window does with chats as evidence: how they were made, whether they are intact."""
