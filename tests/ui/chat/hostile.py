"""Shows a message that tries everything, in a process that can be watched: `--in FOLDER`.

First all is done with a harmless message of the same kinds, so that what is loaded once is loaded;
then, between two marks (files that are asked for and are not there), with the hostile one. What the
process opens between them it opens because of that message; and one file that the script reads
itself, to show that it would have been noticed. `--port` is one that listens on this machine.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from PySide6.QtCore import QEvent, QPoint, QUrl
from PySide6.QtGui import QDesktopServices, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.ui.chat import samples
from ui import theme
from ui.chat import menu
from ui.chat.view import ChatView

BEGINS, ENDS = "the-hostile-part-begins", "the-hostile-part-ends"

HOSTILE = r"""# <img src="{http}/raw-1.png"> in a title

![a picture]({http}/picture.png) ![local](file://{folder}/secret.png "title")
![relative](secret.png) ![data](data:image/png;base64,iVBORw0KGgo=) ![unc](\\127.0.0.1\share\x.png)
![slashes](//127.0.0.1:{port}/unc.png) ![qrc](qrc:/secret.png) ![ref][picture]

[picture]: {http}/reference.png

<img src="{http}/raw-2.png" onerror="alert(1)"><script src="{http}/script.js"></script>
<link rel="stylesheet" href="{http}/style.css"><iframe src="file://{folder}/secret.txt"></iframe>
<body background="{http}/ground.png"><table background="file://{folder}/secret.png"></table>
<style>@import url("{http}/import.css"); p {{ background-image: url({http}/css.png) }}</style>
<video src="{http}/video.mp4" autoplay></video><object data="file://{folder}/secret.txt"></object>

[run](javascript:alert(1)) [read](file://{folder}/secret.txt) [data](data:text/html,<script>)
[ftp](ftp://127.0.0.1:{port}/) [unc](\\127.0.0.1\share) [smb](smb://127.0.0.1/share) <{http}/auto>
[good]({http}/good) {http}/bare www.127.0.0.1 [bank.example]({http}/evil) <file://{folder}/secret.txt>

| ![cell]({http}/cell.png) | <img src="file://{folder}/secret.png"> |
|---|---|
| [x](vbscript:x) | <img src='{http}/cell-2.png'> |

- ![item](file://{folder}/secret.png)
  > <img src="{http}/quote.png">

$$
\href{{javascript:alert(1)}}{{x}} \includegraphics{{{folder}/secret.png}} \require{{x}}
\input{{{folder}/secret.txt}} \style{{background:url({http}/tex.png)}}{{y}} \unicode{{x41}}
$$

Inline $\href{{file://{folder}/secret.txt}}{{z}}$ and $\class{{<img src="{http}/tex-2.png">}}{{z}}$.

```html
<img src="{http}/code.png"><script src="file://{folder}/secret.txt"></script>
```

```svg
<svg xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="file://{folder}/secret.png"/></svg>
```

<img src="{http}/unfinished.png"
"""

HARMLESS = (
    samples.RICH
    + samples.SCRIPTS
    + "\n\n![x](https://example.org/x.png) <b> www.example.org [e.org](https://example.org) 😀\n\n"
    + "```html\n<b>\n```\n\n```svg\n<svg>\n```\n\n"
    + "$$\n\\href{x}{y} \\unknown\n$$\n\n$\\class{<b>}{z}$ $a"
)


def use(view: ChatView, text: str) -> None:
    """Do with a message whatever a user can: as it is written, and when it is there."""
    view.show_conversation([samples.question(text)], samples.alone, {})
    for end in range(0, len(text), max(1, len(text) // 12)):
        view.show_turn("a1", samples.answering(text[:end], text[:end]))
    view.finish_turn(samples.answer(text, text))
    view.show_conversation(
        [samples.question(text), samples.answer(text, text)], samples.alone, {"a1": False}
    )
    for _ in range(200):
        QTest.qWait(20)
        if not any(cell.waits for entry in view.entries for cell in entry.text.cells):
            break
    bar = view.verticalScrollBar()
    for value in range(0, bar.maximum() + 1, 500):
        bar.setValue(value)
        view.grab()
        for point in points(view):
            hover(view, point)
    view.reading.select_everything()
    view.copy()
    view.reading.copy_plain()
    for entry in view.entries:
        menu.build(view, entry, "").deleteLater()
    view.finder.show()
    if view.finder.bar is not None:
        view.finder.bar.field.setText("secret")
    QTest.qWait(300)
    view.finder.step(forward=True)
    view.finder.close()
    view.zoom.larger()
    view.grab()
    view.zoom.reset()
    theme.set_mode("dark")
    view.grab()
    theme.set_mode("light")


def points(view: ChatView) -> Iterator[QPoint]:
    for y in range(10, view.height(), 90):
        for x in range(80, view.width() - 60, 180):
            yield QPoint(x, y)


def hover(view: ChatView, point: QPoint) -> None:
    """Rest with the mouse at a point until its tip shows."""
    widget = view.childAt(point)
    if widget is None:
        return
    inside = widget.mapFrom(view, point)
    QTest.mouseMove(widget, inside)
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, inside, view.mapToGlobal(point)))


def _note(reached: list[str], event: str, what: tuple[object, ...]) -> None:
    if event in ("open", "os.listdir", "os.scandir", "subprocess.Popen", "os.startfile"):
        reached.append(str(what[0]))
    elif event.startswith("socket."):
        reached.append(f"{event} {what}")


def mark(name: str) -> None:
    """Leave a mark in a trace of the process."""
    Path(f"/{name}").exists()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--in", dest="folder", required=True)
    parser.add_argument("--port", type=int, required=True)
    asked = parser.parse_args()
    app = QApplication(["hostile", *theme.FUSION])
    theme.install(app, "light")
    view = ChatView()
    view.resize(900, 700)
    view.show()
    opened: list[str] = []
    http = f"http://127.0.0.1:{asked.port}"
    text = HOSTILE.format(http=http, folder=asked.folder, port=asked.port)
    reached: list[str] = []
    sys.addaudithook(lambda event, what: _note(reached, event, what))
    with mock.patch.object(QDesktopServices, "openUrl", lambda url: opened.append(QUrl(url).url())):
        use(view, HARMLESS)
        reached.clear()
        mark(BEGINS)
        use(view, text)
        (Path(asked.folder) / "canary.txt").read_text()
        mark(ENDS)
    touched = [what for what in reached if asked.folder in what or what.startswith("socket.")]
    maps = Path("/proc/self/maps")
    loaded = maps.read_text() if maps.exists() else ""
    view.close()
    network = "QtNetwork" in loaded or "Qt6Network" in loaded
    print(json.dumps({"opened": opened, "touched": touched, "network": network}))


if __name__ == "__main__":
    main()
