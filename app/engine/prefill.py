"""Reading the prompt in slices, so that a cancel is answered within a second on any machine.

One batch of 2,048 tokens kept a cancel waiting for 24 to 44 s on two cores; slices of 512 0.8 to
1.5 s, of 128 0.3 s. On a fast machine small slices would cost throughput. So the slice follows the
speed that the last one showed.
"""

import time
from collections.abc import Callable, Sequence

from app.engine.backends.base import Backend

SLICE_S = 0.3
"""What a slice shall take: a third of the second, because attention slows down along the prompt."""

_FIRST_SLICE = 32
_SMALLEST_SLICE = 4


class Pace:
    """How many tokens to read at once. One for each loaded model: it remembers the speed."""

    def __init__(self, batch: int) -> None:
        self._batch = batch
        self._slice = min(_FIRST_SLICE, batch)

    @property
    def slice(self) -> int:
        """Return the next slice's length in tokens."""
        return self._slice

    def measured(self, tokens: int, seconds: float) -> None:
        """Learn from a slice that was read."""
        wanted = int(SLICE_S * tokens / max(seconds, 1e-6))
        # Never more than four times the last: a short slice says little about a long one.
        wanted = min(wanted, self._slice * 4, self._batch)
        if wanted >= _FIRST_SLICE:
            wanted -= wanted % _FIRST_SLICE
        self._slice = max(wanted, min(_SMALLEST_SLICE, self._batch))


def read_prompt(
    backend: Backend,
    ids: Sequence[int],
    kept: int,
    pace: Pace,
    stopped: Callable[[], bool],
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
        backend.read(part)
        if len(part) == pace.slice:
            pace.measured(len(part), time.monotonic() - began)
        done += len(part)
        progress(done)
    return not stopped()
