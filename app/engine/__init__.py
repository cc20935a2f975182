"""The engine: a child process that runs the model, and the client that talks to it.

llama.cpp aborts the process on several bad inputs and on lack of memory. In a child that costs one
sentence and half a second; in the window it would cost the chat.
"""
