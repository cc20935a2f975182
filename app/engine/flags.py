"""What has been asked of requests while they run: set by the command thread, read by the loop."""


class Flags:
    """Cancelled and closing request ids.

    Safe between the two threads without a lock: one adds to the sets, the other looks into them,
    and each of these is one operation. The loop asks for every token, so it has to be cheap.
    """

    def __init__(self) -> None:
        self._cancelled: frozenset[int] = frozenset()
        self._closing: frozenset[int] = frozenset()

    def cancel(self, request: int) -> None:
        """Ask the request to stop. Command thread only, like `close_thinking`."""
        self._cancelled |= {request}

    def close_thinking(self, request: int) -> None:
        """Ask the request to end its thought and answer."""
        self._closing |= {request}

    def cancelled(self, request: int) -> bool:
        """Whether the request shall stop."""
        return request in self._cancelled

    def closing(self, request: int) -> bool:
        """Whether the request shall stop thinking."""
        return request in self._closing
