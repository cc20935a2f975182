"""Markdown as plain text, for terminals, mail and screen readers: nothing lost but the marks.

It is made from the HTML of the message, so that it says what the transcript shows: marks of lists,
columns apart by tabs, quotations with their sign, formulas as TeX between dollars, and behind the
words of a link its address.
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from app.markup import to_html

_PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "hr"])
_CONTAINERS = frozenset(["ul", "ol", "li", "blockquote"])


def to_text(text: str) -> str:
    """Return Markdown as plain text, one line break at its end."""
    reader = _Reader()
    reader.feed(to_html(text))
    reader.close()
    return reader.text()


@dataclass(slots=True)
class _Level:
    """A list, an item or a quotation. lead: before its first line; rest: before the others."""

    tag: str
    lead: str = ""
    rest: str = ""
    number: int | None = None
    used: bool = False


@dataclass(slots=True)
class _Link:
    address: str
    begin: int


class _Reader(HTMLParser):
    """Reads what `to_html` writes."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._levels: list[_Level] = []
        self._words: list[str] = []
        self._links: list[_Link] = []
        self._closing: list[str] = []
        self._code = False

    def text(self) -> str:
        """Return what was read."""
        self._flush()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n") + "\n"

    # ------------------------------------------------------------ tags

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a paragraph, a container, or what stands in a line."""
        given = dict(attrs)
        if tag in _CONTAINERS or tag in _PARAGRAPHS or tag == "tr":
            self._flush()
        if tag in _CONTAINERS:
            self._open(tag, given)
        elif tag in ("p", "pre") or tag[0] == "h":
            self._gap()
            if tag == "hr":
                self._words.append("---")
                self._flush()
                self._gap()
        elif tag == "table":
            self._gap()
        elif tag == "a":
            self._links.append(_Link(given.get("href") or "", len(self._words)))
        elif tag == "br":
            self._words.append("\n")
        elif tag == "sup":
            self._words.append("[")
        elif tag == "span" and "data-tex" in given:
            mark = "$$" if "data-display" in given else "$"
            self._words.append(mark)
            self._closing.append(mark)
        self._code = self._code or tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        """End it."""
        if tag in _CONTAINERS or tag in _PARAGRAPHS or tag == "tr":
            self._flush()
        if tag in _CONTAINERS:
            if tag == "blockquote" and self._lines and self._lines[-1] == self._lead():
                self._lines.pop()
            self._levels.pop()
        if tag in _PARAGRAPHS or tag == "blockquote" or (tag in ("ul", "ol") and not self._levels):
            self._gap()
        elif tag in ("td", "th"):
            self._words.append("\t")
        elif tag == "a" and self._links:
            self._say_address(self._links.pop())
        elif tag == "sup":
            self._words.append("]")
        elif tag == "span" and self._closing:
            self._words.append(self._closing.pop())
        self._code = self._code and tag != "pre"

    def handle_data(self, data: str) -> None:
        """Take text; between the tags of blocks there are only line breaks."""
        if self._words[-1:] == ["\n"]:
            data = data.removeprefix("\n")
        if self._code or data.strip() or (self._words and data != "\n"):
            self._words.append(data)

    # ------------------------------------------------------------ lines

    def _open(self, tag: str, given: dict[str, str | None]) -> None:
        if tag == "ol":
            self._levels.append(_Level(tag, number=int(given.get("start") or 1)))
        elif tag == "li":
            listed = self._levels[-1]
            mark = "•"
            if listed.number is not None:
                mark = f"{listed.number}."
                listed.number += 1
            self._levels.append(_Level(tag, f"{mark} ", " " * len(f"{mark} ")))
        elif tag == "blockquote":
            self._levels.append(_Level(tag, "> ", "> "))
        else:
            self._levels.append(_Level(tag))

    def _say_address(self, link: _Link) -> None:
        if link.address.startswith("#ref-"):
            del self._words[link.begin :]
        words = "".join(self._words[link.begin :])
        shown = {words, f"mailto:{words}", f"http://{words}"}
        if link.address not in shown and not link.address.startswith("#"):
            self._words.append(f" ({link.address})")

    def _flush(self) -> None:
        """Write the paragraph that was read."""
        said = "".join(self._words)
        self._words = []
        said = said.removesuffix("\n") if self._code else said.strip(" \t")
        if not said.strip("\n") and not self._code:
            return
        for line in said.strip("\n").split("\n") if not self._code else said.split("\n"):
            lead = ""
            for level in self._levels:
                lead += level.rest if level.used else level.lead
                level.used = True
            self._lines.append((lead + line).rstrip())

    def _gap(self) -> None:
        """Leave a line free, with the signs of quotations."""
        fresh = any(level.lead and not level.used for level in self._levels)
        if self._lines and not fresh and self._lines[-1] != self._lead():
            self._lines.append(self._lead())

    def _lead(self) -> str:
        """Return what an empty line begins with."""
        return "".join(level.rest for level in self._levels if level.used).rstrip()
