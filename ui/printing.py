"""Prints a chat into a PDF: what `ponder chats export --format pdf` and the window have done.

One rich text of the whole branch is cut into pages of A4. Text stays text, formulas are drawn as
outlines, links can be clicked, and each page says which it is.

Nothing of Qt may be imported at the top: what typesets formulas is spawned, and spawn may import
this module again.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QPainter

    from app.transcript.amending import Entry
    from app.transcript.readable import ThinkingForm
    from app.transcript.record import Record
    from ui.chat.document import Document
    from ui.formulas.desk import Found
    from ui.printed import Place

MARGIN_PX = 60
FOOTER_PX = 28
DPI = 96
A4_MM = (210.0, 297.0)
_MATH = re.compile(r'<span class="math" data-tex="([^"]*)"( data-display="true")?>')


def main(arguments: Sequence[str]) -> int:
    """Print the chat that stdin holds in its lossless form: OUT, and what becomes of thoughts."""
    out, thinking = arguments
    from app.transcript import lossless

    found = lossless.loads(sys.stdin.buffer.read())
    _print(found.record, found.attachments, out, thinking)  # type: ignore[arg-type] # our own word
    return 0


def _print(
    record: "Record", attachments: Mapping[str, bytes], out: str, thinking: "ThinkingForm"
) -> None:
    from PySide6.QtCore import QBuffer, QMarginsF
    from PySide6.QtGui import QPageSize, QPainter, QPdfWriter
    from PySide6.QtWidgets import QApplication

    from app.chat.store_rows import storable
    from app.transcript.amending import with_letters, with_outline
    from ui import printed, theme

    app = QApplication(["ponder", *theme.FUSION])
    theme.install(app, "light")
    wide, tall = (round(length / 25.4 * DPI) for length in A4_MM)
    document = _document(record, attachments, thinking, wide - 2 * MARGIN_PX)
    document.setPageSize(_size(wide - 2 * MARGIN_PX, tall - 2 * MARGIN_PX - FOOTER_PX))
    written = QBuffer()
    written.open(QBuffer.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(written)
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
    writer.setPageMargins(QMarginsF(0, 0, 0, 0))
    writer.setTitle(" ".join(storable(record.title).split()))
    writer.setCreator("Ponder")
    painter = QPainter(writer)
    scale = writer.resolution() / DPI
    painter.scale(scale, scale)
    places = printed.formulas(document)
    for page in range(document.pageCount()):
        if page:
            writer.newPage()
        _page(painter, document, page, places)
    painter.end()
    entries = _entries(record, document, tall)
    data = with_letters(bytes(written.data().data()))
    Path(out).write_bytes(with_outline(data, entries))


def _entries(record: "Record", document: "Document", tall: int) -> "list[Entry]":
    from app.transcript.amending import Entry
    from app.transcript.paper import contents
    from ui import printed

    height = document.pageSize().height()
    tops = printed.messages(document)
    return [
        Entry(line, int(top // height), (tall - MARGIN_PX - top % height) * 72 / DPI)
        for number, line in enumerate(contents(record), 1)
        if (top := tops.get(str(number))) is not None
    ]


def _size(wide: float, tall: float):  # type: ignore[no-untyped-def] # Qt's, imported late
    from PySide6.QtCore import QSizeF

    return QSizeF(wide, tall)


def _page(painter: "QPainter", document: "Document", page: int, places: "list[Place]") -> None:
    from PySide6.QtCore import QRectF, Qt
    from PySide6.QtGui import QAbstractTextDocumentLayout, QColor

    from ui import printed, theme

    wide, tall = document.pageSize().width(), document.pageSize().height()
    shown = QRectF(0, page * tall, wide, tall)
    painter.save()
    painter.translate(MARGIN_PX, MARGIN_PX - page * tall)
    painter.setClipRect(shown)
    printed.sources(painter, places, shown)
    context = QAbstractTextDocumentLayout.PaintContext()
    context.clip = shown
    document.documentLayout().draw(painter, context)
    painter.restore()
    painter.setFont(theme.caption_font())
    painter.setPen(QColor(theme.current().muted))
    place = QRectF(MARGIN_PX, MARGIN_PX + tall, wide, FOOTER_PX)
    said = f"{page + 1} of {document.pageCount()}"
    painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom, said)


def _document(
    record: "Record", attachments: Mapping[str, bytes], thinking: "ThinkingForm", width: int
) -> "Document":
    from PySide6.QtCore import QUrl
    from PySide6.QtGui import QTextDocument

    from app.transcript.paper import rich_text
    from ui import printed
    from ui.chat import style
    from ui.chat.document import Document
    from ui.chat.highlighting import LIGHT

    made = style.of("answer")
    colours: dict[str, str] = {
        "ink": made.ink,
        "muted": made.theme.muted,
        "thinking": made.theme.thinking_ink,
        "code": made.theme.code,
    }
    colours |= {str(kind): ink for kind, ink in LIGHT.items()}
    html = rich_text(record, thinking=thinking, colours=colours, pictures=attachments.keys())
    known = _typeset(html, width)

    class Printed(Document):
        """With the pictures that belong to the chat, and nothing else."""

        def loadResource(self, kind: int, name: QUrl | str) -> object:  # noqa: N802 - Qt's name
            """Return a picture by its hash."""
            address = name if isinstance(name, str) else name.toString()
            data = attachments.get(address)
            if kind != QTextDocument.ResourceType.ImageResource.value or data is None:
                return None
            return _picture(data, width)

    document = Printed(made)
    document.setTextWidth(width)
    document.set_prose(html, find=lambda tex, display: known.get((tex, display)), width=width)
    printed.settle(document)
    return document


def _typeset(html: str, width: int) -> dict[tuple[str, bool], "Found"]:
    """Return every formula of the text, drawn or refused."""
    from app.latex.typesetter import Formula
    from app.transcript.formulas import typeset
    from ui.chat import inline, style
    from ui.formulas.desk import drawn

    em_px = inline.em_px(style.of("answer").font.pointSizeF())
    wanted = {(unescape(found[1]), bool(found[2])) for found in _MATH.finditer(html)}
    asked = {
        one: Formula.of(one[0], display=one[1], width_em=width / em_px) for one in sorted(wanted)
    }
    said = typeset(list(asked.values()))
    return {one: drawn(made) for one, made in zip(asked, said, strict=True)}


def _picture(data: bytes, width: int):  # type: ignore[no-untyped-def] # Qt's, imported late
    """Return a picture no wider than the text, sharp on paper."""
    from PySide6.QtCore import QBuffer, QByteArray, Qt
    from PySide6.QtGui import QImageReader

    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    reader = QImageReader(buffer)
    reader.setAutoTransform(True)
    image = reader.read()
    most = 3 * width
    if image.width() > most:
        image = image.scaledToWidth(most, Qt.TransformationMode.SmoothTransformation)
    image.setDevicePixelRatio(max(1.0, image.width() / width))
    return image
