"""Paints what was found: titles of chats, and places in two lines of small words, marks in both."""

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from ui import theme
from ui.chat.find_marks import DARK_CURRENT, LIGHT_PEN
from ui.chat.utf16 import part, units
from ui.sidebar.delegate import right_to_left
from ui.sidebar.results import NOTHING, ROW_ROLE, Chat, Hit, Index
from ui.widgets import rounded

_CHAT_PX = 33
_PAD_PX = 8
_INSET_PX = 8
_LINES = 2
_LEAD = 22
"""Characters before the first mark that are shown: it stands in the first line then."""
_THINKING = "Thinking  "


class ResultDelegate(QStyledItemDelegate):
    """See the module."""

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view
        self._bold = theme.ui_font()
        self._bold.setWeight(QFont.Weight.DemiBold)
        self._small = theme.caption_font()

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Return the height of a title, or of the one or two lines of a place."""
        row = index.data(ROW_ROLE)
        if not isinstance(row, Hit):
            return QSize(120, _CHAT_PX)
        text, _, _ = _said(row)
        room = self._view.viewport().width() - 2 * _PAD_PX - _INSET_PX
        lines = _laid_out(text, self._small, [], room, _LINES).lineCount()
        return QSize(120, lines * QFontMetrics(self._small).lineSpacing() + 12)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a line."""
        colours = theme.current()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        row = index.data(ROW_ROLE)
        ground = QRectF(option.rect.adjusted(0, 1, 0, -1))
        focus = QStyle.StateFlag.State_HasFocus | QStyle.StateFlag.State_Active
        if row is not None and option.state & QStyle.StateFlag.State_MouseOver:
            rounded(painter, ground, 8, colours.line, None)
        if option.state & focus == focus:
            rounded(painter, ground, 8, None, colours.accent)
        box = option.rect.adjusted(_PAD_PX, 0, -_PAD_PX, 0)
        if isinstance(row, Hit):
            text, marks, tag = _said(row)
            inner = box.adjusted(_INSET_PX, 6, 0, -6)
            self._paint_text(
                painter, inner, self._small, text, marks, colours.muted, lines=_LINES, tag=tag
            )
        elif isinstance(row, Chat):
            self._paint_text(painter, box, self._bold, row.title, row.marks, colours.ink, lines=1)
        else:
            self._paint_text(painter, box, self._small, NOTHING, (), colours.muted, lines=1)
        painter.restore()

    def _paint_text(
        self,
        painter: QPainter,
        box: QRect,
        font: QFont,
        text: str,
        marks: tuple[tuple[int, int], ...],
        ink: str,
        *,
        lines: int,
        tag: int = 0,
    ) -> None:
        """Paint a text; where it has no room for its end it is cut there."""
        colours = theme.current()
        # As hits are marked in the chat itself.
        pen = DARK_CURRENT if colours.dark else LIGHT_PEN
        formats = [(span, colours.ink, pen) for span in marks]
        if tag:
            formats.insert(0, ((0, tag), colours.thinking_rule, ""))
        layout = _laid_out(text, font, formats, box.width(), lines)
        last = layout.lineAt(layout.lineCount() - 1) if layout.lineCount() else None
        shown = last.textStart() + last.textLength() if last is not None else 0
        if shown < units(text, len(text)):
            kept = part(text, 0, max(0, shown - 2)).rstrip()
            layout = _laid_out(f"{kept}…", font, formats, box.width(), lines)
        tall = QFontMetrics(font).lineSpacing()
        top = box.top() + max(0, (box.height() - tall) // 2) if lines == 1 else box.top()
        painter.setPen(QColor(ink))
        painter.setClipRect(box)
        layout.draw(painter, QPointF(box.left(), top))
        painter.setClipping(False)


def _said(hit: Hit) -> tuple[str, tuple[tuple[int, int], ...], int]:
    """Return what a place says, the marks in it, and how much of it says where it is."""
    text, marks = _beginning_near(hit.found.excerpt, hit.found.marks)
    tag = _THINKING if hit.found.part == "thinking" else ""
    shifted = tuple((start + len(tag), end + len(tag)) for start, end in marks)
    return tag + text, shifted, len(tag)


def _laid_out(
    text: str,
    font: QFont,
    formats: list[tuple[tuple[int, int], str, str]],
    width: int,
    lines: int,
) -> QTextLayout:
    """Return a text in so many lines at most. formats: spans in characters, ink and ground."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    if right_to_left(text):
        option.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.setFormats([_range(text, *one) for one in formats])
    tall = QFontMetrics(font).lineSpacing()
    layout.beginLayout()
    for number in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
        line.setPosition(QPointF(0, number * tall))
    layout.endLayout()
    return layout


def _range(text: str, span: tuple[int, int], ink: str, ground: str) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    form = QTextCharFormat()
    form.setForeground(QColor(ink))
    if ground:
        form.setBackground(QColor(ground))
    start, end = units(text, span[0]), units(text, span[1])
    made.start, made.length, made.format = start, end - start, form
    return made


def _beginning_near(
    text: str, marks: tuple[tuple[int, int], ...]
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return a text without what is too far before its first mark, and the marks in it."""
    first = marks[0][0] if marks else 0
    if first <= _LEAD + 2:
        return text, marks
    space = text.find(" ", first - _LEAD, first)
    cut = space + 1 if space >= 0 else first - _LEAD
    kept = "…" + text[cut:]
    return kept, tuple((start - cut + 1, end - cut + 1) for start, end in marks)
