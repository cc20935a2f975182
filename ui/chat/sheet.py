"""One text as a transcript that is painted whole, for a picture and not for a screen.

See `ui.render`. Only what is seen is ever laid out, here too, so that a long text takes no more
memory than its picture.
"""

from PySide6.QtCore import QEventLoop, QPoint, Qt, QThread
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.chat.message import Message, Text
from app.errors import Problem, WorldError
from ui.chat.answer import Answer
from ui.chat.code import CodeCell
from ui.chat.entry import Entry
from ui.chat.item import PAD_Y, Item
from ui.chat.stack import BOTTOM_PX, TOP_PX
from ui.chat.view import ChatView

PART_PX = 1500
MOST_PX = 32_767
"""A QImage may be larger; the coordinates of what paints into it end here."""
PASSES = 4
"""What is laid out anew after it was measured is measured again."""
REST_MS = 4


class _Text(Answer):
    """An answer without what is below it: a file is not to be asked for again."""

    def _refresh_footer(self) -> None:
        pass


class Sheet(ChatView):
    """See the module. text: Markdown. width: pixels before scaling. There must be a QApplication.

    Raises WorldError where the picture would be wider or taller than MOST_PX.
    """

    def __init__(self, text: str, width: int) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.resize(width, PART_PX)
        self._across = self._scaled(width, "wide")
        self.show()
        message = Message("file", None, "assistant", (Text(text),), 0.0)
        self.show_conversation((message,), lambda _at: (0, 1), {})

    def make_item(self, entry: Entry) -> Item:
        """Make the widget of the text."""
        return _Text(self.viewport(), entry, self._pointer, lambda _region: None)

    def picture(self, app: QApplication) -> QImage:
        """Return the text painted, once everything in it is as it stays."""
        tall = self._pass(app, None)
        for _ in range(PASSES):
            image = QImage(self._across, self._scaled(tall, "tall"), QImage.Format.Format_RGB32)
            image.setDevicePixelRatio(self.devicePixelRatioF())
            image.fill(self.palette().window().color())
            painted = self._pass(app, image)
            if painted == tall:
                break
            tall = painted
        return image

    def _pass(self, app: QApplication, image: QImage | None) -> int:
        """Go through the text, painting it into an image if there is one; return its height."""
        bar = self.verticalScrollBar()
        bar.setValue(0)
        while True:
            self._wait(app)
            if image is not None:
                painter = QPainter(image)
                self.viewport().render(painter, QPoint(0, bar.value()))
                painter.end()
            tall = self.entries[0].height - 2 * PAD_Y + TOP_PX + BOTTOM_PX
            self._scaled(bar.value() + min(PART_PX, tall), "tall")
            if bar.value() >= bar.maximum():
                return tall
            bar.setValue(bar.value() + PART_PX)

    def _wait(self, app: QApplication) -> None:
        """Let formulas be typeset and code be coloured, as far as they are in view."""
        painted = False
        while True:
            app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
            cells = self.entries[0].text.cells
            if not any(cell.waits or (isinstance(cell, CodeCell) and cell.busy) for cell in cells):
                if painted:
                    return
                self.viewport().grab()  # code is coloured once it is painted
                painted = True
            else:
                QThread.msleep(REST_MS)

    def _scaled(self, pixels: int, how: str) -> int:
        """Return a length in the picture's pixels."""
        scaled = round(pixels * self.devicePixelRatioF())
        if scaled > MOST_PX:
            raise WorldError(
                Problem(
                    "picture-too-large",
                    f"The picture would be more than {MOST_PX:,} pixels {how}.",
                    "Choose a smaller scale, or render the text in parts.",
                )
            )
        return scaled
