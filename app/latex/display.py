"""A typeset formula as values: what to draw, where, in which colour; no SVG, no Qt.

Lengths in a display list's items are thousandths of an em with y downwards and the origin on the
baseline at the left; its own box (width, height above and depth below the baseline) is in em.
"""

import functools
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["path", "rect", "line", "ellipse", "text"]
Matrix = tuple[float, float, float, float, float, float]
Segment = tuple[str, tuple[float, ...]]

CURRENT = "current"
"""The colour of the text around the formula."""

_KINDS = {"path": 1, "rect": 5, "line": 4, "ellipse": 4, "text": 6}
_PART = re.compile(r"([MLHVCSQTZ])|(-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)", re.IGNORECASE)
_LENGTHS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}


@dataclass(frozen=True, slots=True)
class Clip:
    """A rectangle (x, y, width, height) under a matrix, outside which nothing is drawn."""

    matrix: Matrix
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to draw.

    values: of a path, its number in the list's paths; of a rect x, y, width, height, radius; of a
    line x1, y1, x2, y2; of an ellipse its middle and radii; of a text the text, its size,
    whether it is bold, slanted, of fixed width, and the width that is kept for it. fill, stroke:
    CSS colours, "current" or "none".
    """

    kind: Kind
    values: tuple[float | str | bool, ...]
    matrix: Matrix
    fill: str
    stroke: str
    line_width: float
    dash: tuple[float, ...]
    clip: Clip | None


@dataclass(frozen=True, slots=True)
class DisplayList:
    """A typeset formula. width, height, depth: in em."""

    width: float
    height: float
    depth: float
    paths: tuple[str, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a formula cannot be typeset, in the typesetter's words."""

    error: str


def read(text: str) -> DisplayList | Refusal:
    """Return what the typesetter said, from its JSON. Raises ValueError where that is not sound."""
    try:
        said = json.loads(text)
        if not said["ok"]:
            return Refusal(str(said["error"]))
        width, height, depth = (float(said[name]) for name in ("width", "height", "depth"))
        paths = tuple(str(path) for path in said["paths"])
        items = tuple(_item(item, len(paths)) for item in said["items"])
        return DisplayList(width, height, depth, paths, items)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ValueError(f"not a display list: {error!r}") from error


def _item(said: list[Any], paths: int) -> Item:
    kind, values, matrix, fill, stroke, width, dash, clip = said
    if kind not in _KINDS or len(values) != _KINDS[kind]:
        raise ValueError(f"not an item: {kind} {values}")
    if kind == "path" and not 0 <= values[0] < paths:
        raise ValueError(f"no path {values[0]}")
    window = None
    if clip is not None:
        x, y, across, down = map(float, clip[1])
        window = Clip(_matrix(clip[0]), (x, y, across, down))
    dashes = tuple(float(length) for length in dash or ())
    return Item(
        kind, tuple(values), _matrix(matrix), str(fill), str(stroke), float(width), dashes, window
    )


def _matrix(numbers: list[float]) -> Matrix:
    a, b, c, d, e, f = map(float, numbers)
    return a, b, c, d, e, f


@functools.lru_cache(maxsize=1024)
def segments(path: str) -> tuple[Segment, ...]:
    """Return an SVG path's steps with absolute coordinates: M, L, Q, C with points, and Z.

    H and V become L; S and T become C and Q (the SVG recommendation, section 8.3). Relative steps,
    which MathJax's fonts do not have, are a ValueError.
    """
    found: list[Segment] = []
    command = ""
    numbers: list[float] = []
    pen = _Pen()
    for match in _PART.finditer(path):
        if match[1]:
            if numbers:
                raise ValueError(f"a step without its end: {path[:60]}")
            command = match[1]
            if command not in _LENGTHS:
                raise ValueError(f"a relative step: {command}")
            if command == "Z":
                found.append(("Z", ()))
            continue
        numbers.append(float(match[2]))
        if len(numbers) == _LENGTHS.get(command, 0):
            found.append(pen.step(command, numbers))
            command, numbers = ("L" if command == "M" else command), []
    if numbers:
        raise ValueError(f"a step without its end: {path[:60]}")
    return tuple(found)


class _Pen:
    """Where a path has come to, and the handle that a smooth step mirrors."""

    def __init__(self) -> None:
        self.x = self.y = 0.0
        self.handle: tuple[float, float] | None = None

    def step(self, command: str, numbers: list[float]) -> Segment:
        """Take a step; return it with nothing left implied."""
        mirrored = (self.x, self.y)
        if self.handle is not None:
            mirrored = (2 * self.x - self.handle[0], 2 * self.y - self.handle[1])
        if command == "H":
            command, numbers = "L", [numbers[0], self.y]
        elif command == "V":
            command, numbers = "L", [self.x, numbers[0]]
        elif command == "S":
            command, numbers = "C", [*mirrored, *numbers]
        elif command == "T":
            command, numbers = "Q", [*mirrored, *numbers]
        self.handle = (numbers[-4], numbers[-3]) if command in "CQ" else None
        self.x, self.y = numbers[-2], numbers[-1]
        return command, tuple(numbers)
