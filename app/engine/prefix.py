"""How much of the last prompt can be kept for the next one.

Keeping the longest common prefix and reading the rest again is bit-identical to reading everything
again (largest difference of the logits 0.0). Shifting what comes after a cut is not (cosine 0.943,
another most likely token), so it is never done.
"""

from collections.abc import Sequence


def common_prefix(old: Sequence[int], new: Sequence[int]) -> int:
    """Return how many leading ids are equal."""
    for index, (a, b) in enumerate(zip(old, new, strict=False)):
        if a != b:
            return index
    return min(len(old), len(new))


def reusable(old: Sequence[int], new: Sequence[int]) -> int:
    """Return how many tokens of new need not be read: all that are common, but never all of new.

    The last token is always read, because its logits are what the first sample is drawn from.
    """
    return max(0, min(common_prefix(old, new), len(new) - 1))
