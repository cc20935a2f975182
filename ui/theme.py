"""The colours and faces of the window, and the one place that decides between light and dark.

Widgets never name a colour: they ask `current()` when they paint, and repaint when
`notifier().changed` fires. The tokens are the design's, with one departure: the muted ink is a
shade stronger (light 77726A -> 6F6A62, dark 969099 -> 97919A), because the design's own misses a
contrast of 4.5:1 on the sidebar (4.23), on code (4.30), in the thinking panel (4.35) and on the
accent's soft ground (4.10 and 4.46). good, warn and bad are for dots, bars and rules, not for text.
"""

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from ui.style import style_sheet
from ui.tokens import DARK, LIGHT, Theme

__all__ = [
    "DARK",
    "FUSION",
    "LIGHT",
    "Mode",
    "Theme",
    "add_sheet",
    "body_font",
    "caption_font",
    "current",
    "install",
    "mode",
    "mono_font",
    "notifier",
    "set_mode",
    "thinking_font",
    "ui_font",
]

Mode = Literal["system", "light", "dark"]

FUSION = ("-style", "Fusion")
"""Arguments for QApplication. `setStyle("Fusion")` would hand back a wrapped QStyle, and building
that class costs 16 ms of the start."""


class Notifier(QObject):
    """Tells widgets that the theme is another one.

    Signals:
        changed: palette, style sheet and `current()` are the new ones already.
    """

    changed = Signal()


class _Choice:
    """What was chosen, and what it came to. One per process, like the QApplication it dresses."""

    def __init__(self) -> None:
        self.mode: Mode = "system"
        self.theme = LIGHT
        self.sheet = True
        self.notifier: Notifier | None = None


_choice = _Choice()


def current() -> Theme:
    """Return the theme in force."""
    return _choice.theme


def mode() -> Mode:
    """Return what was chosen: to follow the system, or one of the two."""
    return _choice.mode


def notifier() -> Notifier:
    """Return the object whose `changed` signal says that `current()` is another theme."""
    if _choice.notifier is None:
        _choice.notifier = Notifier()
    return _choice.notifier


def install(app: QApplication, chosen: Mode = "system", *, sheet: bool = True) -> None:
    """Dress the application in our palette, sheet and font, and follow the system's scheme.

    The style itself is chosen by `FUSION`, when the application is made. sheet: False leaves the
    sheet to `add_sheet`, after the first paint, which does without it and is 10 ms sooner so.
    """
    _choice.sheet = sheet
    app.setFont(ui_font())
    app.styleHints().colorSchemeChanged.connect(_on_system_scheme)
    _choice.mode = chosen
    _dress(app, _wanted(chosen))


def add_sheet(app: QApplication) -> None:
    """Put on the style sheet that `install` left out."""
    if not _choice.sheet:
        _choice.sheet = True
        app.setStyleSheet(style_sheet(_choice.theme))


def set_mode(chosen: Mode) -> None:
    """Choose light, dark, or whatever the system has now and later."""
    _choice.mode = chosen
    hints = QGuiApplication.styleHints()
    # The title bar and the system's own dialogs follow this; ours follow _dress.
    if chosen == "system":
        hints.unsetColorScheme()
    else:
        dark = chosen == "dark"
        hints.setColorScheme(Qt.ColorScheme.Dark if dark else Qt.ColorScheme.Light)
    _refresh()


def _on_system_scheme(_scheme: Qt.ColorScheme) -> None:
    _refresh()


def _refresh() -> None:
    wanted = _wanted(_choice.mode)
    app = QApplication.instance()
    if wanted is _choice.theme or not isinstance(app, QApplication):
        return
    _dress(app, wanted)
    notifier().changed.emit()


def _wanted(chosen: Mode) -> Theme:
    if chosen == "system":
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if chosen == "dark" else LIGHT


def _dress(app: QApplication, theme: Theme) -> None:
    _choice.theme = theme
    app.setPalette(palette(theme))
    if _choice.sheet:
        app.setStyleSheet(style_sheet(theme))


def palette(theme: Theme) -> QPalette:
    """Return the Fusion palette of a theme, every role set so that nothing is derived from grey."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.background,
        role.WindowText: theme.ink,
        role.Base: theme.card,
        role.AlternateBase: theme.sidebar,
        role.Text: theme.ink,
        role.PlaceholderText: theme.muted,
        role.Button: theme.card,
        role.ButtonText: theme.ink,
        role.BrightText: theme.on_accent,
        role.ToolTipBase: theme.card,
        role.ToolTipText: theme.ink,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: theme.card,
        role.Midlight: theme.line,
        role.Mid: theme.line,
        role.Dark: theme.muted,
        role.Shadow: theme.line,
    }
    made = QPalette()
    for which, colour in colours.items():
        made.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.muted))
    return made


def body_font() -> QFont:
    """Return the face of what is read: 15 px."""
    return _font(15)


def thinking_font() -> QFont:
    """Return the face of thinking: 13.5 px."""
    return _font(13.5)


def ui_font() -> QFont:
    """Return the face of controls and of the list of chats: 13 px."""
    return _font(13)


def caption_font() -> QFont:
    """Return the face of captions and figures: 12 px."""
    return _font(12)


def mono_font(px: float = 13) -> QFont:
    """Return the face of code."""
    return _font(px, mono=True)


def _font(px: float, *, mono: bool = False) -> QFont:
    """Return a font of `px` logical pixels. In points, because QFont's pixels are whole numbers."""
    kind = QFontDatabase.SystemFont.FixedFont if mono else QFontDatabase.SystemFont.GeneralFont
    font = QFont(QFontDatabase.systemFont(kind))
    font.setFamilies(["JetBrains Mono" if mono else "Inter", font.family()])
    if mono:
        font.setStyleHint(QFont.StyleHint.Monospace)
    screen = QGuiApplication.primaryScreen()
    dpi = screen.logicalDotsPerInchY() if screen is not None else 96.0
    font.setPointSizeF(px * 72.0 / dpi)
    return font
