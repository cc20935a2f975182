"""Takes the pictures that are compared with the design: the real window, driven, on a script.

    python tests/ui/shots_window.py OUT [--scale 1|2] [--mode light|dark] [--size 1280x840]

Without options all of them: first run, thinking, answered, a notice; light and dark; at 1280x840
and 900x600; at 1x and 2x. Each scale is a process of its own, because Qt takes it at its start.
"""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.support import shots

SIZES = ("1280x840", "900x600")
SETTLE_S = 0.5

TRIANGLE = (
    "The standard approach: draw a line through one vertex parallel to the opposite side, then use "
    "alternate interior angles.\n\nLet the triangle be ABC. Draw a line through A, parallel to BC. "
    "Call the angles at A on the two sides of the triangle β′ and γ′.\n\nThen β′ = β (alternate "
    "interior angles with the transversal AB), and γ′ = γ with the transversal AC. Since β′ + α + "
    "γ′ make a straight line…\n\nWait — I should check that this needs the parallel postulate. "
    "Yes: in spherical geometry the sum exceeds 180°, so the proof must use it exactly once. It "
    "is used for the alternate angles "
)
TRAIN = """Average speed is distance over time: 120 km in 1.5 h is **80 km/h**.

To convert to metres per second, divide by 3.6, because 1 m/s = 3.6 km/h:

80 / 3.6 ≈ **22.2 m/s**

```python
print(f"{120_000 / (1.5 * 3600):.1f} m/s")  # 22.2 m/s
```
"""
OLDER = (
    ("Sum of angles in a triangle", 0.01),
    ("Refactor the retry loop", 0.02),
    ("Basel problem, three proofs", 1),
    ("Contrat de bail : clause 4", 1.01),
    ("SQL window functions", 3),
    ("Knights and knaves", 4),
    ("Reading list", 5),
)


def words(text: str) -> list[object]:
    return [*text.replace(" ", " \0").split("\0")]


def shoot(out: Path, mode: str, size: str, scale: str) -> None:
    """Drive one window and take its pictures."""
    from PySide6.QtWidgets import QApplication

    from app.chat.message import ChatSummary
    from app.settings import Settings
    from tests.ui.drive import Driven
    from ui import theme
    from ui.notices import Notice

    width, height = (int(part) for part in size.split("x"))
    app = QApplication(["shots", *theme.FUSION])
    theme.install(app, "dark" if mode == "dark" else "light")
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        driven = Driven(Path(home), Settings())
        window = driven.window
        window.resize(width, height)

        def take(name: str) -> None:
            settled = time.monotonic() + SETTLE_S
            driven.until(lambda: time.monotonic() > settled)
            window.grab().save(str(out / f"{name}-{mode}-{size}-{scale}x.png"))

        driven.until(lambda: bool(window.first_run.machine.text()))
        take("first-run")
        script = driven.script(
            ["[THINK]", *words("Distance over time. " * 30), "[/THINK]", *words(TRAIN)],
            ["[THINK]", *words(TRIANGLE), {"wait_s": 120}],
            name="Magistral Small 1.2",
            token_s=0.001,
        )
        driven.presenter.load_model(script)
        question = "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?"
        window.composer.send_requested.emit(f"{question}\nShow me a Python one-liner too.")
        driven.until(lambda: driven.session.state.running is None)
        driven.idle()
        chat = driven.session.state.chat_id
        assert chat is not None
        driven.session.rename_chat(chat, "Average speed of a train")
        # The chats of other days cannot be made by waiting for them.
        others = tuple(
            ChatSummary(title, title, time.time() - days * 86400) for title, days in OLDER
        )
        state = driven.session.state
        driven.session.state = replace(state, chats=(*state.chats, *others))
        driven.presenter.drain()
        driven.idle()
        take("answered")
        driven.presenter.new_chat()
        window.composer.send_requested.emit("Prove that the sum of angles in a triangle is 180°.")
        driven.until(lambda: "exactly once" in _thinking(driven.session.state.turn))
        take("thinking")
        window.notices.show_notice(
            Notice(
                "engine-died",
                "The engine stopped (out of memory). Your answer so far is kept.",
                "Send the message again: the engine starts by itself.",
                "ggml_abort\n",
                "error",
                "Try again",
            )
        )
        window.notices.show_notice(Notice("undo", "“Reading list” was deleted.", action="Undo"))
        take("notices")
        driven.session.stop()
        driven.until(lambda: driven.session.state.running is None)
        driven.close()


def _thinking(turn: object) -> str:
    return str(getattr(turn, "thinking", ""))


if __name__ == "__main__":
    shots.main("tests.ui.shots_window", __doc__, SIZES, shoot)
