"""A paragraph that is far too long for one, read in stretches: a formula, a star or a bracket that
is open at the end of one is text.

Rules for lines look for partners as far as the paragraph goes, so that one without an end would be
read again and again while it streams, all of it. A model in a rut writes such: stars and brackets
by the thousand. Paragraphs that people read are a tenth of a stretch; where a stretch ends depends
on the words before only, so that a text that streams is cut like one that is there.
"""

import re
from itertools import pairwise

STRETCH = 4000
"""Characters, some 20 ms of the dearest."""
_NEAR = 500
"""Characters before a stretch's end in which a space is looked for to end it at."""

_BEGINS = re.compile(r"[^\s\-=*_>#+`~|:$\\]")
"""What the beginning of a block or a line across the page is not made of."""
_SURE = 12
"""Characters of a line after which it can no longer be a number in a list."""

_ENDS = {"$$": re.compile(r"\$\$\s*[^\s$]"), "\\[": re.compile(r"\\\]\s*\S|\]\(")}


def ends(content: str, room: int = 0) -> list[int]:
    """Return where the stretches of a paragraph's words end, but for the last one.

    room: characters of the first one that stand before these words.
    """
    found: list[int] = []
    start = -room
    while len(content) > start + STRETCH:
        least = max(0, start, start + STRETCH - _NEAR)
        space = content.rfind(" ", least, start + STRETCH + 1)
        start = space if space >= 0 else start + STRETCH
        found.append(start)
    return found


def pieces(content: str, room: int = 0) -> list[str]:
    """Return the stretches of a paragraph's words."""
    cut = [0, *ends(content, room), len(content)]
    return [content[one:two] for one, two in pairwise(cut)]


def is_decided(content: str, end: int) -> bool:
    """Whether words up to a stretch's end stay a paragraph, whatever comes after it.

    The first words may be the label of a definition; and the last line, while it is not over, may
    become the beginning of another block, or a formula set apart.
    """
    if content.startswith("[") and not re.search(r"[\[\]]", content[1:end]):
        return False
    if "\n" in content[end:]:
        return True
    line = content[content.rfind("\n", 0, end) + 1 : end].lstrip(" \t")
    if line.startswith("[^"):
        return bool(re.search(r"[\[\]\s]", line[2:]))
    if line.startswith("$$$"):
        return True
    closing = _ENDS.get(line[:2])
    if closing is not None:
        return bool(closing.search(line, 2))
    plain = not line.startswith("\\begin") and _BEGINS.search(line)
    return bool(plain) and len(line) >= _SURE
