"""Footnotes in Markdown, as markdown-it rules: `[^name]` in a line, `[^name]: text` for the note.

A reference is one only where the note is there; until then it is text. Notes are taken out of the
text and numbered in the order in which they are first referred to (the others after them), and
shown at the end. Which numbers there are depends on the whole document, so that the rules only
collect (`env["notes"]`: what is defined, or a `Defined`) and a number is looked up when a reference
is rendered (`env["numbers"]`).
"""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_DEFINITION = re.compile(r"\[\^([^\[\]\s]+)\]:[ \t]*")
_REFERENCE = re.compile(r"\[\^([^\[\]\s]+)\]")
_INDENT = 4
"""Columns by which the further paragraphs of a note are indented."""


@dataclass(frozen=True, slots=True)
class Note:
    """One definition. text: its Markdown, without indentation; source: as it is written.

    first, after: its lines. top: it stands in no list and no quotation.
    """

    text: str
    source: str
    first: int
    after: int
    top: bool


class Defined:
    """Which notes there are; remembers which were asked for, in order."""

    def __init__(self, labels: Container[str]) -> None:
        self._labels = labels
        self.asked: dict[str, None] = {}

    def __contains__(self, label: str) -> bool:
        self.asked[label] = None
        return label in self._labels


def notes_plugin(md: MarkdownIt) -> None:
    """Add the rules, and the token "note_ref", to a parser. Numbers are in env["numbers"]."""
    md.block.ruler.before("reference", "note", _definition, {"alt": ["paragraph", "reference"]})
    md.inline.ruler.before("link", "note_ref", _reference)
    md.add_render_rule("note_ref", _render)


def _definition(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    if state.is_code_block(first):
        return False
    begin = state.bMarks[first] + state.tShift[first]
    found = _DEFINITION.match(state.src, begin, state.eMarks[first])
    if found is None:
        return False
    if silent:
        return True
    top = state.level == 0 and state.blkIndent == 0
    label = normalizeReference(found[1])
    named = state.env.setdefault("notes", {})
    is_first = label not in named
    if is_first:
        # Before those within it, which may have its name.
        named[label] = Note("", "", first, first + 1, top)
    # How far it goes is what a container with such an indentation would hold.
    tokens, indent = state.tokens, state.blkIndent
    kept = state.bMarks[first], state.tShift[first], state.sCount[first], state.parentType
    state.tokens, state.blkIndent = [], indent + _INDENT
    state.bMarks[first], state.tShift[first] = found.end(), 0
    state.sCount[first] = state.blkIndent
    state.level += 1
    state.md.block.tokenize(state, first, last)
    state.level -= 1
    state.tokens, state.blkIndent = tokens, indent
    state.bMarks[first], state.tShift[first], state.sCount[first], state.parentType = kept
    stop = max(state.line, first + 1)
    state.line = stop
    rest = state.getLines(first + 1, stop, indent + _INDENT, False)
    text = state.src[found.end() : state.eMarks[first]] + "\n" + rest
    source = state.getLines(first, stop, state.blkIndent, False).rstrip("\n")
    note = Note(text.strip("\n"), source, first, stop, top)
    if is_first:
        named[label] = note
    state.env.setdefault("all_notes", []).append(note)
    return True


def _reference(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "[" or state.linkLevel > 0:
        return False
    found = _REFERENCE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    label = normalizeReference(found[1])
    if label not in state.env.get("notes", ()):
        return False
    if not silent:
        state.push("note_ref", "sup", 0).meta = {"label": label}
    state.pos = found.end()
    return True


def _render(
    _renderer: RendererHTML,
    tokens: Sequence[Token],
    idx: int,
    _options: OptionsDict,
    env: EnvType,
) -> str:
    label = tokens[idx].meta["label"]
    number = env["numbers"][label]
    first = label not in env["seen"]
    env["seen"].add(label)
    name = f' id="ref-{number}"' if first else ""
    return f'<sup{name}><a href="#note-{number}">{number}</a></sup>'


def numbers(asked: Sequence[str], defined: Sequence[str]) -> dict[str, int]:
    """Return the number of each note: as they are asked for, then as they are defined."""
    known = set(defined)
    order = dict.fromkeys([*(label for label in asked if label in known), *defined])
    return {label: number for number, label in enumerate(order, 1)}


def item(html: str, number: int, *, asked: bool) -> str:
    """Return a note as an item of the list at the end, with the way back to its first reference."""
    back = f'<a href="#ref-{number}">↩</a>' if asked else ""
    if back and html.endswith("</p>\n"):
        html = f"{html.removesuffix('</p>' + chr(10))} {back}</p>\n"
    elif back:
        html = f"{html}<p>{back}</p>\n"
    return f'<li id="note-{number}">\n{html}</li>\n'


def section(items: Sequence[str]) -> tuple[str, ...]:
    """Return the list of notes in parts."""
    return ('<ol class="footnotes">\n', *items, "</ol>\n")
