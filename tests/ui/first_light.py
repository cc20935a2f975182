"""The first start as its user has it: the real window, the demo model, a question, an answer.

    unshare -n xvfb-run -a python -m tests.ui.first_light OUT [--mode light|dark]

Clicks "Try the demo now", types the question with the keyboard, presses Enter, and waits for the
end. Prints the seconds from the click to the first token as JSON, and leaves pictures of the first
screen, the thinking and the answer in OUT. QT_SCALE_FACTOR=2 for 2x. Fails if the answer is wrong
or shows a raw tag.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

QUESTION = "If a train travels 120 km in 1.5 hours, what is its average speed in m/s?"


def main() -> None:
    """Do it once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--mode", choices=("light", "dark"), default="light")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PONDER_HOME"] = home
        first_light(Path(home), asked.out, asked.mode)


def first_light(home: Path, out: Path, mode: str) -> None:
    """Drive the window in an empty home."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from tests.ui.drive import Driven
    from ui import theme

    app = QApplication([])
    theme.install(app, "dark" if mode == "dark" else "light")
    driven = Driven(home)
    window, session = driven.window, driven.session
    name = f"{mode}-{window.devicePixelRatio():.0f}x"

    def picture(of: str) -> None:
        for _ in range(5):
            app.processEvents()
        out.mkdir(parents=True, exist_ok=True)
        window.grab().save(str(out / f"{of}-{name}.png"))

    driven.until(lambda: "MB" in window.first_run.demo.text())
    driven.until(lambda: "Looking" not in window.first_run.accessibleDescription())
    picture("first-run")
    clicked_at = time.monotonic()
    QTest.mouseClick(window.first_run.demo, Qt.MouseButton.LeftButton)
    # No window manager: the window has its focus without being the active one.
    box = window.focusWidget()
    QTest.keyClicks(box, QUESTION)
    QTest.keyClick(box, Qt.Key.Key_Return)
    driven.until(lambda: (t := session.state.turn) is not None and t.thinking_at is not None)
    turn = session.state.turn
    assert turn is not None
    assert turn.thinking_at is not None
    first_token_s = turn.thinking_at - clicked_at
    picture("thinking")
    driven.until(lambda: session.state.running is None)
    driven.idle()
    # The formulas follow a moment later, when what typesets them has started.
    entry = window.chat_view.entries[-1]
    driven.until(lambda: not any(cell.waits for cell in entry.text.cells))
    picture("answered")
    window.actions_["thinking"].trigger()
    driven.idle()
    driven.until(
        lambda: not any(cell.waits for cell in window.chat_view.entries[-1].thinking.cells)
    )
    picture("opened")
    answer = session.state.conversation.branch()[-1]
    assert "22.2 m/s" in answer.text, answer.text
    assert answer.thinking is not None
    assert answer.thinking.text.strip()
    assert not any(tag in answer.text + answer.thinking.text for tag in ("[THINK]", "[/THINK]"))
    driven.close()
    facts = {"first_token_s": round(first_token_s, 2), "status": answer.status}
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
