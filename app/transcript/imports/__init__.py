"""Chats that other programs wrote, each format in a module of its own; `importing` is the door.

A format has `matches(value)`, which knows it by what is in it, and `chats(value, gathering)`, which
yields what could be read; what could not is told to the gathering, never dropped in silence.
"""
