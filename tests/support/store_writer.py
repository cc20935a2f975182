"""A child process that streams answers into the store until it is killed, and logs what was saved.

    python -m tests.support.store_writer DATABASE LOG CHAT [TURNS]

It has no clock: a step stands for the second between two checkpoints. LOG gets "saved TURN STEP"
after the store has said so, "done TURN" after a finished answer, and "KEY TITLE" of every problem
that a call failed with: it is then made again, as a session does. What a step adds follows from its
numbers alone, so that whoever reads the database knows what must be there. The index of the search
is filled meanwhile, as in a window.
"""

import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.chat.message import Message, Part, Text, Thinking
from app.chat.search import Searcher
from app.chat.store import Store
from app.chat.store_worker import StoreWorker
from app.errors import Problem

STEPS = 60
THINKING_STEPS = 35


def chunk(turn: int, step: int) -> str:
    """Return what a step adds: a few bytes up to several database pages, not only ASCII."""
    return f"<{turn}.{step} é>" + "x" * ((turn * 7919 + step * 104_729) % 9000)


def parts(turn: int, steps: int) -> tuple[Part, ...]:
    """Return what the answer of a turn is after so many steps."""
    chunks = [chunk(turn, step) for step in range(1, steps + 1)]
    thought = "".join(chunks[:THINKING_STEPS])
    found: list[Part] = [Thinking(thought, steps > THINKING_STEPS, float(steps), steps)]
    if steps > THINKING_STEPS:
        found.append(Text("".join(chunks[THINKING_STEPS:])))
    return tuple(found) if steps else ()


def message(chat: str, turn: int, steps: int, *, over: bool = False) -> Message:
    """Return the answer of a turn after so many steps."""
    return Message(
        f"{chat}-a{turn}",
        f"{chat}-q{turn}",
        "assistant",
        parts(turn, steps),
        float(turn),
        "done" if over else "running",
    )


def question(chat: str, turn: int) -> Message:
    """Return what the user asks in a turn."""
    parent = f"{chat}-a{turn - 1}" if turn else None
    return Message(f"{chat}-q{turn}", parent, "user", (Text(f"Question {turn}"),), float(turn))


class Writer:
    """The real StoreWorker, driven one call at a time as a session does."""

    def __init__(self, database: Path, log: Path) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._news = threading.Semaphore(0)
        self._worker = StoreWorker(database, on_problem=_stop, wakeup=self._news.release)
        self._searcher = Searcher(database)

    def do(self, work: Callable[[Store], object], line: str) -> None:
        """Have the store do it; log the line once it says that it is done."""

        def said(_: object) -> None:
            os.write(self._log, f"{line}\n".encode())

        def failed(problem: Problem) -> None:
            os.write(self._log, f"failed {problem.key}: {problem.title}\n".encode())
            self._worker.call(work, said, failed)

        self._worker.call(work, said, failed)
        while self._worker.poll():
            self._news.acquire()
        if line.startswith("done"):
            self._searcher.refresh()

    def close(self) -> None:
        """End as a window does that is closed."""
        self._searcher.close()
        self._worker.close()


def _stop(problem: Problem) -> None:
    sys.exit(problem.sentence())


def main(database: str, log: str, chat: str, turns: str = "1000000") -> None:
    """Stream one turn after the other."""
    writer = Writer(Path(database), Path(log))
    writer.do(lambda store: store.create_chat(chat, title=chat), "open")
    for turn in range(int(turns)):
        stream(writer, chat, turn)
    writer.close()


def stream(writer: Writer, chat: str, turn: int) -> None:
    """Ask, stream the answer, finish it."""
    asked = (question(chat, turn), message(chat, turn, 0))
    writer.do(lambda store: store.add_messages(chat, asked), f"saved {turn} 0")
    for step in range(1, STEPS + 1):
        now = message(chat, turn, step)
        writer.do(partial(checkpoint, now), f"saved {turn} {step}")
    writer.do(lambda store: store.finish(message(chat, turn, STEPS, over=True)), f"done {turn}")


def checkpoint(now: Message, store: Store) -> None:
    """Save how far the answer has come."""
    store.checkpoint(now)


if __name__ == "__main__":
    main(*sys.argv[1:])
