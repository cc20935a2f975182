"""What the window does by keyboard: one table, from which actions and the F1 list are made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key and what it does. name: the action's, "" for keys that a widget handles itself.

    also: other keys that do it, which need no place in the list.
    """

    name: str
    keys: str
    label: str
    also: tuple[str, ...] = ()


SHORTCUTS = (
    Shortcut("new_chat", "Ctrl+N", "New chat"),
    Shortcut("search", "Ctrl+K", "Search chats"),
    Shortcut("model", "Ctrl+L", "Choose the model"),
    Shortcut("open_file", "Ctrl+O", "Open a GGUF file"),
    Shortcut("export", "Ctrl+E", "Export the chat"),
    Shortcut("find", "Ctrl+F", "Find in the chat"),
    Shortcut("find_next", "F3", "Next hit"),
    Shortcut("find_before", "Shift+F3", "Hit before"),
    Shortcut("zoom_in", "Ctrl++", "Larger text", ("Ctrl+=",)),
    Shortcut("zoom_out", "Ctrl+-", "Smaller text"),
    Shortcut("zoom_reset", "Ctrl+0", "Text as large as usual"),
    Shortcut("thinking", "Ctrl+Shift+T", "Open or close the thinking"),
    Shortcut("stop", "Esc", "Stop the answer"),
    Shortcut("rename", "F2", "Rename the chat"),
    Shortcut("sidebar", "Ctrl+B", "Show or hide the chats"),
    Shortcut("shortcuts", "F1", "This list"),
    Shortcut("quit", "Ctrl+Q", "Quit"),
    Shortcut("", "Enter", "Send the message"),
    Shortcut("", "Shift+Enter", "Begin a new line"),
    Shortcut("", "Up", "Edit the last message, in an empty box"),
    Shortcut("", "Ctrl+Up", "The message before, in the transcript"),
    Shortcut("", "Ctrl+Down", "The next message, in the transcript"),
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
            action.setShortcuts([QKeySequence(keys) for keys in (shortcut.keys, *shortcut.also)])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            window.addAction(action)
            self._named[shortcut.name] = action
        self["stop"].setEnabled(False)

    def __getitem__(self, name: str) -> QAction:
        return self._named[name]

    def let(self, does: Mapping[str, Callable[[], object]]) -> None:
        """Let actions do something, by name."""
        for name, what in does.items():
            self[name].triggered.connect(lambda _checked=False, what=what: what())
