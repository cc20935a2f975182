"""The rich text of one block: a QTextDocument that loads nothing, and what it gives when copied.

Copied text keeps what reading needs and layout drops: list marks, table columns (as tabs), line
breaks, and mathematics as TeX between its dollar signs.
"""

import re
from html import unescape

from PySide6.QtCore import QUrl
from PySide6.QtGui import (
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextList,
    QTextListFormat,
    QTextOption,
    QTextTable,
)

from ui.chat.style import LINE_HEIGHT_PERCENT, Style
from ui.chat.utf16 import part

TEX = QTextFormat.Property.UserProperty.value + 1
"""A character property: the TeX, with its delimiters, that a run of text stands for."""

_FORMULA = re.compile(
    r'<span class="math" data-tex="([^"]*)"( data-display="true")?>([^<]*)</span>'
)

_ENDLESS = re.compile(r"[!-~]{1000}")

_BOXES = {
    "☐ ": QTextBlockFormat.MarkerType.Unchecked,
    "☑ ": QTextBlockFormat.MarkerType.Checked,
}

_BULLETS = {
    QTextListFormat.Style.ListDisc: "•",
    QTextListFormat.Style.ListCircle: "◦",
    QTextListFormat.Style.ListSquare: "▪",
}


_MARKS = {
    QTextBlockFormat.MarkerType.Unchecked: "☐",
    QTextBlockFormat.MarkerType.Checked: "☑",
}


class Document(QTextDocument):
    """A QTextDocument that never fetches: no image, no file, whatever the text says."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setDefaultTextOption(option)
        self.setUndoRedoEnabled(False)
        self.setDocumentMargin(0)
        self.setIndentWidth(24)
        self.setDefaultFont(style.font)
        self.setDefaultStyleSheet(style.css)

    def wrap_for(self, source: str) -> None:
        """Choose the way of wrapping: by words, or anywhere where a "word" is endless.

        Looking for a word's end makes Qt's layout quadratic: 64,000 letters in one take 0.5 s, and
        36 ms when it need not look.
        """
        if _ENDLESS.search(source):
            option = self.defaultTextOption()
            option.setWrapMode(QTextOption.WrapMode.WrapAnywhere)
            self.setDefaultTextOption(option)

    def set_prose(self, html: str) -> None:
        """Show a block's HTML; its formulas are shown as TeX and remember that they are."""
        formulas: list[str] = []

        def marked(found: re.Match[str]) -> str:
            dollars = "$$" if found[2] else "$"
            formulas.append(f"{dollars}{unescape(found[1])}{dollars}")
            return f'<a class="tex" href="tex:{len(formulas) - 1}">{found[3]}</a>'

        self.setHtml(_FORMULA.sub(marked, html.strip()))
        if formulas:
            self._mark(formulas)
        if "☐" in html or "☑" in html:
            self._mark_tasks()
        self.settle()

    def _mark(self, formulas: list[str]) -> None:
        """Turn the links that stood for formulas into the property that says what they are."""
        found: list[tuple[int, int, str]] = []
        block = self.begin()
        while block.isValid():
            for run in block.textFormats():
                number = run.format.anchorHref().removeprefix("tex:")
                if run.format.anchorHref() != number:
                    start = block.position() + run.start
                    found.append((start, start + run.length, formulas[int(number)]))
            block = block.next()
        for start, end, tex in found:
            cursor = QTextCursor(self)
            cursor.setPosition(start)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            form = QTextCharFormat()
            form.setProperty(TEX, tex)
            form.setAnchor(False)
            form.setAnchorHref("")
            cursor.mergeCharFormat(form)

    def _mark_tasks(self) -> None:
        """Show the boxes of a list of tasks in place of its bullets."""
        block = self.begin()
        while block.isValid():
            box = _BOXES.get(block.text()[:2])
            listed: QTextList | None = block.textList()
            if box is not None and listed is not None:
                cursor = QTextCursor(block)
                move, keep = QTextCursor.MoveOperation, QTextCursor.MoveMode
                cursor.movePosition(move.NextCharacter, keep.KeepAnchor, 2)
                cursor.removeSelectedText()
                form = QTextBlockFormat()
                form.setMarker(box)
                cursor.mergeBlockFormat(form)
            block = block.next()

    def settle(self, line_height_percent: int = LINE_HEIGHT_PERCENT) -> None:
        """Give blocks their line height and take the outer margins off: gaps are the column's."""
        cursor = QTextCursor(self)
        cursor.select(QTextCursor.SelectionType.Document)
        height = QTextBlockFormat()
        height.setNonBreakableLines(False)
        height.setLineHeight(
            line_height_percent, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        )
        cursor.mergeBlockFormat(height)
        _trim(self.begin(), top=True)
        _trim(self.lastBlock(), top=False)

    def loadResource(self, _kind: int, _name: QUrl | str) -> object:  # noqa: N802 - Qt's name
        """Give nothing, for every address."""
        return None


