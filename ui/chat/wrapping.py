"""Long lines of code on several rows: where they are broken, and whether they are at all.

Every block can be told by its button; what was chosen last is how later blocks begin. Rows are all
of one height, and a line of plain characters is broken by counting, so that a block's height is
known without laying anything out.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QTextLayout, QTextOption

from ui.chat.highlighting import Coloured
from ui.chat.utf16 import characters

if TYPE_CHECKING:
    from ui.chat.cells import Cell

TAB_COLUMNS = 4
LEAST_COLUMNS = 8
LEAST_SHARE = 0.5
"""A row ends after a space where that leaves at least so much of it filled."""


class Notifier(QObject):
    """What concerns all blocks of code.

    Signals:
        toggled: a block (its cell) is wrapped now, or no longer: it has another height.
        preferred: whether blocks begin wrapped is another choice.
    """

    toggled = Signal(object)
    preferred = Signal(bool)


class _Choice:
    """One per process, as the theme."""

    def __init__(self) -> None:
        self.wrapped = False
        self.notifier: Notifier | None = None


_choice = _Choice()


def preferred() -> bool:
    """Whether a block begins wrapped."""
    return _choice.wrapped


def prefer(wrapped: bool) -> None:
    """Let later blocks begin wrapped, or not."""
    if wrapped != _choice.wrapped:
        _choice.wrapped = wrapped
        notifier().preferred.emit(wrapped)


def notifier() -> Notifier:
    """Return the object that tells of changes."""
    if _choice.notifier is None:
        _choice.notifier = Notifier()
    return _choice.notifier


def toggled(cell: "Cell", *, wrapped: bool) -> None:
    """Say that a block was told to wrap, or not to."""
    prefer(wrapped)
    notifier().toggled.emit(cell)


def cut_out(coloured: Coloured, start: int, length: int) -> Coloured:
    """Return the colours of a stretch of a line, counted from where it begins."""
    found: Coloured = []
    for at, wide, kind in coloured:
        first, past = max(at, start), min(at + wide, start + length)
        if past > first:
            found.append((first - start, past - first, kind))
    return found


class Rows:
    """The rows of a block of code. starts and ends are offsets in it; lines: which line each is of.

    width: pixels; font: the face it is set in.
    """

    def __init__(self, font: QFont, width: float) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.lines: list[int] = []
        self._font = font
        self._width = width
        one = QFontMetricsF(font).horizontalAdvance("0")
        self._columns = max(LEAST_COLUMNS, int(width / one)) if one > 0 else LEAST_COLUMNS

    def fill(self, text: str, line_starts: Sequence[int], first: int = 0) -> int:
        """Break the lines from a number on; return the number of the first row that is new."""
        kept = bisect_left(self.lines, first)
        del self.starts[kept:], self.ends[kept:], self.lines[kept:]
        for number in range(first, len(line_starts)):
            start = line_starts[number]
            last = number + 1 == len(line_starts)
            end = len(text) if last else line_starts[number + 1] - 1
            for one, two in self._broken(text[start:end]):
                self.starts.append(start + one)
                self.ends.append(start + two)
                self.lines.append(number)
        return kept

    def _broken(self, line: str) -> list[tuple[int, int]]:
        """Return the rows of one line."""
        if not line.isascii() or "\t" in line:
            return self._laid_out(line)
        if len(line) <= self._columns:
            return [(0, len(line))]
        found: list[tuple[int, int]] = []
        start = 0
        while start < len(line):
            end = min(len(line), start + self._columns)
            if end < len(line):
                space = line.rfind(" ", start + int((end - start) * LEAST_SHARE), end)
                end = space + 1 if space >= 0 else end
            found.append((start, end))
            start = end
        return found

    def _laid_out(self, line: str) -> list[tuple[int, int]]:
        """Return the rows of a line with tabs, or with characters that are not all of one width."""
        layout = QTextLayout(line, self._font)
        layout.setTextOption(text_option(self._font, QTextOption.WrapMode.WrapAnywhere))
        layout.beginLayout()
        found: list[tuple[int, int]] = []
        made = layout.createLine()
        while made.isValid():
            made.setLineWidth(self._width)
            start = characters(line, made.textStart())
            found.append((start, characters(line, made.textStart() + made.textLength())))
            made = layout.createLine()
        layout.endLayout()
        return found


def text_option(font: QFont, mode: QTextOption.WrapMode) -> QTextOption:
    """Return how a line of code is set: from left to right, with narrow tabs."""
    option = QTextOption()
    option.setWrapMode(mode)
    option.setTextDirection(Qt.LayoutDirection.LeftToRight)
    option.setTabStopDistance(QFontMetricsF(font).horizontalAdvance(" ") * TAB_COLUMNS)
    return option


def widest(text: str, font: QFont) -> float:
    """Return the width in pixels of the widest line of code."""
    metrics = QFontMetricsF(font)
    one = metrics.horizontalAdvance("0")
    found = 0.0
    for line in text.split("\n"):
        if line.isascii():
            wide = len(line.expandtabs(TAB_COLUMNS)) * one
        else:
            wide = metrics.horizontalAdvance(line.expandtabs(TAB_COLUMNS))
        found = max(found, wide)
    return found
