"""Whether a thought goes in circles: the same passage again and again, token for token.

Two signs, both of exact repetition, because a thought may well come back to a subject:

- A cycle: the last `CYCLE_TOKENS` tokens, and at least `CYCLE_TIMES` turns, are one passage after
  itself without anything between.
- A rut: of the last `WINDOW` tokens, `RUT_SHARE` end an n-gram of `GRAM` tokens that stands in this
  thought at least `RUT_TIMES` times. So a draft that is written out again, or a table of like rows,
  is none; the fourth time of the same page is.

Each token costs the same, however long the thought is: n-grams are looked up by their hash.
"""

from collections import deque

GRAM = 12
CYCLE_TOKENS = 256
"""Long enough for a rule of dashes, a row of zeros or a small table of equal cells."""
CYCLE_TIMES = 4
WINDOW = 1024
RUT_SHARE = 0.9
RUT_TIMES = 4


class LoopDetector:
    """Watches the tokens of one thought."""

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=GRAM)
        self._seen: dict[int, tuple[int, int]] = {}  # n-gram: how often, and where last
        self._count = 0
        self._period = 0
        self._matched = 0
        self._worn: deque[bool] = deque(maxlen=WINDOW)
        self._worn_count = 0

    def feed(self, token_id: int) -> bool:
        """Take the next token of the thought; return whether it goes in circles."""
        self._count += 1
        self._last.append(token_id)
        if len(self._last) < GRAM:
            return False
        gram = hash(tuple(self._last))
        times, where = self._seen.get(gram, (0, 0))
        self._seen[gram] = (times + 1, self._count)
        return self._cycle(times, self._count - where) or self._rut(times + 1 >= RUT_TIMES)

    def _cycle(self, times: int, period: int) -> bool:
        if not times:
            self._period = self._matched = 0
            return False
        if period != self._period:
            self._period, self._matched = period, GRAM
        else:
            self._matched += 1
        # What is matched comes after the passage itself, its first time.
        return self._matched >= max(CYCLE_TOKENS, (CYCLE_TIMES - 1) * period)

    def _rut(self, worn: bool) -> bool:
        if len(self._worn) == WINDOW:
            self._worn_count -= self._worn[0]
        self._worn.append(worn)
        self._worn_count += worn
        return self._worn_count >= RUT_SHARE * WINDOW
