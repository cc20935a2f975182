"""A formula set apart: as its TeX while it is unfinished or unknown, then as it is meant.

Typeset, it is one character of text, and as wide as it is: in the middle of the column, or scrolled
sideways where the column is narrower. A numbered one takes the whole width.
"""

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QTextOption
from PySide6.QtWidgets import QWidget

from app.latex.display import Refusal
from app.markup.blocks import Block
from ui.chat import inline, style
from ui.chat.cells import CARET_PX, NOTHING, DocumentCell
from ui.chat.document import Document
from ui.chat.sideways import BAR_PX, Sideways
from ui.chat.style import RADIUS_PX, Kind
from ui.formulas.desk import Formulas, Wish
from ui.formulas.drawing import Drawing

ABOVE_PX = 6
SIDE_PX = 4


class MathCell(DocumentCell):
    """See the module. Without `formulas` it stays its TeX."""

    def __init__(self, block: Block, kind: Kind, formulas: Formulas | None = None) -> None:
        super().__init__(block.source, kind)
        self._formulas = formulas
        self._tex = block.text.strip()
        self._closed = block.closed
        self._drawing: Drawing | None = None
        self._em_px = 1.0
        self._why = ""
        self._sideways = Sideways("Scroll the formula sideways", self._on_scrolled)
        self._host: QWidget | None = None

    @property
    def drawing(self) -> Drawing | None:
        """The formula typeset, None while its source is shown."""
        return self._drawing

    @property
    def tex(self) -> str:
        """The formula's source without its delimiters."""
        return self._tex

    def grow(self, block: Block) -> bool:
        """Take over a later state of the formula."""
        if block.kind != "math":
            return False
        self.source, self._tex, self._closed = block.source, block.text.strip(), block.closed
        self.renew()
        return True

    def renew(self) -> None:
        """Look again for what is known of it, at the next layout."""
        super().renew()
        self._document = None
        self._laid_out_for = -1

    def _look(self, width: int) -> None:
        self.waits, self._why, self._drawing = NOTHING, "", None
        if self._formulas is None or not self._closed or not self._tex:
            return
        self._em_px = inline.em_px(self.style.font.pointSizeF())
        wish = Wish(self._tex, display=True, width_em=width / self._em_px)
        found = self._formulas.find(wish)
        if found is None:
            self.waits = frozenset((wish,))
        elif isinstance(found, Refusal):
            self._why = found.error
        else:
            self._drawing = found

    # ------------------------------------------------------------ layout

    def _measure(self, width: int) -> int:
        self._look(width)
        if self._drawing is None:
            return super()._measure(width)
        self._document = None
        tall = ceil(self._ascent_px + self._drawing.depth * self._em_px) + 2 * ABOVE_PX
        return tall + (BAR_PX if self._over > 0 else 0)

    @property
    def _ascent_px(self) -> int:
        # Whole, so that the baseline is on a pixel's edge whatever the scale.
        return ceil(self._drawing.height * self._em_px) if self._drawing is not None else 0

    @property
    def _over(self) -> int:
        """How many pixels it is too wide."""
        if self._drawing is None:
            return 0
        return ceil(self._drawing.width * self._em_px - self.width - 0.5)

    def _left(self) -> float:
        assert self._drawing is not None
        if self._over > 0:
            return float(-self._sideways.value)
        return (self.width - self._drawing.width * self._em_px) / 2

    def _make(self) -> Document:
        made = Document(self.style)
        option = made.defaultTextOption()
        option.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        made.setDefaultTextOption(option)
        made.setDefaultFont(self.style.mono)
        made.setPlainText(self._tex)
        made.settle()
        return made

    def _margins(self) -> tuple[int, int]:
        return 16, 8

    def _ink(self) -> str:
        return style.quiet_ink(self.style.ink, self.style.code_ground)

    def release(self) -> None:
        """Drop drawing, document and scroll bar."""
        super().release()
        self._drawing = None
        self._laid_out_for = -1
        self._sideways.release()
        self._host = None

    def place(self, host: QWidget, origin: QPoint) -> None:
        """Put the scroll bar below a formula that needs it."""
        self._host = host
        top = origin.y() + self.height - BAR_PX
        self._sideways.place(host, QRect(origin.x(), top, self.width, BAR_PX), self._over)

    def controls(self) -> list[QWidget]:
        """Return the scroll bar, where there is one."""
        return self._sideways.bars()

    def slide(self, pixels: int) -> bool:
        """Scroll the formula."""
        return self._sideways.slide(pixels)

    def _on_scrolled(self) -> None:
        if self._host is not None:
            self._host.update()

    # ------------------------------------------------------------ drawing

    def paint(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        """Draw the formula, or its source on a ground of its own."""
        if not self.exact:
            self.lay_out()
        if self._drawing is None:
            self._paint_source(painter, clip, picked, caret=caret)
            return
        inks = inline.inks(self.style)
        wide, tall = self._drawing.width * self._em_px, self.height
        painter.save()
        painter.setClipRect(QRectF(0, 0, self.width, tall), Qt.ClipOperation.IntersectClip)
        if picked is not None:
            ground = QRectF(self._left() - SIDE_PX, 0, wide + 2 * SIDE_PX, tall)
            painter.fillRect(ground, style.selection_colour(self.style.theme))
        at = QPointF(self._left(), ABOVE_PX + self._ascent_px)
        self._drawing.paint(painter, at, self._em_px, inks)
        painter.restore()
        if caret:
            rise = min(tall - 2 * ABOVE_PX, 20)
            beside = min(self._left() + wide + SIDE_PX, self.width - CARET_PX)
            painter.fillRect(QRectF(beside, at.y() - rise + 4, CARET_PX, rise), inks.text)

    def _paint_source(
        self, painter: QPainter, clip: QRectF, picked: tuple[int, int] | None, *, caret: bool
    ) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.style.code_ground))
        wide = min(self.width, self.ideal_width())
        ground = QRectF((self.width - wide) / 2, 0, wide, self.height)
        painter.drawRoundedRect(ground, RADIUS_PX, RADIUS_PX)
        super().paint(painter, clip, picked, caret=caret)

    # ------------------------------------------------------------ reading

    def hit(self, point: QPointF) -> int:
        """Return the offset nearest to a point: 0 or 1, where the formula is typeset."""
        if self._drawing is None:
            return super().hit(point)
        return int(point.x() > self.width / 2)

    def word_at(self, offset: int) -> tuple[int, int]:
        """Return the range of the word around an offset: the whole formula, if it is typeset."""
        return super().word_at(offset) if self._drawing is None else (0, 1)

    def rects(self, start: int, end: int) -> list[QRectF]:
        """Return the box of the formula, those of its source where that is shown."""
        if self._drawing is None:
            return super().rects(start, end)
        wide = self._drawing.width * self._em_px
        return [QRectF(self._left() - SIDE_PX, 2, wide + 2 * SIDE_PX, self.height - 4)]

    def copied(self, start: int, end: int) -> str:
        """Return the TeX, as it is delimited (or fenced) where all of it is meant."""
        inside = self._tex if self._drawing is not None else super().copied(start, end)
        if inside != self._tex:
            return inside
        if self.source.lstrip().startswith(("\\begin", "`", "~")):
            return self.source
        brackets = self.source.lstrip().startswith("\\[")
        opening, closing = ("\\[", "\\]") if brackets else ("$$", "$$")
        return f"{opening}\n{inside}\n{closing}"

    def link_at(self, point: QPointF) -> str:
        """Return "": a formula has no links."""
        return ""

    def link_words_at(self, point: QPointF) -> str:
        """Return "", for the same reason."""
        return ""

    def why_at(self, point: QPointF) -> str:
        """Return why the source is shown, "" while it is not known or there is no reason."""
        return self._why

    @property
    def refusals(self) -> Sequence[str]:
        """Why the formula could not be typeset, if so."""
        return (self._why,) if self._why else ()
