"""What the window does by keyboard: one table, from which actions and the F1 list are made."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key and what it does. name: the action's, "" for keys that a widget handles itself."""

    name: str
    keys: str
    label: str


SHORTCUTS = (
    Shortcut("new_chat", "Ctrl+N", "New chat"),
    Shortcut("search", "Ctrl+K", "Search chats"),
    Shortcut("model", "Ctrl+L", "Choose the model"),
    Shortcut("open_file", "Ctrl+O", "Open a GGUF file"),
    Shortcut("thinking", "Ctrl+Shift+T", "Open or close the thinking"),
    Shortcut("stop", "Esc", "Stop the answer"),
    Shortcut("rename", "F2", "Rename the chat"),
    Shortcut("sidebar", "Ctrl+B", "Show or hide the chats"),
    Shortcut("shortcuts", "F1", "This list"),
    Shortcut("quit", "Ctrl+Q", "Quit"),
    Shortcut("", "Enter", "Send the message"),
    Shortcut("", "Shift+Enter", "Begin a new line"),
    Shortcut("", "Up", "Edit the last message, in an empty box"),
    Shortcut("", "Ctrl+Del", "Delete the chat, in the list"),
)


class Actions(QObject):
    """The actions of a window by name. "stop" is enabled only while something can be stopped, so
    that Esc is free for everything else."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._named: dict[str, QAction] = {}
        for shortcut in SHORTCUTS:
            if not shortcut.name:
                continue
            action = QAction(shortcut.label, window)
            action.setShortcut(QKeySequence(shortcut.keys))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            window.addAction(action)
            self._named[shortcut.name] = action
        self["stop"].setEnabled(False)

    def __getitem__(self, name: str) -> QAction:
        return self._named[name]