def _trim(block: QTextBlock, *, top: bool) -> None:
    """Take a margin off the first or last block; fold away the empty one Qt puts beside a table."""
    cursor = QTextCursor(block)
    form = QTextBlockFormat()
    if top:
        form.setTopMargin(0)
    else:
        form.setBottomMargin(0)
    beside = block.next() if top else block.previous()
    if not block.text() and beside.isValid() and _table_cell(beside) is not None:
        form.setLineHeight(0.01, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        form.setTopMargin(0)
        form.setBottomMargin(0)
    cursor.mergeBlockFormat(form)


def copied(document: QTextDocument, start: int, end: int) -> str:
    """Return the text between two positions as it is to be pasted elsewhere."""
    said: list[str] = []
    block = document.findBlock(start)
    row: tuple[int, int] | None = None
    while block.isValid() and block.position() <= end:
        text = _block_text(block, start, end)
        cell = _table_cell(block)
        folded = not block.text() and block.blockFormat().lineHeight() == 0.01
        if not folded:
            if said:
                same_row = (
                    cell is not None and row is not None and cell[1] == row[1] and cell != row
                )
                said.append("\t" if same_row else "\n")
            said.append(text)
            row = cell
        block = block.next()
    return "".join(said)


def _table_cell(block: QTextBlock) -> tuple[int, int] | None:
    """Return (column, row) of the table cell a block is in."""
    table: QTextTable | None = QTextCursor(block).currentTable()
    if table is None:
        return None
    cell = table.cellAt(block.position())
    return cell.column(), cell.row()


def _block_text(block: QTextBlock, start: int, end: int) -> str:
    said: list[str] = []
    if start <= block.position():
        said.append(_list_mark(block))
    done_tex = ""
    step = block.begin()
    while not step.atEnd():
        fragment = step.fragment()
        first = fragment.position()
        text = fragment.text()
        tex = fragment.charFormat().property(TEX)
        inside = part(text, max(0, start - first), max(0, end - first))
        if isinstance(tex, str) and inside:
            # One formula may be several fragments; it is copied once, whole.
            if tex != done_tex:
                said.append(tex)
            done_tex = tex
        else:
            said.append(inside)
            done_tex = ""
        step += 1
    text = "".join(said).replace("\u2028", "\n").replace("\u00a0", " ")
    # Qt keeps the line break of the source after an item as a space at its end.
    return text.rstrip(" ") if end >= block.position() + block.length() - 1 else text


def _list_mark(block: QTextBlock) -> str:
    listed: QTextList | None = block.textList()
    if listed is None:
        return ""
    form = listed.format()
    indent = "  " * max(0, form.indent() - 1)
    bullet = _MARKS.get(block.blockFormat().marker()) or _BULLETS.get(form.style())
    return f"{indent}{bullet or listed.itemText(block)} "
