"""Paints a Markdown file as the transcript shows it: what `ponder render --png` has done.

The transcript itself is shown to nobody (the platform is Qt's offscreen one), scrolled through from
top to bottom, and taken a picture of part by part. A part is taken once every formula in it is
typeset or refused and its code is coloured. Qt's own scale makes the picture larger, so that
everything is as sharp as on such a screen.

Nothing of Qt may be imported at the top: what typesets formulas is spawned, and spawn may import
this module again.
"""

import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Paint: FILE, OUT, the width in pixels before scaling, and "light" or "dark"."""
    from app.errors import WorldError

    file, out, width, mode = arguments
    try:
        _render(Path(file), Path(out), int(width), dark=mode == "dark")
    except WorldError as error:
        print(f"ponder: {error.problem.sentence()}", file=sys.stderr)
        return 1
    return 0


def _render(file: Path, out: Path, width: int, *, dark: bool) -> None:
    from PySide6.QtCore import QBuffer, QByteArray
    from PySide6.QtGui import QImageWriter
    from PySide6.QtWidgets import QApplication

    from app import files
    from app.cli.render import read
    from app.errors import Problem, WorldError
    from ui import theme
    from ui.chat.sheet import Sheet

    text = read(file)
    app = QApplication(["ponder", *theme.FUSION])
    theme.install(app, "dark" if dark else "light")
    sheet = Sheet(text, width)
    try:
        picture = sheet.picture(app)
    finally:
        sheet.close()
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(picture)
    try:
        files.replace(out, bytes(buffer.data().data()))
    except OSError as error:
        why = error.strerror or str(error)
        raise WorldError(
            Problem("unwritable", f"{out} cannot be written: {why}.", "Choose another place.")
        ) from error
