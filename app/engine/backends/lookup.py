"""What may come next, because it came before: the words after the last place that ends alike.

Where a model copies (code that it was asked to change, a text to be corrected, its own draft), the
next tokens stand in what it has read already. Guessing them costs nothing; whether a guess was
right is seen by whoever draws.
"""

from collections.abc import Sequence

LARGE_BYTES = 1_000_000_000
"""Below it a token's time goes elsewhere, and eight at once cost eight times as much."""
GRAM = 3
"""Tokens that have to be alike: two are found everywhere, four come late."""
MOST_GUESSED = 7
"""With the token before them a batch of eight: on two cores it took 2.0 times the time of one, on a
layer of Magistral's widths; a batch of 16, 5.3 times."""
_FEWEST = 2
_JUDGED = 32
_WORTH = 0.3
"""Of so many guesses, the share that has to be right: a batch of eight is paid for by one token."""
_REST = 256
"""Tokens for which nothing is guessed after that went wrong."""


class Lookup:
    """Guesses for one sequence, and judges itself by how it did. Same tokens, same guesses."""

    def __init__(self) -> None:
        self._places: dict[tuple[int, ...], int] = {}
        self._known = 0
        self._most = _FEWEST
        self._guessed = self._right = 0
        self._rest = 0

    def cut(self, length: int) -> None:
        """Learn that the sequence was cut to its first tokens; places beyond show themselves."""
        self._known = min(self._known, length)

    def guess(self, sequence: Sequence[int], token_id: int, most: int) -> list[int]:
        """Return what may follow the sequence and one more token, which is not in it yet.

        most: of all that may be returned. Tokens below 0 are nobody's words.
        """
        self._follow(sequence)
        if self._rest:
            self._rest -= 1
            return []
        key = (*sequence[1 - GRAM :], token_id)
        place = self._places.get(key)
        # Of a sequence that was cut some places are left that are no more.
        if place is None or place > len(sequence) or tuple(sequence[place - GRAM : place]) != key:
            return []
        found: list[int] = []
        for other in sequence[place : place + min(most, self._most)]:
            if other < 0:
                break
            found.append(other)
        return found

    def judge(self, guessed: int, right: int) -> None:
        """Learn how many of the last guesses were right."""
        self._most = min(self._most * 2, MOST_GUESSED) if right == guessed else _FEWEST
        self._guessed += guessed
        self._right += right
        if self._guessed >= _JUDGED:
            if self._right < _WORTH * self._guessed:
                self._rest = _REST
            self._guessed = self._right = 0

    def _follow(self, sequence: Sequence[int]) -> None:
        """Take in what is new in the sequence."""
        for end in range(max(self._known + 1, GRAM), len(sequence) + 1):
            self._places[tuple(sequence[end - GRAM : end])] = end
        self._known = len(sequence)
