"""Which cells keep what they draw with: the ones drawn last. The rest keep only their heights."""

from collections import OrderedDict
from typing import Protocol

from ui.chat.picture import Pictures
from ui.formulas.desk import Formulas


class Releasable(Protocol):
    """What can drop its documents and make them again."""

    def release(self) -> None:
        """Drop what can be made again."""


class Shelf:
    """The cells that are laid out, least recently seen first; those past `limit` are released.

    The limit is far above what a window shows at once (some 60 cells on a tall screen), so that
    scrolling back and forth by a screen or two lays out nothing anew; a cell takes 0.1 MB.

    formulas: where the cells get theirs typeset; without it they stay TeX. pictures: where messages
    get their images.
    """

    def __init__(
        self,
        limit: int = 120,
        formulas: Formulas | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        self.formulas = formulas
        self.pictures = pictures or Pictures()
        self._limit = limit
        self.outdated: set[object] = set()
        """The messages whose height is not known any more."""
        self.to_read = 0
        """Characters of Markdown that may yet be read in this tick, for what is seen."""
        self._kept: OrderedDict[int, Releasable] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def touch(self, cell: Releasable) -> None:
        """Note that a cell is seen now."""
        key = id(cell)
        self._kept[key] = cell
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            _key, oldest = self._kept.popitem(last=False)
            oldest.release()

    def drop(self, cell: Releasable) -> None:
        """Forget and release a cell that is no longer part of anything."""
        self._kept.pop(id(cell), None)
        cell.release()
