"""A session over a real database and a real engine child, and the words that tests use with it."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.chat.message import Message
from app.chat.session import Session
from app.errors import Problem
from app.settings import Settings

PATIENCE_S = 60.0


class Desk:
    """A session and the person in front of it."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.database = folder / "chats.sqlite3"
        self.news = threading.Event()
        self.problems: list[Problem] = []
        self.session = Session(self.database, settings=settings or Settings(), wakeup=self.news.set)

    def script(self, *replies: list[Any], **script: Any) -> str:
        """Write a script of the scripted back end and return its path."""
        path = self.folder / f"{len(list(self.folder.iterdir()))}.script.json"
        path.write_text(json.dumps({"replies": list(replies), **script}), encoding="utf-8")
        return str(path)

    def until(self, true: Callable[[], bool]) -> None:
        """Pump until something is true."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.session.pump()
            self.problems += self.session.problems()
            if true():
                return
            assert time.monotonic() < deadline, f"waited in vain: {self.session.state}"
            self.news.wait(0.02)
            self.news.clear()

    def idle(self) -> None:
        """Pump until nothing is outstanding."""
        self.until(lambda: not self.session.busy())

    def ask(self, text: str) -> Message:
        """Send, wait for the end, return the answer."""
        assert self.session.send(text), self.session.problems()
        return self.answer()

    def answer(self) -> Message:
        """Wait for the running answer's end and return it."""
        self.until(lambda: self.session.state.running is None)
        return self.session.state.conversation.branch()[-1]

    def thought(self, tokens: int) -> None:
        """Pump until the running answer has thought more than so many tokens."""
        self.until(
            lambda: bool((turn := self.session.state.turn) and turn.thinking_tokens > tokens)
        )

    def texts(self) -> list[str]:
        """Return the visible texts of the branch shown."""
        return [message.text for message in self.session.state.conversation.branch()]
