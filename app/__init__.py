"""Everything that is Ponder and not a window: engines, prompts, reasoning, chats, the command line.

Nothing below this package imports Qt, so that every promise can be tested and scripted without one.
"""
