"""A chat on a real server as its user has it: the real window, llama.cpp's server and mlx_lm's.

    xvfb-run -a python -m tests.ui.server_light OUT [--mode light|dark]

Opens “Connect to a server…”, types the address, tests it, connects, asks, waits for the answer, and
opens the picker. Leaves pictures of each in OUT. QT_SCALE_FACTOR=2 for 2x. Fails if the answer is
wrong or shows a raw tag.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from tests.support.real_servers import Running
    from tests.ui.drive import Driven

QUESTION = "What is 347 + 85?"


def main() -> None:
    """Do it once with each server."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--mode", choices=("light", "dark"), default="light")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        from PySide6.QtWidgets import QApplication

        from tests.support import real_servers
        from tests.ui.drive import Driven
        from ui import theme

        app = QApplication([])
        theme.install(app, asked.mode)
        driven = Driven(Path(home))
        for name, start in (("llama", real_servers.llama), ("mlx", real_servers.mlx)):
            with start() as server:
                chat(driven, server, asked.out, f"{name}-{asked.mode}")
        driven.close()


def chat(driven: "Driven", server: "Running", out: Path, name: str) -> None:
    """Connect to a server and ask."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from ui.server.dialog import ConnectDialog

    window, session = driven.window, driven.session
    name += f"-{window.devicePixelRatio():.0f}x"
    driven.presenter.new_chat()
    driven.presenter.models.connect_server()
    dialog: ConnectDialog = window.findChildren(ConnectDialog)[-1]
    picture(driven, dialog, out / f"empty-{name}.png")
    QTest.keyClicks(dialog.address, "127.0.0.1:9")
    QTest.keyClick(dialog.address, Qt.Key.Key_Return)
    driven.until(lambda: "cannot be reached" in dialog.finding.title.text())
    picture(driven, dialog, out / f"unreachable-{name}.png")
    dialog.address.clear()
    QTest.keyClicks(dialog.address, server.host)
    QTest.keyClick(dialog.address, Qt.Key.Key_Return)
    driven.until(lambda: dialog.models.count() > 0)
    picture(driven, dialog, out / f"found-{name}.png")
    QTest.mouseClick(dialog.connect_, Qt.MouseButton.LeftButton)
    driven.until(
        lambda: session.state.model.path == server.path and session.state.model.phase == "ready"
    )
    session.send(QUESTION)
    driven.until(lambda: session.state.running is None)
    driven.idle()
    entry = window.chat_view.entries[-1]
    driven.until(lambda: not any(cell.waits for cell in entry.text.cells))
    window.actions_["thinking"].trigger()
    driven.idle()
    picture(driven, window, out / f"answer-{name}.png")
    window.actions_["model"].trigger()
    picker = driven.presenter.models.picker
    driven.until(lambda: picker.list.items.index_of(server.path).isValid())
    picker.list.setCurrentIndex(picker.list.items.index_of(server.path))
    picture(driven, window, out / f"picker-{name}.png")
    picker.close_panel()
    answer = session.state.conversation.branch()[-1]
    assert "432" in answer.text, answer.text
    assert answer.thinking is not None
    assert not any(tag in answer.text + answer.thinking.text for tag in ("[THINK]", "[/THINK]"))
    usage = answer.usage
    facts = {"server": session.state.model.info.build if session.state.model.info else ""}
    print(json.dumps({**facts, "status": answer.status, "usage": str(usage)}), flush=True)


def picture(driven: "Driven", widget: "QWidget", path: Path) -> None:
    """Take a picture once what is shown is painted."""
    from PySide6.QtWidgets import QApplication

    for _ in range(5):
        QApplication.processEvents()
    widget.grab().save(str(path))


if __name__ == "__main__":
    main()
