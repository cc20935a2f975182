"""Every ink can be read on every ground it is used on, and the window follows the choice."""

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontInfo, QImage, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from ui import icons, theme
from ui.tokens import DARK, LIGHT, Theme

GROUNDS = ("background", "sidebar", "card", "code", "bubble", "thinking_ground", "accent_soft")
PAIRS = [
    *(("ink", ground) for ground in GROUNDS),
    *(("muted", ground) for ground in GROUNDS),
    *(("thinking_ink", ground) for ground in ("thinking_ground", "background", "card")),
    *(("accent", ground) for ground in ("background", "card", "sidebar", "thinking_ground")),
    ("on_accent", "accent"),
]
MARKS = ("good", "bad", "accent", "thinking_rule")


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_the_standard_does() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#77726A", "#F3F1EC") == pytest.approx(4.23, abs=0.01)


@pytest.mark.parametrize("which", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_stands_out(which: Theme, ink: str, ground: str) -> None:
    assert contrast(getattr(which, ink), getattr(which, ground)) >= 4.5


@pytest.mark.parametrize("which", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("mark", MARKS)
def test_marks_stand_out(which: Theme, mark: str) -> None:
    assert contrast(getattr(which, mark), which.background) >= 3.0


def test_a_chosen_theme_dresses_what_is_there(dressed: QApplication, qtbot: QtBot) -> None:
    label = QLabel("Words")
    qtbot.addWidget(label)
    with qtbot.waitSignal(theme.notifier().changed):
        theme.set_mode("dark")
    assert theme.current() is DARK
    assert theme.mode() == "dark"
    assert label.palette().color(QPalette.ColorRole.WindowText).name().upper() == DARK.ink
    assert DARK.card in dressed.styleSheet()
    with qtbot.assertNotEmitted(theme.notifier().changed):
        theme.set_mode("dark")
    theme.set_mode("light")
    assert theme.current() is LIGHT


def test_fonts_have_the_sizes_of_the_design(dressed: QApplication) -> None:
    dpi = dressed.primaryScreen().logicalDotsPerInchY()
    for font, px in (
        (theme.body_font(), 15),
        (theme.thinking_font(), 13.5),
        (theme.caption_font(), 12),
    ):
        assert font.pointSizeF() * dpi / 72 == pytest.approx(px, abs=0.01)
    assert QFontInfo(theme.mono_font()).fixedPitch()


@pytest.mark.parametrize("name", icons.names())
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_icons_are_drawn_in_their_colour(dressed: QApplication, name: str, scale: float) -> None:
    side = round(16 * scale)
    image = QImage(side, side, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    icons.paint(painter, name, "#FF0000", QRectF(0, 0, side, side))
    painter.end()
    inked = [
        image.pixelColor(x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() > 200
    ]
    assert len(inked) >= 4 * scale
    assert all(colour.red() > 250 and colour.green() < 5 for colour in inked)


def test_an_unknown_icon_is_refused(dressed: QApplication) -> None:
    image = QImage(16, 16, QImage.Format.Format_ARGB32)
    painter = QPainter(image)
    with pytest.raises(KeyError):
        icons.paint(painter, "no-such-icon", "#000000", QRectF(0, 0, 16, 16))
    painter.end()
