"""Lays out anew what a block of code moves when its lines are wrapped, or no longer are."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from ui.chat import wrapping
from ui.chat.cells import Cell
from ui.chat.code import CodeCell
from ui.chat.column import Anchor
from ui.chat.stack import Keep

if TYPE_CHECKING:
    from ui.chat.view import ChatView


class WrapDesk(QObject):
    """See the module. The block stays where it is, with the button under the mouse."""

    def __init__(self, view: "ChatView") -> None:
        super().__init__(view)
        self._view = view
        wrapping.notifier().toggled.connect(self._on_toggled)

    def wrap_all(self, wrapped: bool) -> None:
        """Wrap the lines of every block of code, those to come too, or none."""
        wrapping.prefer(wrapped)
        view = self._view
        keep = view.kept()
        for entry in view.entries:
            for column in (entry.text, entry.thinking):
                for cell in column.cells:
                    if isinstance(cell, CodeCell) and cell.wrapped != wrapped:
                        cell.wrap(wrapped)
                        column.measure_again(cell)
                        entry.outdate()
        for item in view.items():
            item.refresh()
            item.update()
        view.settle(keep)

    def _on_toggled(self, cell: Cell) -> None:
        view = self._view
        for item in view.items():
            entry = item.entry
            number = next((at for at, one in enumerate(entry.text.cells) if one is cell), None)
            if number is None and not any(one is cell for one in entry.thinking.cells):
                continue
            keep = view.kept_top(entry)
            if number is not None:
                y = item.y() + item.text_at.y() + entry.text.top(number)
                keep = Keep(entry, keep.number, Anchor(number, 0), y)
            for column in (entry.text, entry.thinking):
                column.measure_again(cell)
            item.refresh()
            item.update()
            view.settle(keep)
            return
