"""Colours that a formula names itself, made legible on the ground that it stands on.

A model writes \\color{blue} for a white page. On a dark ground the hue is kept and the lightness
moved, as little as need be, until the contrast is that of text (WCAG 2.2, 1.4.3: 4.5 to 1).
"""

import re
from functools import lru_cache

from PySide6.QtGui import QColor

CONTRAST = 4.5
_STEPS = 64
_PART = r"(\d+(?:\.\d+)?%?)"
_RGB = re.compile(rf"\s*rgba?\(\s*{_PART}[\s,]+{_PART}[\s,]+{_PART}(?:\s*[,/].*)?\)\s*")


def contrast(one: QColor, two: QColor) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def named(name: str) -> QColor | None:
    """Return what a CSS colour means, None where it means nothing."""
    if parts := _RGB.fullmatch(name):
        red, green, blue = (
            float(part.rstrip("%")) * (2.55 if part.endswith("%") else 1) for part in parts.groups()
        )
        return QColor(*(min(255, round(part)) for part in (red, green, blue)))
    colour = QColor.fromString(name) if QColor.isValidColorName(name) else QColor()
    return colour if colour.isValid() and colour.alpha() else None


@lru_cache(maxsize=512)
def legible(rgb: int, ground_rgb: int) -> QColor:
    """Return a colour of the same hue that can be read on a ground. Both as QRgb values."""
    colour, ground = QColor.fromRgb(rgb), QColor.fromRgb(ground_rgb)
    if contrast(colour, ground) >= CONTRAST:
        return colour
    hue, saturation, lightness = colour.hslHueF(), colour.hslSaturationF(), colour.lightnessF()
    towards = 1.0 if _luminance(ground) < 0.18 else 0.0
    for step in range(1, _STEPS + 1):
        share = step / _STEPS
        moved = QColor.fromHslF(
            max(hue, 0.0), saturation, lightness + (towards - lightness) * share
        )
        if contrast(moved, ground) >= CONTRAST:
            return moved
    return QColor("white" if towards else "black")


def _luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
