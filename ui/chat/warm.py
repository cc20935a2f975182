"""What an answer is going to need, loaded while its prompt is read: no tick is to wait for it.

Markdown's parser, Pygments and the typesetter's modules take 40 ms each to import, which is a
stutter each at the first word, the first code and the first formula. Importing touches nothing of
Qt, so that a thread can do it; whoever needs one of them sooner waits for that import only.

Qt's own first time is as dear: the first words find their fonts, and the first rectangle that is
filled makes PySide's enumerations, 27 ms for the caret alone. So a few words are drawn where nobody
sees them, one kind of thing at a time, with the event loop in between.
"""

import threading
from functools import lru_cache

from PySide6.QtCore import QObject, QRectF, QTimer
from PySide6.QtGui import QAbstractTextDocumentLayout, QColor, QImage, QPainter

from ui.chat import style
from ui.chat.document import Document
from ui.chat.frame import framed

APART_MS = 15
WORDS = "<p>a <em>b</em> <strong>c</strong> <code>d</code></p><ul><li>e</li></ul>"
TABLE = "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>"


def begin(parent: QObject) -> None:
    """Begin to load, the first time this is called, for as long as `parent` is there."""
    if _start.cache_info().misses:
        return
    _start()
    for number, step in enumerate((_fill, _write, _write_table), 1):
        timer = QTimer(parent, singleShot=True, interval=number * APART_MS)
        timer.timeout.connect(step)
        timer.start()


@lru_cache(maxsize=1)
def _start() -> None:
    threading.Thread(target=_load, name="warm", daemon=True).start()


def _load() -> None:
    from app.markup import blocks, highlight

    blocks.parse("*a* `b` [c](https://example.org) $d$\n\n- e\n\n```python\nf = 1\n```\n")
    highlight.runs("f = 1", "python")

    from app.latex import typesetter

    typesetter.Formula.of("x", display=False, width_em=0.0)


def _sheet() -> QImage:
    image = QImage(64, 64, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QColor("white"))
    return image


def _fill() -> None:
    """Fill a rectangle, and draw a box."""
    image = _sheet()
    painter = QPainter(image)
    ink = QColor("black")
    painter.fillRect(QRectF(0, 0, 2, 2), ink)
    box = QRectF(image.rect())
    framed(painter, box, box, ink, ink)
    painter.end()


def _write() -> None:
    _draw(WORDS)


def _write_table() -> None:
    _draw(TABLE)


def _draw(html: str) -> None:
    """Lay words out, and draw them."""
    image = _sheet()
    made = Document(style.of("answer"))
    made.set_prose(html)
    made.setTextWidth(image.width())
    painter = QPainter(image)
    made.documentLayout().draw(painter, QAbstractTextDocumentLayout.PaintContext())
    painter.end()
