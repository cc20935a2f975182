"""The inks of code: what `app.markup.highlight` finds in a line, as formats for its layout.

Every ink keeps a contrast of 4.5:1 on the ground of code blocks, in both themes.
"""

import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QTextCharFormat, QTextLayout

from app.markup.highlight import Kind, each_run, ready
from ui.chat.utf16 import units

LIGHT: dict[Kind, str] = {
    "keyword": "#7A3DB8",
    "type": "#8A5A00",
    "function": "#2B5BD7",
    "name": "#1C6A86",
    "string": "#1F7A50",
    "number": "#B2480F",
    "comment": "#6F6A62",
    "deleted": "#B3322F",
    "inserted": "#1F7A50",
    "error": "#B3322F",
}
DARK: dict[Kind, str] = {
    "keyword": "#C3A6FF",
    "type": "#E5C07B",
    "function": "#8EA2FF",
    "name": "#7CC7E0",
    "string": "#7FD1A8",
    "number": "#F0A97A",
    "comment": "#97919A",
    "deleted": "#EC7C7C",
    "inserted": "#7FD1A8",
    "error": "#EC7C7C",
}

Coloured = list[tuple[int, int, Kind]]
"""Start, length (in characters) and kind of the stretches of one line."""

AT_ONCE = 4000
"""Characters of code that are coloured in one go: 4 ms."""
SLICE_S = 0.003
LOADS_MS = 15


def lines(code: str, language: str) -> list[Coloured]:
    """Return the stretches of each line of some code."""
    found: list[Coloured] = []
    for _ in in_slices(code, language, found):
        pass
    return found


def in_slices(code: str, language: str, found: list[Coloured]) -> Iterator[None]:
    """Put the stretches of each line into a list, a few at each step."""
    found += [[] for _ in range(code.count("\n") + 1)]
    number = 0
    line_start = 0
    line_end = _end_of_line(code, 0)
    for run in each_run(code, language):
        yield
        start, end = run.start, run.start + run.length
        while start < end:
            while start > line_end:
                number += 1
                line_start = line_end + 1
                line_end = _end_of_line(code, line_start)
            stop = min(end, line_end)
            if stop > start:
                found[number].append((start - line_start, stop - start, run.kind))
            start = stop + 1 if stop == line_end else stop


class Paint:
    """The colours of one block of code.

    Line by line at first, which is wrong at most inside a string or comment over several lines.
    Once the block is whole it is gone through from its beginning: at once where that is quick, else
    a part of a frame at a time, and the lines change their colours at the end of it.
    """

    __slots__ = ("_coming", "_loads", "_single", "_steps", "_timer", "_whole")

    def __init__(self) -> None:
        self._single: dict[int, Coloured] = {}
        self._whole: list[Coloured] | None = None
        self._coming: list[Coloured] = []
        self._steps: Iterator[None] | None = None
        self._timer: QTimer | None = None
        # Runs while the language is loaded.
        self._loads: QTimer | None = None

    @property
    def busy(self) -> bool:
        """Whether colours are on their way: those of the whole, or of any line."""
        return self._timer is not None or self._loads is not None

    def line(self, number: int, text: str, language: str, done: Callable[[], None]) -> Coloured:
        """Return the colours of a line, as far as they are known.

        `done` is called once there are any, where the language has to be loaded first.
        """
        if self._whole is not None:
            return self._whole[number]
        found = self._single.get(number)
        if found is None:
            if text.strip() and not ready(language):
                self._wait_for(language, done)
                found = []
            else:
                found = lines(text, language)[0]
            self._single[number] = found
        return found

    def _wait_for(self, language: str, done: Callable[[], None]) -> None:
        if self._loads is not None:
            return

        def look() -> None:
            if self._loads is not None and ready(language):
                self._loads.stop()
                self._loads = None
                self._single.clear()
                done()

        self._loads = QTimer()
        self._loads.timeout.connect(look)
        self._loads.start(LOADS_MS)

    def end(self) -> None:
        """Wait for nothing any more."""
        for timer in (self._timer, self._loads):
            if timer is not None:
                timer.stop()
        self._timer = self._loads = self._steps = None

    def forget(self, number: int) -> None:
        """Forget a line that has become another, and all that was known of the whole."""
        self._single.pop(number, None)
        self._whole = self._steps = self._timer = None

    def go_through(self, code: str, language: str, done: Callable[[], None]) -> list[int]:
        """Find the colours of the whole, once; return the lines that were given others before.

        If it takes time, `done` is called after it, and any line may have others.
        """
        if self._whole is not None or self._steps is not None:
            return []
        if len(code) <= AT_ONCE:
            self._whole = whole = lines(code, language)
            single, self._single = self._single, {}
            return [number for number, found in single.items() if found != whole[number]]
        self._coming = []
        self._steps = in_slices(code, language, self._coming)
        self._timer = QTimer()
        self._timer.timeout.connect(lambda: self._step(done))
        self._timer.start(0)
        return []

    def _step(self, done: Callable[[], None]) -> None:
        until = time.perf_counter() + SLICE_S
        for _ in self._steps or ():
            if time.perf_counter() > until:
                return
        if self._timer is not None:
            self._timer.stop()
        self._timer, self._whole = None, self._coming
        self._single.clear()
        done()


def formats(text: str, coloured: Coloured, *, dark: bool) -> list[QTextLayout.FormatRange]:
    """Return the formats of one line."""
    inks = DARK if dark else LIGHT
    made: list[QTextLayout.FormatRange] = []
    for start, length, kind in coloured:
        ink = inks.get(kind)
        if ink is None:
            continue
        form = QTextCharFormat()
        form.setForeground(QColor(ink))
        first = units(text, start)
        made.append(format_range(first, units(text, start + length) - first, form))
    return made


def format_range(start: int, length: int, form: QTextCharFormat) -> QTextLayout.FormatRange:
    """Return a format for a stretch, in UTF-16 units."""
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = start, length, form
    return made


def _end_of_line(code: str, start: int) -> int:
    found = code.find("\n", start)
    return len(code) if found < 0 else found
