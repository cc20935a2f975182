"""How text looks in the transcript: one Style for each kind of text, made anew for each theme.

All of it is made larger or smaller by one zoom, that of the transcript.
Rich text is laid out by QTextDocument, so a Style is mostly the small style sheet it understands.
Line height is given to blocks by percentage, not in pixels: text that falls back to a taller face
(Chinese, Arabic) keeps its room.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from PySide6.QtGui import QColor, QFont

from ui import theme
from ui.formulas.colours import CONTRAST, contrast
from ui.theme import Theme

Kind = Literal["answer", "thinking", "user"]

COLUMN_PX = 760
GUTTER_PX = 24
RADIUS_PX = 10
CODE_LINE_PX = 20
INDENT_PX = 24
LINE_HEIGHT_PERCENT = 131
"""Inter's own line is 1.21 of its size: 131 % of that is 24 px for 15 px text, as designed."""


@dataclass(frozen=True, slots=True)
class Style:
    """One kind of text in one theme. gap_px: between two blocks.

    half_leading_px: half of what the line height adds to a line. code_line_px: one of code, from
    top to top. indent_px: of a list's items.
    """

    kind: Kind
    theme: Theme
    font: QFont
    mono: QFont
    ink: str
    code_ground: str
    gap_px: int
    half_leading_px: int
    code_line_px: int
    indent_px: int
    css: str


class _Choice:
    """How large text is, in percent. One per process, as the theme."""

    def __init__(self) -> None:
        self.percent = 100
        # What was asked for last: it is asked for thirty times a frame.
        self.colours: Theme | None = None
        self.made: dict[Kind, Style] = {}


_choice = _Choice()


def of(kind: Kind) -> Style:
    """Return the style of a kind of text in the theme and at the zoom in force."""
    colours = theme.current()
    if colours is not _choice.colours:
        _choice.colours = colours
        _choice.made.clear()
    made = _choice.made.get(kind)
    if made is None:
        made = _choice.made[kind] = _made(kind, colours, _choice.percent)
    return made


def zoom() -> int:
    """Return the zoom in percent."""
    return _choice.percent


def set_zoom(percent: int) -> None:
    """Choose another zoom; what is laid out already is for its owner to lay out anew."""
    _choice.percent = percent
    _choice.made.clear()


def scaled(px: float) -> int:
    """Return a length at the zoom in force, in whole pixels."""
    return round(px * _choice.percent / 100)


def selection_colour(colours: Theme) -> QColor:
    """Return the ground of selected text: the accent, thin enough to read every ink through it."""
    colour = QColor(colours.accent)
    colour.setAlpha(90 if colours.dark else 60)
    return colour


def blended(front: str, back: str, share: float) -> str:
    """Return `share` of the front colour mixed into the back one, as "#RRGGBB"."""
    one, two = QColor(front), QColor(back)
    mixed = QColor(
        round(one.red() * share + two.red() * (1 - share)),
        round(one.green() * share + two.green() * (1 - share)),
        round(one.blue() * share + two.blue() * (1 - share)),
    )
    return mixed.name()


def quiet_ink(ink: str, ground: str) -> str:
    """Return the ink of a formula's source: fainter than text, as far as it stays legible."""
    for share in (0.76, 0.9):
        quiet = blended(ink, ground, share)
        if contrast(QColor(quiet), QColor(ground)) >= CONTRAST:
            return quiet
    return ink


@lru_cache(maxsize=12)
def _made(kind: Kind, colours: Theme, percent: int) -> Style:
    thinking = kind == "thinking"
    share = percent / 100
    font = _zoomed(theme.thinking_font() if thinking else theme.body_font(), share)
    mono = _zoomed(theme.mono_font(12 if thinking else 13), share)
    ink = colours.thinking_ink if thinking else colours.ink
    ground = colours.code
    if thinking:
        ground = blended(colours.thinking_rule, colours.thinking_ground, 0.10)
    return Style(
        kind=kind,
        theme=colours,
        font=font,
        mono=mono,
        ink=ink,
        code_ground=ground,
        half_leading_px=round((2 if thinking else 3) * share),
        gap_px=round((20 if thinking else 12) * share),
        code_line_px=round(CODE_LINE_PX * share),
        indent_px=round(INDENT_PX * share),
        css=_css(colours, font, mono, ink, ground),
    )


def _zoomed(font: QFont, share: float) -> QFont:
    font.setPointSizeF(font.pointSizeF() * share)
    return font


def _css(colours: Theme, font: QFont, mono: QFont, ink: str, ground: str) -> str:
    size = font.pointSizeF()
    faces = ", ".join(f"'{family}'" for family in mono.families())
    inline = blended(ink, ground, 0.07)
    quiet = quiet_ink(ink, ground)
    rule = colours.line if ink == colours.ink else blended(ink, ground, 0.25)
    return f"""
body, p, li, td, th, blockquote {{ color: {ink}; }}
p {{ margin-top: 0; margin-bottom: 12px; }}
h1 {{ font-size: {size * 1.4:.2f}pt; font-weight: 600; margin-top: 8px; margin-bottom: 4px; }}
h2 {{ font-size: {size * 1.24:.2f}pt; font-weight: 600; margin-top: 8px; margin-bottom: 4px; }}
h3 {{ font-size: {size * 1.1:.2f}pt; font-weight: 600; margin-top: 4px; margin-bottom: 0; }}
h4, h5, h6 {{ font-size: {size:.2f}pt; font-weight: 600; margin-top: 4px; margin-bottom: 0; }}
ul, ol {{ margin-top: 0; margin-bottom: 0; margin-left: 0; }}
li {{ margin-top: 0; margin-bottom: 4px; }}
li p {{ margin-bottom: 4px; }}
a {{ color: {colours.accent}; text-decoration: underline; }}
code, pre, tt {{ font-family: {faces}; font-size: {mono.pointSizeF():.2f}pt; }}
a.tex {{ color: {quiet}; text-decoration: none; font-family: {faces};
  font-size: {mono.pointSizeF():.2f}pt; }}
code {{ background-color: {inline}; }}
pre {{ margin-top: 4px; margin-bottom: 8px; }}
blockquote {{ margin-left: 16px; margin-right: 0; margin-top: 0; margin-bottom: 0; }}
table {{ border-collapse: collapse; border-width: 1px; border-style: solid;
  border-color: {rule}; margin-top: 4px; margin-bottom: 4px; }}
th {{ font-weight: 600; background-color: {ground}; padding: 9px 12px 3px 12px;
  border-width: 1px; border-style: solid; border-color: {rule}; }}
td {{ padding: 9px 12px 3px 12px; border-width: 1px; border-style: solid; border-color: {rule}; }}
"""
