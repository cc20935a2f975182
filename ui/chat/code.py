"""A code block: a header with its language and its buttons, and lines that scroll sideways or wrap.

A row is a line, or a part of one where lines wrap. All rows have one height, so the block's height
is known from their count alone, and only the rows that are seen are ever laid out: a block of ten
thousand lines costs what is visible of it, and a line that is added while it streams costs that.
"""

from bisect import bisect_right
from math import ceil

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QGuiApplication,
    QPainter,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QWidget

from app.markup.blocks import Block
from ui import theme
from ui.chat import style, wrapping
from ui.chat.cells import CARET_PX, Cell, cursor_x
from ui.chat.controls import QuietButton
from ui.chat.frame import framed
from ui.chat.highlighting import Paint, format_range, formats
from ui.chat.sideways import BAR_PX, Sideways
from ui.chat.style import Kind
from ui.chat.toggle import Toggle
from ui.chat.utf16 import characters, units
from ui.chat.wrapping import Rows, cut_out, text_option, widest

HEADER_PX = 32
PAD_PX = 14
ABOVE_PX = 10
KEPT_LINES = 400


class CodeCell(Cell):
    """See the module. Offsets count the characters of the code."""

    def __init__(self, block: Block, kind: Kind) -> None:
        super().__init__(block.source, kind)
        self.text = block.text.rstrip("\n")
        self.language = block.language
        self._closed = block.closed
        self._starts = _line_starts(self.text)
        self._lines: dict[int, QTextLayout] = {}
        self._paint = Paint()
        self._widest: tuple[float, float] | None = None
        self.wrapped = wrapping.preferred()
        self._rows: Rows | None = None
        self._rows_for: tuple[int, float] = -1, 0.0
        self._wrap: Toggle | None = None
        self._sideways = Sideways("Scroll the code sideways", self._on_scrolled)
        self._copy: QuietButton | None = None
        self._host: QWidget | None = None
        self._placed: tuple[object, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether its colours are still being found."""
        return self._paint.busy

    def estimate(self, width: int) -> int:
        """Return the height: that of the rows, and of a scroll bar where one is too long."""
        self._break_rows(width)
        bar = BAR_PX if not self.wrapped and self._over(width) > 0 else 0
        return HEADER_PX + 1 + 2 * ABOVE_PX + self._row_px * len(self._row_starts) + bar

    @property
    def _row_px(self) -> int:
        return self.style.code_line_px

    @property
    def _row_starts(self) -> list[int]:
        return self._starts if self._rows is None else self._rows.starts

    def _break_rows(self, width: int) -> None:
        """Break the lines for a width, where they wrap."""
        wanted = (width, self.style.mono.pointSizeF()) if self.wrapped and width >= 0 else (-1, 0.0)
        if wanted == self._rows_for:
            return
        self._rows_for = wanted
        self._lines.clear()
        self._rows = None
        if self.wrapped and width >= 0:
            self._rows = Rows(self.style.mono, width - 2 * PAD_PX)
            self._rows.fill(self.text, self._starts)

    def _measure(self, width: int) -> int:
        return self.estimate(width)

    def grow(self, block: Block) -> bool:
        """Take over more lines of the same code."""
        text = block.text.rstrip("\n")
        if block.kind != "code" or block.language != self.language:
            return False
        if not text.startswith(self.text):
            return False
        kept = len(self._starts) - 1
        at = self._starts[kept]
        self._starts[kept:] = [at + start for start in _line_starts(text[at:])]
        self._widest = self._size, max(self._width(), self._advance(text[at:]))
        row = self._rows.fill(text, self._starts, kept) if self._rows is not None else kept
        self._paint.forget(kept)
        self.source, self.text, self._closed = block.source, text, block.closed
        stale = {one for one in self._lines if one >= row}
        if block.closed and self._lines:
            others = self._paint.go_through(text, self.language, self._on_painted)
            stale |= {one for one in self._lines if self._line_of(one) in others}
        for number in stale:
            del self._lines[number]
        self.fresh_from = int(self._top(min(stale | {row})))
        self.height = self.estimate(self.width)
        return True

    def release(self) -> None:
        """Drop layouts, colours and controls."""
        self._lines.clear()
        self._paint.end()
        self._paint = Paint()
        for button in (self._copy, self._wrap):
            if button is not None:
                button.hide()
                button.deleteLater()
        self._sideways.release()
        self._copy = self._wrap = self._host = None
        self._placed = ()

    # ------------------------------------------------------------ controls

    def place(self, host: QWidget, origin: QPoint) -> None:
        """Put the Copy button, and the scroll bar where a line is too long, onto the host."""
        if self._host is not host:
            self.release()
            self._host = host
        over = self._over(self.width)
        # Only a scroll bar is where the height says.
        tall = self.height if over > 0 else 0
        placed = (origin.x(), origin.y(), self.width, tall, self.wrapped, over)
        if placed == self._placed:
            return
        self._placed = placed
        if self._copy is None:
            named = f"Copy the {self.language} code" if self.language else "Copy the code"
            self._copy = QuietButton(
                host, "Copy", "copy", self._on_copy, name=named, font=_label_font()
            )
            self._copy.show()
        right = self._put(self._copy, origin, self.width - PAD_PX + 4)
        self._place_wrap(host, origin, right, over)
        top = origin.y() + self.height - BAR_PX - 2
        where = QRect(origin.x() + 4, top, self.width - 8, BAR_PX)
        self._sideways.place(host, where, 0 if self.wrapped else over)

    def _place_wrap(self, host: QWidget, origin: QPoint, right: int, over: int) -> None:
        """Put the button that wraps lines beside the other, where a line is `over` too long."""
        if over <= 0:
            if self._wrap is not None:
                self._wrap.hide()
            return
        if self._wrap is None:
            self._wrap = Toggle(host, "", "wrap", self._on_wrap, name="Wrap long lines")
        self._wrap.setChecked(self.wrapped)
        self._put(self._wrap, origin, right - 4)
        self._wrap.show()

    def _put(self, button: QWidget, origin: QPoint, right: int) -> int:
        """Put a button into the header, ending at `right`; return where it begins."""
        hint = button.sizeHint()
        above = (HEADER_PX - hint.height()) // 2 + 1
        left = right - hint.width()
        button.setGeometry(origin.x() + left, origin.y() + above, hint.width(), hint.height())
        return left

    def _on_wrap(self) -> None:
        self.wrap(not self.wrapped)
        wrapping.toggled(self, wrapped=self.wrapped)

    def wrap(self, wrapped: bool) -> None:
        """Wrap long lines, or let them be scrolled to."""
        self.wrapped = wrapped
        self._laid_out_for = -1
        self.height = self.estimate(self.width)

    def _over(self, width: int) -> int:
        """Return by how many pixels the widest line is too long, 0 or less where none is."""
        return ceil(self._width()) - (width - 2 * PAD_PX)

    def controls(self) -> list[QWidget]:
        """Return the buttons and the scroll bar, where they are placed."""
        buttons: list[QWidget] = [one for one in (self._wrap, self._copy) if one is not None]
        return [*(one for one in buttons if not one.isHidden()), *self._sideways.bars()]

    def slide(self, pixels: int) -> bool:
        """Scroll the lines sideways."""
        return self._sideways.slide(pixels)

    def _on_scrolled(self) -> None:
        if self._host is not None:
            self._host.update()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)
        if self._copy is not None:
            self._copy.show_done("Copied")

    # ------------------------------------------------------------ drawing

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw ground, header and the lines that the clip shows."""
        colours = self.style.theme
        box = QRectF(0, 0, self.width, self.height)
        framed(painter, box, clip, QColor(self.style.code_ground), QColor(colours.line))
        painter.fillRect(QRectF(0, HEADER_PX, self.width, 1), QColor(colours.line))
        painter.setPen(QColor(colours.muted))
        painter.setFont(_label_font())
        header = QRectF(PAD_PX, 0, self.width - 2 * PAD_PX, HEADER_PX)
        painter.drawText(header, Qt.AlignmentFlag.AlignVCenter, self.language or "text")
        painter.save()
        top = HEADER_PX + 1
        painter.setClipRect(
            QRectF(1, top, self.width - 2, self.height - top - 1), Qt.ClipOperation.IntersectClip
        )
        self._paint_lines(painter, clip, picked)
        if caret:
            self._paint_caret(painter)
        painter.restore()

    def _paint_lines(self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None) -> None:
        first = max(0, self._row_at(clip.top()))
        last = min(len(self._row_starts) - 1, self._row_at(clip.bottom()))
        form = QTextCharFormat()
        form.setBackground(style.selection_colour(self.style.theme))
        painter.setPen(QColor(self.style.ink))
        for number in range(first, last + 1):
            layout = self._line(number)
            chosen = []
            if picked is not None:
                start, end = self._row_starts[number], self._end(number)
                text = self._text_of(number)
                one = units(text, max(picked[0], start) - start)
                two = units(text, min(picked[1], end) - start)
                if two > one:
                    chosen = [format_range(one, two - one, form)]
            layout.draw(painter, QPointF(PAD_PX - self._sideways.value, self._top(number)), chosen)
        if len(self._lines) > KEPT_LINES:
            near = range(first - KEPT_LINES // 4, last + KEPT_LINES // 4)
            self._lines = {at: line for at, line in self._lines.items() if at in near}

    def _paint_caret(self, painter: QPainter) -> None:
        number = len(self._row_starts) - 1
        text = self._text_of(number)
        x = cursor_x(self._line(number).lineAt(0), units(text, len(text)))
        left, rise = PAD_PX - self._sideways.value + x + 1, self._row_px - 3
        painter.fillRect(QRectF(left, self._top(number), CARET_PX, rise), QColor(self.style.ink))

    def _top(self, number: int) -> float:
        return HEADER_PX + 1 + ABOVE_PX + number * self._row_px

    def _row_at(self, y: float) -> int:
        return int((y - HEADER_PX - ABOVE_PX) // self._row_px)

    def _end(self, number: int) -> int:
        """Return the offset of a row's end, a line break left out."""
        if self._rows is not None:
            return self._rows.ends[number]
        if number + 1 < len(self._starts):
            return self._starts[number + 1] - 1
        return len(self.text)

    def _line(self, number: int) -> QTextLayout:
        found = self._lines.get(number)
        if found is not None:
            return found
        font = self.style.mono
        made = QTextLayout(self._text_of(number), font)
        option = text_option(font, QTextOption.WrapMode.NoWrap)
        made.setTextOption(option)
        made.setFormats(self._colours(number))
        made.setCacheEnabled(True)
        made.beginLayout()
        line = made.createLine()
        if line.isValid():
            line.setLineWidth(1e7)
            line.setPosition(QPointF(0, (self._row_px - line.height()) / 2 - 1))
        made.endLayout()
        self._lines[number] = made
        return made

    def _colours(self, number: int) -> list[QTextLayout.FormatRange]:
        """Return the colours of a row: of its line, as far as it is on it."""
        text = self._text_of(number)
        if self._closed:
            self._paint.go_through(self.text, self.language, self._on_painted)
        dark = self.style.theme.dark
        if self._rows is None:
            found = self._paint.line(number, text, self.language, self._on_painted)
            return formats(text, found, dark=dark)
        line = self._line_of(number)
        at = self._starts[line]
        stop = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self.text)
        whole = self._paint.line(line, self.text[at:stop], self.language, self._on_painted)
        return formats(text, cut_out(whole, self._row_starts[number] - at, len(text)), dark=dark)

    def _line_of(self, row: int) -> int:
        return row if self._rows is None else self._rows.lines[row]

    def _on_painted(self) -> None:
        self._lines.clear()
        if self._host is not None:
            self._host.update()

    def _text_of(self, number: int) -> str:
        return self.text[self._row_starts[number] : self._end(number)]

    def _width(self) -> float:
        if self._widest is None or self._widest[0] != self._size:
            self._widest = self._size, self._advance(self.text)
        return self._widest[1]

    @property
    def _size(self) -> float:
        return self.style.mono.pointSizeF()

    def _advance(self, text: str) -> float:
        return widest(text, self.style.mono) + CARET_PX

    # ------------------------------------------------------------ reading

    def hit(self, point: QPointF) -> int:
        """Return the offset nearest to a point."""
        number = self._row_at(point.y())
        if number < 0:
            return 0
        if number >= len(self._row_starts):
            return len(self.text)
        line = self._line(number).lineAt(0)
        inside = line.xToCursor(point.x() - PAD_PX + self._sideways.value) if line.isValid() else 0
        return self._row_starts[number] + characters(self._text_of(number), inside)

    def word_at(self, offset: int) -> tuple[int, int]:
        """Return the range of the identifier around an offset."""
        start = end = min(offset, len(self.text))
        while start > 0 and _in_word(self.text[start - 1]):
            start -= 1
        while end < len(self.text) and _in_word(self.text[end]):
            end += 1
        return start, end

    def rects(self, start: int, end: int) -> list[QRectF]:
        """Return where the code between two offsets is drawn, a box for each row it is on."""
        found: list[QRectF] = []
        first = bisect_right(self._row_starts, start) - 1
        for number in range(first, len(self._row_starts)):
            at = self._row_starts[number]
            if at >= end:
                break
            text, line = self._text_of(number), self._line(number).lineAt(0)
            one = cursor_x(line, units(text, max(0, start - at)))
            two = cursor_x(line, units(text, min(len(text), end - at)))
            x = PAD_PX - self._sideways.value + one
            found.append(QRectF(x, self._top(number), two - one, self._row_px))
        return found

    def copied(self, start: int, end: int) -> str:
        """Return the code between two offsets, as it is."""
        return self.text[start:end]


def _line_starts(text: str) -> list[int]:
    starts = [0]
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return starts


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _label_font() -> QFont:
    return theme.mono_font(12)
