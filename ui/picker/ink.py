"""The colours of verdicts as text: the tokens good, warn and bad are too pale for words in light.

Each holds 4.5:1 on the window's ground, on a card and on the accent's soft ground.
"""

from ui.tokens import DARK, Theme

_LIGHT = {"good": "#1C764D", "warn": "#8A560D", "bad": "#B53434"}


def tone(name: str, colours: Theme) -> str:
    """Return the ink for "good", "warn", "bad" or "muted"."""
    if name == "muted":
        return colours.muted
    return str(getattr(colours, name)) if colours is DARK else _LIGHT[name]
