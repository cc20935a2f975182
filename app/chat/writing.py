"""Writes the tree of a block as Markdown again, escaped as little as it can be.

What is written is read again: where it gives another tree than it was made from, every character
that can mean something is escaped.
"""

import re

from app.chat.htmltree import MATH, ROOT, TEXT, Node, tree
from app.markup import to_html

SPACE = re.compile(r"\s+")
MARKS = {"em": "*", "i": "*", "strong": "**", "b": "**", "s": "~~", "del": "~~"}
INLINE = frozenset({TEXT, MATH, "br", "code", "a", "span", "sup", *MARKS})
_SPECIAL = re.compile(r"[\\`*_<>#$~|&]")
_LANGUAGE = "language-"


def written(node: Node, source: str = "") -> str:
    """Return a tree as Markdown; escaped as little as it can be."""
    if any(_is_notes(child) for child in node.children):
        # Without the text that refers to it, a footnote reads as nothing.
        return _Writer(source, escape=False).blocks(node)
    wanted = shape(node)
    said = _Writer(source, escape=False).blocks(node)
    if shape(tree(to_html(said))) == wanted:
        return said
    return _Writer(source, escape=True).blocks(node)


def _is_notes(node: Node) -> bool:
    return node.kind == "ol" and node.attributes.get("class") == "footnotes"


def _note(node: Node) -> str:
    """Return the mark of a footnote where an element is one, else ""."""
    if node.kind != "sup" or not node.attributes.get("id", "").startswith("ref-"):
        return ""
    link = next((child for child in node.children if child.kind == "a"), node)
    number = link.attributes.get("href", "").removeprefix("#note-")
    return f"[^{number}]"


def shape(node: Node) -> list[tuple[str, str]]:
    """Return what a tree amounts to, for comparing: white space is of no account."""
    found: list[tuple[str, str]] = []
    for one in _marked(node).walk():
        if one.kind == TEXT:
            said = SPACE.sub("", one.text)
            if found and found[-1][0] == TEXT:
                said = found.pop()[1] + said
            if said:
                found.append((TEXT, said))
        elif one.kind not in ("p", ROOT):
            found.append((one.kind, one.text or one.attributes.get("href", "")))
    return found


def _marked(node: Node) -> Node:
    """Return a tree whose marks of footnotes are text, as they are without the footnotes."""
    mark = _note(node)
    if mark:
        return Node(TEXT, mark)
    children = [_marked(child) for child in node.children]
    return Node(node.kind, node.text, node.attributes, children)


