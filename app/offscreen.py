"""How a part of Ponder that paints is started in a process of its own, without a display."""

import os
import sys
from pathlib import Path


def command(*arguments: str) -> list[str]:
    """Return the command that has `ui` do something, be it installed, frozen or a checkout."""
    frozen = bool(getattr(sys, "frozen", False))
    return [sys.executable, *([] if frozen else ["-P", "-m", "ui"]), *arguments]


def environment(scale: float) -> dict[str, str]:
    """Return what the painting process is to find: no display, one scale, no word of Qt's."""
    env = {name: value for name, value in os.environ.items() if not _sizes(name)}
    env["QT_QPA_PLATFORM"] = "offscreen"
    env["QT_SCALE_FACTOR"] = f"{scale:g}"
    # From any folder, and whatever it holds: with -P, `-m` looks into the first of these.
    root = str(Path(__file__).resolve().parents[1])
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (root, env.get("PYTHONPATH", ""))))
    return env


def _sizes(name: str) -> bool:
    """Whether a variable would have Qt draw larger or smaller."""
    return name in {
        "QT_AUTO_SCREEN_SCALE_FACTOR",
        "QT_ENABLE_HIGHDPI_SCALING",
        "QT_FONT_DPI",
        "QT_SCALE_FACTOR_ROUNDING_POLICY",
        "QT_SCREEN_SCALE_FACTORS",
    }
