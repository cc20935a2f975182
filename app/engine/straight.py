"""An engine for straight-line code: a client, and its events one by one.

For the command line and for running answers again; the window's session polls instead.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.engine.client import EngineClient
from app.engine.protocol import (
    Command,
    Counted,
    EngineDied,
    Event,
    Failed,
    Finished,
    Loaded,
    Tokens,
)
from app.errors import WorldError


class AbandonedError(Exception):
    """Nobody waits for the events any more."""


class Engine:
    """An engine client for straight-line code: send a command, iterate over its events."""

    def __init__(self) -> None:
        self._news = threading.Event()
        self._abandoned = False
        self._client = EngineClient(wakeup=self._news.set)

    def next_request(self) -> int:
        """Return a fresh request id."""
        return self._client.next_request()

    def send(self, command: Command) -> None:
        """Send a command without waiting for its events."""
        self._client.send(command)

    def events(self, request: int) -> Iterator[Event]:
        """Yield the events of a request, the last one included.

        Raises WorldError on death, AbandonedError once `abandon` was called.
        """
        while True:
            self._news.wait()
            self._news.clear()
            if self._abandoned:
                raise AbandonedError
            for _, event in self._client.poll():
                if isinstance(event, EngineDied):
                    raise WorldError(event.problem)
                if event.request != request:
                    continue
                yield event
                if isinstance(event, Finished | Failed | Loaded | Tokens | Counted):
                    return

    def abandon(self) -> None:
        """Have whoever iterates over events stop; `close` ends the rest. Any thread may call it."""
        self._abandoned = True
        self._news.set()

    @property
    def abandoned(self) -> bool:
        """Return whether nobody waits any more: for work between two commands that takes long."""
        return self._abandoned

    def close(self) -> None:
        """End the child."""
        self._client.close()


@contextmanager
def engine() -> Iterator[Engine]:
    """Give an engine and end its child afterwards, whatever happens."""
    opened = Engine()
    try:
        yield opened
    finally:
        opened.close()
