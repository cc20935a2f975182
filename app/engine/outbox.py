"""The child's way up: events through the pipe, a token's text not alone but 30 ms of it together.

A message costs 250 to 350 us at its other end, most of it for waking up, and where cores are few
the model pays for that, too. Nobody sees the difference at 30 frames a second.
"""

import time
from typing import TYPE_CHECKING

from app.engine.protocol import Channel, Delta, Event

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

FLUSH_S = 0.03


class Outbox:
    """Sends events in order; text of one channel is gathered until it is old enough."""

    def __init__(self, connection: "Connection[Event, object]") -> None:
        self._connection = connection
        self._request = 0
        self._channel: Channel = "answer"
        self._text: list[str] = []
        self._tokens = 0
        self._flushed_at = 0.0

    def delta(self, request: int, channel: Channel, text: str, tokens: int) -> None:
        """Add text to what will be sent; tokens may be 0 where the text shares a token."""
        if channel != self._channel or request != self._request:
            self.flush()
            self._channel = channel
            self._request = request
        self._text.append(text)
        self._tokens += tokens
        if time.monotonic() - self._flushed_at >= FLUSH_S:
            self.flush()

    def send(self, event: Event) -> None:
        """Send what was gathered, then the event."""
        self.flush()
        self._connection.send(event)

    def flush(self) -> None:
        """Send what was gathered."""
        if not self._text:
            return
        delta = Delta(self._request, self._channel, "".join(self._text), self._tokens)
        self._text.clear()
        self._tokens = 0
        self._connection.send(delta)
        self._flushed_at = time.monotonic()
