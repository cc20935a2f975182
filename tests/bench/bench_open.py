"""Opens very long chats in the transcript: first paint, jumps, resizing, memory.

    python tests/bench/bench_open.py [--messages 1000 10000] [--jumps 60]

Messages are questions and answers with mathematics, code, tables and thinking. Times are this
thread's processor time and the clock's, in milliseconds; beside them stands what an empty view
takes in the same process, so that a busy machine shows. A jump lasts until the message is painted;
what is done after that (what lies beside, the rest of long texts, formulas that come) is told by
its slowest tick. Home, End and the page keys are held to the same, the page keys from messages that
were just jumped to, so that what they show was never seen. The bars: first paint 150 ms (10,000
messages: 300 ms), a jump to any message, a key and a tick after either 50 ms, a tick of resizing
50 ms, 30 MB (of 1,000 messages). They are held against
processor time, which is what the clock says on a computer that has nothing else to do.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.chat.message import Message, Text, Thinking
from tests.bench.bench_view import percentiles, text_of
from ui import collecting, theme
from ui.chat.stack import TOP_PX
from ui.chat.view import ChatView


def conversation(count: int) -> list[Message]:
    """Return a chat of so many messages, no two alike; an answer is 1 to 3 kB."""
    sections = text_of("mixed", 1600 * count // 2 + 4000)
    made: list[Message] = []
    at = 0
    for number in range(count):
        parent = made[-1].id if made else None
        if number % 2 == 0:
            said: tuple[Text | Thinking, ...] = (Text(f"And what of {number}? Show it, please."),)
        else:
            end = sections.find("\n## ", at + 600 + number % 5 * 400) + 1 or len(sections)
            thought = Thinking("Let me see. " * 40, closed=True, seconds=3.0, tokens=120)
            said, at = (thought, Text(sections[at:end])), end
        role = "assistant" if number % 2 else "user"
        made.append(Message(f"m{number}", parent, role, said, float(number)))  # type: ignore[arg-type]
    return made


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return processor time and wall time in milliseconds."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return (time.thread_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3


def one(count: int, jumps: int) -> dict[str, Any]:
    """Open a chat of so many messages, jump about in it, resize; return the figures."""
    app = QApplication([])
    theme.install(app, "light")
    view = ChatView()
    view.resize(1016, 700)
    view.show()
    # As after the window's start: what Markdown and code need is there, a short chat was shown.
    view.show_conversation(conversation(4), lambda _at: (0, 1), {})
    _until_typeset(app, view)
    empty = ChatView()
    empty.resize(1016, 700)

    def open_empty() -> None:
        empty.show()
        app.processEvents()

    reference = timed(open_empty)
    empty.close()
    branch = conversation(count)
    # As the window does when it has started.
    collecting.begin()
    before = psutil.Process().memory_info().rss
    before = psutil.Process().memory_info().rss

    def open_it() -> None:
        view.show_conversation(branch, lambda _at: (0, 1), {})
        app.processEvents()

    opened = timed(open_it)
    _until_typeset(app, view)
    chance = random.Random(1)
    jumped: list[tuple[float, float]] = []
    ticks: list[float] = []
    off = 0
    for turn in range(jumps):
        number = chance.randrange(len(view.entries))

        def jump(turn: int = turn, number: int = number) -> None:
            if turn % 20 == 9:
                view.jump_to_latest()
            else:
                view.show_item(0 if turn % 20 == 19 else number)
            _paint(app)

        jumped.append(timed(jump))
        ticks += _ticks(app, view)
        if turn % 10 != 9:
            off = max(off, _off(view, number))
    keyed = _keys(app, view, chance, max(2, jumps // 3), ticks)
    resized: list[tuple[float, float]] = []
    for width in (*range(1000, 640, -24), *range(640, 1016, 24)):

        def resize(width: int = width) -> None:
            view.resize(width, 700)
            app.processEvents()

        resized.append(timed(resize))
    grown = psutil.Process().memory_info().rss - before
    view.close()
    return {
        "messages": count,
        "kilobytes": sum(len(message.text) for message in branch) // 1000,
        "open_ms": {"cpu": round(opened[0], 1), "wall": round(opened[1], 1)},
        "empty_ms": {"cpu": round(reference[0], 1), "wall": round(reference[1], 1)},
        "jump_cpu_ms": percentiles([cpu / 1e3 for cpu, _ in jumped]),
        "jump_wall_ms": percentiles([wall / 1e3 for _, wall in jumped]),
        "key_cpu_ms": percentiles([cpu / 1e3 for cpu in keyed]),
        "after_jump_cpu_ms": percentiles([cpu / 1e3 for cpu in ticks]),
        "landed_off_px": off,
        "resize_cpu_ms": percentiles([cpu / 1e3 for cpu, _ in resized]),
        "resize_wall_ms": percentiles([wall / 1e3 for _, wall in resized]),
        "grown_mb": round(grown / 1e6, 1),
    }


def _paint(app: QApplication) -> None:
    """Do what an event loop does before any timer: paint, and delete what is out of sight."""
    app.sendPostedEvents(None, 0)
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def _keys(
    app: QApplication, view: ChatView, chance: random.Random, rounds: int, ticks: list[float]
) -> list[float]:
    """Press the keys that scroll; return the milliseconds of processor time until it is painted."""
    found: list[float] = []
    pages = (Qt.Key.Key_PageUp, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_PageDown)
    for turn in range(rounds):
        view.show_item(chance.randrange(len(view.entries)))
        ticks += _ticks(app, view)
        for key in (*pages, Qt.Key.Key_Home if turn % 2 else Qt.Key.Key_End):

            def press(key: Qt.Key = key) -> None:
                QTest.keyClick(view, key)
                _paint(app)

            found.append(timed(press)[0])
            ticks += _ticks(app, view)
    return found


def _ticks(app: QApplication, view: ChatView) -> list[float]:
    """Let what follows a jump happen; return the processor time of each tick in milliseconds."""
    found: list[float] = []
    until = time.perf_counter() + 20
    quiet = 0
    while quiet < 3 and time.perf_counter() < until:
        cpu, _wall = timed(app.processEvents)
        quiet = 0 if cpu > 1 or view.formulas.waiting else quiet + 1
        found.append(cpu)
        time.sleep(0.002)
    return found


def _off(view: ChatView, number: int) -> int:
    """Return how far from its place a message is that was jumped to, in pixels."""
    bar = view.verticalScrollBar()
    at = view.item_top(number) - bar.value()
    near_end = bar.value() >= bar.maximum() - 1
    return 0 if near_end else abs(at - TOP_PX)


def bars(found: dict[str, Any]) -> list[str]:
    """Return a line for each bar: what was found, the bar, and whether it is met."""
    count = int(found["messages"])
    rows = [
        ("first paint", found["open_ms"]["cpu"], 150 if count <= 1000 else 300, "ms"),
        ("jump, slowest", found["jump_cpu_ms"]["max"], 50, "ms"),
        ("Home, End, page keys, slowest", found["key_cpu_ms"]["max"], 50, "ms"),
        ("tick after a jump, slowest", found["after_jump_cpu_ms"]["max"], 50, "ms"),
        ("tick of resizing, slowest", found["resize_cpu_ms"]["max"], 50, "ms"),
        ("landed off its place", found["landed_off_px"], 1, "px"),
    ]
    rows += [("memory", found["grown_mb"], 30, "MB")] if count <= 1000 else []
    return [
        f"{'pass' if value < most else 'FAIL'}  {count} messages: {name}: {value} of {most} {unit}"
        for name, value, most, unit in rows
    ]


def _until_typeset(app: QApplication, view: ChatView) -> None:
    app.processEvents()
    until = time.perf_counter() + 20
    while view.formulas.waiting and time.perf_counter() < until:
        time.sleep(0.002)
        app.processEvents()


def main() -> None:
    """Run each size in a process of its own; a JSON line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--jumps", type=int, default=60)
    parser.add_argument("--one", action="store_true", help="in this process")
    chosen = parser.parse_args()
    if chosen.one:
        found = one(chosen.messages[0], chosen.jumps)
        print(json.dumps(found), *bars(found), sep="\n", flush=True)
        return
    for count in chosen.messages:
        own = ["--one", "--messages", str(count), "--jumps", str(chosen.jumps)]
        subprocess.run([sys.executable, __file__, *own], check=True)


if __name__ == "__main__":
    main()
