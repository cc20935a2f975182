"""When an open thought is closed in the model's place: spent, asked for, or going in circles."""

import sys

from app.engine.flags import Flags
from app.engine.protocol import ClosedBy, Generate
from app.reasoning.loops import LoopDetector


class Steering:
    """Decides it for one generation, token by token. before: tokens of thinking already there."""

    def __init__(self, command: Generate, flags: Flags, before: int) -> None:
        self._request = command.request
        self._flags = flags
        budget = command.thinking_budget
        self._most = sys.maxsize if budget is None else before + budget
        self._loops = LoopDetector() if command.break_loops else None
        self._circling = False

    def saw(self, token_id: int, *, in_thought: bool) -> None:
        """Take a token that was drawn."""
        if in_thought and self._loops is not None and self._loops.feed(token_id):
            self._circling = True

    def due(self, thinking_tokens: int) -> ClosedBy | None:
        """Return why the thought that is open now has to end, None where it may go on."""
        if thinking_tokens >= self._most:
            return "budget"
        if self._flags.closing(self._request):
            return "asked"
        return "loop" if self._circling else None

    def closed(self) -> None:
        """Begin anew: the thought was closed."""
        self._circling = False
        if self._loops is not None:
            self._loops = LoopDetector()
