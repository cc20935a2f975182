"""A part of a message as Markdown that stands on its own: what copying a selection gives.

The part is cut out of the block's HTML and written as Markdown again, so that lists keep their
numbers, code its fence, links their addresses and formulas their TeX, wherever the cut was made. A
place is given as a count of units: characters that are not white space, a formula being one.

Text is escaped only where it would be read as something else without it: who copies a sentence
does not want backslashes in it.
"""

from app.chat.htmltree import MATH, ROOT, TEXT, Node, tree
from app.chat.writing import INLINE, SPACE, written


def units(text: str) -> int:
    """Return how many units a text without formulas has."""
    return len(SPACE.sub("", text))


def part(html: str, start: int, end: int, source: str = "") -> str:
    """Return the units from start to end of a block as Markdown.

    source: the Markdown the block was written in, whose delimiters and marks are kept. A cut within
    one run of text gives the text alone, without what it is set in.
    """
    whole = tree(html)
    bare = _cut(whole, [0], start, end, bare=True)
    if bare is None:
        return ""
    leaves = [node for node in bare.walk() if node.kind in (TEXT, MATH) and node.text.strip()]
    if len(leaves) == 1 and leaves[0].kind == TEXT and _text_of(bare) != _text_of(whole):
        code = any(node.kind == "pre" for node in bare.walk())
        return leaves[0].text.strip("\n") if code else _plain(leaves[0].text).strip()
    paragraph = _only_paragraph(bare)
    if paragraph is not None and _text_of(bare) != _text_of(_origin(whole, paragraph)):
        return written(Node(ROOT, children=[Node("p", children=paragraph.children)]), source)
    return written(_cut(whole, [0], start, end) or bare, source).strip("\n")


def whole(html: str, source: str = "") -> str:
    """Return a block as Markdown that needs nothing else of its document (links in full)."""
    return written(tree(html), source)


def _cut(node: Node, at: list[int], start: int, end: int, *, bare: bool = False) -> Node | None:
    """Return what lies between two places of a tree; at[0]: the units before it, moved on.

    bare: without the header and the empty cells that make a table of a part of one.
    """
    if not node.children:
        return _cut_leaf(node, at, start, end)
    children: list[Node] = []
    number = int(node.attributes.get("start", "1"))
    begins: int | None = None
    for child in node.children:
        found = _cut(child, at, start, end, bare=bare)
        if child.kind == "li":
            if found is not None and begins is None:
                begins = number
            number += 1
        if found is None and child.kind in ("td", "th") and not bare:
            found = Node(child.kind, attributes=child.attributes)
        if found is not None:
            children.append(found)
    if not _says(children):
        return None
    if node.kind == "table" and not bare and any(one.kind == "tbody" for one in children):
        header = [one for one in node.children if one.kind == "thead"]
        children = [*header, *(one for one in children if one.kind == "tbody")]
    attributes = dict(node.attributes)
    if begins is not None:
        attributes["start"] = str(begins)
    return Node(node.kind, attributes=attributes, children=children)


def _cut_leaf(node: Node, at: list[int], start: int, end: int) -> Node | None:
    before = at[0]
    at[0] += _weight(node)
    if node.kind != TEXT:
        inside = before < end and (start < at[0] if node.kind == MATH else start <= before)
        return node if inside else None
    said: list[str] = []
    for one in node.text:
        if start <= before < end or (one.isspace() and start < before == end):
            said.append(one)
        before += not one.isspace()
    return Node(TEXT, "".join(said)) if said else None


def _weight(node: Node) -> int:
    """Return the units of a leaf."""
    return units(node.text) if node.kind == TEXT else int(node.kind == MATH)


def _says(children: list[Node]) -> bool:
    """Whether anything is left of a cut element."""
    return any(
        node.kind in (MATH, "hr") or (node.kind == TEXT and bool(node.text.strip()))
        for child in children
        for node in child.walk()
    )


def _only_paragraph(cut: Node) -> Node | None:
    """Return the one element in which all text of a cut stands, None where there are several."""
    node = cut
    while True:
        inner = [child for child in node.children if child.kind != TEXT or child.text.strip()]
        if not inner or all(child.kind in INLINE for child in inner):
            return node if node is not cut else None
        if len(inner) != 1 or inner[0].kind == "pre":
            return None
        node = inner[0]


def _origin(whole: Node, paragraph: Node) -> Node:
    """Return the element of the whole that a paragraph was cut out of."""
    said = _text_of(paragraph)
    for node in whole.walk():
        if node.kind == paragraph.kind and said in _text_of(node):
            return node
    return whole


def _text_of(node: Node) -> str:
    return "".join(SPACE.sub("", one.text) for one in node.walk() if one.kind in (TEXT, MATH))


def _plain(text: str) -> str:
    return SPACE.sub(" ", text.replace("\u00a0", " "))
