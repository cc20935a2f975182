"""When an open thought is closed in the model's place: spent, asked for, or going in circles.

And what comes then: an answer. A model that had more to think may end there without a word, or
open the next thought at once; the words that would be that are not drawn until it has begun to
answer. An answer that goes in circles is ended.
"""

import sys

from app.engine.backends.base import Backend, Token
from app.engine.flags import Flags
from app.engine.protocol import ClosedBy, Generate, Sampling
from app.reasoning.formats import Format
from app.reasoning.loops import AnswerLoops, LoopDetector

_LATE_TOKENS = 2
"""A character is not cut in half, but a thought of halves is closed all the same."""
_MOST_CLOSINGS = 4
"""After so many thoughts closed in one answer that never began, no more is tried."""
_MOST_REFUSED = 16
"""Tokens not to be drawn; a model that has still others to end with may."""


class Steering:
    """Decides it for one generation, token by token. before: tokens of thinking already there.

    ended: the answer goes in circles.
    """

    def __init__(self, command: Generate, flags: Flags, before: int) -> None:
        self._request = command.request
        self._flags = flags
        budget = command.thinking_budget
        self._most = sys.maxsize if budget is None else before + budget
        self._loops = LoopDetector() if command.break_loops else None
        # Who wants tokens beyond the end measures, and any will do.
        self._answer = AnswerLoops() if command.break_loops and not command.ignore_end else None
        self._circling = False
        self._late = 0
        self.ended = False

    def saw(self, token_id: int, token: Token, *, in_thought: bool) -> None:
        """Take a token that was drawn."""
        if in_thought:
            if self._loops is not None and self._loops.feed(token_id):
                self._circling = True
        elif self._answer is not None and self._answer.feed(token_id, token.data):
            self.ended = True

    def due(self, thinking_tokens: int, held: int = 0) -> ClosedBy | None:
        """Return why the thought that is open now has to end, None where it may go on.

        held: tokens that are not counted yet, because their text is not complete.
        """
        if thinking_tokens + held >= self._most:
            return "budget"
        if self._flags.closing(self._request):
            return "asked"
        return "loop" if self._circling else None

    def may_close(self, *, between_characters: bool) -> bool:
        """Whether a thought that has to end can be ended here, or after the next token."""
        self._late += 1
        return between_characters or self._late > _LATE_TOKENS

    def closed(self) -> None:
        """Begin anew: the thought was closed."""
        self._circling = False
        self._late = 0
        if self._loops is not None:
            self._loops = LoopDetector()


class Turning:
    """Sees that an answer follows a thought that was closed in the model's place."""

    def __init__(self, backend: Backend, sampling: Sampling) -> None:
        self._backend = backend
        self._sampling = sampling
        self._closings = 0
        self._waits = False
        self._refused: list[int] = []

    @property
    def given_up(self) -> bool:
        """Whether the model was turned to its answer again and again, in vain."""
        return self._closings >= _MOST_CLOSINGS

    def closed(self) -> None:
        """Wait for an answer: a thought was closed."""
        self._closings += 1
        self._waits = True

    def refuses(self, token_id: int, token: Token, row: Format) -> bool:
        """Whether a drawn token would leave the question without an answer: then draw again."""
        if not self._waits or len(self._refused) >= _MOST_REFUSED:
            return False
        if not (token.end or (token.control is not None and token.control in row.openers)):
            return False
        self._refused.append(token_id)
        self._backend.begin(self._sampling, self._refused)
        return True

    def said(self, answered: bool) -> None:
        """Let everything be drawn again once there is an answer."""
        if not self._waits or not answered:
            return
        self._waits = False
        self._closings = 0
        if self._refused:
            self._refused = []
            self._backend.begin(self._sampling)
