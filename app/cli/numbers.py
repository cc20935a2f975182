"""Numbers on the command line: what is out of bounds is wrong usage, told by argparse."""

import argparse
from collections.abc import Callable

MOST_SEED = 2**32 - 1
"""llama.cpp's seeds have 32 bits."""


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return argparse's type of whole numbers from `least` (to `most`, where there is one)."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more")
        if most is not None and value > most:
            raise argparse.ArgumentTypeError(f"must be {most} or less")
        return value

    return number  # argparse names the type in its message: "number"
