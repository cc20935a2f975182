"""Whether a model goes in circles: the same passage again and again, token for token.

Of a thought there are two signs, both of exact repetition, because a thought may well come back to
a subject:

- A cycle: the last `CYCLE_TOKENS` tokens, and at least `CYCLE_TIMES` turns, are one passage after
  itself without anything between.
- A rut: of the last `WINDOW` tokens, `RUT_SHARE` end an n-gram of `GRAM` tokens that stands in this
  thought at least `RUT_TIMES` times. So a draft that is written out again, or a table of like rows,
  is none; the fourth time of the same page is.

An answer is what was asked for, and that may well be a matrix of zeros. So it is only ended for a
cycle, and only for a long one: at least `ANSWER_TIMES` turns and `VARIED_TOKENS` tokens of a
passage that says something (`VARIED` different tokens), `WORDS_TOKENS` of one that has letters at
least, `FIGURES_TOKENS` of figures and signs alone.

Each token costs the same, however long the thought is: n-grams are looked up by their hash.
"""

import re
from array import array
from collections import deque

GRAM = 12
CYCLE_TOKENS = 256
"""Long enough for a rule of dashes, a row of zeros or a small table of equal cells."""
CYCLE_TIMES = 4
WINDOW = 1024
RUT_SHARE = 0.9
RUT_TIMES = 4
ANSWER_TIMES = 8
VARIED = 32
VARIED_TOKENS = 2048
WORDS_TOKENS = 4096
FIGURES_TOKENS = 16_384
"""Of a table of 64 x 64 zeros, 8,000 tokens are zeros, commas and brackets."""

_LETTER = re.compile(rb"[A-Za-z\x80-\xff]")


class _Cycle:
    """Follows exact repetition. count: tokens seen. times: how often the last n-gram stood before.

    matched: so many of the last tokens are what came `period` tokens earlier, without a gap.
    """

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=GRAM)
        self._seen: dict[int, tuple[int, int]] = {}  # n-gram: how often, and where last
        self.count = 0
        self.times = 0
        self.period = 0
        self.matched = 0

    def feed(self, token_id: int) -> bool:
        """Take the next token; return whether there is an n-gram yet."""
        self.count += 1
        self._last.append(token_id)
        if len(self._last) < GRAM:
            return False
        gram = hash(tuple(self._last))
        self.times, where = self._seen.get(gram, (0, 0))
        self._seen[gram] = (self.times + 1, self.count)
        period = self.count - where
        if not self.times:
            self.period = self.matched = 0
        elif period != self.period:
            self.period, self.matched = period, GRAM
        else:
            self.matched += 1
        return True


class LoopDetector:
    """Watches the tokens of one thought."""

    def __init__(self) -> None:
        self._cycle = _Cycle()
        self._worn: deque[bool] = deque(maxlen=WINDOW)
        self._worn_count = 0

    def feed(self, token_id: int) -> bool:
        """Take the next token of the thought; return whether it goes in circles."""
        cycle = self._cycle
        if not cycle.feed(token_id):
            return False
        # What is matched comes after the passage itself, its first time.
        least = max(CYCLE_TOKENS, (CYCLE_TIMES - 1) * cycle.period)
        return cycle.matched >= least or self._rut(cycle.times + 1 >= RUT_TIMES)

    def _rut(self, worn: bool) -> bool:
        if len(self._worn) == WINDOW:
            self._worn_count -= self._worn[0]
        self._worn.append(worn)
        self._worn_count += worn
        return self._worn_count >= RUT_SHARE * WINDOW


class AnswerLoops:
    """Watches the tokens of one answer."""

    def __init__(self) -> None:
        self._cycle = _Cycle()
        self._ids = array("q")
        self._letter_at = 0
        self._period = 0
        self._least = 0

    def feed(self, token_id: int, data: bytes) -> bool:
        """Take the next token of the answer, and its bytes; return whether it goes in circles."""
        cycle = self._cycle
        self._ids.append(token_id)
        cycle.feed(token_id)
        if _LETTER.search(data):
            self._letter_at = cycle.count
        if cycle.matched < VARIED_TOKENS:
            self._period = 0
            return False
        if cycle.period != self._period:
            self._period, self._least = cycle.period, self._needed(cycle.period)
        return cycle.matched >= self._least

    def _needed(self, period: int) -> int:
        """Return how many tokens after a passage's first time have to repeat it."""
        if len(set(self._ids[-period:])) >= VARIED:
            least = VARIED_TOKENS
        elif self._letter_at > self._cycle.count - period:
            least = WORDS_TOKENS
        else:
            least = FIGURES_TOKENS
        return max(least, (ANSWER_TIMES - 1) * period)
