"""The list of chats at the window's left: grouped by day, filtered, renamed in place."""
