"""The two things that a viewer shows: the text of a file, and an image."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QPlainTextEdit, QWidget

from app.chat.attachments import Kept, described, gone
from app.chat.message import File, Image
from app.errors import Problem
from ui import jobs, theme
from ui.chat.attach_reading import decoded

SLICE = 200_000
"""Characters of a file put into the box at once: 10 ms of work, and the window lives between."""

LONGEST_LINE = 10_000
"""Qt lays a line out as a whole: a longer one is shown as several."""

SCREEN = QSize(3840, 2400)
"""The most pixels that an image fitted to the window is decoded to."""


class TextBody(QPlainTextEdit):
    """A file's text, put in piece by piece: four megabytes at once would be felt."""

    def __init__(self, parent: QWidget, part: File) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFont(theme.mono_font(12.5))
        self.setAccessibleName(f"Text of {part.name}")
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(16)
        self._text = part.text or ""
        self._at = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._more)
        self._more()
        self.moveCursor(QTextCursor.MoveOperation.Start)
        if not self.whole:
            self._timer.start(0)

    @property
    def whole(self) -> bool:
        """Whether all of the text is shown."""
        return self._at >= len(self._text)

    def _more(self) -> None:
        """Put in the next slice, which ends with a line where it can."""
        end = min(len(self._text), self._at + SLICE)
        line = self._text.rfind("\n", self._at, end) + 1
        end = line if line and end < len(self._text) else end
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText("\n".join(_cut(self._text[self._at : end])))
        self._at = end
        if self.whole:
            self._timer.stop()


def _cut(text: str) -> list[str]:
    """Return lines that lay out quickly."""
    return [
        line[at : at + LONGEST_LINE]
        for line in text.split("\n")
        for at in range(0, max(1, len(line)), LONGEST_LINE)
    ]


class ImageBody(QAbstractScrollArea):
    """An image fitted into the window, or in its own size and moved about with mouse and keys."""

    def __init__(
        self, parent: QWidget, part: Image, kept: Kept, failed: Callable[[Problem], None]
    ) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(described(part))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._part = part
        self._kept = kept
        self._failed = failed
        self._actual = False
        self._grabbed: QPoint | None = None
        self.image: QImage | None = None
        self._load(SCREEN)

    def _load(self, most: QSize | None) -> None:
        jobs.run(
            partial(_pixels, self._kept, self._part, most),
            then=self._take,
            failed=self._failed,
            owner=self,
        )

    def _take(self, image: QImage) -> None:
        self.image = image
        self._lay_out()

    def show_actual(self, actual: bool) -> None:
        """Show all pixels of the image, or as many as fit the window."""
        self._actual = actual
        decoded_all = self.image is not None and self.image.width() >= self._part.width
        if actual and self.image is not None and not decoded_all:
            self._load(None)
        self._lay_out()

    def shown_size(self) -> QSize:
        """Return the size in which the image is shown, in the window's pixels."""
        size = QSize(self._part.width, self._part.height)
        room = self.viewport().size() - QSize(32, 32)
        if not self._actual and (size.width() > room.width() or size.height() > room.height()):
            size = size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        return size.expandedTo(QSize(1, 1))

    def _lay_out(self) -> None:
        size, room = self.shown_size(), self.viewport().size()
        for bar, whole, seen in (
            (self.horizontalScrollBar(), size.width() + 32, room.width()),
            (self.verticalScrollBar(), size.height() + 32, room.height()),
        ):
            bar.setRange(0, max(0, whole - seen) if self._actual else 0)
            bar.setPageStep(seen)
            bar.setSingleStep(40)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fit the image to the new size."""
        super().resizeEvent(event)
        self._lay_out()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Take hold of the image."""
        self._grabbed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Move the image along."""
        if self._grabbed is not None:
            moved = event.position().toPoint() - self._grabbed
            self._grabbed = event.position().toPoint()
            for bar, by in (
                (self.horizontalScrollBar(), moved.x()),
                (self.verticalScrollBar(), moved.y()),
            ):
                bar.setValue(bar.value() - by)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Let go."""
        self._grabbed = None

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw what is seen of the image."""
        painter = QPainter(self.viewport())
        painter.fillRect(self.viewport().rect(), QColor(theme.current().code))
        if self.image is not None:
            size, room = self.shown_size(), self.viewport().size()
            x = max(16, (room.width() - size.width()) // 2) - self.horizontalScrollBar().value()
            y = max(16, (room.height() - size.height()) // 2) - self.verticalScrollBar().value()
            rect = QRectF(x, y, size.width(), size.height())
            if self.image.hasAlphaChannel():
                painter.fillRect(rect, QColor("#FFFFFF"))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(rect, self.image)
        painter.end()


def _pixels(kept: Kept, part: Image, most: QSize | None) -> QImage:
    """Return an image's pixels. On a job's thread. Raises WorldError where its file is gone."""
    data = kept.get(part.sha256)
    if data is None:
        raise gone(part)
    return decoded(part.name, data, part.mime, most)[1]
