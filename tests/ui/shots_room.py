"""Takes the pictures of an answer without room, of the options of a chat, and of the exact prompt.

    python tests/ui/shots_room.py OUT [--scale 1|2] [--mode light|dark] [--size 1280x840]

The real window and the real demo model, in a context that is too small for what is asked.
"""

import os
import tempfile
import time
from pathlib import Path

from tests.support import shots

SIZES = ("1280x840", "900x600", "640x600")
SETTLE_S = 0.4
LONG = "Please read these words again: " + "one two three four five " * 18


def shoot(out: Path, mode: str, size: str, scale: str) -> None:
    """Drive one window and take its pictures."""
    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QApplication

    from app import paths
    from app.chat.load_plan import LoadPlan
    from app.chat.options import ChatOptions
    from app.settings import Settings
    from tests.ui.drive import Driven
    from ui import theme

    width, height = (int(part) for part in size.split("x"))
    app = QApplication(["shots", *theme.FUSION])
    theme.install(app, "dark" if mode == "dark" else "light")
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        driven = Driven(Path(home), Settings())
        window, session = driven.window, driven.session
        window.resize(width, height)

        def take(name: str, widget: object = None) -> None:
            settled = time.monotonic() + SETTLE_S
            driven.until(lambda: time.monotonic() > settled)
            shown = widget or window
            shown.grab().save(str(out / f"{name}-{mode}-{size}-{scale}x.png"))  # type: ignore[attr-defined]

        driven.presenter.load_model(str(paths.demo_model()), LoadPlan(512))
        driven.until(lambda: session.state.model.phase == "ready")
        for question in ("What is 12 + 30?", LONG):
            window.composer.send_requested.emit(question)
            driven.until(lambda: session.state.running is None)
            driven.idle()
        window.composer.box.set_text(LONG * 2)
        driven.idle()
        window.composer.box.sent.emit()
        driven.until(lambda: bool(session.state.room and not session.state.room.looking))
        take("no-room")
        session.make_room("turns")
        driven.until(lambda: session.state.room is None or not session.state.room.looking)
        driven.idle()
        window.chat_view.verticalScrollBar().setValue(0)
        take("left-out")
        driven.presenter.answering.show_options(
            window.composer.options_pill.mapToGlobal(QPoint(0, -8))
        )
        popover = driven.presenter.answering.popover
        assert popover is not None
        popover.fields["temperature"].setText("0.3")
        popover.fields["top_p"].setText("7")
        take("options", popover)
        popover.hide()
        session.set_options(ChatOptions(temperature=0.3))
        driven.presenter.answering.show_prompt()
        prompt = driven.presenter.answering.prompt
        assert prompt is not None
        driven.until(lambda: prompt.copy.isEnabled())
        take("prompt", prompt)
        prompt.close()
        driven.close()


if __name__ == "__main__":
    shots.main("tests.ui.shots_room", __doc__, SIZES, shoot)
