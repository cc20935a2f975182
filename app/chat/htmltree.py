"""The HTML of a message's block as a tree, and its text in the order of reading.

The HTML is `app.markup`'s own: well-formed, with few kinds of elements. A formula is one character
of its text, whatever its TeX, so that a place in the text means the same whether it is typeset.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

ROOT = ""
TEXT = "#"
MATH = "math"
VOID = frozenset({"br", "hr"})
BOXES = ("☐ ", "☑ ")
_BLANKS = re.compile(r"[ \t\r\n]+")

PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "th", "td", "pre", "blockquote", "hr"}
    | {"ul", "ol", "table", "thead", "tbody", "tr", "section", "div"}
)
"""Elements that a text does not run through: another line begins with them and after them."""


@dataclass(slots=True)
class Node:
    """An element, or text: kind is its tag, TEXT, MATH (text is the TeX), or ROOT for the whole."""

    kind: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """Yield the node and all below it, in the order of reading."""
        yield self
        for child in self.children:
            yield from child.walk()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node(ROOT)
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element, or a formula."""
        named = {name: value or "" for name, value in attrs}
        if "data-tex" in named:
            node = Node(MATH, named["data-tex"], named)
        else:
            node = Node(tag, attributes=named)
        self._open[-1].children.append(node)
        if tag not in VOID:
            self._open.append(node)

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        if tag not in VOID and len(self._open) > 1:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Take text; a formula has its own already."""
        parent = self._open[-1]
        before = parent.children[-1].kind if parent.children else ""
        if parent.kind == "li" and not before and data.lstrip().startswith(BOXES):
            data = data.lstrip()
            parent.attributes["task"], data = data[0], data[2:]
        if before == "br":
            data = data.removeprefix("\n")
        if parent.kind != MATH and data:
            parent.children.append(Node(TEXT, data))


def tree(html: str) -> Node:
    """Return the tree of a block's HTML."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.root


def paragraphs(html: str) -> list[str]:
    """Return the text as it is shown, a string for each paragraph, item or cell; formulas as TeX.

    White space is single, but for code, which is given line by line. The boxes of tasks and the
    numbers of items are no text.
    """
    found: list[str] = []
    said: list[str] = []

    def end() -> None:
        text = _BLANKS.sub(" ", "".join(said)).strip()
        said.clear()
        if text:
            found.append(text)

    def take(node: Node) -> None:
        if node.kind == "pre":
            end()
            found.extend("".join(one.text for one in node.walk()).rstrip("\n").split("\n"))
            return
        said.append(" " if node.kind == "br" else node.text)
        if node.kind in PARAGRAPHS:
            end()
        for child in node.children:
            take(child)
        if node.kind in PARAGRAPHS:
            end()

    take(tree(html))
    end()
    return found
