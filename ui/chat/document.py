"""The rich text of one block: a QTextDocument that loads nothing, and what it gives when copied.

Copied text keeps what reading needs and layout drops: list marks, table columns (as tabs), line
breaks, and mathematics as TeX between its dollar signs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
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

from app.latex.display import Refusal
from ui.chat import inline
from ui.chat.style import LINE_HEIGHT_PERCENT, Style
from ui.chat.utf16 import part
from ui.formulas.desk import Found
from ui.formulas.drawing import Drawing

TEX = QTextFormat.Property.UserProperty.value + 1
"""A character property: the TeX, with its delimiters, that a run of text stands for."""

WHY = QTextFormat.Property.UserProperty.value + 3
"""A character property: why a formula is shown as its source."""

Find = Callable[[str, bool], Found | None]
"""Returns what is known of a formula: its TeX, and whether it is displayed."""

_FORMULA = re.compile(
    r'<span class="math" data-tex="([^"]*)"( data-display="true")?>([^<]*)</span>'
)

_TAG = re.compile(r"<([a-z][a-z0-9]*)")
_NAME = re.compile(r"[a-z][a-z0-9]*")
_RULE = re.compile(r"([^{}]+)(\{[^{}]*\})")

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
    """A QTextDocument that never fetches: no image, no file, whatever the text says.

    placed: the formulas that are drawn in its lines. widest_px: the width the widest has by nature.
    """

    def __init__(self, style: Style) -> None:
        super().__init__()
        self.placed: list[inline.Placed] = []
        self.widest_px = 0.0
        self._style = style
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setDefaultTextOption(option)
        self.setUndoRedoEnabled(False)
        self.setDocumentMargin(0)
        self.setIndentWidth(style.indent_px)
        self.setDefaultFont(style.font)
        self._tags: frozenset[str] = frozenset()

    def wrap_for(self, source: str) -> None:
        """Choose the way of wrapping: by words, or anywhere where a "word" is endless.

        Looking for a word's end makes Qt's layout quadratic: 64,000 letters in one take 0.5 s, and
        36 ms when it need not look.
        """
        if _ENDLESS.search(source):
            option = self.defaultTextOption()
            option.setWrapMode(QTextOption.WrapMode.WrapAnywhere)
            self.setDefaultTextOption(option)

    def set_prose(
        self, html: str, *, source: str = "", find: Find | None = None, width: float = 1e9
    ) -> None:
        """Show a block's HTML. Its formulas are typeset where `find` has them, else shown as TeX.

        source: the block's Markdown, which says how a formula was delimited. width: of a line in
        pixels; what is wider is made smaller, and what is far wider stays TeX, which can wrap.
        """
        tags = frozenset(_TAG.findall(html))
        if not tags <= self._tags:
            self._tags |= tags
            self.setDefaultStyleSheet(_sheet_for(self._style.css, self._tags))
        formulas: list[_Formula] = []
        self.placed = []
        self.widest_px = 0.0
        em_px = inline.em_px(self._style.font.pointSizeF())

        def marked(found: re.Match[str]) -> str:
            tex, display = unescape(found[1]), bool(found[2])
            known = find(tex, display) if find is not None else None
            if isinstance(known, Drawing):
                wide = known.width * em_px
                self.widest_px = max(self.widest_px, wide)
                known = None if wide * inline.LEAST_SHARE > width else known
            formulas.append(_Formula(_delimited(tex, source, display=display), known))
            if isinstance(known, Drawing):
                return f'<a href="tex:{len(formulas) - 1}">\ufffc</a>'
            return f'<a class="tex" href="tex:{len(formulas) - 1}">{found[3]}</a>'

        # As one edit: otherwise Qt lays the text out anew for every formula that is marked in it.
        edit = QTextCursor(self)
        edit.beginEditBlock()
        self.setHtml(_FORMULA.sub(marked, html.strip()))
        if "<table" not in html:
            self._keep_shapes()
        if formulas:
            self._mark(formulas, width)
        if "☐" in html or "☑" in html:
            self._mark_tasks()
        table = html.lstrip().startswith("<table")
        if "<table" in html and not table:
            # What stands beside a table is only known once the edit is over.
            edit.endEditBlock()
            edit.beginEditBlock()
        self.settle(table=table)
        edit.endEditBlock()

    def _keep_shapes(self) -> None:
        """Let the layout keep its glyphs: else Qt finds them anew each time the text is drawn."""
        block = self.begin()
        while block.isValid():
            block.layout().setCacheEnabled(True)
            block = block.next()

    def _mark(self, formulas: list["_Formula"], width: float) -> None:
        """Turn the links that stood for formulas into what says what they are."""
        found: list[tuple[int, int, QTextCharFormat]] = []
        block = self.begin()
        while block.isValid():
            for run in block.textFormats():
                number = run.format.anchorHref().removeprefix("tex:")
                if run.format.anchorHref() != number:
                    start = block.position() + run.start
                    form = self._format(formulas[int(number)], run.format, block, width)
                    found.append((start, start + run.length, form))
            block = block.next()
        if self.placed:
            inline.register(self)
        for start, end, form in found:
            cursor = QTextCursor(self)
            cursor.setPosition(start)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.setCharFormat(form)

    def _format(
        self, formula: "_Formula", around: QTextCharFormat, block: QTextBlock, width: float
    ) -> QTextCharFormat:
        """Return the format of a formula's characters: one that is drawn, or the source's."""
        if isinstance(formula.known, Drawing):
            size = around.fontPointSize() or self._style.font.pointSizeF()
            listed: QTextList | None = block.textList()
            indent = self.indentWidth() * (listed.format().indent() if listed is not None else 0)
            room = width - indent - block.blockFormat().leftMargin()
            placed = inline.Placed(
                formula.known, inline.em_px(size), room, inline.inks(self._style)
            )
            self.placed.append(placed)
            form = placed.format(len(self.placed))
        else:
            form = QTextCharFormat(around)
            form.setAnchor(False)
            form.setAnchorHref("")
            if isinstance(formula.known, Refusal):
                form.setProperty(WHY, formula.known.error)
        form.setProperty(TEX, formula.tex)
        return form

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

    def settle(
        self, line_height_percent: int = LINE_HEIGHT_PERCENT, *, table: bool = False
    ) -> None:
        """Give blocks their line height and take the outer margins off: gaps are the column's.

        table: it is a table and nothing else.
        """
        cursor = QTextCursor(self)
        cursor.select(QTextCursor.SelectionType.Document)
        height = QTextBlockFormat()
        height.setNonBreakableLines(False)
        height.setLineHeight(
            line_height_percent, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
        )
        cursor.mergeBlockFormat(height)
        _trim(self.begin(), top=True, table=table)
        _trim(self.lastBlock(), top=False, table=table)

    def loadResource(self, _kind: int, _name: QUrl | str) -> object:  # noqa: N802 - Qt's name
        """Give nothing, for every address."""
        return None


@lru_cache(maxsize=256)
def _sheet_for(css: str, tags: frozenset[str]) -> str:
    """Return the rules for some tags: making all of them for every document takes 0.2 ms."""
    # A formula is a link to its TeX for as long as it takes to mark it.
    there = tags | {"body", "a"} if "span" in tags else tags | {"body"}
    made = []
    for names, body in _RULE.findall(css):
        kept = [name for name in names.split(",") if _NAME.findall(name)[0] in there]
        if kept:
            made.append(",".join(kept) + body)
    return "".join(made)


@dataclass(frozen=True, slots=True)
class _Formula:
    """One in a line. tex: with its delimiters."""

    tex: str
    known: Found | None


def _delimited(tex: str, source: str, *, display: bool) -> str:
    """Return TeX between the delimiters that it has in the source, dollars if it is not found."""
    if tex.startswith("\\begin{") and f"$${tex}" not in source and tex in source:
        return tex
    dollars, opening, closing = ("$$", r"\[", r"\]") if display else ("$", r"\(", r"\)")
    if opening in source:
        found = re.search(
            rf"{re.escape(opening)}\s*{re.escape(tex)}\s*{re.escape(closing)}", source
        )
        if found is not None:
            return f"{opening}{tex}{closing}"
    return f"{dollars}{tex}{dollars}"


def _trim(block: QTextBlock, *, top: bool, table: bool) -> None:
    """Take a margin off the first or last block; fold away the empty one Qt puts beside a table.

    table: it is known to stand beside one.
    """
    cursor = QTextCursor(block)
    form = QTextBlockFormat()
    if top:
        form.setTopMargin(0)
    else:
        form.setBottomMargin(0)
    beside = block.next() if top else block.previous()
    if not block.text() and beside.isValid() and (table or _table_cell(beside) is not None):
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


def why_at(document: QTextDocument, position: int) -> str:
    """Return why the formula at a position is shown as its source, "" where there is no reason."""
    block = document.findBlock(position)
    for run in block.textFormats():
        if run.start <= position - block.position() < run.start + run.length:
            return str(run.format.property(WHY) or "")
    return ""


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
    done: tuple[str, int] = "", 0
    step = block.begin()
    while not step.atEnd():
        fragment = step.fragment()
        first = fragment.position()
        text = fragment.text()
        tex = fragment.charFormat().property(TEX)
        inside = part(text, max(0, start - first), max(0, end - first))
        if isinstance(tex, str) and inside:
            # The source of one may be several fragments; it is copied once, whole.
            this = tex, fragment.charFormat().intProperty(inline.NUMBER)
            if this != done:
                said.append(tex)
            done = this
        else:
            said.append(inside)
            done = "", 0
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
