"""How a display list is drawn: texts fitted into their room, boxes as grounds, colours legible."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.latex.display import DisplayList, Item
from app.latex.typesetter import Formula, Typesetter
from tests.support.formulas import well_formed
from ui import theme
from ui.formulas.colours import contrast, named
from ui.formulas.drawing import Drawing, Inks

ONE = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
LEAST = 3.0
EM_PX = 50
LIGHT = Inks(QColor(theme.LIGHT.ink), QColor(theme.LIGHT.background))
DARK = Inks(QColor(theme.DARK.ink), QColor(theme.DARK.background))


def text(said: str, wide: float) -> DisplayList:
    item = Item(
        "text", (said, 1000, False, False, False, wide), ONE, "current", "none", 0, (), None
    )
    return DisplayList(wide / 1000, 1.0, 0.5, (), (item,))


def rect(across: float, fill: str, x: float = 0.0) -> Item:
    return Item("rect", (x, -800, across, 1000, 0), ONE, fill, "none", 0, (), None)


def painted(drawing: Drawing, inks: Inks) -> QImage:
    image = QImage(600, 120, QImage.Format.Format_RGB32)
    image.fill(inks.ground)
    painter = QPainter(image)
    drawing.paint(painter, QPointF(100, 70), EM_PX, inks)
    painter.end()
    return image


def ink(image: QImage) -> tuple[int, int]:
    """Return the first and the last column (in pixels from the formula's left) with ink."""
    ground = QColor(image.pixel(0, 0))
    columns = [
        x
        for x in range(image.width())
        if any(contrast(QColor(image.pixel(x, y)), ground) > 2 for y in range(image.height()))
    ]
    return columns[0] - 100, columns[-1] - 100


@pytest.mark.parametrize("said", ["速度", "السرعة", "गति", "word word", "😀👍"])
@pytest.mark.parametrize("share", [0.4, 1.0, 1.8])
def test_a_text_fits_into_its_room(dressed: QApplication, said: str, share: float) -> None:
    wide = 500 * len(said) * share
    first, last = ink(painted(Drawing(text(said, wide)), LIGHT))
    room = wide / 1000 * EM_PX
    assert first >= -3
    assert last <= room + 3
    # In the middle, where it needs less than there is.
    assert abs((first + last) / 2 - room / 2) < 0.12 * room + 3


def test_what_is_on_a_box_is_legible_on_it_and_the_box_keeps_its_colour() -> None:
    letter = rect(300, "current", 50)
    for colour in ("black", "white", "yellow", "#222", "rgb(0, 0, 139)"):
        made = DisplayList(0.4, 1.0, 0.5, (), (rect(400, colour), letter))
        for inks in (LIGHT, DARK):
            image = painted(Drawing(made), inks)
            box = QColor(image.pixel(101, 60))
            assert box == named(colour)
            assert contrast(QColor(image.pixel(110, 60)), box) >= LEAST, colour


def test_black_is_the_ink_of_the_text(dressed: QApplication) -> None:
    assert DARK.of("black", "") == DARK.text
    assert DARK.of("#000", "") == DARK.text
    assert LIGHT.of("black", "") == QColor("black")
    assert DARK.of("black", "yellow") == QColor("black")


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("rgb(0,128,0)", QColor(0, 128, 0)),
        ("rgb(100%, 40%, 0%)", QColor(255, 102, 0)),
        ("rgba(1 2 3 / 50%)", QColor(1, 2, 3)),
        ("#fa0", QColor(255, 170, 0)),
        ("DarkBlue", QColor(0, 0, 139)),
    ],
)
def test_a_colour_is_read_as_style_sheets_have_it(name: str, colour: QColor) -> None:
    found = named(name)
    assert found is not None
    assert found.getRgb() == colour.getRgb()


@pytest.mark.parametrize("name", ["", "none", "transparent", "current", "rgb(1)", "nonsense"])
def test_what_is_no_colour_is_none(name: str) -> None:
    assert named(name) is None


def test_every_formula_of_the_corpus_is_legible(dressed: QApplication, tmp_path: Path) -> None:
    typesetter = Typesetter(cache=tmp_path / "formulas.db")
    coloured = [tex for tex, _display in well_formed() if "color" in tex or "box" in tex]
    assert len(coloured) > 10
    try:
        lists = typesetter.all([Formula(tex, display=True) for tex in coloured])
    finally:
        typesetter.close()
    for tex, made in zip(coloured, lists, strict=True):
        assert isinstance(made, DisplayList), tex
        for inks in (LIGHT, DARK):
            for part in Drawing(made)._parts:
                ground = named(part.ground) or inks.ground
                for name in (part.item.fill, part.item.stroke):
                    if name != "none" and not part.is_box:
                        seen = inks.of(name, part.ground)
                        assert contrast(seen, ground) >= LEAST, (tex, name, part.ground)
