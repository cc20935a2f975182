"""How soon Stop stops: clicks at random moments of a stream, through the whole application.

    python tests/bench/bench_stop.py [--rounds 20] [--tokens 1000]

A window over a real session and a real engine child on a script that says a long answer with
mathematics and code at so many tokens a second. A press and a release of the mouse are posted to
the button, as the platform does, and the clock runs until the transcript shows that the answer was
stopped. The bar: 100 ms. Beside it stands how long the turns of the window's loop took in the same
stream, which is the longest a click waits before anybody sees it.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.bench.bench_view import percentiles, text_of
from tests.ui.drive import Driven
from ui import theme

THINKING_TOKENS = 3000


def reply(size: int) -> list[str]:
    """Return a thought and an answer, four characters a token."""
    text = text_of("mixed", size)
    tokens = [text[at : at + 4] for at in range(0, len(text), 4)]
    return ["[THINK]", *tokens[:THINKING_TOKENS], "[/THINK]", *tokens[THINKING_TOKENS:]]


def click(button: QWidget) -> None:
    """Post a click."""
    at = QPointF(button.rect().center())
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        held = left if kind == QEvent.Type.MouseButtonPress else none
        event = QMouseEvent(
            kind, at, button.mapToGlobal(at), left, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.postEvent(button, event)


def run(rounds: int, tokens_per_s: int, folder: Path) -> dict[str, object]:
    """Ask, and stop at a random moment, again and again."""
    app = QApplication([])
    theme.install(app, "light")
    driven = Driven(folder)
    path = driven.script(reply(200_000), token_s=1 / tokens_per_s, context=1_000_000)
    driven.presenter.load_model(path)
    driven.until(lambda: driven.session.state.model.phase == "ready")
    chance = random.Random(2)
    stops: list[float] = []
    lates: list[float] = []
    window, session = driven.window, driven.session
    for _ in range(rounds):
        driven.presenter.new_chat()
        window.composer.send_requested.emit("Go on.")
        driven.until(lambda: bool(session.state.turn and session.state.turn.thinking_tokens))
        until = time.perf_counter() + chance.uniform(0.2, 8.0)
        while time.perf_counter() < until:
            before = time.perf_counter()
            app.processEvents()
            lates.append(time.perf_counter() - before)
            time.sleep(0.001)
        message = session.state.running
        assert message is not None
        start = time.perf_counter()
        click(window.composer.send_button)
        entry = window.chat_view.entry(message)
        assert entry is not None
        while entry.running or entry.message.status != "cancelled":
            app.processEvents()
            time.sleep(0.0005)
        app.processEvents()
        stops.append(time.perf_counter() - start)
        driven.until(lambda: session.state.running is None)
    driven.close()
    return {"rounds": rounds, "stop_ms": percentiles(stops), "loop_ms": percentiles(lates)}


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=1000, help="a second")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PONDER_HOME"] = folder
        print(json.dumps(run(chosen.rounds, chosen.tokens, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
