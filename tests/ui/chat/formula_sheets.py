"""Contact sheets of formulas as the transcript shows them, to be looked at: `--out FOLDER`.

Run it with QT_QPA_PLATFORM=offscreen, and with QT_SCALE_FACTOR=2 for the sheets at double scale.
Prints the formulas that were refused, and why.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from app.markup.blocks import parse
from tests.support.formulas import well_formed
from ui import theme
from ui.chat.column import Column
from ui.chat.shelf import Shelf
from ui.formulas.desk import Formulas

WIDTH_PX = 1100  # wider than the column in the window, so that nothing is cut off
SHEET = 14


def sheet(app: QApplication, markdown: str, formulas: Formulas, kind: str = "answer") -> QPixmap:
    """Return the picture of a text with all its formulas known."""
    shelf = Shelf(formulas=formulas)
    column = Column("thinking" if kind == "thinking" else "answer", shelf)
    formulas.known.connect(column.renew)
    column.set_blocks(parse(markdown))
    column.set_width(WIDTH_PX)
    while True:
        column.lay_out(0, 1 << 20)
        if not any(cell.waits for cell in column.cells):
            break
        app.processEvents()
    colours = theme.current()
    ratio = app.devicePixelRatio()
    picture = QPixmap(round((WIDTH_PX + 40) * ratio), round((column.height + 40) * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(QColor(colours.thinking_ground if kind == "thinking" else colours.background))
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    column.paint(painter, QPoint(20, 20), picture.rect(), None)
    painter.end()
    for why in column.refusals:
        print("refused:", why)
    formulas.known.disconnect(column.renew)
    return picture


def main() -> None:
    """Make them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    formulas = Formulas()
    for mode in ("light", "dark"):
        theme.install(app, "dark" if mode == "dark" else "light")
        theme.set_mode("dark" if mode == "dark" else "light")
        known = list(enumerate(well_formed(), 1))
        inline = [
            f"{number}: of {tex_in_line(tex)} we say xgyHp, and **{tex_in_line(tex)}** again."
            for number, (tex, display) in known
            if not display
        ]
        displayed = [f"{number}\n\n$$\n{tex}\n$$" for number, (tex, display) in known if display]
        pages = [
            "\n\n".join(texts[at : at + many])
            for texts, many in ((inline, 2 * SHEET), (displayed, SHEET))
            for at in range(0, len(texts), many)
        ]
        for number, page in enumerate(pages):
            ratio = round(app.devicePixelRatio())
            name = f"formulas-{mode}-{ratio}x-{number:02}.png"
            sheet(app, page, formulas).save(str(chosen.out / name))
    formulas.close()


def tex_in_line(tex: str) -> str:
    """Return a formula as it stands in a line."""
    return rf"\({tex}\)" if "$" in tex else f"${tex}$"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        main()
