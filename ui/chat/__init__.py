"""The conversation: the transcript, to read messages in, and the composer, to write them in."""
