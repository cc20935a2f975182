"""The inks of code: what `app.markup.highlight` finds in a line, as formats for its layout.

Every ink keeps a contrast of 4.5:1 on the ground of code blocks, in both themes.
"""

from PySide6.QtGui import QColor, QTextCharFormat, QTextLayout

from app.markup.highlight import Kind, runs
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


def lines(code: str, language: str) -> list[Coloured]:
    """Return the stretches of each line of some code."""
    found: list[Coloured] = [[] for _ in range(code.count("\n") + 1)]
    number = 0
    line_start = 0
    line_end = _end_of_line(code, 0)
    for run in runs(code, language):
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
    return found


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
