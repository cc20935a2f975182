"""Takes pictures of attachments in the real window: in the composer, in the transcript, large.

python -m tests.ui.shots_attachments OUT [--scale 1|2] [--mode light|dark] [--size 1280x840]
"""

import os
import tempfile
import time
from pathlib import Path

from tests.support import shots

SIZES = ("1280x840", "900x600")
SETTLE_S = 0.4
NAMES = (
    "Möwe am Meer.jpg",
    "写真 2026-05-01.png",
    "صورة من العطلة.webp",
    "a very long name of a picture that nobody would ever type by hand, taken on holiday.png",
)
CODE = "def area(radius: float) -> float:\n    return 3.14159 * radius**2\n\nprint(area(2))\n"


def shoot(out: Path, mode: str, size: str, scale: str) -> None:
    """Drive one window and take its pictures."""
    from PySide6.QtWidgets import QApplication

    from app.settings import Settings
    from tests.support.pictures import landscape
    from tests.ui.drive import Driven
    from ui import jobs, theme
    from ui.chat.attach_viewer import Viewer

    width, height = (int(part) for part in size.split("x"))
    app = QApplication(["shots", *theme.FUSION])
    theme.install(app, "dark" if mode == "dark" else "light")
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        folder = Path(home)
        driven = Driven(folder, Settings())
        window, session = driven.window, driven.session
        window.resize(width, height)
        attaching = driven.presenter._attaching

        def rest() -> None:
            driven.until(lambda: jobs.idle() and not attaching.waiting)
            settled = time.monotonic() + SETTLE_S
            driven.until(lambda: time.monotonic() > settled and jobs.idle())

        def take(name: str, what: object = window) -> None:
            rest()
            what.grab().save(str(out / f"{name}-{mode}-{size}-{scale}x.png"))  # type: ignore[attr-defined]

        def give(*names: str) -> None:
            attaching.give([str(folder / name) for name in names])
            rest()

        for number, name in enumerate(NAMES):
            landscape(folder / name, 1600 - 300 * number, 500 + 220 * number, number)
        for number in range(16):
            landscape(folder / f"{number}.png", 300 + 40 * number, 400, number)
        (folder / "area.py").write_text(CODE, encoding="utf-8")
        (folder / "メモ帳.txt").write_text("一行目\n二行目は長い文です。\n" * 40, encoding="utf-8")
        script = driven.script(["It", " shows", " a", " hill."], name="Magistral Small 1.2")
        driven.presenter.load_model(script)
        driven.until(lambda: session.state.model.phase == "ready")
        give("area.py")
        take("composer-file")
        give(NAMES[0])
        window.composer.set_draft("What do you see here?")
        take("composer-blind")
        session.send("What do you see here?", without_images=True)
        driven.presenter.drain()
        driven.until(lambda: session.state.running is None)
        driven.idle()
        take("transcript-one")
        driven.presenter.new_chat()
        give(NAMES[0])
        session.send("And here?", without_images=True)
        driven.until(lambda: session.state.running is None)
        give("area.py", "メモ帳.txt")
        session.send("Compare them.")
        driven.until(lambda: session.state.running is None)
        driven.idle()
        take("transcript-files")
        driven.presenter.new_chat()
        give(*NAMES, "area.py", "メモ帳.txt", *(f"{number}.png" for number in range(14)))
        take("composer-twenty")
        session.send("All of these.", without_images=True)
        driven.until(lambda: session.state.running is None)
        driven.idle()
        take("transcript-twenty")
        window.chat_view.edit_last()
        take("editing")
        driven.presenter.drain()
        item = window.chat_view.item(session.state.conversation.branch()[0].id)
        if item is not None:
            item.end_edit()
        attached = session.state.conversation.branch()[0].attachments
        for name, part in (("viewer-image", attached[0]), ("viewer-text", attached[4])):
            viewer = Viewer(window, part, session.kept)
            viewer.show()
            take(name, viewer)
            viewer.close()
        # A file of a kept image goes missing.
        session.kept.path(attached[1].sha256).unlink()
        window.chat_view.pictures._held.clear()
        window.chat_view.verticalScrollBar().setValue(0)
        window.chat_view.viewport().update()
        take("missing")
        driven.close()


if __name__ == "__main__":
    shots.main("tests.ui.shots_attachments", __doc__, SIZES, shoot)
