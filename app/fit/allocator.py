"""How ggml lays a graph's results into one buffer: its size is the compute buffer.

The rules are those of ggml-alloc.c: results are laid in order into the smallest gap that takes
them, an element-wise operation takes the place of its operand where nobody else needs it, and a
place is free as soon as its last reader has run. What counts is the highest byte ever used.
"""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Place:
    """A result in memory: its size in bytes, and how many readers are still to come."""

    size: int
    readers: int = 0
    offset: int = -1


@dataclass(frozen=True, slots=True)
class Step:
    """An operation: it reads, then writes one result. replaces: the operand it may overwrite."""

    result: Place | None
    reads: tuple[Place, ...]
    replaces: Place | None = None


class Graph:
    """Collects the operations of a graph in the order in which they run, and lays them out."""

    def __init__(self, alignment: int = 32) -> None:
        self._alignment = alignment
        self._inputs: list[Place] = []
        self._steps: list[Step] = []

    def input(self, size: int) -> Place:
        """Add an input, which is there from the start."""
        place = Place(self._padded(size))
        self._inputs.append(place)
        return place

    def op(self, size: int, *reads: Place, replaces: Place | None = None) -> Place:
        """Add an operation and return its result of `size` bytes."""
        result = Place(self._padded(size))
        self._add(Step(result, reads, replaces))
        return result

    def store(self, *reads: Place) -> None:
        """Add an operation that writes into memory of its own, such as the KV cache."""
        self._add(Step(None, reads))

    def _add(self, step: Step) -> None:
        for place in step.reads:
            place.readers += 1
        self._steps.append(step)

    def _padded(self, size: int) -> int:
        return -(-size // self._alignment) * self._alignment

    def peak(self) -> int:
        """Return the size of the buffer that the graph needs, in bytes."""
        heap = _Heap()
        for place in self._inputs:
            place.offset = heap.take(place.size)
        for step in self._steps:
            result, old = step.result, step.replaces
            if result is not None:
                if old is not None and old.readers == 1 and old.size == result.size:
                    result.offset, old.offset = old.offset, -1
                else:
                    result.offset = heap.take(result.size)
            for place in step.reads:
                place.readers -= 1
                if place.readers == 0 and place.offset >= 0:
                    heap.give(place.offset, place.size)
                    place.offset = -1
        return heap.highest


class _Heap:
    """Gaps in the order of their offsets; the last one has no end."""

    def __init__(self) -> None:
        self._gaps = [(0, 1 << 60)]
        self.highest = 0

    def take(self, size: int) -> int:
        gaps = self._gaps
        chosen = len(gaps) - 1
        best = 1 << 60
        for index in range(len(gaps) - 1):
            if size <= gaps[index][1] <= best:
                chosen, best = index, gaps[index][1]
        offset, room = gaps[chosen]
        if room == size:
            del gaps[chosen]
        else:
            gaps[chosen] = (offset + size, room - size)
        self.highest = max(self.highest, offset + size)
        return offset

    def give(self, offset: int, size: int) -> None:
        gaps = self._gaps
        index = 0
        while index < len(gaps) and gaps[index][0] < offset:
            index += 1
        if index < len(gaps) and offset + size == gaps[index][0]:
            size += gaps.pop(index)[1]
        if index and sum(gaps[index - 1]) == offset:
            start, before = gaps.pop(index - 1)
            offset, size = start, before + size
            index -= 1
        gaps.insert(index, (offset, size))