class _Writer:
    """Writes a tree as Markdown. source: where marks and delimiters are looked up."""

    def __init__(self, source: str, *, escape: bool) -> None:
        self._source = source
        self._escape = escape
        bullet = re.search(r"^[ \t>]*([-*+])[ \t]", source, re.MULTILINE)
        self._bullet = bullet[1] if bullet else "-"
        numbered = re.search(r"^[ \t>]*\d+([.)])[ \t]", source, re.MULTILINE)
        self._after_number = numbered[1] if numbered else "."

    # ------------------------------------------------------------ blocks

    def blocks(self, node: Node, joint: str = "\n\n") -> str:
        """Return the blocks in an element, parted by a joint."""
        said: list[str] = []
        line: list[Node] = []
        for child in node.children:
            if child.kind in INLINE:
                line.append(child)
                continue
            said.append(self._line(line))
            line = []
            said.append(self._block(child))
        said.append(self._line(line))
        return joint.join(text for text in said if text)

    def _line(self, nodes: list[Node]) -> str:
        return _guarded(self._inline(nodes).strip(" \n")) if nodes else ""

    def _block(self, node: Node) -> str:
        kind = node.kind
        if kind == "hr":
            return "---"
        if kind == "pre":
            return self._fence(node)
        if kind in ("ul", "ol"):
            return self._list(node)
        if kind == "blockquote":
            return _indented(self.blocks(node), "> ", "> ").replace("> \n", ">\n")
        if kind == "table":
            return self._table(node)
        if kind[0] == "h" and kind[1:].isdigit():
            return (
                "#" * int(kind[1:]) + " " + self._inline(node.children).strip().replace("\n", " ")
            )
        return self.blocks(node)

    def _fence(self, node: Node) -> str:
        code = next((child for child in node.children if child.kind == "code"), node)
        text = "".join(child.text for child in code.children).strip("\n")
        named = code.attributes.get("class", "")
        language = named.removeprefix(_LANGUAGE) if named.startswith(_LANGUAGE) else ""
        return fenced(text, language)

    def _list(self, node: Node) -> str:
        items = [child for child in node.children if child.kind == "li"]
        if _is_notes(node):
            return "\n\n".join(self._footnote(item) for item in items)
        loose = any(child.kind == "p" for item in items for child in item.children)
        number = int(node.attributes.get("start", "1"))
        said: list[str] = []
        for at, item in enumerate(items):
            mark = f"{self._bullet} "
            if node.kind == "ol":
                mark = f"{number + at}{self._after_number} "
            box = item.attributes.get("task", "")
            task = "" if not box else "[x] " if box == "☑" else "[ ] "
            body = self.blocks(item, "\n\n" if loose else "\n")
            said.append(_indented(task + body, mark, " " * len(mark)))
        return ("\n\n" if loose else "\n").join(said)

    def _footnote(self, item: Node) -> str:
        number = item.attributes.get("id", "").removeprefix("note-")
        return _indented(self.blocks(item), f"[^{number}]: ", "    ")

    def _table(self, node: Node) -> str:
        rows = [
            [child for child in row.children if child.kind in ("td", "th")]
            for row in node.walk()
            if row.kind == "tr"
        ]
        lines = ["| " + " | ".join(self._cell(cell) for cell in row) + " |" for row in rows]
        rule = "|" + "|".join(_alignment(cell) for cell in rows[0]) + "|"
        return "\n".join([lines[0], rule, *lines[1:]])

    def _cell(self, node: Node) -> str:
        said = self._inline(node.children).strip().replace("\n", " ")
        return re.sub(r"(?<!\\)\|", r"\\|", said)

    # ------------------------------------------------------------ within a line

    def _inline(self, nodes: list[Node]) -> str:
        return "".join(self._one(node) for node in nodes)

    def _one(self, node: Node) -> str:
        if node.kind == TEXT:
            return self._text(node.text)
        if node.kind == MATH:
            return delimited(node.text, self._source, display="data-display" in node.attributes)
        if node.kind == "br":
            return "\\\n"
        if node.kind == "code":
            return _code(_text(node))
        if _note(node):
            return _note(node)
        if node.attributes.get("href", "").startswith("#ref-"):
            return ""
        inside = self._inline(node.children)
        if node.kind == "a":
            return self._link(node, inside)
        mark = MARKS.get(node.kind, "")
        if not mark or not inside.strip():
            return inside
        # Marks hold only where they touch the text.
        lead = inside[: len(inside) - len(inside.lstrip())]
        trail = inside[len(inside.rstrip()) :]
        return f"{lead}{mark}{inside.strip()}{mark}{trail}"

    def _link(self, node: Node, inside: str) -> str:
        address = node.attributes.get("href", "")
        if not self._escape and address in (inside, f"mailto:{inside}", f"http://{inside}"):
            return inside
        title = node.attributes.get("title", "").replace('"', '\\"')
        inner = re.sub(r"[()<>\s\\]", lambda found: f"%{ord(found[0]):02X}", address)
        return f'[{inside}]({inner} "{title}")' if title else f"[{inside}]({inner})"

    def _text(self, text: str) -> str:
        text = text.replace("\u00a0", "&nbsp;" if self._escape else "\u00a0")
        if not self._escape:
            return text
        said = _SPECIAL.sub(lambda found: "\\" + found[0], text.replace("&nbsp;", "\0"))
        said = said.replace("[", "&#91;").replace("]", "&#93;").replace("://", "&#58;//")
        said = said.replace("@", "&#64;").replace("www.", "www&#46;").replace("\0", "&nbsp;")
        return re.sub(r"^(\s*)([-+=]|\d+(?=[.)]))", _at_start, said, flags=re.MULTILINE)


def _at_start(found: re.Match[str]) -> str:
    if found[2].isdigit():
        return f"{found[1]}&#{ord(found[2][0])};{found[2][1:]}"
    return f"{found[1]}\\{found[2]}"


def delimited(tex: str, source: str, *, display: bool) -> str:
    """Return TeX between the delimiters that it has in the source, dollars if it is not found."""
    dollars, opening, closing = ("$$", "\\[", "\\]") if display else ("$", "\\(", "\\)")
    if opening in source:
        pattern = rf"{re.escape(opening)}\s*{re.escape(tex)}\s*{re.escape(closing)}"
        if re.search(pattern, source) is not None:
            return f"{opening}{tex}{closing}"
    return f"{dollars}{tex}{dollars}"


def fenced(code: str, language: str) -> str:
    """Return code in a fence that nothing in it can end."""
    longest = max((len(run) for run in re.findall(r"^ *(`{3,})", code, re.MULTILINE)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}\n{fence}"


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    mark = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") or not text.strip() else ""
    return f"{mark}{pad}{text}{pad}{mark}"


def _text(node: Node) -> str:
    return "".join(child.text for child in node.walk() if child.kind == TEXT)


def _guarded(line: str) -> str:
    """Keep lines of a paragraph from beginning with four spaces of code."""
    return re.sub(r"\n[ \t]+", "\n", line)


def _alignment(cell: Node) -> str:
    style = cell.attributes.get("style", "")
    if "center" in style:
        return ":-:"
    if "right" in style:
        return "--:"
    return ":--" if "left" in style else "---"


def _indented(text: str, first: str, others: str) -> str:
    lines = text.split("\n")
    rest = [others + line if line or others.strip() else "" for line in lines[1:]]
    return "\n".join([first + lines[0], *rest])
