"""From a conversation to a prompt: segments of text and control tokens, never one rendered string.

Rendering one string and tokenizing it with special tokens allowed turns a typed "[THINK]" into the
control token. Segments keep the user's text text.
"""
