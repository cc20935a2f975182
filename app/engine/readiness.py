"""Which of some connections has something to be read, asked again and again.

`multiprocessing.connection.wait` makes its selector anew at every call, which is a fifth of what a
message costs whoever reads it; here it is made once, where selectors take pipes.
"""

import selectors
import sys
from collections.abc import Collection
from multiprocessing.connection import Connection, wait
from typing import Any


class Readiness:
    """See the module. Used by one thread; `close` before the connections are."""

    def __init__(self, connections: "Collection[Connection[Any, Any]]") -> None:
        self._connections = connections
        self._selector: selectors.BaseSelector | None = None
        if sys.platform != "win32":
            self._selector = selectors.DefaultSelector()
            for connection in connections:
                self._selector.register(connection, selectors.EVENT_READ)

    def wait(self, timeout_s: float | None) -> "Collection[object]":
        """Return those that have something, or have ended; none if time runs out before."""
        if self._selector is None:
            return wait(self._connections, timeout_s)
        return [key.fileobj for key, _ in self._selector.select(timeout_s)]

    def close(self) -> None:
        """Look at them no more."""
        if self._selector is not None:
            self._selector.close()
