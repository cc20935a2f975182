"""Reading the prompt in slices, so that a cancel is answered within a second on any machine.

One batch of 2,048 tokens kept a cancel waiting for 24 to 44 s on two cores; slices of 512 0.8 to
1.5 s, of 128 0.3 s. On a fast machine small slices would cost throughput. So the slice follows the
speed that the last one showed.
"""

import time
from collections.abc import Callable, Sequence

from app.engine.backends.base import Backend, Stopped

SLICE_S = 0.3
"""What a slice shall take: a third of the second, because attention slows down along the prompt."""

_STEP = 32
"""The first and the smallest slice: below it a slice costs its fixed part, and shorter slices would
only make a busy machine slower still. There the CPU back end stops inside the slice."""


class Pace:
    """How many tokens to read at once. One for each loaded model: it remembers the speed."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._slice = min(_STEP, batch)

    @property
    def slice(self) -> int:
        """Return the next slice's length in tokens."""
        return self._slice

    def measured(self, tokens: int, seconds: float) -> None:
        """Learn from a slice that was read."""
        wanted = int(SLICE_S * tokens / max(seconds, 1e-6))
        # Never more than four times the last: a short slice says little about a long one.
        wanted = min(wanted, self._slice * 4, self._batch)
        self._slice = max(wanted - wanted % _STEP, min(_STEP, self._batch))


def read_prompt(
    backend: Backend,
    ids: Sequence[int],
    kept: int,
    pace: Pace,
    stopped: Stopped,
    progress: Callable[[int], None],
) -> bool:
    """Read ids from index kept on; return False if stopped asked to stop before the end.

    progress: called with the number of tokens that are read, after each slice.
    """
    done = kept
    while done < len(ids):
        if stopped():
            return False
        part = ids[done : done + pace.slice]
        began = time.monotonic()
        if not backend.read(part):
            return False
        if len(part) == pace.slice:
            pace.measured(len(part), time.monotonic() - began)
        done += len(part)
        progress(done)
    return not stopped()
