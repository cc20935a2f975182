"""When the garbage collector walks through everything: not while an answer is being written.

A long thought is a hundred thousand objects, and to look through all of them takes 40 ms or more of
the window's thread. What is short-lived goes all the same, a little at a time.
"""

import gc

SELDOM = 1000
"""Smaller walks (each after some 7,000 new objects) before a whole one comes by itself."""
WORTH = 10
"""Smaller walks after which a whole one is worth while at rest."""


def begin() -> None:
    """Begin to collect; all that is there by now stays, and is not looked through again."""
    gc.freeze()
    gc.enable()
    young, middle, _old = gc.get_threshold()
    gc.set_threshold(young, middle, SELDOM)


def rest() -> None:
    """Collect everything, if there may be anything: nobody waits for the window now."""
    if gc.get_count()[2] >= WORTH:
        gc.collect()
