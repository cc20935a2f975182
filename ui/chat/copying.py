"""What a selection is on the clipboard: Markdown, with HTML beside it for what takes rich text.

A message that is selected whole is copied as it was written. Of one that is not, whole blocks are,
and the parts of blocks at both ends are made to stand on their own (`app.chat.excerpt`). Thinking
is there only where the selection is within it.
"""

import re
from collections.abc import Sequence

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication, QTextDocument

from app.chat import excerpt
from app.chat.excerpt import units
from app.chat.writing import fenced
from app.markup import to_html
from app.markup.blocks import Block, parse
from ui.chat.cells import WHOLE, Cell, DocumentCell
from ui.chat.code import CodeCell
from ui.chat.column import Column, Place
from ui.chat.document import TEX
from ui.chat.entry import Entry
from ui.chat.prose import ProseCell
from ui.chat.selection import Region, Selection
from ui.chat.utf16 import part

MOST_HTML = 200_000
"""Characters of Markdown up to which HTML is made too: 0.3 s are felt, and no letter is so long."""

_DEFINES = re.compile(r"^ {0,3}\[(?!\^)[^\]\n]+\]:", re.MULTILINE)
_NOTES = re.compile(r"^ {0,3}\[\^([^\]\s]+)\]:", re.MULTILINE)
_FENCES = re.compile(r"^[ \t>]*(?:(?:[-+*]|\d+[.)])[ \t]+)*(`{3,}|~{3,})(.*)$", re.MULTILINE)
_REGIONS: tuple[Region, ...] = ("thinking", "text")


def put(markdown: str, *, typed: bool = False) -> None:
    """Put Markdown on the clipboard. typed: it is the user's own text, which is shown as it is."""
    data = QMimeData()
    data.setText(markdown)
    if not typed and len(markdown) <= MOST_HTML:
        data.setHtml(to_html(markdown))
    QGuiApplication.clipboard().setMimeData(data)


def markdown(entries: Sequence[Entry], selection: Selection) -> str:
    """Return what is selected as Markdown; messages are parted by a blank line."""
    ends = selection.ends()
    if ends is None:
        return ""
    several = ends[0].message != ends[1].message
    said: list[str] = []
    for number in range(ends[0].message, min(ends[1].message + 1, len(entries))):
        for region in _REGIONS:
            places = selection.part(number, region)
            if places is not None:
                text = _of_message(entries[number], region, *places, several=several)
                said.append(_renamed(text, number + 1) if several else text)
    return "\n\n".join(text for text in said if text)


def _of_message(entry: Entry, region: Region, start: Place, end: Place, *, several: bool) -> str:
    typed = entry.message.role == "user"
    if start == Place(0, 0) and end.cell >= WHOLE:
        text = _said(entry, region)
        if not several:
            return text if typed else text.strip("\n")
        text = text.strip("\n")
        # The next message must not end up in what is open here, nor use what is defined here.
        if typed or not _DEFINES.search(text):
            return _closed(text)
    column = _filled(entry, region)
    if not column.cells:
        return ""
    if typed:
        return column.copied(start, end)
    return _of_blocks(column, start, end, several=several)


def _of_blocks(column: Column, start: Place, end: Place, *, several: bool) -> str:
    last = min(end.cell, len(column.cells) - 1)
    alone = start.cell == last and not several
    said: list[str] = []
    for number in range(start.cell, last + 1):
        block, cell = column.blocks[number], column.cells[number]
        one = start.offset if number == start.cell else 0
        two = end.offset if number == end.cell else None
        said.append(_of_block(block, cell, one, two, alone=alone))
    return "\n\n".join(text for text in said if text)


def _of_block(block: Block, cell: Cell, start: int, end: int | None, *, alone: bool) -> str:
    """Return a block from one offset of its cell to another, None for its end."""
    if isinstance(cell, CodeCell):
        code = cell.text[start:end]
        if alone or not code.strip():
            return code
        return block.source if code == cell.text and block.closed else fenced(code, cell.language)
    whole = start == 0 and end is None
    if not isinstance(cell, ProseCell):
        if whole and block.closed:
            return block.source
        stop = len(cell.source) if end is None else end
        return cell.copied(start, stop) if stop > start else ""
    if whole:
        return _standing_alone(block)
    first, past = _units(cell, start), _units(cell, end, past=True)
    if first == 0 and past == _units(cell, None):
        return _standing_alone(block)
    said = excerpt.part(block.html, first, past, block.source)
    shown = cell.copied(start, WHOLE if end is None else end)
    # Without marks the text is exactly what is selected, its spaces too.
    return shown if shown.strip() == said else said


def _standing_alone(block: Block) -> str:
    """Return a whole block as it was written, its links in full where they are defined elsewhere.

    Such a block, and a footnote's mark, reads differently without its document.
    """
    if "[" in block.source and [one.html for one in parse(block.source)] != [block.html]:
        return excerpt.whole(block.html, block.source)
    return block.source


def _units(cell: DocumentCell, offset: int | None, *, past: bool = False) -> int:
    """Return how many units are before an offset. past: with a formula that the offset is in."""
    made = cell.document()
    last = made.characterCount()
    return _counted(made, last if offset is None else min(offset, last), past=past)


def _counted(document: QTextDocument, stop: int, *, past: bool) -> int:
    count = 0
    tex: object = None
    block = document.begin()
    while block.isValid() and block.position() < stop:
        step = block.begin()
        while not step.atEnd():
            fragment = step.fragment()
            step += 1
            start, text = fragment.position(), fragment.text()
            before, tex = tex, fragment.charFormat().property(TEX)
            if tex is None:
                count += units(part(text, 0, max(0, stop - start)))
            elif stop > start and tex != before:
                length = fragment.length()
                count += past or stop >= start + length
            if start >= stop:
                break
        tex = None
        block = block.next()
    return count


def _renamed(text: str, number: int) -> str:
    """Return a message's text with footnotes that are no other message's: [^1] is [^3-1]."""
    labels = set(_NOTES.findall(text))
    if not labels:
        return text
    found = "|".join(re.escape(label) for label in sorted(labels))
    mark = re.compile(rf"\[\^({found})\]")
    said: list[str] = []
    rest = text
    for block in parse(text):
        if block.kind == "code":
            before, code, rest = rest.partition(block.source)
            said += [mark.sub(rf"[^{number}-\1]", before), code]
    return "".join([*said, mark.sub(rf"[^{number}-\1]", rest)])


def _closed(text: str) -> str:
    """Return a text whose code, if it ends within some, is closed."""
    if not _may_be_open(text):
        return text
    blocks = parse(text)
    if blocks and blocks[-1].kind == "code" and not blocks[-1].closed:
        opening = re.match(r"[ >]*(`{3,}|~{3,})", blocks[-1].source)
        return f"{text}\n{opening[1]}" if opening else text
    return text


def _may_be_open(text: str) -> bool:
    """Whether a text may end within code: so much is seen without reading all of it."""
    fence = ""
    for mark, rest in _FENCES.findall(text):
        if not fence:
            fence = mark
        elif mark.startswith(fence) and not rest.strip():
            fence = ""
    return bool(fence)


def _filled(entry: Entry, region: Region) -> Column:
    if region == "thinking":
        entry.fill_thinking()
        return entry.thinking
    entry.fill()
    return entry.text


def _said(entry: Entry, region: Region) -> str:
    """Return a text of a message as it was written, as far as it is, under what is attached."""
    if region == "thinking":
        return entry.thought
    if entry.message.role == "user":
        return entry.message.markdown
    return entry.turn.answer if entry.turn is not None else entry.message.markdown
