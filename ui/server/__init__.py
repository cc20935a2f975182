"""Servers in the window: the dialog that connects to one."""
