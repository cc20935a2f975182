"""The list of keys behind F1: a small window of its own that any key closes."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from ui import theme
from ui.actions import SHORTCUTS
from ui.widgets import muted


class ShortcutList(QWidget):
    """The keys, as the system writes them, and what they do."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Dialog)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard")
        grid = QGridLayout(self)
        grid.setContentsMargins(24, 20, 24, 20)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(8)
        for row, shortcut in enumerate(SHORTCUTS):
            keys = QKeySequence(shortcut.keys).toString(QKeySequence.SequenceFormat.NativeText)
            label = muted(QLabel(keys))
            label.setFont(theme.mono_font(12.5))
            grid.addWidget(label, row, 0)
            grid.addWidget(QLabel(shortcut.label), row, 1)
        words = ", ".join(f"{shortcut.keys}: {shortcut.label}" for shortcut in SHORTCUTS)
        self.setAccessibleName("Keyboard shortcuts")
        self.setAccessibleDescription(words)

    def keyPressEvent(self, _event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on any key."""
        self.close()
