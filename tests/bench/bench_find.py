"""How long finding takes in a long chat, and how long it ever holds up the window: `[MESSAGES …]`.

Prints a JSON line for each count of messages. Times are of this thread's processor, so that they
mean the same on a busy machine: slice_ms is the longest that counting kept the window from anything
else, step_ms the longest way to a hit, key_ms the longest that a typed letter took before counting
began.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtWidgets import QApplication

from app.chat.message import Message
from tests.ui.chat import samples
from ui import theme
from ui.chat.find_count import Counts
from ui.chat.view import ChatView

WORDS = ("e", "retry", "triangle", "frac", "nowhere at all")


def chat(count: int) -> list[Message]:
    """A chat of questions and answers, each with text of its own, code, tables and formulas."""
    said: list[Message] = []
    for number in range(count // 2):
        text = f"Answer {number}.\n\n{samples.RICH if number % 2 else samples.ANSWER}"
        thought = samples.THOUGHT if number % 3 == 0 else ""
        said.append(samples.question(f"Question {number}: why?", f"q{number}"))
        said.append(samples.answer(text, thought, f"a{number}"))
    return said


def measure(count: int) -> dict[str, object]:
    view = ChatView()
    view.resize(1000, 700)
    view.show()
    view.show_conversation(chat(count), samples.alone, {})
    slices: list[float] = []
    slice_of_time = Counts._on_timer

    def timed(counts: Counts) -> None:
        start = time.thread_time()
        slice_of_time(counts)
        slices.append(time.thread_time() - start)

    Counts._on_timer = timed  # type: ignore[method-assign] # what is measured
    finder = view.finder
    finder.show()
    assert finder.bar is not None
    found: dict[str, object] = {"messages": count}
    keys: list[float] = []
    steps: list[float] = []
    for word in WORDS:
        begin = time.thread_time()
        finder.bar.field.setText(word)
        keys.append(time.thread_time() - begin)
        first: float | None = None
        while not finder.counts.done:
            QApplication.processEvents()
            if first is None and finder.current is not None:
                first = time.thread_time() - begin
        found[word] = {
            "hits": finder.counts.total(),
            "first_ms": round((first or 0.0) * 1000),
            "all_ms": round((time.thread_time() - begin) * 1000),
        }
        for forward in (True, True, False, False, False):
            start = time.thread_time()
            finder.step(forward=forward)
            QApplication.processEvents()
            steps.append(time.thread_time() - start)
    finder.close()
    view.close()
    Counts._on_timer = slice_of_time  # type: ignore[method-assign] # as it was
    for name, times in (("key_ms", keys), ("slice_ms", slices), ("step_ms", steps)):
        found[name] = round(max(times) * 1000, 1)
    found["slice_p99_ms"] = round(sorted(slices)[int(len(slices) * 0.99)] * 1000, 1)
    return found


def main() -> None:
    app = QApplication(["bench", *theme.FUSION])
    theme.install(app, "light")
    for count in map(int, sys.argv[1:] or ("1000", "10000")):
        print(json.dumps(measure(count)), flush=True)


if __name__ == "__main__":
    main()
