"""Display lists as SVG within a page of HTML: no style of its own, no script, nothing fetched.

Outlines are given once a page and named where they are used: a page of formulas shares its letters.
What has no colour of its own takes that of the text. A colour that a formula names itself becomes a
class, so that the page's style can say what it is on a dark ground; on a box of a colour of its own
the text is black or white, whichever can be read there.
"""

import re
from html import escape

from app.latex.display import CURRENT, Clip, DisplayList, Item, Matrix

UNITS = 1000
"""To the em."""
_COLOUR = re.compile(r"#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}|[a-zA-Z]{3,32}|rgba?\([\d\s.,%/]{1,40}\)")
_PATH = re.compile(r"[-MLHVCSQTZ\d.,e ]*", re.IGNORECASE)
_DARK = re.compile(
    "black|maroon|green|navy|purple|teal|blue|red|gr[ae]y|brown|violet|indigo"
    "|dark(?:gr[ae]y|green|blue|red)",
    re.IGNORECASE,
)
"""Names of colours on which white is read better than black."""
_LIGHT_FROM = 0.179
"""The relative luminance (WCAG 2.2) from which black is read better than white."""
_DARK_LIGHTNESS = 0.72
"""Of a named colour on a dark ground, at least (OKLCH): its contrast there is over 4.5."""


class Sheet:
    """What the formulas of a page share: outlines by number, colours and depths by class."""

    def __init__(self) -> None:
        self._paths: dict[str, int] = {}
        self._colours: dict[str, int] = {}
        self._depths: set[int] = set()
        self._clips = 0

    def formula(self, made: DisplayList, tex: str) -> str:
        """Return a formula as an <svg> whose baseline is that of the text around it."""
        boxes: list[Item] = []
        drawn: list[str] = []
        for item in made.items:
            drawn.append(self._item(item, made.paths, boxes))
            if item.kind == "rect" and item.fill not in (CURRENT, "none"):
                boxes.append(item)
        depth = round(made.depth * 100)
        self._depths.add(depth)
        tall = made.height + made.depth
        corners = (0.0, -made.height * UNITS, made.width * UNITS, tall * UNITS)
        return (
            f'<svg class="formula d{depth}" role="img" aria-label="{escape(tex)}"'
            f' width="{_number(made.width)}em" height="{_number(tall)}em"'
            f' viewBox="{" ".join(map(_number, corners))}">{"".join(drawn)}</svg>'
        )

    def definitions(self) -> str:
        """Return the outlines, to stand in the page once."""
        paths = "".join(f'<path id="p{at}" d="{path}"/>' for path, at in self._paths.items())
        return f'<svg class="outlines" width="0" height="0" aria-hidden="true">{paths}</svg>'

    def style(self) -> tuple[str, str]:
        """Return the rules of the classes, and those that a dark ground adds."""
        lowered = [f".d{depth}{{vertical-align:{-depth / 100:g}em}}" for depth in self._depths]
        plain = [f".k{at}{{--k:{colour}}}" for colour, at in self._colours.items()]
        dark = [
            f".k{at}:not(.box){{--k:oklch(from {colour} max(l,{_DARK_LIGHTNESS}) c h)}}"
            for colour, at in self._colours.items()
        ]
        rules = [".f{fill:var(--k)}", ".s{stroke:var(--k)}"] if plain else []
        return "".join([*sorted(lowered), *plain, *rules]), "".join(dark)

    # ------------------------------------------------------------ one item

    def _item(self, item: Item, paths: tuple[str, ...], boxes: list[Item]) -> str:
        under = next((box for box in reversed(boxes) if _holds(box, item)), None)
        is_box = item.kind == "rect" and item.fill not in (CURRENT, "none")
        attributes = self._colour(item, under, is_box=is_box)
        if item.stroke != "none" and item.line_width > 0:
            attributes += f' stroke-width="{_number(item.line_width)}"'
            if item.dash:
                attributes += f' stroke-dasharray="{" ".join(map(_number, item.dash))}"'
        attributes += f' transform="{_matrix(item.matrix)}"'
        drawn = self._shape(item, paths, attributes)
        return drawn if item.clip is None else self._clipped(item.clip, drawn)

    def _shape(self, item: Item, paths: tuple[str, ...], attributes: str) -> str:
        values = item.values
        if item.kind == "text":
            return _text(item, attributes)
        if item.kind == "path":
            path = paths[int(values[0])]
            if not _PATH.fullmatch(path):
                raise ValueError(f"not an outline: {path[:60]}")
            number = self._paths.setdefault(path, len(self._paths))
            return f'<use href="#p{number}"{attributes}/>'
        names = {
            "rect": ("x", "y", "width", "height", "rx"),
            "line": ("x1", "y1", "x2", "y2"),
            "ellipse": ("cx", "cy", "rx", "ry"),
        }[item.kind]
        given = "".join(
            f' {name}="{_number(float(value))}"' for name, value in zip(names, values, strict=True)
        )
        return f"<{item.kind}{given}{attributes}/>"

    def _colour(self, item: Item, under: Item | None, *, is_box: bool) -> str:
        classes: list[str] = []
        attributes = ""
        for name, letter, colour in (("fill", "f", item.fill), ("stroke", "s", item.stroke)):
            if colour == "none":
                attributes += ' fill="none"' if name == "fill" else ""
            elif colour != CURRENT and _COLOUR.fullmatch(colour):
                number = self._colours.setdefault(colour, len(self._colours))
                classes += [f"k{number}", letter]
            else:
                ink = "currentColor" if under is None else _on(under.fill)
                attributes += f' {name}="{ink}"'
        if classes and (is_box or under is not None):
            # It is seen against the box, or is it: the ground of the page is nothing to it.
            classes.append("box")
        return f' class="{" ".join(classes)}"{attributes}' if classes else attributes

    def _clipped(self, clip: Clip, drawn: str) -> str:
        self._clips += 1
        x, y, across, down = map(_number, clip.box)
        window = (
            f'<rect x="{x}" y="{y}" width="{across}" height="{down}"'
            f' transform="{_matrix(clip.matrix)}"/>'
        )
        name = f"c{self._clips}"
        return f'<clipPath id="{name}">{window}</clipPath><g clip-path="url(#{name})">{drawn}</g>'


