"""How much of a laid out text stays as it is when it grows: a tick draws its last lines, not all.

What is said of the characters is said cautiously: where HTML does not tell how many there are in
the document (spaces and line breaks, formulas), fewer are taken for unchanged than there are.
"""

import re
from html import unescape

from PySide6.QtGui import QTextDocument

_FORMULA = re.compile(r'<span class="math"[^>]*>[^<]*</span>')
_TAG = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"\s{2,}|\n")
_SPARE = 16
"""Characters that are drawn again in any case: the word that grew may move, an entity may end."""
_OTHERWISE = ("<table", "☐", "☑", "<pre")
"""Where these stand the document has other characters, or what comes moves what was there."""


def unchanged_px(made: QTextDocument, before: str, after: str) -> int:
    """Return how far down a document that shows `before` will look the same with `after`."""
    if any(one in after for one in _OTHERWISE):
        return 0
    position = _characters(after[: _common(before, after)]) - _SPARE
    if position <= 0:
        return 0
    block = made.findBlock(min(position, made.characterCount() - 1))
    line = block.layout().lineForTextPosition(position - block.position())
    top = made.documentLayout().blockBoundingRect(block).top()
    # A line's own leading and what overhangs it above belong to the line before.
    return max(0, int(top + (line.y() if line.isValid() else 0.0)) - 4)


def _common(one: str, two: str) -> int:
    """Return how many characters two texts begin with alike."""
    least, most = 0, min(len(one), len(two))
    while least < most:
        middle = (least + most + 1) // 2
        if one.startswith(two[least:middle], least):
            least = middle
        else:
            most = middle - 1
    return least


def _characters(html: str) -> int:
    """Return at least how many characters a document has of the beginning of some HTML."""
    # Neither half a tag nor half a formula counts.
    begun = html.rfind("<")
    if begun > html.rfind(">"):
        html = html[:begun]
    begun = html.rfind('<span class="math"')
    if begun >= 0 and "</span>" not in html[begun:]:
        html = html[:begun]
    text = _TAG.sub("", _FORMULA.sub("x", html))
    return len(_SPACES.sub("", unescape(text)))
