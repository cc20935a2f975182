"""The button that brings one back to the end of a conversation that is being written."""

from collections.abc import Callable

from PySide6.QtWidgets import QAbstractScrollArea

from ui.chat.controls import FilledButton

ABOVE_BOTTOM_PX = 16


class Jump(FilledButton):
    """Floats over the lower edge of the view while there is more below."""

    def __init__(self, view: QAbstractScrollArea, does: Callable[[], None]) -> None:
        self._view = view
        super().__init__(view, "Jump to latest", does)
        self.setAccessibleDescription("Go to the end of the conversation and follow it.")
        self.hide()

    def place(self, *, shown: bool) -> None:
        """Show or hide it, in the middle above the lower edge."""
        view = self._view
        size = self.sizeHint()
        self.setGeometry(
            (view.width() - size.width()) // 2,
            view.height() - size.height() - ABOVE_BOTTOM_PX,
            size.width(),
            size.height(),
        )
        self.setVisible(shown)
        if shown:
            self.raise_()