def _text(item: Item, attributes: str) -> str:
    said, size, bold, slanted, mono, wide = item.values
    face = "monospace" if mono else "inherit"
    given = f' font-size="{_number(float(size))}" font-family="{face}"'
    given += ' font-weight="bold"' if bold else ""
    given += ' font-style="italic"' if slanted else ""
    if float(wide) > 0:
        given += f' textLength="{_number(float(wide))}" lengthAdjust="spacingAndGlyphs"'
    return f"<text{given}{attributes}>{escape(str(said))}</text>"


def _holds(box: Item, item: Item) -> bool:
    """Whether an item begins on a box. Boxes are not turned."""
    a, _b, _c, d, e, f = box.matrix
    x, y, wide, tall = (float(value) for value in box.values[:4])
    left, right = sorted((a * x + e, a * (x + wide) + e))
    top, bottom = sorted((d * y + f, d * (y + tall) + f))
    at_x, at_y = item.matrix[4], item.matrix[5]
    if item.kind in ("rect", "line", "ellipse"):
        at_x += item.matrix[0] * float(item.values[0])
        at_y += item.matrix[3] * float(item.values[1])
    return left <= at_x <= right and top <= at_y <= bottom


def _on(colour: str) -> str:
    """Return black or white, whichever is read better on a colour."""
    digits = colour.removeprefix("#")
    if colour.startswith("#") and len(digits) in (3, 6):
        parts = [digits[at] * 2 for at in range(3)] if len(digits) == 3 else []
        parts = parts or [digits[at : at + 2] for at in (0, 2, 4)]
        shares = [int(part, 16) / 255 for part in parts]
        red, green, blue = (
            share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
            for share in shares
        )
        return "#000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _LIGHT_FROM else "#fff"
    return "#fff" if _DARK.fullmatch(colour) else "#000"


def _matrix(matrix: Matrix) -> str:
    return f"matrix({' '.join(map(_number, matrix))})"


def _number(value: float) -> str:
    return f"{round(value, 3):g}" if abs(value) < 1e6 else f"{value:.0f}"
