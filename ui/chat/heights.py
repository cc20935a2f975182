"""How tall each of many messages is, and where each begins: found and changed in a few steps.

Ten thousand heights, of which a few change with every frame: a list of their sums would be made
anew each time. This is a binary indexed tree (P. Fenwick, "A new data structure for cumulative
frequency tables", 1994): a sum, a change and a search take log2(n) steps each.
"""

from collections.abc import Iterable


class Heights:
    """Heights in pixels, each above 0, by their number from 0."""

    def __init__(self) -> None:
        self._tall: list[int] = []
        self._sums = [0]
        self._reach = 1

    def __len__(self) -> int:
        return len(self._tall)

    def __getitem__(self, number: int) -> int:
        return self._tall[number]

    def fill(self, heights: Iterable[int]) -> None:
        """Take other heights in place of all."""
        self._tall = list(heights)
        sums = [0, *self._tall]
        for at in range(1, len(sums)):
            above = at + (at & -at)
            if above < len(sums):
                sums[above] += sums[at]
        self._sums = sums
        self._reach = 1 << len(self._tall).bit_length() >> 1

    def put(self, number: int, height: int) -> None:
        """Change one."""
        more = height - self._tall[number]
        if not more:
            return
        self._tall[number] = height
        sums = self._sums
        at = number + 1
        while at < len(sums):
            sums[at] += more
            at += at & -at

    def before(self, number: int) -> int:
        """Return the sum of those before a number; of all, for their count."""
        found = 0
        while number:
            found += self._sums[number]
            number &= number - 1
        return found

    def at(self, y: int) -> int:
        """Return the number of the one that a point is in; the first or last for points outside."""
        found, step = 0, self._reach
        while step:
            above = found + step
            if above < len(self._sums) and self._sums[above] <= y:
                found = above
                y -= self._sums[above]
            step >>= 1
        return max(0, min(found, len(self._tall) - 1))
